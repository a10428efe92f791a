"""How far a run is, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_trsmi.training.report import EpochReport, Phase

SENTENCES = {
    Phase.READING: "Matching and checking the tables…",
    Phase.PREPROCESSING: "Preprocessing…",
    Phase.GRAPHS: "Building the graphs…",
    Phase.TRAINING: "Preparing the network…",
    Phase.CLUSTERING: "Finding the domains…",
}
"""What each phase is called while it lasts."""


@dataclass
class RunProgress:
    """Follows the steps of a run.

    Attributes
    ----------
    epoch, epochs
        Number of the last epoch and of all of them; 0 before the first.
    text
        What is going on.
    """

    epoch: int = 0
    epochs: int = 0
    text: str = "Starting…"
    _seconds: list[float] = field(default_factory=list)

    def take(self, step: Phase | EpochReport) -> None:
        """Note a step."""
        if isinstance(step, Phase):
            self.text = SENTENCES[step]
            if step is Phase.TRAINING:  # from the start, if the CPU took over
                self.epoch, self.epochs = 0, 0
                self._seconds.clear()
            return
        self.epoch, self.epochs = step.epoch, step.epochs
        self._seconds.append(step.seconds)
        self.text = f"Epoch {step.epoch} of {step.epochs}, loss {step.loss:.4g}"
        if step.epoch < step.epochs:
            self.text += f", about {duration(self.seconds_left)} left"

    @property
    def seconds_left(self) -> float:
        """Time that the epochs to come will take, as the last ten did."""
        recent = self._seconds[-10:]
        return sum(recent) / len(recent) * (self.epochs - self.epoch) if recent else 0.0


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
