"""What a user changes about a run's domains: names, colours, merges, with undo; what is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from psygnal import Signal

from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.result import TRSMIResult

EDITS = "edits"
"""Where a run's record says how its domains were edited."""


@dataclass(frozen=True)
class _State:
    """The domains after some edits.

    Attributes
    ----------
    names, colors
        Of each domain, in order.
    place
        Of each of the run's own domains: where in `names` its spots are now.
    edits
        What was done, for the record.
    """

    names: tuple[str, ...]
    colors: tuple[str, ...]
    place: tuple[int, ...]
    edits: tuple[dict[str, Any], ...] = ()

    def after(self, *edits: dict[str, Any], **changed: Any) -> _State:
        return replace(self, edits=(*self.edits, *edits), **changed)


class DomainEdits:
    """Domains of a run under a user's edits.

    An edit makes a new state and leaves the earlier ones as they were, so that undo and redo step
    between them; a state holds domains, not spots, so that many edits of many spots cost nothing.
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
        self._origin = np.asarray(run.domains.cat.codes, dtype=np.intp)
        self._sizes = np.bincount(self._origin, minlength=run.n_domains)
        names = tuple(map(str, run.domains.cat.categories))
        self._states = [_State(names, tuple(run.colors.values()), tuple(range(len(names))))]
        self._at = 0
        self._edited = run
        self._hidden: frozenset[int] = frozenset()  # of the run's own domains

    @property
    def _state(self) -> _State:
        return self._states[self._at]

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self._origin)

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
        sizes = np.bincount(self._state.place, self._sizes, len(self.names))
        return dict(zip(self.names, map(int, sizes), strict=True))

    @property
    def codes(self) -> NDArray[np.intp]:
        """Place in `names` of each spot's domain, shape (n_spots,)."""
        codes: NDArray[np.intp] = np.asarray(self._state.place, dtype=np.intp)[self._origin]
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

        The spots keep their confidence, that in the domain they had.

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
        kept = max(places, key=lambda place: counts[state.names[place]])
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
        """Show or hide some domains."""
        own = self._own_of(names)
        self._hide(self._hidden - own if visible else self._hidden | own)

    def solo(self, names: Collection[str]) -> None:
        """Show these domains only."""
        self._hide(frozenset(range(len(self._sizes))) - self._own_of(names))

    def show_all(self) -> None:
        """Show every domain."""
        self._hide(frozenset())

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Whether each spot is shown, shape (n_spots,)."""
        visible = np.ones(len(self._sizes), dtype=bool)
        visible[list(self._hidden)] = False
        shown: NDArray[np.bool_] = visible[self._origin]
        return shown

    # -- inside ----------------------------------------------------------------

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f"There is no domain {name!r}. There are {listed(list(self.names))}.")
        return self.names.index(name)

    def _own_of(self, names: Collection[str]) -> frozenset[int]:
        """Return which of the run's own domains are in some domains."""
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
