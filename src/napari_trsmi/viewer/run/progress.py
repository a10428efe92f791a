"""How far a run is, all of its phases together, in words and numbers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_trsmi.training.report import Phase, PictureReport, SizeReport, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_trsmi.config import Config

SENTENCES = {
    Phase.READING: "Matching and checking the tables…",
    Phase.MEASURING: "Measuring the picture…",
    Phase.PREPROCESSING: "Preprocessing…",
    Phase.GRAPHS: "Building the graphs…",
    Phase.TRAINING: "Preparing the network…",
    Phase.CLUSTERING: "Finding the domains…",
}
"""What each phase is called while it lasts."""

_SURE = 1.0  # s that have to pass before a time is told
_ALMOST = 0.97  # of a phase, until it is over


@dataclass(frozen=True)
class Expected:
    """How long a run may take, before it has begun.

    Attributes
    ----------
    seconds
        Of each phase. What counts is how they relate: the machine's speed is found on the way.
    checks
        How often the clustering asks whether it is to stop, which tells how far it is.
    """

    seconds: dict[Phase, float]
    checks: int

    @classmethod
    def of(
        cls, config: Config, *, n_spots: int, n_modalities: int, n_pictures: int = 0
    ) -> Expected:
        """Of a run; the constants were measured on 346 and 2,300 spots, with 1 and 3 tables.

        Pictures are those among the modalities that are measured first.
        """
        thousands = n_spots / 1000
        size = thousands * n_modalities
        views = 2 * 6 * len(config.region_factors)
        checks = 300 if config.all_scales else 80
        if config.n_domains == "auto":
            checks += views * max(config.max_domains - config.min_domains + 1, 1)
        epoch = 0.02 + 0.03 * size
        seconds = {
            Phase.READING: 0.1 + 0.02 * size,
            Phase.MEASURING: n_pictures * (1.0 + 1.5 * thousands),
            Phase.PREPROCESSING: 0.4 + 0.1 * size,
            Phase.GRAPHS: 0.4 + (1.5 * size if 0 in config.scales else 0.3 * size),
            Phase.TRAINING: config.epochs * epoch if 0 in config.scales else 0.0,
            Phase.CLUSTERING: checks * (0.008 + 0.007 * min(thousands, 4) + 0.001 * thousands),
        }
        return cls(seconds, checks)


@dataclass
class RunProgress:
    """Follows the steps of a run.

    Attributes
    ----------
    expected
        How long it may take; None if that is not known: then there is no share and no time.
    clock
        Seconds that pass.
    epoch, epochs
        Number of the last epoch and of all of them; 0 before the first.
    """

    expected: Expected | None = None
    clock: Callable[[], float] = time.monotonic
    epoch: int = 0
    epochs: int = 0
    _phase: Phase | None = None
    _started: float | None = None
    _phase_started: float = 0.0
    _checks_before: int = 0
    _of_phase: float = 0.0
    _reached: float = 0.0
    _doing: str = "Starting…"
    _tiles: int = 1
    _epoch_seconds: list[float] = field(default_factory=list)

    def take(self, step: Step, checks: int = 0) -> None:
        """Note a step, and how often the run had asked by then whether it is to stop."""
        now = self.clock()
        if self._started is None:
            self._started = now
        if isinstance(step, Phase):
            self._phase, self._phase_started = step, now
            self._checks_before, self._of_phase = checks, 0.0
            self._doing = SENTENCES[step]
            if step is Phase.TRAINING:  # from the start, if the CPU took over
                self.epoch, self.epochs = 0, 0
                self._epoch_seconds.clear()
            return
        if isinstance(step, SizeReport):
            self._tiles, self._doing = step.tiles, step.said
            return
        if isinstance(step, PictureReport):
            self._of_phase = step.done / max(step.spots, 1)
            self._doing = f"Measuring the picture: {step.done:,} of {step.spots:,} spots"
            return
        self._phase = Phase.TRAINING
        self.epoch, self.epochs = step.epoch, step.epochs
        self._epoch_seconds.append(step.seconds)
        self._of_phase = step.epoch / step.epochs
        self._doing = f"Epoch {step.epoch} of {step.epochs}, loss {step.loss:.4g}"

    def look(self, checks: int) -> None:
        """Note how often the run has asked by now whether it is to stop."""
        expected = self.expected
        if expected is None or self._phase in {None, Phase.TRAINING}:
            return
        assert self._phase is not None  # noqa: S101
        if self._phase is Phase.CLUSTERING:
            share = (checks - self._checks_before) / expected.checks
        else:
            awaited = max(self._speed() * expected.seconds[self._phase], 1e-9)
            share = (self.clock() - self._phase_started) / awaited
        self._of_phase = max(self._of_phase, min(share, _ALMOST))

    @property
    def share(self) -> float:
        """Part of the whole run that is done, from 0 to 1; it never falls."""
        if self.expected is not None:
            total = sum(self.expected.seconds.values())
            self._reached = max(self._reached, self._done() / total)
        return self._reached

    @property
    def seconds_left(self) -> float | None:
        """Time that all that is to come will take; None before it can be told."""
        if self.expected is None or self._started is None or self._phase is None:
            return None
        if self.clock() - self._started < _SURE:
            return None
        coming = sum(self.expected.seconds.values()) - self._done()
        if self._phase is Phase.TRAINING and self._epoch_seconds:  # as the last ten went
            recent = self._epoch_seconds[-10:]
            left = sum(recent) / len(recent) * (self.epochs - self.epoch)
            coming -= self.expected.seconds[Phase.TRAINING] * (1 - self._of_phase)
            return left + self._speed() * max(coming, 0.0)
        return self._speed() * max(coming, 0.0)

    @property
    def text(self) -> str:
        """What is going on, and how long all of it will still take."""
        left = self.seconds_left
        doing = self._doing
        if self._tiles > 1 and doing.endswith("…"):
            doing = f"{doing.rstrip('…')} in {self._tiles} tiles…"
        return doing if left is None else f"{doing.rstrip('…')}, about {duration(left)} left"

    def _done(self) -> float:
        """Seconds, as they were expected, of what is done."""
        if self.expected is None or self._phase is None:
            return 0.0
        seconds, phases = self.expected.seconds, list(Phase)
        before = sum(seconds[phase] for phase in phases[: phases.index(self._phase)])
        return before + self._of_phase * seconds[self._phase]

    def _speed(self) -> float:
        """How much longer than expected things take here, as far as that can be told."""
        if self._started is None:
            return 1.0
        done = self._done()
        return (self.clock() - self._started + _SURE) / (done + _SURE)


def duration(seconds: float) -> str:
    """Return a time as people say it.

    Examples
    --------
    >>> duration(3.2), duration(95), duration(7300)
    ('4 s', '2 min', '2 h 2 min')
    """
    if seconds < 60:
        return f"{int(seconds) + 1} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
