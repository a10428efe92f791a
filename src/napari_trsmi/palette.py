"""Colours for domains that stay apart for every reader, and on a stained section."""

from __future__ import annotations

import re
from colorsys import hls_to_rgb
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Chosen for this package: of the RGB cube's colours, the twenty whose closest pair is farthest
# apart in CIEDE2000, in normal vision and in simulated deuteranopia and protanopia, at a distance
# from the pinks and purples of H&E. Ordered so that the first ones are the most distinct.
PALETTE = (
    "#80e6e6",
    "#004c80",
    "#ff8000",
    "#006633",
    "#cc66ff",
    "#801a4c",
    "#664ce6",
    "#008080",
    "#cc8080",
    "#ffcc99",
    "#80ccff",
    "#80804c",
    "#6680b2",
    "#991a00",
    "#4cb299",
    "#ffcc33",
    "#996600",
    "#00b2cc",
    "#66cc66",
    "#cc0066",
)
"""Twenty hex colours, the most distinct first."""

_GOLDEN_TURN = 0.6180339887498949


def domain_colors(names: Sequence[str]) -> dict[str, str]:
    """Give each domain a colour by its place in the sequence.

    Up to 20 domains get `PALETTE`, which colour-blind readers can tell apart too. Beyond that hues
    turn by the golden ratio: all colours differ, some only slightly.

    Parameters
    ----------
    names
        Domain names in the order of the categories; a repeated name counts once.

    Returns
    -------
    Hex colours such as ``"#ff8000"`` by name, in the order of `names`.
    """
    return {name: _color(place) for place, name in enumerate(dict.fromkeys(names))}


def extended_colors(known: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Colours for domains of which some have one already.

    Parameters
    ----------
    known
        Hex colours by name, also of domains that are not among `names`.
    names
        Domain names in the order of the categories; a repeated name counts once.

    Returns
    -------
    Hex colours by name, in the order of `names`. Known ones stay; the others get, in turn, the
    first colours of `domain_colors` that no known domain has.
    """
    taken = {color.lower() for color in known.values()}
    free = (color for color in map(_color, count()) if color not in taken)
    return {name: known[name] if name in known else next(free) for name in dict.fromkeys(names)}


def is_hex(color: str) -> bool:
    """Whether a colour is written like ``"#ff8000"``, in either case."""
    return re.fullmatch("#[0-9a-fA-F]{6}", color) is not None


def _color(place: int) -> str:
    if place < len(PALETTE):
        return PALETTE[place]
    lightness = (0.35, 0.5, 0.65)[place % 3]
    channels = hls_to_rgb(place * _GOLDEN_TURN % 1, lightness, 0.65)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
