"""The one small interface that every method is behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trsmi_benchmark.exchange import Inputs, Kind

Group = Literal["trsmi", "variant", "rival", "naive", "degenerate", "ablation", "sensitivity"]

_WORDS = {1: "one modality", 2: "two modalities", 3: "three modalities"}


@dataclass(frozen=True)
class Needs:
    """What a method cannot do without.

    Attributes
    ----------
    modalities
        Fewest and most.
    kinds
        Modalities that must be there.
    counts
        Whether those (all, where none is named) must have raw counts.
    """

    modalities: tuple[int, int] = (1, 99)
    kinds: tuple[Kind, ...] = ()
    counts: bool = False

    def unmet(self, inputs: Inputs) -> str:
        """What a data set lacks, in words; empty if nothing."""
        there = [block.kind for block in inputs.blocks]
        missing = [kind for kind in self.kinds if kind not in there]
        if missing:
            return f"needs {' and '.join(missing)}"
        fewest, most = self.modalities
        if not fewest <= len(there) <= most:
            few = _WORDS.get(fewest, f"{fewest} modalities")
            if fewest == most:
                return f"takes {few}"
            return f"takes {few} or more" if len(there) < fewest else f"takes at most {most}"
        used = [b for b in inputs.blocks if not self.kinds or b.kind in self.kinds]
        if self.counts and any(block.counts is None for block in used):
            return "needs counts"
        return ""


@dataclass(frozen=True)
class Method:
    """A method: how it is called, what it needs, and what runs it.

    Attributes
    ----------
    name
        On the command line and in the rows.
    label
        In the report.
    group
        ``trsmi`` is the one headline row; ``variant`` are its relatives; ``rival`` are other
        methods; ``naive`` train nothing; ``degenerate`` know nothing of the tissue;
        ``ablation`` and ``sensitivity`` belong to those subcommands.
    run
        ``module:function``; the function takes `Inputs` and `parameters`, and returns an
        `Output`. Empty for the degenerate ones, which need no process.
    parameters
        Passed by keyword, in plain JSON types.
    needs
        What it cannot do without.
    environment
        Name of the environment that its package lives in; empty where it runs in this one.
    about
        Where it comes from, what its adapter sets, and every shim.
    imports
        Modules that are loaded before the clock starts.
    factor, value
        What a sensitivity run varies, and to what.
    """

    name: str
    label: str
    group: Group
    run: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    needs: Needs = Needs()
    environment: str = ""
    about: str = ""
    imports: tuple[str, ...] = ()
    factor: str = ""
    value: float | None = None

    @property
    def description(self) -> dict[str, Any]:
        """What a row keeps of it."""
        return {
            "label": self.label,
            "group": self.group,
            "parameters": dict(self.parameters),
            "factor": self.factor,
            "value": self.value,
        }
