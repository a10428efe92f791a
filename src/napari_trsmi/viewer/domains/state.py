"""The domains after some edits: what an edit makes of them, and of the domains at other scales."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.palette import extended_colors

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.result import TRSMIResult


@dataclass(frozen=True, eq=False)
class ScaledParts:
    """The domains that a run found at each of its scales.

    Attributes
    ----------
    names
        Of all of them, the run's own first.
    own
        Of each spot: the place in `names` of its domain at the run's own scale.
    scales
        Those that can be moved between, increasing; none if the run found one alone.
    at
        As `own`, by scale.
    """

    names: tuple[str, ...]
    own: NDArray[np.intp]
    scales: tuple[float, ...]
    at: dict[float, NDArray[np.intp]]

    @classmethod
    def of(cls, run: TRSMIResult) -> ScaledParts:
        """Those of a run."""
        names = tuple(map(str, run.domains.cat.categories))
        own = np.asarray(run.domains.cat.codes, dtype=np.intp)
        if run.scale is None or len(run.scales) < 2:
            return cls(names, own, (), {})
        at: dict[float, NDArray[np.intp]] = {}
        for scale in run.scales:
            column = run.domains_by_scale[scale].cat
            names = tuple(dict.fromkeys((*names, *map(str, column.categories))))
            place = np.array([names.index(str(name)) for name in column.categories], dtype=np.intp)
            at[scale] = place[np.asarray(column.codes, dtype=np.intp)]
        nearest = min(run.scales, key=lambda scale: abs(scale - (run.scale or 0.0)))
        return cls(names, own, run.scales, {**at, nearest: own})


@dataclass(frozen=True, eq=False)
class DomainState:
    """The domains after some edits.

    Attributes
    ----------
    names, colors
        Of each domain, in order, also of those that have spots at another scale only.
    part
        Of each spot: the part that it belongs to, which all edits move as a whole. The parts are
        the run's domains until spots are assigned one by one.
    place
        Of each part: where in `names` its spots are now.
    listed
        Which of `names` are domains at this scale, increasing.
    scale
        None if the run has one alone.
    edits
        What was done, for the record.
    """

    names: tuple[str, ...]
    colors: tuple[str, ...]
    part: NDArray[np.intp]
    place: tuple[int, ...]
    listed: tuple[int, ...]
    scale: float | None
    edits: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, run: TRSMIResult, parts: ScaledParts) -> DomainState:
        """The domains as a run found them."""
        n_own = len(run.domains.cat.categories)
        return cls(
            names=parts.names,
            colors=tuple(extended_colors(run.colors, list(parts.names)).values()),
            part=parts.own,
            place=tuple(range(len(parts.names))),
            listed=tuple(range(n_own)),
            scale=run.scale if parts.scales else None,
        )

    @property
    def places(self) -> NDArray[np.intp]:
        """Of each spot: the place in `names` of its domain."""
        places: NDArray[np.intp] = np.asarray(self.place, dtype=np.intp)[self.part]
        return places

    def counted(self) -> tuple[NDArray[np.intp], list[int]]:
        """Of each spot the place in `listed` of its domain, and the number of spots of each."""
        codes = np.searchsorted(np.asarray(self.listed, dtype=np.intp), self.places)
        codes.flags.writeable = False  # handed to many
        return codes, np.bincount(codes, minlength=len(self.listed)).tolist()

    @property
    def lasting(self) -> list[int]:
        """Which edits led to it, but for those of the scale."""
        return [id(edit) for edit in self.edits if edit["edit"] != "set_scale"]

    def after(self, *edits: dict[str, Any], **changed: Any) -> DomainState:
        """The state with other attributes after some edits."""
        return replace(self, edits=(*self.edits, *edits), **changed)

    def _after_moving(
        self,
        edit: dict[str, Any],
        place: Sequence[int],
        listed: Collection[int],
        **changed: Any,
    ) -> DomainState:
        """Drop the domains that no part is in."""
        left = [at for at in range(len(changed.get("names", self.names))) if at in {*place}]
        new = {before: after for after, before in enumerate(left)}
        names, colors = changed.pop("names", self.names), changed.pop("colors", self.colors)
        return self.after(
            edit,
            names=tuple(names[at] for at in left),
            colors=tuple(colors[at] for at in left),
            place=tuple(new[at] for at in place),
            listed=tuple(sorted(new[at] for at in listed if at in new)),
            **changed,
        )

    def merged(self, places: Collection[int], kept: int) -> DomainState:
        """Put all parts of some domains into one of them."""
        edit = {
            "edit": "merge",
            "domains": [self.names[place] for place in sorted(places)],
            "to": self.names[kept],
        }
        moved = [kept if place in places else place for place in self.place]
        return self._after_moving(edit, moved, self.listed)

    def assigned(self, moved: NDArray[np.bool_], name: str, spots: Sequence[str]) -> DomainState:
        """Put some spots into a domain, a new one if there is none of that name."""
        names = self.names if name in self.names else (*self.names, name)
        colors = dict(zip(self.names, self.colors, strict=True))
        part, place = self.part.copy(), list(self.place)
        to = names.index(name)
        for own in np.unique(part[moved]):
            of_part = part == own
            if (of_part & ~moved).any():  # only some of its spots: a part of their own
                part[of_part & moved] = len(place)
                place.append(to)
            else:
                place[own] = to
        filled = set(np.unique(np.asarray(place, dtype=np.intp)[part]).tolist())
        edit = {
            "edit": "assign",
            "spots": list(spots),
            "to": name,
            "new": to not in self.listed,
            "gone": [self.names[at] for at in self.listed if at not in filled],
        }
        return self._after_moving(
            edit,
            place,
            filled,
            names=names,
            colors=tuple(extended_colors(colors, list(names)).values()),
            part=part,
        )

    def part_at(self, scale: float, parts: ScaledParts) -> NDArray[np.intp]:
        """Of each spot its part at a scale; what was assigned by hand stays as it is."""
        by_hand = self.part >= len(parts.names)
        return np.where(by_hand, self.part, parts.at[scale]) if by_hand.any() else parts.at[scale]

    def at_scale(self, scale: float, parts: ScaledParts) -> DomainState:
        """The domains at another scale of the run, under the same edits."""
        part = self.part_at(scale, parts)
        filled = np.unique(np.asarray(self.place, dtype=np.intp)[part]).tolist()
        edit = {
            "edit": "set_scale",
            "to": scale,
            "new": [self.names[at] for at in filled if at not in self.listed],
            "gone": [self.names[at] for at in self.listed if at not in filled],
        }
        return self.after(edit, part=part, listed=tuple(filled), scale=scale)
