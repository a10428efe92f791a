from __future__ import annotations

from dataclasses import replace

import numpy as np

from trsmi_benchmark.data.sections import CASES
from trsmi_benchmark.report.document import Table
from trsmi_benchmark.report.numbers import numbers
from trsmi_benchmark.rows import packed
from trsmi_benchmark.summary import make_cells


def test_the_number_chosen_stands_beside_that_of_the_labels(make_row):
    chosen = [
        replace(
            make_row("trsmi_auto", score, case="prefrontal_bz9", seed=seed, group="variant"),
            domains=packed(np.arange(12) % k + 1),
            measured={"n_labels": 4.0, "p_value": 0.0},
        )
        for seed, (k, score) in enumerate([(5, 50.0), (6, 52.0)])
    ]
    told = make_row("trsmi", 70.0, case="prefrontal_bz9", group="trsmi")
    section = numbers(make_cells([*chosen, told]), [CASES["prefrontal_bz9"], CASES["sim_triplet"]])
    (table,) = (part for part in section.parts if isinstance(part, Table))
    title = CASES["prefrontal_bz9"].title
    assert table.rows == ((title, "4", "5.5 ± 0.7", "51.0 ± 1.4", "70.0"),)
    assert not numbers(make_cells([told]), [CASES["prefrontal_bz9"]]).parts
