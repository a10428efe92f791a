"""The exceptions and the warning that napari-trsmi raises on purpose.

Each message says what is wrong, where, and what to do about it. Anything else that
escapes the package is a defect.
"""

from __future__ import annotations


class TRSMIError(Exception):
    """Base class of every error that napari-trsmi raises on purpose."""


class InputError(TRSMIError):
    """A table, its coordinates or its annotations cannot be used as they are."""


class ConfigError(TRSMIError):
    """A parameter is unknown, out of bounds, or contradicts another one."""


class OutputError(TRSMIError):
    """A result cannot be written where it was asked for."""


class DeviceError(TRSMIError):
    """The device asked for is missing or has too little memory."""


class TrainingError(TRSMIError):
    """Training cannot go on, and there is no usable state to return."""


class MissingPackageError(TRSMIError):
    """A package that only some uses need is not installed; the message has the line for it."""


class LostProcessError(TRSMIError):
    """A process of a run of several is gone; the others cannot go on without it."""


class StoppedError(TRSMIError):
    """The run was told to stop and to keep nothing."""


class TRSMIWarning(UserWarning):
    """Something in the input or the run that the user should know about."""
