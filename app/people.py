"""The people in a source: the name and the color of each, which the user may choose."""

import re
from collections.abc import Iterable
from typing import NamedTuple

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9", "#7A4FBF", "#8A5A44")
"""The colors of people, in turn; the color-blind can tell the first six apart."""
LONGEST_NAME = 24


class Person(NamedTuple):
    """A person's name and color."""

    name: str
    color: str


class People:
    """Names and colors by identity; without a choice of the user, the first is `Person 1` in the first color.

    Usage:
        people = People()
        people.rename(2, "Anna")
        people[2].name, people[2].color
    """

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._colors: dict[int, str] = {}

    def __getitem__(self, track_id: int) -> Person:
        color = self._colors.get(track_id, COLORS[(track_id - 1) % len(COLORS)])
        return Person(self._names.get(track_id, f"Person {track_id}"), color)

    def rename(self, track_id: int, name: str) -> None:
        """Set a person's name; an empty one restores the default."""
        name = " ".join(name.split())[:LONGEST_NAME]
        if name and name != f"Person {track_id}":
            self._names[track_id] = name
        else:
            self._names.pop(track_id, None)

    def paint(self, track_id: int, color: str) -> None:
        """Set a person's color; an invalid one is ignored."""
        if re.fullmatch(r"#[0-9a-fA-F]{6}", color):
            self._colors[track_id] = color

    def names(self, track_ids: Iterable[int]) -> list[str]:
        """The names of these people."""
        return [self[track_id].name for track_id in track_ids]

    @property
    def chosen(self) -> tuple[tuple[int, str], ...]:
        """The names that the user chose."""
        return tuple(sorted(self._names.items()))
