"""Every method of the evaluation."""

from __future__ import annotations

from typing import Any

from napari_trsmi.data.dataset import Kind
from napari_trsmi.evaluation.benchmark.method import Method, Needs
from napari_trsmi.evaluation.benchmark.selection import selected

_HERE = "napari_trsmi.evaluation.benchmark"
_TRSMI = f"{_HERE}.methods.trsmi:run"
_BASELINES = f"{_HERE}.methods.baselines"
_MIXED = f"{_HERE}.methods.mixed_graph:run"

COMPONENTS = {"rpr": "RPR", "align": "Align", "multiscale": "MS-APPNP", "gate": "Sched-β"}
"""The four components that the ablation switches, and their published names."""

_OFF = dict.fromkeys(COMPONENTS, False)


def _trsmi(name: str, label: str, parameters: dict[str, Any], about: str = "") -> Method:
    return Method(name, label, "variant", _TRSMI, parameters, about=about)


def _rival(
    name: str, label: str, run: str, environment: str, about: str, needs: Needs | None = None
) -> Method:
    where = f"{_HERE}.rivals.{run}"
    return Method(name, label, "rival", where, {}, needs or Needs(), environment, about)


_OURS = (
    Method(
        "trsmi",
        "TRSMI",
        "trsmi",
        _TRSMI,
        about="This package, Config(): one setting for all data sets.",
    ),
    _trsmi(
        "trsmi_published",
        "TRSMI, published settings",
        {"preset": "published"},
        "Preset published; 128 dimensions and rate .001 for three modalities, as published. "
        "Its own domains come from row-normalised embeddings.",
    ),
    _trsmi("trsmi_untrained", "TRSMI, untrained", {"epochs": 0}, "The same network at epoch 0."),
    _trsmi(
        "trsmi_none",
        "TRSMI, four components off",
        _OFF,
        "PRAGA-like, with our defaults otherwise.",
    ),
    *(
        _trsmi(f"trsmi_{name}", f"TRSMI, {label} alone", {**_OFF, name: True})
        for name, label in COMPONENTS.items()
    ),
)

_NO_TRAINING = (
    *(
        Method(
            f"only_{kind.value}",
            f"{label} alone",
            "baseline",
            f"{_BASELINES}:one_modality",
            {"kind": kind.value},
            Needs(modalities=(2, 99), kinds=(kind,)),
            about="One modality's features; the same as concatenation where it is the only one.",
        )
        for kind, label in ((Kind.RNA, "RNA"), (Kind.PROTEIN, "Protein"), (Kind.CHROMATIN, "ATAC"))
    ),
    Method("concatenated", "Concatenation", "baseline", f"{_BASELINES}:concatenated"),
    Method(
        "concatenated_mean_1",
        "Concatenation, one spatial mean",
        "baseline",
        f"{_BASELINES}:concatenated",
        {"hops": 1},
        about="Averaged once over the spot and its 6 spatial neighbours.",
    ),
    Method(
        "concatenated_mean_2",
        "Concatenation, two spatial means",
        "baseline",
        f"{_BASELINES}:concatenated",
        {"hops": 2},
    ),
    Method(
        "mixed_graph",
        "Label-free mixed graph",
        "baseline",
        _MIXED,
        {"power": 3.0},
        about="One untrained hop; weights of space and features by held-out prediction, cubed.",
    ),
    Method(
        "mixed_graph_1",
        "Label-free mixed graph, p = 1",
        "baseline",
        _MIXED,
        {"power": 1.0},
        about="The same with the weights as they are.",
    ),
    Method("one_domain", "One domain", "degenerate", about="Every spot the same."),
    Method(
        "permuted",
        "Permuted labels",
        "degenerate",
        about="The labels themselves, dealt out at random.",
    ),
)

