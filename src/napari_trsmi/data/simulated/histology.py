"""A made-up image of a stained tissue section, in register with simulated spots.

Light through a section falls off exponentially with the amount of each stain (Beer-Lambert), so the
painter lays out two maps, haematoxylin in the nuclei and eosin in everything else, and lets them
absorb. Domains differ in how many nuclei they have, how large, and how fibrous their stroma is, as
tissue does: they show, but no colour gives them away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, special

from napari_trsmi.data.simulated.tissue import GLASS, IMAGE_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_trsmi.data.simulated.tissue import Tissue

    Map = NDArray[np.float32]

# Optical density per unit of stain for red, green and blue.
_HAEMATOXYLIN = np.array([0.92, 1.10, 0.50], dtype=np.float32)
_EOSIN = np.array([0.07, 0.55, 0.27], dtype=np.float32)
_GLASS_COLOUR = np.array([245, 243, 246], dtype=np.float32)


@dataclass(frozen=True)
class _Look:
    """How a domain stains.

    Nuclei per 1,000 pixels and their radius in pixels, the amount of eosin, how strongly it runs
    in fibres, and the share of the area that is lumen.
    """

    nuclei: float
    radius: float
    eosin: float
    fibre: float
    lumen: float


_LOOKS = (
    _Look(nuclei=13, radius=1.1, eosin=0.52, fibre=0.30, lumen=0.006),
    _Look(nuclei=48, radius=1.2, eosin=0.66, fibre=0.14, lumen=0.000),
    _Look(nuclei=105, radius=1.1, eosin=0.42, fibre=0.06, lumen=0.000),
    _Look(nuclei=34, radius=1.4, eosin=0.78, fibre=0.22, lumen=0.002),
    _Look(nuclei=60, radius=1.3, eosin=0.52, fibre=0.12, lumen=0.055),
    _Look(nuclei=24, radius=1.5, eosin=0.92, fibre=0.20, lumen=0.012),
)


def paint(tissue: Tissue, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint the tissue as if stained with haematoxylin and eosin.

    Parameters
    ----------
    tissue
        Its domains decide the textures; beyond six they repeat.
    rng
        Where every nucleus, fibre and lumen comes from.

    Returns
    -------
    RGB, shape (`IMAGE_SIDE`, `IMAGE_SIDE`, 3): the pixel at row y, column x shows place (x, y).
    """
    domains = _frayed_domains(tissue, rng)
    nuclei, radius, eosin, fibre, lumen = (
        _spread(domains, [getattr(look, part) for look in _LOOKS])
        for part in ("nuclei", "radius", "eosin", "fibre", "lumen")
    )
    hole, lining = _lumens(lumen, rng)
    matter = ndimage.gaussian_filter((domains != GLASS) * (1 - hole), 0.8)

    crowding = np.exp(0.35 * _noise(10, rng)) * (1 + 1.5 * lining)
    chromatin = _nuclei(nuclei * crowding * (matter > 0.5), radius, rng)
    cytoplasm = eosin * (
        1 + 0.15 * _noise(60, rng) + 0.12 * _noise(12, rng) + 0.3 * lining + fibre * _fibres(rng)
    )
    cytoplasm = np.maximum(cytoplasm + 0.05 * _noise(0.8, rng), 0.1)
    thickness = matter * (1 + 0.05 * _noise(200, rng))
    return _seen_through(
        haematoxylin=thickness * (0.05 + 0.0015 * nuclei + chromatin),
        eosin=thickness * cytoplasm * (1 - 0.5 * np.minimum(chromatin, 1)),
        rng=rng,
    )


def _noise(sigma: float, rng: np.random.Generator) -> Map:
    """Return smooth noise over the image, mean 0 and variance 1, of the given grain in pixels."""
    step = max(1, int(sigma / 2))  # coarse grain needs no fine grid
    side = IMAGE_SIDE // step + 2
    grain = ndimage.gaussian_filter(
        rng.standard_normal((side, side), dtype=np.float32), sigma / step, mode="wrap"
    )
    fine = ndimage.zoom(grain, (IMAGE_SIDE + 2 * step) / side, order=1)[:IMAGE_SIDE, :IMAGE_SIDE]
    noise: Map = (fine - fine.mean()) / fine.std()
    return noise


