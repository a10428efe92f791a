"""What a user changes about a run's domains, with undo: names, colours, scale; what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from psygnal import Signal

from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.domains.pictures import with_picture
from napari_trsmi.viewer.domains.state import DomainState, ScaledParts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.result import TRSMIResult

EDITS = "edits"
"""Where a run's record says how its domains were edited."""


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
        self._parts = ScaledParts.of(run)
        self._states = [DomainState.of(run, self._parts)]
        self._at = 0
        self._saved = self._states[0]
        self._other_picture = False  # than the one that files have
        self._edited = run
        self._known = (self._states[0], *self._states[0].counted())
        self._hidden: frozenset[int] = frozenset()  # parts
        self._hidden_spots = np.zeros(len(run.domains), dtype=bool)  # one by one

    @property
    def _state(self) -> DomainState:
        return self._states[self._at]

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self._hidden_spots)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the domains, in order."""
        return tuple(self._state.names[at] for at in self._state.listed)

    @property
    def scale(self) -> float | None:
        """The scale that is shown, from 0 (states) to 1 (regions); None if the run has one."""
        return self._state.scale

    @property
    def scales(self) -> tuple[float, ...]:
        """Scales that can be shown, increasing; none if the run has one."""
        return self._parts.scales

    @property
    def colors(self) -> dict[str, str]:
        """Hex colour of each domain."""
        state = self._state
        return {state.names[at]: state.colors[at] for at in state.listed}

    @property
    def counts(self) -> dict[str, int]:
        """Number of spots of each domain."""
        return dict(zip(self.names, self._counted[1], strict=True))

    @property
    def codes(self) -> NDArray[np.intp]:
        """Place in `names` of each spot's domain, shape (n_spots,); it is not to be written to."""
        return self._counted[0]

    @property
    def _counted(self) -> tuple[NDArray[np.intp], list[int]]:
        if self._known[0] is not self._state:  # once an edit: docks ask many times
            self._known = (self._state, *self._state.counted())
        return self._known[1:]

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
        known = self._state.names
        if new in known:
            where = "already" if new in self.names else "at another scale"
            raise InputError(
                f"There is a domain {new!r} {where}. Choose another name, or merge the two."
            )
        names = (*known[:place], new, *known[place + 1 :])
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
        before = self._state
        after = tuple(
            colors.get(name, color) for name, color in zip(before.names, before.colors, strict=True)
        )
        edits = [
            {"edit": "recolor", "domain": before.names[at], "to": after[at]}
            for at in before.listed
            if after[at] != before.colors[at]
        ]
        if edits:
            self._do(before.after(*edits, colors=after))

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
        of_run = {own for own, place in enumerate(state.place) if place in places}
        shown_in_part = not of_run <= self._hidden
        self._do(state.merged(places, kept))
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
        self._hidden = frozenset(own for own in self._hidden if own < len(state.place))
        self._do(state.assigned(moved, name, list(map(str, spots))))

    def set_scale(self, scale: float) -> None:
        """Show the domains of another scale.

        Domains that persist keep the names and colours that they have now, those that were merged
        stay merged, and spots that were assigned stay where they are.

        Parameters
        ----------
        scale
            From 0 (states) to 1 (regions); the nearest of `scales` is taken.

        Raises
        ------
        InputError
            If the run found domains at one scale alone.
        """
        if not self.scales:
            raise InputError(
                "This run found domains at one scale alone. Run again with all scales (Advanced)."
            )
        nearest = min(self.scales, key=lambda known: abs(known - scale))
        if nearest != self.scale:
            self._do(self._state.at_scale(nearest, self._parts))

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

    @property
    def unsaved(self) -> bool:
        """Whether there are edits, but for the scale, that no file has."""
        state, saved = self._state, self._saved
        return self._other_picture or (state is not saved and state.lasting != saved.lasting)

    def mark_saved(self, result: TRSMIResult) -> None:
        """Note that a file has the domains as `result` has them, if they are still so."""
        if result is self._edited:
            self._saved, self._other_picture = self._state, False

    def result(self) -> TRSMIResult:
        """The run with the edited domains and colours; its record says how they were edited.

        Without edits it is the run itself.
        """
        return self._edited

    def take_picture(self, image: TissueImage | None, name: str | None = None) -> None:
        """Let the run have another picture, or, with a name, a further stain; None for none."""
        self._run, self._other_picture = with_picture(self._run, image, name), True
        self._go(self._at)

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
        return self._state.names.index(name)

    def _own_of(self, names: Collection[str]) -> frozenset[int]:
        """Return which parts are in some domains."""
        places = {self._place(name) for name in names}
        return frozenset(own for own, place in enumerate(self._state.place) if place in places)

    def _do(self, state: DomainState) -> None:
        self._states[self._at + 1 :] = [state]
        self._go(self._at + 1)

    def _go(self, at: int) -> None:
        self._at = at
        self._edited = self._make_result()
        self.changed.emit()

    def _make_result(self) -> TRSMIResult:
        run, state = self._run, self._state
        if not state.edits:
            return run
        if state.scale is not None and state.scale != run.scale:
            run = run.at_scale(state.scale)
        edited = [*self._run.record.get(EDITS, []), *state.edits]
        place = np.asarray(state.place, dtype=np.intp)
        by_scale = {
            scale: pd.Categorical.from_codes(
                place[state.part_at(scale, self._parts)], pd.Index(state.names)
            )
            for scale in self.scales
        }
        scaled = pd.DataFrame(by_scale, index=run.domains.index)
        return replace(
            run,
            domains=pd.Series(self.domains, index=run.domains.index),
            custom_colors=dict(zip(state.names, state.colors, strict=True)),
            domains_by_scale=scaled if by_scale else run.domains_by_scale,
            record={**run.record, EDITS: edited},
        )

    def _hide(self, hidden: frozenset[int]) -> None:
        if hidden != self._hidden:
            self._hidden = frozenset(hidden)
            self.visibility_changed.emit()
