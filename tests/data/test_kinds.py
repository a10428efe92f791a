import pandas as pd
import pytest

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.kinds import kind_from_features, kind_from_name, kind_from_word


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("rna", Kind.RNA),
        ("Gene Expression", Kind.RNA),
        ("protein", Kind.PROTEIN),
        ("ADT", Kind.PROTEIN),
        ("antibody", Kind.PROTEIN),
        ("Antibody Capture", Kind.PROTEIN),
        ("chromatin", Kind.CHROMATIN),
        ("atac", Kind.CHROMATIN),
        ("Peaks", Kind.CHROMATIN),
        ("gene_activity", Kind.CHROMATIN),
        ("features", Kind.FEATURES),
        ("metabolites", Kind.METABOLITE),
        ("Lipids", Kind.METABOLITE),
        ("H3K27me3", Kind.CHROMATIN),
        ("h3k4me1", Kind.CHROMATIN),
        ("H3K27ac", Kind.CHROMATIN),
        ("CUT&Tag", Kind.CHROMATIN),
        ("morphology", None),
        ("Histology", Kind.IMAGE),
        ("CRISPR Guide Capture", None),
    ],
)
def test_words_people_and_10x_use(word, kind):
    assert kind_from_word(word) is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("rna.h5ad", Kind.RNA),
        ("GSM1_scRNAseq.csv.gz", Kind.RNA),
        ("HVG_top10.csv", Kind.RNA),
        ("sample_gex.h5", Kind.RNA),
        ("HVP_top10.csv", Kind.PROTEIN),
        ("s1-ADT.h5ad", Kind.PROTEIN),
        ("citeseq.tsv", Kind.PROTEIN),
        ("peak_matrix.h5", Kind.CHROMATIN),
        ("gene_activity.csv", Kind.CHROMATIN),
        ("rna_atac_features.h5ad", None),
        ("brain_H3K27ac.h5ad", Kind.CHROMATIN),
        ("maldi_lipids.csv", Kind.METABOLITE),
        ("filtered_feature_bc_matrix.h5", None),
        # Letters inside another word are no word: jouRNAl, exCITEd, GENEric.
        ("journal_excited_generic.csv", None),
    ],
)
def test_file_names(name, kind):
    assert kind_from_name(name) is kind


def test_many_symbols_are_genes_and_intervals_are_peaks():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    symbols = pd.Index(
        [f"{a}{b}X{i}" for i, (a, b) in enumerate((a, b) for a in letters for b in letters)]
    )
    intervals = pd.Index([f"chr{i % 19}:{i * 500}-{i * 500 + 499}" for i in range(300)])
    assert kind_from_features(symbols) is Kind.RNA
    assert kind_from_features(pd.Index([f"ENSG{i:011d}" for i in range(300)])) is Kind.RNA
    assert kind_from_features(intervals) is Kind.CHROMATIN


def test_few_or_numbered_names_tell_nothing():
    assert kind_from_features(pd.Index(["CD3", "CD4", "CD19"])) is None
    assert kind_from_features(pd.Index([f"feature_{i}" for i in range(500)])) is None
    assert kind_from_features(pd.Index([str(i) for i in range(500)])) is None