def _frayed_domains(tissue: Tissue, rng: np.random.Generator) -> NDArray[np.int8]:
    """Return each pixel's domain, looked up a few pixels off so that boundaries fray."""
    half = IMAGE_SIDE // 2
    row, column = np.indices((half, half))
    centres = np.column_stack([column.ravel(), row.ravel()]).astype(np.float64) * 2 + 0.5
    domains = tissue.domain_at(centres).reshape(half, half)

    fray_down, fray_right = (2.5 * _noise(6, rng) + _noise(2, rng) for _ in range(2))
    row, column = np.indices((IMAGE_SIDE, IMAGE_SIDE))
    return domains[_halved(row + fray_down), _halved(column + fray_right)]


def _halved(position: Map) -> NDArray[np.intp]:
    """Return the index of a position on the raster of every second pixel, kept inside."""
    return np.clip(position / 2, 0, IMAGE_SIDE // 2 - 1).astype(np.intp)


def _spread(domains: NDArray[np.int8], of_look: list[float]) -> Map:
    """Return a property of the looks by pixel, passing gently from one domain to the next."""
    by_domain = np.resize(np.array(of_look, dtype=np.float32), domains.max() + 1)
    return ndimage.gaussian_filter(np.append(by_domain, 0)[domains], 4)  # GLASS takes the 0


def _lumens(share: Map, rng: np.random.Generator) -> tuple[Map, Map]:
    """Return where there is a hole, and where the cells that line it are."""
    height = _noise(6, rng) - special.ndtri(1 - np.clip(share, 1e-6, 0.5)).astype(np.float32)
    hole = special.expit(25 * height)
    lining = np.exp(-(((height + 0.3) / 0.2) ** 2)) * (share > 1e-3)
    return hole, lining


def _fibres(rng: np.random.Generator) -> Map:
    """Return wavy bundles as of collagen: noise smeared along a smooth field of directions."""
    half = IMAGE_SIDE // 2
    course = 2.5 * _noise(70, rng)[::2, ::2]
    down, right = np.sin(course), np.cos(course)
    grain = rng.standard_normal((half, half), dtype=np.float32)
    row, column = np.indices((half, half))
    bundle = np.zeros((half, half), dtype=np.float32)
    for step in range(-14, 15):
        bundle += grain[
            (row + step * down).astype(np.intp) % half,
            (column + step * right).astype(np.intp) % half,
        ]
    bundle = ndimage.zoom(ndimage.gaussian_filter(bundle, 0.7), 2, order=1)
    fibres: Map = bundle / bundle.std() * special.expit(2 * _noise(25, rng))
    return fibres


def _nuclei(per_1000_pixels: Map, radius: Map, rng: np.random.Generator) -> Map:
    """Return the chromatin of ellipses dropped at random, each with its own shape and stain."""
    row, column = np.nonzero(
        rng.random(per_1000_pixels.shape, dtype=np.float32) * 1000 < per_1000_pixels
    )
    n = len(row)
    angle = rng.uniform(0, np.pi, n)
    length = radius[row, column] * rng.lognormal(0.1, 0.2, n)
    width = length * rng.uniform(0.55, 1.0, n)
    stain = rng.uniform(0.45, 1.05, n)

    reach = 4
    offset = np.arange(-reach, reach + 1)
    down, right = (axis.ravel()[:, np.newaxis] for axis in np.meshgrid(offset, offset))
    along = (right * np.cos(angle) + down * np.sin(angle)) / length
    across = (down * np.cos(angle) - right * np.sin(angle)) / width
    cover = special.expit(5 * (1.1 - np.hypot(along, across)))
    chromatin = np.zeros((IMAGE_SIDE + 2 * reach,) * 2, dtype=np.float32)
    np.maximum.at(chromatin, (row + reach + down, column + reach + right), stain * cover)
    return chromatin[reach:-reach, reach:-reach]


def _seen_through(*, haematoxylin: Map, eosin: Map, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the colours of white light that passed both stains, with the camera's grain."""
    density = haematoxylin[..., np.newaxis] * _HAEMATOXYLIN + eosin[..., np.newaxis] * _EOSIN
    light = _GLASS_COLOUR * np.exp(-density)
    light += rng.normal(0, 1.5, light.shape[:2])[..., np.newaxis]
    return np.clip(light, 0, 255).astype(np.uint8)
