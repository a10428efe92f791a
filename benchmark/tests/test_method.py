from __future__ import annotations

import pytest

from trsmi_benchmark.exchange import Block, Inputs
from trsmi_benchmark.method import Needs


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (Needs(), ""),
        (Needs(modalities=(2, 2)), ""),
        (Needs(modalities=(3, 3)), "takes three modalities"),
        (Needs(modalities=(1, 1)), "takes one modality"),
        (Needs(modalities=(4, 4)), "takes 4 modalities"),
        (Needs(modalities=(3, 99)), "takes three modalities or more"),
        (Needs(kinds=("rna",)), ""),
        (Needs(kinds=("rna", "chromatin")), "needs chromatin"),
        (Needs(kinds=("rna",), counts=True), ""),
        (Needs(counts=True), "needs counts"),
        (Needs(kinds=("protein",), counts=True), "needs counts"),
    ],
)
def test_what_a_data_set_lacks_is_said(needs, said, tiny_inputs):
    rna, protein = tiny_inputs.blocks
    without = Block(protein.name, protein.kind, protein.features, None)
    assert needs.unmet(Inputs((rna, without), tiny_inputs.coordinates)) == said
