"""What becomes of a wrong picture, of every annotated section that has one and of made-up ones.

    python benchmark/speed/wrong_pictures.py [--quick] [--run] [--only NAME]

A row says what Python says on loading, and whether the picture takes part. A picture that is left
out must leave what the domains are sought in as it is without it, to the bit, which is checked;
``--run`` finds the domains too where one takes part. ``--quick`` takes the made-up ones alone,
and ``--only`` those whose name has NAME in it.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

import napari_trsmi as trsmi
from napari_trsmi.config import Config
from napari_trsmi.data.simulated.histology import paint
from napari_trsmi.data.simulated.tissue import Organ
from napari_trsmi.errors import TRSMIError, TRSMIWarning
from napari_trsmi.preparation import iter_prepared
from napari_trsmi.preprocessing.image.modality import iter_with_image

DATA = Path(os.environ.get("NAPARI_TRSMI_DATA", "../shared/data"))
FRESH = (31, 32)
ORGANS = range(201, 207)
"""Seeds of made-up tissue, and shapes of other made-up organs, that the threshold of the register
test was not settled on."""


def ended(steps):
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def sections(*, quick):
    """Each section's loader, which takes a picture and its scale, its own picture, its labels."""
    found = {}
    for seed in FRESH:
        data = trsmi.simulate("tissue", modalities=["rna"], seed=seed)
        table = data.modalities[0].table.copy()
        table.obsm["spatial"] = data.coordinates
        found[f"made-up {seed}"] = ({"rna": table}, data.image, data.annotations["domain"])
    if quick:
        return found
    paths = {
        name: DATA / "annotated" / f"cortex_{name}.h5ad" for name in ("151507", "151670", "151675")
    }
    paths["151673"] = DATA / "dlpfc_151673" / "rna_features_visium.h5ad"
    for name, path in paths.items():
        data = trsmi.load(path)
        found[f"cortex {name}"] = (path, data.image, data.annotations["layer"])
    folder = DATA / "her2_a1"
    data = trsmi.load({"rna": folder / "rna.h5ad"}, image=folder / "tissue.png")
    tables = {"rna": folder / "rna.h5ad"}
    found["tumour A1"] = (tables, data.image, data.annotations["pathologist_label"])
    return found


def stretched(image, like):
    """Another section's picture, as large as this one's."""
    from PIL import Image

    size = like.pixels.shape[1::-1]
    return np.asarray(Image.fromarray(image.pixels).resize(size)), like.scale


def wrong_pictures(name, known):
    """Pictures by what is wrong with them, each with its scale."""
    own = known[name][1]
    pixels, scale = own.pixels, own.scale
    rng = np.random.default_rng(0)
    holes = pixels.astype(np.float32) / 255
    holes[: len(holes) // 2] = np.nan
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    alpha[: len(alpha) // 20, :, 3] = 0
    yield "its own", pixels, scale
    for other in known:
        if other != name and "made-up" not in other:  # those are sections of one organ
            yield f"of {other}", *stretched(known[other][1], own)
    if "made-up" in name:
        for shape in ORGANS:
            made = paint(Organ(shape_seed=shape), np.random.default_rng(shape))
            yield f"of made-up organ {shape}", *stretched(trsmi.TissueImage(made), own)
    yield "no pixels", np.zeros((0, 0, 3), np.uint8), scale
    yield "1 x 1", pixels[:1, :1], scale
    yield "white", np.full_like(pixels, 255), scale
    yield "black", np.zeros_like(pixels), scale
    yield "noise", rng.integers(0, 256, pixels.shape, dtype=np.uint8), scale
    yield "one channel", pixels.mean(axis=2).astype(np.uint8), scale
    yield "16 bit", pixels.astype(np.uint16) * 257, scale
    yield "alpha channel", alpha, scale
    yield "inverted", 255 - pixels, scale
    yield "mirrored", np.ascontiguousarray(pixels[:, ::-1]), scale
    yield "turned by half", np.ascontiguousarray(pixels[::-1, ::-1]), scale
    yield "scale of 1", pixels, 1.0
    yield "scale 3 times too large", pixels, 3 * scale
    yield "scale 10 times too small", pixels, scale / 10
    yield "scale 0", pixels, 0.0
    yield "half not a number", holes, scale
    yield "a quarter of the section", pixels[: len(pixels) // 2, : pixels.shape[1] // 2], scale


def brief(text):
    first = str(text).split(". ")[0]
    return first if len(first) < 110 else f"{first[:107]}..."


def outcome(tables, pixels, scale, config, before):
    """What is said, the register score, what becomes of the picture, and the prepared problem."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            data = trsmi.load(tables, image=pixels, image_scale=scale)
            data = ended(iter_with_image(data, trsmi.ImageFeatures()))
            prepared = ended(iter_prepared(data, config, lambda: None))
        except TRSMIError as error:
            return f"error: {brief(error)}", "", "refused", None
    warned = [brief(w.message) for w in said if issubclass(w.category, TRSMIWarning)]
    score = prepared.pictures.get("image")
    if "image" not in data.names:
        warned += [brief(note.partition(": ")[2]) for note in data.notes if "left out" in note]
    used = score is not None and prepared.used is None
    if not used:
        same = all(
            np.array_equal(one, other)
            for one, other in zip(prepared.components, before.components, strict=True)
        ) and np.array_equal(prepared.order, before.order)
        assert same, "a picture that is left out has changed something"
    shown = "" if score is None else f"{score:.1f}"
    return "; ".join(warned), shown, "takes part" if used else "left out", data


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--only", metavar="NAME")
    arguments = parser.parse_args()
    known = sections(quick=arguments.quick)
    print("| section | picture | said on loading | register | it | ARI without | ARI with |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (tables, _, labels) in known.items():
        if arguments.only and arguments.only not in name:
            continue
        config = Config(n_domains=int(labels.nunique()), all_scales=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = trsmi.load(tables)
            before = ended(iter_prepared(alone, config, lambda: None))
        ari = ""
        for kind, pixels, scale in wrong_pictures(name, known):
            said, score, what, data = outcome(tables, pixels, scale, config, before)
            after = ""
            if what == "takes part" and arguments.run:
                rated = labels.notna()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    if not ari:
                        plain = trsmi.integrate(alone, config=config).domains
                        ari = f"{adjusted_rand_score(labels[rated], plain[rated]):.3f}"
                    found = trsmi.integrate(data, config=config).domains
                after = f"{adjusted_rand_score(labels[rated], found[rated]):.3f}"
            print("|", " | ".join([name, kind, said, score, what, ari, after]), "|", flush=True)


if __name__ == "__main__":
    main()
