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
    one, two, ten = (run_memory(n * LARGE, WIDTHS, config, tiles=1) for n in (1, 2, 10))
    assert ten - two == pytest.approx(8 * (two - one), rel=1e-6)  # and what is loaded once
    sizes = [run_memory(LARGE, WIDTHS, config, tiles=tiles) for tiles in (1, 2, 8)]
    assert sizes == sorted(sizes, reverse=True)
    only_regions = config.replace(all_scales=False)
    assert run_memory(LARGE, WIDTHS, only_regions, tiles=1) < sizes[0]


@pytest.mark.parametrize(
    ("n_spots", "all_scales", "taken"),
    [
        (10_000, True, 0.25e9),
        (10_000, False, 0.15e9),
        (100_000, True, 0.68e9),
        (1_000_000, True, 3.26e9),
        (1_000_000, False, 1.97e9),
    ],
)
def test_the_estimate_is_what_runs_took_and_at_most_a_quarter_more(n_spots, all_scales, taken):
    """Peaks of `benchmark/speed/sizes.py` of 2026-11-28, less what was held before.

    Those of a million spots are of code that held a little more.
    """
    config = Config(all_scales=all_scales)
    protein = 8 * 4 * 50 * n_spots
    assert 1 < run_memory(n_spots, WIDTHS, config, tiles=1, work=protein) / taken < 1.25


def test_training_is_counted_and_said_where_it_does_not_fit(free):
    trained, regions = Config(epochs=20), Config(epochs=20, all_scales=False)
    assert run_memory(LARGE, WIDTHS, trained, tiles=8) > 5 * run_memory(
        LARGE, WIDTHS, Config(), tiles=8
    )
    assert run_memory(LARGE, WIDTHS, regions, tiles=8) == run_memory(
        LARGE, WIDTHS, regions.replace(epochs=0), tiles=8
    )
    free(4e9)
    assert "leave it out (epochs=0)" in str(needs_of(LARGE, WIDTHS, trained))
    assert "epochs=0" not in str(needs_of(LARGE, WIDTHS, Config()))