_SEVERAL = Needs(modalities=(2, 99))
_RIVALS = (
    _rival(
        "spatialglue",
        "SpatialGlue",
        "spatialglue:run_two",
        "spatialglue",
        "The package's settings: Spatial-epigenome-transcriptome with chromatin, SPOTS otherwise. "
        "Its own domains need R's mclust, which is not here.",
        Needs(modalities=(2, 2)),
    ),
    _rival(
        "spatialglue_3m",
        "SpatialGlue, three modalities",
        "spatialglue:run_three",
        "spatialglue-3m",
        "As SpatialGlue, by its package for three.",
        Needs(modalities=(3, 3)),
    ),
    Method(
        "praga",
        "PRAGA (own, dense)",
        "rival",
        f"{_HERE}.methods.praga:run",
        imports=("torch",),
        about=(
            "No package exists: own code from the paper, with its dense learned N x N graphs. "
            "Edges start at 1 and losses are means, as in TRSMI's preset published."
        ),
    ),
    Method(
        "stagate",
        "STAGATE (own, PyG)",
        "rival",
        f"{_HERE}.methods.stagate:run",
        environment="stagate",
        imports=("torch", "torch_geometric.nn"),
        about=(
            "Own code from the paper on PyTorch Geometric; made for one table, here on the "
            "modalities' components side by side."
        ),
    ),
    _rival(
        "past",
        "PAST",
        "past:run",
        "past",
        "Self-prior, 50 dimensions; made for one table, here on the modalities' components side "
        "by side.",
    ),
    _rival(
        "deepst",
        "DeepST",
        "deepst:run",
        "deepst",
        "RNA alone, without an image. Shims: PyTorch's sparse tensor for torch-sparse's, an empty "
        "torchvision.",
        Needs(kinds=(Kind.RNA,), counts=True),
    ),
    _rival(
        "mofa",
        "MOFA+",
        "mofa:run",
        "mofa",
        "Gaussian, 10 factors, views scaled. Knows nothing of space.",
        _SEVERAL,
    ),
    _rival(
        "totalvi",
        "TotalVI",
        "scvi_models:total_vi",
        "scvi",
        "RNA and protein counts. Knows nothing of space.",
        Needs(kinds=(Kind.RNA, Kind.PROTEIN), counts=True),
    ),
    _rival(
        "multivi",
        "MultiVI",
        "scvi_models:multi_vi",
        "scvi",
        "RNA and chromatin counts. Knows nothing of space.",
        Needs(kinds=(Kind.RNA, Kind.CHROMATIN), counts=True),
    ),
    _rival(
        "citefuse",
        "CiteFuse",
        "citefuse:run",
        "citefuse",
        "Similarity network fusion by snfpy, then spectral clustering: domains only. Knows nothing "
        "of space. Shim: an argument that scikit-learn has renamed.",
        _SEVERAL,
    ),
    _rival(
        "cellcharter",
        "CellCharter",
        "cellcharter:run",
        "cellcharter",
        "Three rings of Delaunay neighbours on the modalities' components side by side.",
    ),
    _rival(
        "spatialleiden",
        "SpatialLeiden",
        "spatialleiden:run",
        "spatialleiden",
        "Domains only: one layer a modality and one of space, equal weights; the adapter bisects "
        "the resolution for the number of domains.",
    ),
    _rival(
        "smopca",
        "SMOPCA",
        "smopca:run",
        "smopca",
        "20 factors; coordinates scaled to [0, 1]. Dense kernel.",
    ),
    _rival(
        "spamv",
        "SpaMV",
        "spamv:run",
        "spamv",
        "Mode for domain clustering, on the components. Shim: numpy.Inf.",
        _SEVERAL,
    ),
)

METHODS = {method.name: method for method in (*_OURS, *_RIVALS, *_NO_TRAINING)}
"""Every method by name, in the order of the report."""

QUICK = ("trsmi", "concatenated", "concatenated_mean_1")
"""The three of ``--quick``."""


def chosen_methods(names: tuple[str, ...]) -> list[Method]:
    """Methods by name; all of them where no name is given.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    return selected(names, METHODS, "method")
