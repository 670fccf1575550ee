"""Maps the folder names and class numbers of common data sets to our labels."""

import re
from collections.abc import Iterable

from edge.model_info import LABELS

SYNONYMS = {
    "angry": ("anger", "angry", "ang", "an"),
    "disgust": ("disgust", "disgusted", "disgusting", "dis", "di"),
    "fear": ("fear", "fearful", "afraid", "scared", "fea", "fe"),
    "happy": ("happy", "happiness", "happily", "joy", "joyful", "smile", "smiling", "hap", "ha"),
    "neutral": ("neutral", "neutrality", "calm", "normal", "neu", "ne"),
    "sad": ("sad", "sadness", "unhappy", "sa"),
    "surprise": ("surprise", "surprised", "surprising", "sur", "su"),
}
OTHER_CLASSES = {
    "contempt": ("contempt", "contemptuous", "con"),
    "none": ("none", "unknown", "uncertain", "noface", "nf", "other", "others", "background"),
}
"""Classes of other data sets that our networks do not have."""
FILLERS = re.compile(
    r"an?|class|emotion|expression|faces?|im(age|g)s?|label|me|my|of|people|person|p(hoto|ic|icture|ortrait)s?"
)
AFFECTNET = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt", "none", "none", "none")
"""AffectNet's class numbers from 0, as in its csv files and its folders 0 to 7."""
RAF_DB = ("", "surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
"""RAF-DB's class numbers from 1."""
_WORDS = {word: name for names in (SYNONYMS, OTHER_CLASSES) for name, words in names.items() for word in words}


def class_of(name: str) -> str | None:
    """The class that a folder's name means, from LABELS or OTHER_CLASSES; None if it means none.

    Case, numbers and words such as "faces" are ignored, as in `Anger`, `03-happiness` or `my happy faces`.
    """
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word and not FILLERS.fullmatch(word)]
    return _WORDS.get(words[0]) if len(words) == 1 else None


def number_scheme(folders: Iterable[str], files: Iterable[str]) -> tuple[str, ...] | None:
    """The meaning of folders with numbers: AffectNet's 0 to 7, or RAF-DB's 1 to 7 by its file names; None if unclear.

    0 to 6 may be AffectNet's or FER-2013's, which differ, so nothing is guessed.
    """
    numbers = {int(folder) for folder in folders if folder.isdecimal()}
    if {0, 7} <= numbers <= set(range(11)):
        return AFFECTNET
    if numbers and numbers <= set(range(1, 8)) and all(re.match(r"(train|test)_\d+", file) for file in files):
        return RAF_DB
    return None


def is_ours(name: str) -> bool:
    """Whether our networks have this class."""
    return name in LABELS
