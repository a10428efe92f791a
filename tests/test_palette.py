from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_trsmi.palette import PALETTE, domain_colors, extended_colors

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
EOSIN_AND_NUCLEI = ("#e0a0c8", "#e6bed7", "#cd64a0", "#966eaf", "#55418c")


def seen(colors, vision):
    rgb = np.array([to_rgb(color) for color in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ VISION[vision].T, 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(rgb[np.newaxis])[0]


def closest(colors, vision):
    pairs = list(combinations(seen(colors, vision), 2))
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    return deltaE_ciede2000(first, second).min()


@pytest.mark.parametrize(
    ("vision", "of_six", "of_ten", "of_twenty"),
    [("normal", 20, 19, 14), ("deuteranopia", 12, 12, 9), ("protanopia", 11, 11, 8)],
)
def test_colours_stay_apart_for_every_reader(vision, of_six, of_ten, of_twenty):
    assert len(PALETTE) == 20
    assert closest(PALETTE[:6], vision) > of_six
    assert closest(PALETTE[:10], vision) > of_ten
    assert closest(PALETTE, vision) > of_twenty


def test_colours_read_on_a_stained_section_and_on_white():
    stains = seen(EOSIN_AND_NUCLEI, "normal")
    for color in seen(PALETTE, "normal"):
        assert min(deltaE_ciede2000(color, stain) for stain in stains) > 13
        assert color[0] < 90


def test_a_domain_keeps_its_colour_when_others_are_added():
    names = [f"domain {place}" for place in range(60)]
    everything = domain_colors(names)
    assert list(everything) == names
    assert domain_colors(names[:7]) == dict(list(everything.items())[:7])
    assert list(everything.values())[:20] == list(PALETTE)


def test_beyond_twenty_colours_still_differ():
    colors = list(domain_colors([str(place) for place in range(100)]).values())
    assert len(set(colors)) == 100
    assert all(to_hex(color) == color for color in colors)


def test_a_repeated_name_takes_one_colour():
    assert domain_colors(["a", "b", "a", "c"]) == dict(zip("abc", PALETTE, strict=False))


def test_new_domains_get_colours_that_no_known_one_has():
    known = {"white matter": PALETTE[1], "gone": PALETTE[0].upper(), "own": "#123456"}
    assert extended_colors(known, ["1", "own", "white matter", "2", "1"]) == {
        "1": PALETTE[2],
        "own": "#123456",
        "white matter": PALETTE[1],
        "2": PALETTE[3],
    }
    assert extended_colors({}, ["a", "b"]) == domain_colors(["a", "b"])
