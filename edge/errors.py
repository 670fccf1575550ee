"""The errors of the package. Whatever can be checked is checked when an object is made; a `main` catches them.

    EmotionError
    ├── ConfigError       (ValueError)    an option is out of its range
    ├── SourceError       (OSError)       no frames from this camera, file or address
    │   └── RefusedError                  the camera refuses user or password: do not ask often
    ├── ModelError        (ValueError)    not a model file, or its contract is missing or broken
    ├── DataError         (ValueError)    no data set, or a damaged one
    ├── TrainingError     (RuntimeError)  a training run diverged
    ├── SinkError         (OSError)       results can't be written
    └── StuckThreadError  (RuntimeError)  a thread did not end in time

Each derives from the built-in error that a caller would expect. Messages say what was expected, of which
thing, and end in "Received: …".
"""


class EmotionError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(EmotionError, ValueError):
    """An option has a value outside its range."""


class SourceError(EmotionError, OSError):
    """A source of frames can't be opened, or has failed for good."""


class RefusedError(SourceError):
    """A camera refuses user or password; it may lock out clients that ask often."""


class ModelError(EmotionError, ValueError):
    """A model file is unreadable, or its contract is missing or contradictory."""


class DataError(EmotionError, ValueError):
    """A data set is missing or damaged."""


class TrainingError(EmotionError, RuntimeError):
    """A training run has diverged."""


class SinkError(EmotionError, OSError):
    """A sink can't write its results."""


class StuckThreadError(EmotionError, RuntimeError):
    """A thread did not end within the time it was given."""
