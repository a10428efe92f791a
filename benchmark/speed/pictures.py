"""What the picture adds to the tables: on made-up tissue, with wrong pictures, on real sections.

    python benchmark/speed/pictures.py [--quick | --only NAME]

Prints Markdown tables. ``--quick`` leaves the real sections out, ``--only`` takes those whose name
has NAME in it, and no made-up tissue.
"""

from __future__ import annotations

import argparse
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

import napari_trsmi as trsmi
from napari_trsmi.data.simulated.histology import paint
from napari_trsmi.data.simulated.tissue import Organ
from napari_trsmi.preprocessing.image.modality import iter_with_image

SEEDS = range(5)
DATA = Path(os.environ.get("NAPARI_TRSMI_DATA", "../shared/data"))
WRONG = range(1, 13)


def measured(dataset, trust="tested"):
    """The data set with its picture as a modality, measured once for all seeds."""
    steps = iter_with_image(dataset, trsmi.ImageFeatures(trust=trust))
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def scores(dataset, labels, n_domains):
    """Adjusted Rand index of each seed, and the picture's register score."""
    known = labels.notna().to_numpy()
    found, register = [], None
    for seed in SEEDS:
        result = trsmi.integrate(dataset, n_domains=n_domains, seed=seed, all_scales=False)
        found.append(adjusted_rand_score(labels[known], result.domains[known]))
        register = result.record["pictures"].get("image", register)
    return np.array(found), register


def shown(values):
    return f"{values.mean():.3f} ± {values.std():.3f}"


def row(*cells):
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def head(*cells):
    row(*cells)
    row(*["---"] * len(cells))


def rows_of(name, dataset, labels, n_domains):
    """Tables alone, tables and picture, tables and picture whatever it shows, picture alone."""
    with_it = measured(dataset)
    always = measured(dataset, "always")
    alone = replace(with_it, modalities=with_it.modalities[-1:])
    without, _ = scores(dataset, labels, n_domains)
    tested, register = scores(with_it, labels, n_domains)
    forced, _ = scores(always, labels, n_domains)
    picture, _ = scores(alone, labels, n_domains)
    left = "" if register is None else f"{register:.1f}"
    row(name, shown(without), shown(tested), shown(forced), shown(picture), left)


def simulated():
    head("made-up tissue", "tables", "with the picture", "always", "picture alone", "register")
    for modalities in (["rna"], ["rna", "chromatin"], ["rna", "protein"]):
        for seed in range(3):
            data = trsmi.simulate("tissue", modalities=modalities, seed=seed)
            rows_of(
                f"{' + '.join(modalities)}, made with seed {seed}",
                data,
                data.annotations["domain"],
                6,
            )


def meaningless():
    rng = np.random.default_rng(0)
    pictures = {"noise": np.clip(rng.normal(180, 40, (1200, 1200, 3)), 0, 255).astype(np.uint8)}
    for shape in WRONG:
        pictures[f"organ {shape}"] = paint(
            Organ(shape_seed=shape + 100), np.random.default_rng(shape)
        )
    head("wrong picture", "tables", "register score", "takes part", "ARI without", "ARI with")
    for modalities in (["rna"], ["rna", "protein"]):
        data = trsmi.simulate("tissue", modalities=modalities)
        truth = data.annotations["domain"]
        without = trsmi.integrate(data, n_domains=6, all_scales=False)
        before = adjusted_rand_score(truth, without.domains)
        for name, pixels in pictures.items():
            wrong = replace(data, image=trsmi.TissueImage(pixels))
            result = trsmi.integrate(wrong, n_domains=6, all_scales=False, image_features="texture")
            score = result.record["pictures"]["image"]
            used = "yes" if result.modality_weights["image"].any() else "no"
            after = adjusted_rand_score(truth, result.domains)
            row(name, " + ".join(modalities), f"{score:.1f}", used, f"{before:.3f}", f"{after:.3f}")


def sections():
    """Each annotated section that has a picture: name, how to load it, column of its labels."""
    for name in ("151507", "151670", "151675"):
        yield f"cortex {name}", {"tables": DATA / "annotated" / f"cortex_{name}.h5ad"}, "layer"
    yield "cortex 151673", {"tables": DATA / "dlpfc_151673" / "rna_features_visium.h5ad"}, "layer"
    folder = DATA / "her2_a1"
    tumour = {"tables": {"rna": folder / "rna.h5ad"}, "image": folder / "tissue.png"}
    yield "tumour A1", tumour, "pathologist_label"


def real(only=""):
    head("section", "tables", "with the picture", "always", "picture alone", "register")
    correlations = []
    for name, given, column in sections():
        if only not in name:
            continue
        data = trsmi.load(**given)
        labels = data.annotations[column]
        rows_of(name, data, labels, labels.nunique())
        if "n_cells" in data.annotations:
            cells = data.annotations["n_cells"].to_numpy(dtype=float)
            table = measured(data).modalities[-1].table
            stain = np.asarray(table[:, "haematoxylin mean 1x"].X).ravel()
            correlations.append(f"{name} {np.corrcoef(stain, cells)[0, 1]:.2f}")
    if correlations:
        print("\nhaematoxylin under a spot against n_cells, r:", ", ".join(correlations))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", metavar="NAME")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.only:
        real(arguments.only)
        return
    simulated()
    print()
    meaningless()
    if not arguments.quick:
        print()
        real()


if __name__ == "__main__":
    main()
