from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData
from sklearn.metrics import adjusted_rand_score

from napari_trsmi import assembly, integration, preparation
from napari_trsmi.config import Config
from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.errors import (
    ConfigError,
    DeviceError,
    InputError,
    StoppedError,
    TRSMIWarning,
)
from napari_trsmi.graphs import held_out, neighbors
from napari_trsmi.integration import integrate
from napari_trsmi.palette import PALETTE
from napari_trsmi.training import loop, network_run
from napari_trsmi.training.stop import StopToken

N = 100
SMALL = Config(
    n_domains=3,
    epochs=2,
    n_components=6,
    embedding_dim=6,
    feature_neighbors=6,
    align_neighbors=5,
    max_domains=4,
)


@pytest.fixture(scope="module")
def section():
    """A simulated section with three modalities."""
    sizes = {"rna": 40, "protein": 16, "chromatin": 40}
    return simulate(n_spots=N, n_features=sizes, image=False)


@pytest.fixture(scope="module")
def tables(section) -> dict[str, AnnData]:
    return {modality.name: modality.table for modality in section.modalities}


@pytest.fixture(scope="module")
def result(section):
    return integrate(section, config=SMALL)


def reordered(tables, seed):
    """The same tables, the rows of each in another order."""
    rng = np.random.default_rng(seed)
    return {name: table[rng.permutation(table.n_obs)].copy() for name, table in tables.items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_spots_changes_nothing_bit_for_bit(tables, seed):
    straight = integrate(tables, config=SMALL)
    shuffled = integrate(reordered(tables, seed), config=SMALL)
    names = straight.domains.index
    assert not shuffled.domains.index.equals(names)
    assert shuffled.domains[names].tolist() == straight.domains.tolist()
    back = shuffled.domains.index.get_indexer(names)
    np.testing.assert_array_equal(shuffled.embedding[back], straight.embedding)
    pd.testing.assert_series_equal(shuffled.confidence[names], straight.confidence)
    pd.testing.assert_frame_equal(shuffled.modality_weights.loc[names], straight.modality_weights)


def test_tiles_give_the_same_domains_and_are_said_before_the_work(section):
    config = SMALL.replace(epochs=0)
    whole = integrate(section, config=config)
    with pytest.warns(TRSMIWarning, match="3 tiles"):
        tiled = integrate(section, config=config, tiles=3)
    assert (whole.record["tiles"], tiled.record["tiles"]) == (1, 3)
    assert (whole.record["parameters"]["tiles"], tiled.record["parameters"]["tiles"]) == ("auto", 3)
    assert any("3 tiles" in note for note in tiled.record["notes"])
    for scale in whole.domains_by_scale:
        pair = (run.domains_by_scale[scale] for run in (whole, tiled))
        assert adjusted_rand_score(*pair) > 0.97


def test_spots_come_in_the_order_of_the_first_table(tables):
    shuffled = reordered(tables, 3)
    first = next(iter(shuffled.values())).obs_names
    found = integrate(shuffled, config=SMALL)
    assert found.domains.index.equals(first)
    places = pd.DataFrame(tables["rna"].obsm["spatial"], tables["rna"].obs_names)
    np.testing.assert_array_equal(found.coordinates, places.loc[first])


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(section, result):
    again, other = (integrate(section, config=SMALL, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(again.embedding, result.embedding)
    assert again.domains.equals(result.domains)
    assert not np.allclose(other.embedding, result.embedding)


@pytest.mark.parametrize("names", [["chromatin"], ["protein", "rna"], ["rna"]])
def test_any_number_of_modalities(tables, names):
    found = integrate({name: tables[name] for name in names}, config=SMALL)
    assert list(found.modality_weights) == names
    assert found.n_domains == 3
    np.testing.assert_allclose(found.modality_weights.sum(axis=1), 1, rtol=1e-5)
    assert [modality["name"] for modality in found.record["modalities"]] == names


def test_ready_features_are_integrated_from_obsm(section):
    rng = np.random.default_rng(0)
    adata = AnnData(obs=pd.DataFrame(index=section.spots), obsm={"spatial": section.coordinates})
    labels = section.annotations["domain"].cat.codes.to_numpy()
    for name in ("X_one", "X_two"):
        adata.obsm[name] = 2 * rng.normal(size=(5, 8))[labels] + rng.normal(size=(N, 8))
    found = integrate(adata, config=SMALL, features=["X_one", "X_two"], n_domains=5)
    assert adjusted_rand_score(labels, found.domains) > 0.5
    assert {modality["kind"] for modality in found.record["modalities"]} == {"features"}


def test_what_a_result_holds(section, result):
    assert result.domains.index.equals(section.spots)
    assert isinstance(result.domains.dtype, pd.CategoricalDtype)
    assert result.domains.cat.categories.tolist() == ["1", "2", "3"]
    sizes = result.domains.value_counts()[["1", "2", "3"]]
    assert sizes.is_monotonic_decreasing
    n_axes = sum(modality["n_components"] for modality in result.record["modalities"])
    assert result.embedding.shape == (N, n_axes)
    assert result.scale == 1.0
    assert result.scales == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert (result.at_scale(1.0).domains == result.domains).all()
    assert result.embedding.dtype == np.float32
    assert result.confidence.between(0, 1).all()
    assert result.annotations.equals(section.annotations)
    assert result.history["epoch"].tolist() == [1, 2]
    assert {"loss", "reconstruction", "graph", "beta", "seconds", "memory"} <= set(result.history)


def test_the_record_is_complete_and_plain_json(section, result):
    record = json.loads(json.dumps(result.record, allow_nan=False))
    assert Config(**record["parameters"]) == SMALL
    assert record["parameters"]["seed"] == 0
    assert {"python", "torch", "numpy", "napari-trsmi", "scanpy"} <= set(record["versions"])
    assert record["device"] == "cpu"
    assert record["threads"] == 1
    assert record["n_spots"] == N
    assert record["stopped"] == ""
    assert record["alignment_search"] == "exact"
    assert record["n_domains_curve"] is None
    assert record["seconds"] > 0
    assert record["platform"]
    for found, modality in zip(record["modalities"], section.modalities, strict=True):
        assert found["digest"] == section.digests[modality.name] != ""
        assert found["n_features"] == modality.table.n_vars
        assert found["n_components"] <= 6
        assert sum(found["start_weights"].values()) == pytest.approx(1)
        assert min(found["graph_weights"].values()) > 0


def test_weights_that_were_not_measured_are_recorded_without_nan(section):
    found = integrate(section, config=SMALL, graph_weights="even")
    assert [modality["held_out_r2"] for modality in found.record["modalities"]] == [None] * 3
    json.dumps(found.record, allow_nan=False)


def test_notes_of_loading_and_of_preprocessing_are_kept(section, result):
    assert result.record["notes"][0] == section.notes[0]
    assert any(note.startswith("chromatin: LSI component") for note in result.record["notes"])


def test_every_epoch_is_reported(section):
    reports = []
    found = integrate(section, config=SMALL, on_epoch=reports.append)
    assert [report.epoch for report in reports] == [1, 2]
    assert found.history["loss"].tolist() == [report.loss for report in reports]


@pytest.mark.parametrize("keep", [True, False])
def test_a_run_that_is_stopped_keeps_what_it_has_only_if_told_to(section, keep):
    token = StopToken()

    def stop_after_first(report):
        token.stop(keep=keep)

    def run():
        return integrate(section, config=SMALL, epochs=50, stop=token, on_epoch=stop_after_first)

    if not keep:
        with pytest.raises(StoppedError, match="nothing was kept"):
            run()
        return
    found = run()
    assert len(found.history) == 1
    assert found.record["stopped"] == "stopped by the user after 1 of 50 epochs"
    assert "Training stopped by the user after 1 of 50 epochs." in found.record["notes"]
    assert found.n_domains == 3


def test_untrained_and_stopped_before_the_first_epoch(section):
    untrained = integrate(section, config=SMALL, epochs=0)
    assert untrained.history.empty
    assert "loss" in untrained.history
    token = StopToken()
    token.stop(keep=True)
    stopped = integrate(section, config=SMALL, stop=token)
    assert stopped.history.empty


def test_a_loss_that_is_not_finite_is_a_warning_and_a_note(section, monkeypatch):
    step = loop._Training._step

    def spoiled(self, epoch, progress):
        loss, terms = step(self, epoch, progress)
        return (float("nan") if epoch == 2 else loss), terms

    monkeypatch.setattr(loop._Training, "_step", spoiled)
    with pytest.warns(TRSMIWarning, match="The loss became nan at epoch 2 of 5") as caught:
        found = integrate(section, config=SMALL, epochs=5)
    assert caught.pop(TRSMIWarning).filename == __file__
    assert "became nan" in found.record["stopped"]
    assert len(found.history) == 1


def test_a_reference_lends_its_numbers_where_they_overlap_most(section, result):
    renamed = {"1": "7", "2": "2", "3": "4"}
    numbers = result.domains.cat.rename_categories(renamed)
    other = replace(result, domains=numbers[numbers.index[::-1][:80]])
    found = integrate(section, config=SMALL, reference=other)
    assert found.domains.astype(str).tolist() == numbers.astype(str).tolist()
    assert found.domains.cat.categories.tolist() == ["7", "2", "4"]


def test_names_and_colours_stay_with_their_domains(section, result):
    named = result.domains.cat.rename_categories({"1": "white matter", "3": "6"})
    colors = {"white matter": "#123456", "2": PALETTE[5]}
    again = integrate(
        section, config=SMALL, reference=replace(result, domains=named, custom_colors=colors)
    )
    assert again.domains.astype(str).tolist() == named.astype(str).tolist()
    assert again.colors == {**colors, "6": PALETTE[0]}


def test_domains_that_the_reference_lacks_get_fresh_numbers_and_colours(section, result):
    merged = result.domains.astype(str).map({"1": "cortex", "2": "9", "3": "cortex"})
    coarse = merged.astype(pd.CategoricalDtype(["cortex", "9"]))
    earlier = replace(result, domains=coarse, custom_colors={"cortex": PALETTE[1]})
    found = integrate(section, config=SMALL, reference=earlier)
    assert found.domains.cat.categories.tolist() == ["cortex", "9", "10"]
    assert found.colors == {"cortex": PALETTE[1], "9": PALETTE[0], "10": PALETTE[2]}
    larger = max(("1", "3"), key=result.domains.value_counts().__getitem__)
    assert (found.domains[result.domains == larger] == "cortex").all()


def test_a_name_is_not_given_to_a_domain_without_a_spot_of_it(make_result):
    index = pd.Index([f"spot_{spot}" for spot in range(9)])
    theirs = pd.Series(pd.Categorical([*"aaaaab", *"aaa"]), index=index)
    numbers = pd.Series([1] * 6 + [2] * 3, index=index)
    earlier = replace(make_result(n_spots=9), domains=theirs)
    assert assembly._named_like(numbers, earlier) == {1: "a", 2: "1"}


def test_domains_outside_the_reference_get_new_numbers(section, result):
    first = result.domains[result.domains == "1"]
    found = integrate(section, config=SMALL, reference=replace(result, domains=first))
    assert found.domains[first.index].unique().tolist() == ["1"]
    assert found.domains.cat.categories.tolist() == ["1", "2", "3"]


def test_mistakes_are_told_before_anything_is_computed(section, result, monkeypatch):
    def compute(*args):
        raise AssertionError("computed")

    monkeypatch.setattr(preparation, "feature_matrix", compute)
    elsewhere = replace(result, domains=result.domains.rename(lambda name: f"other_{name}"))
    with pytest.raises(InputError, match="shares no spot names"):
        integrate(section, config=SMALL, reference=elsewhere)
    with pytest.raises(InputError, match="100 spots are too few for 51 domains"):
        integrate(section, config=SMALL, n_domains=51)
    with pytest.raises(ConfigError, match="Unknown parameter 'n_cluster'"):
        integrate(section, n_cluster=3)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has an NVIDIA GPU")
def test_asking_for_a_gpu_that_is_not_there_is_an_error(section):
    with pytest.raises(DeviceError, match=r"'cuda' was asked for.*Available: cpu"):
        integrate(section, config=SMALL, device="cuda")


def test_a_gpu_is_recorded_by_its_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    assert network_run.device_name(torch.device("cuda")) == "cuda (NVIDIA H100)"


@pytest.fixture(params=["the search for neighbours", "training"])
def full_device(request, monkeypatch):
    """Pretend that there is a GPU, and that its memory runs out at some step."""
    monkeypatch.setattr(integration, "choose_device", lambda name: torch.device("meta"))
    monkeypatch.setattr(integration, "device_name", str)

    def fail():
        raise torch.OutOfMemoryError("tried to allocate 2 GiB")

    search, start = neighbors.top_cosine, loop._Training.__init__

    def search_there(*args, device, **options):
        if str(device) == "meta" and request.param != "training":
            fail()
        return search(*args, **options)

    def train_there(self, problem, config, device):
        if device.type == "meta":
            fail()
        start(self, problem, config, device)

    for module in (neighbors, held_out):
        monkeypatch.setattr(module, "top_cosine", search_there)
    monkeypatch.setattr(loop._Training, "__init__", train_there)


@pytest.mark.usefixtures("full_device")
def test_a_gpu_without_enough_memory_is_an_error(section):
    with pytest.raises(DeviceError, match=r"ran out of memory: about \d+ MiB are needed"):
        integrate(section, config=SMALL)


@pytest.mark.usefixtures("full_device")
def test_the_cpu_takes_over_if_that_is_allowed(section, result):
    with pytest.warns(TRSMIWarning, match="Went on with the CPU: The meta device") as caught:
        found = integrate(section, config=SMALL, allow_cpu_fallback=True)
    assert caught.pop(TRSMIWarning).filename == __file__
    assert found.record["device"] == "cpu"
    assert sum("Went on with the CPU" in note for note in found.record["notes"]) == 1
    np.testing.assert_array_equal(found.embedding, result.embedding)


@pytest.mark.gpu
def test_a_gpu_finds_the_same_domains():
    tissue = simulate(n_spots=400, image=False)
    here, there = (integrate(tissue, n_domains=5, device=device) for device in ("cpu", "auto"))
    assert there.record["device"].startswith("cuda (")
    assert adjusted_rand_score(here.domains, there.domains) > 0.95
    assert (there.history["memory"] > 0).all()


def test_the_number_of_domains_can_be_found(section):
    found = integrate(section, config=SMALL, n_domains="auto")
    curve = found.record["n_domains_curve"]
    assert curve["n_domains"] == [2, 3, 4]
    assert len(curve["stability"]) == 3
    assert found.n_domains in curve["n_domains"]
    assert any(note.startswith(f"{found.n_domains} domains") for note in found.record["notes"])


def test_leiden_clusters_too(section):
    found = integrate(section, config=SMALL, clustering="leiden", n_domains="auto")
    assert found.n_domains > 1
    assert found.record["n_domains_curve"] is None
    assert found.confidence.between(0, 1).all()


@pytest.mark.parametrize("component", ["rpr", "align", "multiscale", "gate"])
def test_each_component_can_be_switched_on_alone(section, component):
    off = dict.fromkeys(("rpr", "align", "multiscale", "gate"), False)
    found = integrate(section, config=SMALL.replace(**off), **{component: True})
    assert np.isfinite(found.embedding).all()
    assert found.record["parameters"][component]
    assert (found.record["alignment_search"] == "exact") == (component == "align")


def test_the_published_preset_runs(section):
    config = Config.from_preset("published", n_domains=5, epochs=3, prototype_start=0.4)
    found = integrate(section, config=config)
    assert found.n_domains == 5
    assert found.history["prototypes"].notna().tolist() == [False, True, True]
    assert np.isfinite(found.embedding).all()


def test_the_tables_passed_in_stay_as_they_are(tables):
    before = {name: table.copy() for name, table in tables.items()}
    integrate(tables, config=SMALL)
    for name, table in tables.items():
        assert (table.X != before[name].X).nnz == 0
        pd.testing.assert_frame_equal(table.obs, before[name].obs)
        assert set(table.obsm) == set(before[name].obsm)


def test_an_ordinary_run_warns_of_nothing(section, no_warnings):
    """In napari every warning becomes a notification."""
    with no_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support")  # as graphs.products does
        integrate(section, config=SMALL, prototype_weight=1.0, prototype_start=0.0)


def test_domains_are_found_on_a_simulated_section():
    """With the defaults, on an easy section: no more than a smoke test of the method."""
    easy = simulate(
        n_spots=324,
        n_features={"rna": 150, "protein": 40},
        modalities=("rna", "protein"),
        image=False,
    )
    found = [integrate(easy, n_domains=5, seed=seed).domains for seed in range(5)]
    labels = easy.annotations["domain"]
    assert np.mean([adjusted_rand_score(labels, domains) for domains in found]) > 0.55


def test_the_published_simulation_on_disk(shared_data):
    folder = shared_data / "sim_triplet"
    paths = sorted(folder.glob("*.h5ad"))
    if not paths:
        pytest.skip(f"no tables in {folder}")
    found = integrate([str(path) for path in paths], config=SMALL, n_domains=5, epochs=1)
    assert len(found.domains) == 1296
    assert found.n_domains == 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"image": np.zeros((4, 4, 3), np.uint8)}, "image can change nothing. Pass it to load"),
        ({"positions": "xy.csv", "features": ["rna"]}, "features and positions can change nothing"),
        ({"section": "b", "keep": "controls"}, "section and keep can change nothing"),
    ],
)
def test_how_to_load_is_refused_for_what_is_loaded(given, said):
    data = simulate(n_spots=60, modalities=("rna", "protein"), image=False)
    with pytest.raises(InputError, match=f"loaded already, so {said}"):
        integrate(data, n_domains=3, **given)


@pytest.fixture(scope="module")
def stained():
    return simulate("tissue", modalities=["rna"])


def test_a_picture_tells_domains_that_the_tables_do_not(stained):
    truth = stained.annotations["domain"]
    without = integrate(stained, n_domains=6, all_scales=False)
    with_it = integrate(stained, n_domains=6, all_scales=False, image_features="texture")
    assert list(with_it.modality_weights) == ["rna", "image"]
    assert with_it.record["pictures"]["image"] > 3
    assert adjusted_rand_score(truth, with_it.domains) > 0.2 + adjusted_rand_score(
        truth, without.domains
    )


def test_a_meaningless_picture_changes_nothing(stained):
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1200, 3), dtype=np.uint8)
    wrong = replace(stained, image=TissueImage(noise))
    without = integrate(stained, n_domains=6)
    with_it = integrate(wrong, n_domains=6, image_features="texture")
    pd.testing.assert_series_equal(with_it.domains, without.domains)
    assert (with_it.modality_weights["image"] == 0).all()
    assert any("left out" in note for note in with_it.record["notes"])
