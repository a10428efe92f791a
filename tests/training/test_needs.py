import pytest

from napari_trsmi.config import Config
from napari_trsmi.training import needs
from napari_trsmi.training.needs import MOST_TILES, needs_of, run_memory

WIDTHS = (50, 50)
SMALL, LARGE = 1_000, 1_000_000


@pytest.fixture
def free(monkeypatch):
    """Set how much memory is free."""
    return lambda size: monkeypatch.setattr(needs, "free_memory", lambda: int(size))


def test_what_fits_is_one_tile_and_is_not_worth_saying(free):
    free(4e9)
    found = needs_of(SMALL, WIDTHS, Config())
    assert found.tiles == 1
    assert not found.worth_saying


def test_as_few_tiles_as_fit(free):
    whole = run_memory(LARGE, WIDTHS, Config(), tiles=1)
    least = run_memory(LARGE, WIDTHS, Config(), tiles=MOST_TILES)
    free((least + 0.5 * (whole - least)) / needs.SHARE)
    found = needs_of(LARGE, WIDTHS, Config())
    assert 1 < found.tiles < MOST_TILES
    assert found.tiled <= needs.SHARE * found.free < found.whole
    assert found.worth_saying
    assert f"{found.whole / 1e9:.1f} GB" in str(found)
    assert f"{found.free / 1e9:.1f} GB are free: {found.tiles} tiles" in str(found)
    fewer = run_memory(LARGE, WIDTHS, Config(), tiles=found.tiles - 1)
    assert fewer > needs.SHARE * found.free


def test_what_fits_in_no_way_is_said_with_what_to_do(free):
    free(1e8)
    found = needs_of(LARGE, WIDTHS, Config())
    assert found.tiles == MOST_TILES
    assert "close other programs" in str(found)


def test_a_number_of_ones_own_is_taken(free):
    free(1e8)
    assert needs_of(SMALL, WIDTHS, Config(tiles=3)).tiles == 3


def test_memory_grows_with_the_spots_and_falls_with_the_tiles():
    config = Config()
    one, ten = (run_memory(n, WIDTHS, config, tiles=1) for n in (SMALL, 10 * SMALL))
    assert ten == pytest.approx(10 * one, rel=1e-3)
    sizes = [run_memory(LARGE, WIDTHS, config, tiles=tiles) for tiles in (1, 2, 8)]
    assert sizes == sorted(sizes, reverse=True)
    only_regions = config.replace(all_scales=False)
    assert run_memory(LARGE, WIDTHS, only_regions, tiles=1) < sizes[0]
