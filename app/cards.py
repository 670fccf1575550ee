"""A card about a person as HTML: who, which emotion, how sure that is or why not, and the last minute."""

import base64
import html
from collections.abc import Sequence

from app import charts
from app.labels import DOUBTED
from app.moments import Moment
from app.people import People
from edge.affect import in_words
from edge.config import EdgeConfig
from edge.results import UNCERTAIN, Face

MANY = 2
"""If at least this many people are in view, each gets a short card."""
LIMITS = (
    "It tells what people would say of a face, <b>not what somebody feels</b>. Animals, drawings and masks get an "
    "emotion too, and it means nothing. <b>Don't decide about people with it.</b>"
)
_GRADES = ((0.7, "high"), (0.4, "medium"), (0.0, "low"))


def limits() -> str:
    """What the app must not be used for, in one line."""
    return f'<p class="limits">{LIMITS}</p>'


def count(number: int, thing: str) -> str:
    """A number with its noun: 1 photo, 2 photos, 2 people."""
    plural = "people" if thing == "person" else f"{thing}s"
    return f"{number} {thing if number == 1 else plural}"


def card(
    face: Face, head: str, people: People, thumbnail: bytes = b"", moments: Sequence[Moment] | None = None,
    now_s: float = 0.0, is_here: bool = True, most_bars: int = 7, is_editable: bool = True,
) -> str:  # fmt: skip
    """The card of one face.

    Args:
        face: a face, classified or not yet.
        head: the model's head that the scores come from, as in `FrameResult.scores`.
        people: the names that the user gave.
        thumbnail: a JPEG of the face.
        moments: the last minute up to `now_s`, on the server's monotonic clock; None for a photo.
        is_here: whether the person is in view.
        most_bars: show only so many of the highest scores; None: all.
        is_editable: whether name and color can be changed here.
    """
    scores = face.scores.as_dict()
    told = scores if most_bars >= len(scores) else dict(sorted(scores.items(), key=lambda item: -item[1])[:most_bars])
    where = "" if is_here else '<p class="gone">out of view</p>'
    chart = "" if moments is None else charts.minute(moments, now_s)
    name = f' id="person-{face.track_id}"' if is_editable else ""
    return (
        f'<article class="person{"" if is_here else " away"}"{name}>'
        f'<header>{_picture(thumbnail)}<div class="who">{_title(face, people, is_editable)}'
        f'<p class="says">{html.escape(sentence(face, head))}</p>{where or _sure(face)}</div></header>'
        f"{charts.bars(told) if told else ''}{chart}</article>"
    )


def sentence(face: Face, head: str) -> str:
    """The result for a face in a sentence, or why there is none."""
    if not face.scores.values:
        return "not looked at yet"
    if face.quality < EdgeConfig.min_quality:
        return f"Uncertain: {_why_poor(face)}"
    if face.emotion == UNCERTAIN:
        return f"Uncertain: people would disagree. {in_words(face.scores, head)}"
    return in_words(face.scores, head)


def _why_poor(face: Face) -> str:
    if min(face.box.width, face.box.height) < 30:
        return "the face is too small to judge"
    if min(face.box.x, face.box.y) <= 0:
        return "the face is cut by the border"
    return "the face is blurred, cut or turned away"


def _sure(face: Face) -> str:
    return (
        f'<p class="sure">certainty <b title="{face.certainty:.2f}">{grade(face.certainty)}</b> · '
        f'view <b title="{face.quality:.2f}">{_view(face.quality)}</b>{doubt(face)}</p>'
    )


def doubt(face: Face) -> str:
    """A note on a face that may be an animal's or a drawing; empty for others."""
    return '<span class="doubt">perhaps not a person</span>' if face.face_score < DOUBTED else ""


def grade(share: float) -> str:
    """A certainty in [0, 1] as a word."""
    return next(word for least, word in _GRADES if share >= least)


def _view(quality: float) -> str:
    return {"high": "good", "medium": "fair", "low": "poor"}[grade(quality)]


def _picture(thumbnail: bytes) -> str:
    if not thumbnail:
        return ""
    return f'<img class="thumb" alt="" src="data:image/jpeg;base64,{base64.b64encode(thumbnail).decode()}">'


def _title(face: Face, people: People, is_editable: bool) -> str:
    who = face.track_id
    name = html.escape(people[who].name, quote=True)
    mood = f'<span class="mood">{html.escape(face.emotion)}</span>'
    return f"<h3>{charts.name_fields(who, people) if is_editable else name}{mood}</h3>"


def in_one_line(faces: Sequence[Face], people: People) -> str:
    """All faces in one line, for screen readers."""
    if not faces:
        return "Nobody is in the picture."
    return ", ".join(f"{people[face.track_id].name}: {face.emotion}" for face in faces) + "."


def apply(people: People, what: str, value: str) -> bool:
    """Apply a name or color that the user chose in a card; return whether `what` was one of these."""
    action, _, number = what.partition(" ")
    change = {"name": people.rename, "color": people.paint}.get(action)
    if change is None or not number.isdigit():
        return False
    change(int(number), value)
    return True
