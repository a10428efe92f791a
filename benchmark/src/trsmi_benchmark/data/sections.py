"""Every data set of the evaluation."""

from __future__ import annotations

from napari_trsmi.errors import InputError
from trsmi_benchmark.data.cases import Case
from trsmi_benchmark.data.public import LABELS, PublicSection

_OF_ATAC = (
    "The labels are clusters of the ATAC modality, spot by spot, so a method that listens to ATAC "
    "alone is favoured: read them beside the RNA-ATAC consistency."
)


def _cortex(section: str) -> Case:
    file = (
        "dlpfc_151673/rna_features_visium.h5ad"
        if section == "151673"
        else f"annotated/cortex_{section}.h5ad"
    )
    name = f"cortex_{section}"
    return Case(name, f"Cortex {section}", "regions", "Cortex", (("", file),), "layer")


def _tumour(section: str, file: str, note: str = "") -> Case:
    name, title = f"tumour_her2_{section}", f"HER2 tumour {section.upper()}"
    files = (("rna", file),)
    return Case(name, title, "regions", "HER2 tumours", files, "pathologist_label", note=note)


def _lymph_node(section: str, file: str) -> Case:
    return Case(
        f"lymph_node_{section}",
        f"Lymph node {section.upper()}",
        "regions",
        "Lymph node",
        (("adt", file),),
        note=(
            "The protein part alone: the RNA matrix could not be had. Its two annotators agree "
            "with each other at ARI 44, which is a ceiling."
        ),
    )


def _single_cells(name: str, title: str, file: str, labels: str) -> Case:
    return Case(name, title, "regions", title, (("", f"annotated/{file}.h5ad"),), labels)


def _simulated(setting: str, title: str) -> Case:
    return Case(f"simulated_{setting}", title, "simulations", title, setting=setting)


def _simulation(name: str, title: str, kinds: tuple[str, ...]) -> Case:
    files = tuple((kind, f"{name}/{kind}.h5ad") for kind in kinds)
    return Case(name, title, "simulations", title, files)


CASES = {
    case.name: case
    for case in (
        *(_cortex(section) for section in ("151507", "151670", "151673", "151675")),
        _tumour(
            "a1",
            "her2_a1/rna.h5ad",
            "282 of 346 spots have one label, so one domain for all scores high.",
        ),
        *(_tumour(s, f"annotated/tumour_her2_{s}.h5ad") for s in ("b1", "g2", "h1")),
        Case(
            "tumour_visium_block_a",
            "Visium tumour block A",
            "regions",
            "Visium tumour",
            (("", "annotated/tumour_visium_block_a.h5ad"),),
            "region",
        ),
        _single_cells(
            "prefrontal_bz9", "Prefrontal cortex, STARmap", "prefrontal_starmap_bz9", "layer"
        ),
        _single_cells(
            "hypothalamus_09", "Hypothalamus, MERFISH", "hypothalamus_merfish_09", "region"
        ),
        _lymph_node("a1", "human_lymph_node_a1/adt.h5ad"),
        _lymph_node("d1", "sections/human_lymph_node_d1_adt.h5ad"),
        Case(
            "public_lymph_node",
            "Lymph node A1 with RNA",
            "regions",
            "Lymph node with RNA",
            labels=LABELS,
            public=PublicSection(
                "praga",
                (("rna", "HLN/adata_RNA.h5ad"), ("adt", "HLN/adata_ADT.h5ad")),
                "HLN/GT_labels.txt",
            ),
        ),
        _simulated("published", "Simulation, published setting"),
        _simulated("complementary", "Simulation, complementary modalities"),
        _simulated("noisy", "Simulation, noisy"),
        _simulated("imbalanced", "Simulation, imbalanced domains"),
        _simulated("dropout", "Simulation, lost spots"),
        _simulated("tissue", "Simulation, tissue"),
        _simulation("sim_triplet", "SpatialGlue simulation 6", ("rna", "adt", "atac")),
        _simulation("sim_complementary", "SpaMosaic complementary simulation", ("rna", "adt")),
        Case(
            "mouse_brain_p22",
            "Mouse brain P22, ATAC",
            "states",
            "Mouse brain P22, ATAC",
            (("", "mouse_brain_p22/rna_atac_features.h5ad"),),
            labels="atac_cluster",
            more_labels=("rna_cluster",),
            note=_OF_ATAC,
        ),
        Case(
            "mouse_brain_h3k27me3",
            "Mouse brain P22, H3K27me3",
            "states",
            "Mouse brain P22, H3K27me3",
            (("", "annotated/mouse_brain_p22_h3k27me3.h5ad"),),
            labels="epigenome_cluster",
            note="The labels are clusters of the epigenome, spot by spot.",
        ),
        Case(
            "public_mouse_brain",
            "Mouse brain P22, all genes",
            "states",
            "Mouse brain P22, all genes",
            labels=LABELS,
            public=PublicSection(
                "praga",
                (
                    ("rna", "Mouse_Brain/adata_RNA.h5ad"),
                    ("atac", "Mouse_Brain/adata_peaks_normalized.h5ad"),
                ),
                "MB_cluster.txt",
                min_genes=200,
            ),
            note=_OF_ATAC,
        ),
    )
}
"""Every data set by name, in the order of the report."""


def chosen_cases(names: tuple[str, ...]) -> list[Case]:
    """Data sets by name or by group; all of them where no name is given.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    found: dict[str, Case] = {}
    for name in names or CASES:
        of_group = {case.name: case for case in CASES.values() if case.group == name}
        if name not in CASES and not of_group:
            raise InputError(
                f"There is no data set {name!r}; there are {', '.join(CASES)}, and the groups "
                "regions, states and simulations."
            )
        found |= of_group or {name: CASES[name]}
    return list(found.values())
