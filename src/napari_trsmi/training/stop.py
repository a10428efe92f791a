"""Asking a run to stop, from another thread or a signal handler."""

from __future__ import annotations

from napari_trsmi.errors import StoppedError


class StopToken:
    """Checked by the training loop before every epoch.

    Stopping through a token lets the loop return and clean up, which closing its generator from
    another thread would not.
    """

    def __init__(self) -> None:
        self._stopped = False
        self._keep = False
        self._checks = 0

    @property
    def checks(self) -> int:
        """How often the work has asked, which tells a window how far it is."""
        return self._checks

    @property
    def stopped(self) -> bool:
        """Whether stopping was asked for."""
        return self._stopped

    @property
    def keep(self) -> bool:
        """Whether what has been learned so far shall be returned as a result."""
        return self._keep

    def stop(self, *, keep: bool = False) -> None:
        """Ask the run to stop after the current epoch.

        Parameters
        ----------
        keep
            Whether to make a result of the partly trained model; otherwise the run raises
            `napari_trsmi.errors.StoppedError`.
        """
        self._keep = keep
        self._stopped = True

    def check(self) -> None:
        """Raise if the run shall end and nothing is to be kept; for work that can be cut short.

        Raises
        ------
        StoppedError
            If so.
        """
        self._checks += 1
        if self._stopped and not self._keep:
            raise StoppedError("The run was stopped; nothing was kept.")
