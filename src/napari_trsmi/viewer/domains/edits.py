"""What a user changes about a run's domains: names, colours, merges, with undo; what is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from psygnal import Signal

from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError
from napari_trsmi.palette import extended_colors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.result import TRSMIResult

EDITS = "edits"
"""Where a run's record says how its domains were edited."""


@dataclass(frozen=True, eq=False)
class _State:
    """The domains after some edits.

    Attributes
    ----------
    names, colors
        Of each domain, in order.
    part
        Of each spot: the part that it belongs to, which all edits move as a whole. The parts are
        the run's own domains until spots are assigned one by one.
    place
        Of each part: where in `names` its spots are now.
    edits
        What was done, for the record.
    """

    names: tuple[str, ...]
    colors: tuple[str, ...]
    part: NDArray[np.intp]
    place: tuple[int, ...]
    edits: tuple[dict[str, Any], ...] = ()

    def after(self, *edits: dict[str, Any], **changed: Any) -> _State:
        return replace(self, edits=(*self.edits, *edits), **changed)


class DomainEdits:
    """Domains of a run under a user's edits.

    An edit makes a new state and leaves the earlier ones as they were, so that undo and redo step
    between them; states share what they hold of spots, so that many edits cost little.
    What is hidden is no edit: it is neither undone nor kept in the result.

    Parameters
    ----------
    run
        The result to edit; it stays as it is.

    Attributes
    ----------
    changed
        Emitted after an edit, undo and redo.
    visibility_changed
        Emitted when domains were shown or hidden.
    """

    changed = Signal()
    visibility_changed = Signal()

    def __init__(self, run: TRSMIResult) -> None:
        self._run = run
        part = np.asarray(run.domains.cat.codes, dtype=np.intp)
        names = tuple(map(str, run.domains.cat.categories))
        self._states = [_State(names, tuple(run.colors.values()), part, tuple(range(len(names))))]
        self._at = 0
        self._edited = run
        self._hidden: frozenset[int] = frozenset()  # parts
        self._hidden_spots = np.zeros(len(part), dtype=bool)  # one by one

    @property
    def _state(self) -> _State:
        return self._states[self._at]

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self._hidden_spots)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the domains, in order."""
        return self._state.names

    @property
    def colors(self) -> dict[str, str]:
        """Hex colour of each domain."""
        return dict(zip(self._state.names, self._state.colors, strict=True))

    @property
    def counts(self) -> dict[str, int]:
        """Number of spots of each domain."""
        sizes = np.bincount(self.codes, minlength=len(self.names))
        return dict(zip(self.names, map(int, sizes), strict=True))

    @property
    def codes(self) -> NDArray[np.intp]:
        """Place in `names` of each spot's domain, shape (n_spots,)."""
        codes: NDArray[np.intp] = np.asarray(self._state.place, dtype=np.intp)[self._state.part]
        return codes

    @property
    def domains(self) -> pd.Categorical[str]:
        """Domain of each spot."""
        return pd.Categorical.from_codes(self.codes, pd.Index(self.names))

    def members(self, names: Collection[str]) -> NDArray[np.intp]:
        """Indices of the spots of some domains."""
        wanted = np.array([name in names for name in self.names])
        return np.flatnonzero(wanted[self.codes])

    # -- edits -----------------------------------------------------------------

    def rename(self, name: str, new: str) -> None:
        """Give a domain another name.

        Raises
        ------
        InputError
            If there is no such domain, or the new name is empty or taken.
        """
        place, new = self._place(name), new.strip()
        if new == name:
            return
        if not new:
            raise InputError("A domain needs a name. Type at least one character.")
        if new in self.names:
            raise InputError(
                f"There is a domain {new!r} already. Choose another name, or merge the two."
            )
        names = (*self.names[:place], new, *self.names[place + 1 :])
        self._do(self._state.after({"edit": "rename", "domain": name, "to": new}, names=names))

    def recolor(self, name: str, color: str) -> None:
        """Give a domain another colour.

        Parameters
        ----------
        name
            The domain.
        color
            Whatever matplotlib takes for a colour, such as ``"#ff8000"``.

        Raises
        ------
        InputError
            If there is no such domain or colour.
        """
        from matplotlib.colors import is_color_like, to_hex

        place = self._place(name)
        if not is_color_like(color):
            raise InputError(f"{color!r} is no colour. Pass one like '#ff8000'.")
        chosen = to_hex(color)
        if chosen == self._state.colors[place]:
            return
        before = self._state.colors
        edit = {"edit": "recolor", "domain": name, "to": chosen}
        self._do(self._state.after(edit, colors=(*before[:place], chosen, *before[place + 1 :])))

    def recolor_all(self, colors: Mapping[str, str]) -> None:
        """Give several domains other colours, in one edit; names that are no domains are ignored.

        Parameters
        ----------
        colors
            Hex colours by name.
        """
        before = self.colors
        after = {name: colors.get(name, color) for name, color in before.items()}
        edits = [
            {"edit": "recolor", "domain": name, "to": after[name]}
            for name in after
            if after[name] != before[name]
        ]
        if edits:
            self._do(self._state.after(*edits, colors=tuple(after.values())))

    def merge(self, names: Sequence[str]) -> str:
        """Make one domain of several; it keeps name and colour of the one with most spots.

        Names that a person gave come before numbers. The spots keep their confidence, that in the
        domain they had.

        Returns
        -------
        The name of the merged domain.

        Raises
        ------
        InputError
            If there are fewer than two, or a name is unknown.
        """
        places = sorted({self._place(name) for name in names})
        if len(places) < 2:
            raise InputError("Merging needs two or more domains. Select them in the legend.")
        state, counts = self._state, self.counts
        typed = [place for place in places if not state.names[place].isdecimal()]
        kept = max(typed or places, key=lambda place: counts[state.names[place]])
        gone = set(places) - {kept}
        left = [place for place in range(len(state.names)) if place not in gone]
        moved = {
            place: left.index(kept if place in gone else place) for place in range(len(counts))
        }
        merged = [state.names[place] for place in places]
        of_run = {own for own, place in enumerate(state.place) if place in places}
        shown_in_part = not of_run <= self._hidden
        self._do(
            state.after(
                {"edit": "merge", "domains": merged, "to": state.names[kept]},
                names=tuple(state.names[place] for place in left),
                colors=tuple(state.colors[place] for place in left),
                place=tuple(moved[place] for place in state.place),
            )
        )
        if shown_in_part:
            self._hide(self._hidden - of_run)
        return state.names[kept]

    def assign(self, spots: Collection[str], name: str) -> None:
        """Put some spots into a domain, a new one if there is none of that name.

        Domains that have no spot left are gone. The spots keep their confidence.

        Parameters
        ----------
        spots
            Names of the spots.
        name
            Of the domain.

        Raises
        ------
        InputError
            If there is no such spot, or no name.
        """
        name, state = name.strip(), self._state
        if not name:
            raise InputError("A domain needs a name. Type at least one character.")
        index = self._run.domains.index.get_indexer(pd.Index(spots))
        if not len(index) or (index < 0).any():
            raise InputError("Select spots of this run first.")
        moved = np.zeros(self.n_spots, dtype=bool)
        moved[index] = True
        names = state.names if name in state.names else (*state.names, name)
        colors = tuple(extended_colors(self.colors, list(names)).values())
        part, place = state.part.copy(), list(state.place)
        for own in np.unique(part[moved]):
            of_part = part == own
            if (of_part & ~moved).any():  # only some of its spots: a part of their own
                part[of_part & moved] = len(place)
                place.append(names.index(name))
                self._hidden -= {len(place) - 1}
            else:
                place[own] = names.index(name)
        left = np.unique(np.asarray(place)[part])
        new_place = np.searchsorted(left, np.minimum(place, left[-1]))
        gone = [known for at, known in enumerate(names) if at not in left]
        edit = {
            "edit": "assign",
            "spots": list(map(str, spots)),
            "to": name,
            "new": name not in state.names,
            "gone": gone,
        }
        self._do(
            state.after(
                edit,
                names=tuple(names[at] for at in left),
                colors=tuple(colors[at] for at in left),
                part=part,
                place=tuple(map(int, new_place)),
            )
        )

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to undo."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether an edit was undone."""
        return self._at + 1 < len(self._states)

    def undo(self) -> None:
        """Go back one edit, if there is one."""
        if self.can_undo:
            self._go(self._at - 1)

    def redo(self) -> None:
        """Do again what was undone, if anything was."""
        if self.can_redo:
            self._go(self._at + 1)

    def result(self) -> TRSMIResult:
        """The run with the edited domains and colours; its record says how they were edited.

        Without edits it is the run itself.
        """
        return self._edited

    # -- what is shown ---------------------------------------------------------

    def is_visible(self, name: str) -> bool:
        """Whether any of a domain's spots are shown."""
        return not self._own_of([name]) <= self._hidden

    def set_visible(self, names: Collection[str], visible: bool) -> None:
        """Show or hide some domains; showing one brings back what was hidden of it."""
        own = self._own_of(names)
        if visible and self._hidden_spots.any():
            self._hidden_spots[self.members(names)] = False
            self._hidden -= own
            self.visibility_changed.emit()
        self._hide(self._hidden - own if visible else self._hidden | own)

    def hide_spots(self, spots: NDArray[np.intp]) -> None:
        """Hide some spots by their indices, until they are shown again with their domain or all."""
        self._hidden_spots[spots] = True
        self.visibility_changed.emit()

    def solo(self, names: Collection[str]) -> None:
        """Show these domains only."""
        self._hide(frozenset(range(len(self._state.place))) - self._own_of(names))

    def show_all(self) -> None:
        """Show every spot of every domain."""
        if self._hidden_spots.any():
            self._hidden_spots[:] = False
            self._hidden = frozenset()
            self.visibility_changed.emit()
        self._hide(frozenset())

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Whether each spot is shown, shape (n_spots,)."""
        visible = np.array([own not in self._hidden for own in range(len(self._state.place))])
        shown: NDArray[np.bool_] = visible[self._state.part] & ~self._hidden_spots
        return shown

    # -- inside ----------------------------------------------------------------

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f"There is no domain {name!r}. There are {listed(list(self.names))}.")
        return self.names.index(name)

    def _own_of(self, names: Collection[str]) -> frozenset[int]:
        """Return which parts are in some domains."""
        places = {self._place(name) for name in names}
        return frozenset(own for own, place in enumerate(self._state.place) if place in places)

    def _do(self, state: _State) -> None:
        self._states[self._at + 1 :] = [state]
        self._go(self._at + 1)

    def _go(self, at: int) -> None:
        self._at = at
        self._edited = self._make_result()
        self.changed.emit()

    def _make_result(self) -> TRSMIResult:
        if not self._state.edits:
            return self._run
        record = self._run.record
        return replace(
            self._run,
            domains=pd.Series(self.domains, index=self._run.domains.index),
            custom_colors=self.colors,
            record={**record, EDITS: [*record.get(EDITS, []), *self._state.edits]},
        )

    def _hide(self, hidden: frozenset[int]) -> None:
        if hidden != self._hidden:
            self._hidden = frozenset(hidden)
            self.visibility_changed.emit()
