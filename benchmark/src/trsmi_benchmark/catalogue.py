"""Every method of the evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_trsmi.errors import InputError
from trsmi_benchmark.method import Method, Needs

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Kind

_HERE = "trsmi_benchmark"
_TRSMI = f"{_HERE}.trsmi:run"
_NAIVE = f"{_HERE}.naive"

COMPONENTS = {"rpr": "RPR", "align": "Align", "multiscale": "MS-APPNP", "gate": "Sched-β"}
"""The four components that the ablation switches, and their published names."""

STATES: dict[str, Any] = {"scale": 0.0, "all_scales": False}
"""The domains that the network finds, and those alone."""

TRAINED: dict[str, Any] = {**STATES, "epochs": 20}

AUTO = "trsmi_auto"
"""The method that is not told how many domains there are."""

_OFF = {**TRAINED, **dict.fromkeys(COMPONENTS, False)}


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
        {"all_scales": False},
        about="This package's defaults, regions: one setting for all data sets. That other scales "
        "are left out saves time and changes nothing.",
    ),
    _trsmi(
        AUTO,
        "TRSMI, number of domains chosen",
        {"all_scales": False, "n_domains": "auto"},
        "The defaults, and the number of regions chosen as well.",
    ),
    _trsmi("trsmi_states", "TRSMI, states", STATES, "The network's clusters, untrained: scale 0."),
    _trsmi("trsmi_trained", "TRSMI, states, trained", TRAINED, "The same after 20 epochs."),
    _trsmi(
        "trsmi_published",
        "TRSMI, published settings",
        {"preset": "published"},
        "Preset published; 128 dimensions and rate .001 for three modalities, as published. "
        "Its own domains come from row-normalised embeddings.",
    ),
    _trsmi(
        "trsmi_none",
        "TRSMI, four components off",
        _OFF,
        "PRAGA-like, states, trained for 20 epochs.",
    ),
    *(
        _trsmi(f"trsmi_{name}", f"TRSMI, {label} alone", {**_OFF, name: True})
        for name, label in COMPONENTS.items()
    ),
)


def _naive(
    name: str, label: str, run: str, parameters: dict[str, Any] | None = None, about: str = ""
) -> Method:
    return Method(name, label, "naive", f"{_NAIVE}.{run}", parameters or {}, about=about)


_ONE: tuple[tuple[Kind, str], ...] = (
    ("rna", "RNA"),
    ("protein", "Protein"),
    ("chromatin", "ATAC"),
)

_NO_TRAINING = (
    *(
        Method(
            f"only_{kind}",
            f"{label} alone",
            "naive",
            f"{_NAIVE}.means:one_modality",
            {"kind": kind},
            Needs(modalities=(2, 99), kinds=(kind,)),
            about="One modality's features; the same as no mean where it is the only one.",
        )
        for kind, label in _ONE
    ),
    _naive("means_0", "No mean", "means:concatenated", about="The modalities side by side."),
    _naive(
        "means_1",
        "One spatial mean",
        "means:concatenated",
        {"hops": 1},
        "The modalities side by side, averaged over the spot and its 6 spatial neighbours.",
    ),
    _naive("means_2", "Two spatial means", "means:concatenated", {"hops": 2}, "The same twice."),
    _naive(
        "hops",
        "Hops 0-3 side by side",
        "hops:side_by_side_hops",
        about="The features beside their means over the spots 1, 2 and 3 steps away: CellCharter's "
        "aggregation.",
    ),
    _naive(
        "few_axes",
        "Few spatial axes",
        "few_axes:run",
        about="6 axes of largest spatial covariance a modality, two spatial means, a mixture with "
        "a covariance for each domain, the likeliest of 15 starts.",
    ),
    _naive(
        "mixed_graph",
        "Label-free mixed graph",
        "mixed_graph:run",
        {"power": 3.0},
        "One untrained hop; weights of space and features by held-out prediction, cubed.",
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
        f"{_HERE}.papers.praga:run",
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
        f"{_HERE}.papers.stagate:run",
        environment="stagate",
        imports=("torch", "torch_geometric.nn"),
        about=(
            "Own code from the paper on PyTorch Geometric; made for one table, here on the "
            "modalities' components side by side."
        ),
    ),
    _rival(
        "graphst",
        "GraphST",
        "graphst:run",
        "graphst",
        "Counts by its own preprocessing, else the components; its refinement over 50 neighbours "
        "on the common clustering, as R's mclust is not here. Made for one table.",
    ),
    _rival(
        "banksy",
        "BANKSY",
        "banksy:run",
        "banksy",
        "Lambda .8, 15 neighbours, Leiden with its own search of the resolution; components.",
    ),
    _rival(
        "graphpca",
        "GraphPCA",
        "graphpca:run",
        "graphpca",
        "50 components, weight .5, 6 neighbours, k-means, on the components.",
    ),
    _rival(
        "smart",
        "SMART",
        "smart:run",
        "smart",
        "The package's settings. In the package as it is encoders are in a plain list, so that "
        "only the fusion is trained. Its own domains need R's mclust, which is not here.",
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
        Needs(kinds=("rna",), counts=True),
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
        Needs(kinds=("rna", "protein"), counts=True),
    ),
    _rival(
        "multivi",
        "MultiVI",
        "scvi_models:multi_vi",
        "scvi",
        "RNA and chromatin counts. Knows nothing of space.",
        Needs(kinds=("rna", "chromatin"), counts=True),
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

QUICK = ("trsmi", "means_0", "means_1")
"""The three of ``--quick``."""


def chosen_methods(names: tuple[str, ...]) -> list[Method]:
    """Methods by name or by group; all of them where no name is given.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    found: dict[str, Method] = {}
    for name in names or METHODS:
        of_group = {method.name: method for method in METHODS.values() if method.group == name}
        if name not in METHODS and not of_group:
            raise InputError(
                f"There is no method {name!r}; there are {', '.join(METHODS)}, and the groups "
                "variant, rival, naive and degenerate."
            )
        found |= {name: METHODS[name]} if name in METHODS else of_group
    return list(found.values())
