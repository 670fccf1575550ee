"""The errors of the package; raised at construction, caught only in a `main`.

    EmotionError
    ├── ConfigError       (ValueError)    an option is out of its range
    ├── SourceError       (OSError)       no frames from this camera, file or address
    │   └── RefusedError                  the camera refuses user or password: not to be asked often
    ├── ModelError        (ValueError)    not a model file, or its contract is missing or broken
    ├── DataError         (ValueError)    no data set, or a damaged one
    ├── TrainingError     (RuntimeError)  a training came to nothing
    ├── SinkError         (OSError)       results can't be written
    └── StuckThreadError  (RuntimeError)  a thread did not end in time

Each is also the built-in that a caller would expect. Messages say what was expected, of which
thing, and end in "Received: …".
"""


class EmotionError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(EmotionError, ValueError):
    """An option has a value outside its range."""


class SourceError(EmotionError, OSError):
    """A source of frames can't be opened, or has failed for good."""


class RefusedError(SourceError):
    """A camera refuses user or password; those that ask often are locked out."""


class ModelError(EmotionError, ValueError):
    """A model file is unreadable, or its contract is missing or contradictory."""


class DataError(EmotionError, ValueError):
    """A data set is missing or damaged."""


class TrainingError(EmotionError, RuntimeError):
    """A training has diverged."""


class SinkError(EmotionError, OSError):
    """A sink can't write its results."""


class StuckThreadError(EmotionError, RuntimeError):
    """A thread did not end within the time it was given."""
