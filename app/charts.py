"""Small charts as HTML and SVG text: no chart library to load, nothing blinks, one look in light and dark."""

import html
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from app.monitor import Sample
from edge.affect import in_words
from edge.config import EdgeConfig
from edge.emotions import EMOTIONS, color
from edge.model_info import PEOPLE
from edge.results import UNCERTAIN, Face


def bars(face: Face, head: str = PEOPLE) -> str:
    """A face's scores as a sentence and as bars that move: the nodes stay, so CSS animates their width.

    Args:
        face: a face that was classified, or will be.
        head: whose scores they are, as in `FrameResult.scores`.
    """
    rows = "".join(bar(label, score) for label, score in face.scores.as_dict().items())
    title = f"Face {face.track_id} · {html.escape(face.emotion)}"
    sentence = f'<div class="face-says">{html.escape(_sentence(face, head))}</div>'
    return f'<div class="face"><div class="face-title">{title}</div>{sentence}{rows}</div>'


def _sentence(face: Face, head: str) -> str:
    if not face.scores.values:
        return "not looked at yet"
    if face.emotion != UNCERTAIN:
        return in_words(face.scores, head)
    if face.quality < EdgeConfig.min_quality:
        return "Too small, blurred, cut by the border or turned away to judge"
    return f"People would disagree: {in_words(face.scores, head)}"


def bar(label: str, score: float) -> str:
    """One label and its share in [0, 1]."""
    return (
        f'<div class="bar"><span class="bar-label">{html.escape(label)}</span>'
        f'<span class="bar-track"><span class="bar-fill" style="width:{score:.1%};background:{color(label)}"></span>'
        f'</span><span class="bar-value">{score:.0%}</span></div>'
    )


def timeline(samples: Sequence[Sample], now_s: float, span_s: float = 60.0) -> str:
    """Scores over the last `span_s` seconds, newest at the right, as SVG."""
    recent = [sample for sample in samples if now_s - sample.at_s <= span_s]
    points = [(600 * (1 - (now_s - sample.at_s) / span_s), sample.scores) for sample in recent]
    ticks = [f"-{span_s * share:.0f} s" for share in (1, 0.75, 0.5, 0.25)] + ["now"]
    return _lines(points, ticks, "Probability of each emotion over the last minute")


def summary(samples: Sequence[Sample]) -> str:
    """Scores over a whole recording as SVG; time counts from its first sample."""
    if not samples:
        return _lines([], [], "No face was found")
    start_s, length_s = samples[0].at_s, max(samples[-1].at_s - samples[0].at_s, 1e-3)
    points = [(600 * (sample.at_s - start_s) / length_s, sample.scores) for sample in thin(samples, 300)]
    digits = 1 if length_s < 10 else 0
    ticks = [f"{length_s * share:.{digits}f} s" for share in (0, 0.25, 0.5, 0.75, 1)]
    return _lines(points, ticks, "Probability of each emotion over the recording")


def summary_file(samples: Sequence[Sample], title: str) -> str:
    """`summary` as an SVG file of its own: white paper, names beside the colors."""
    start_s, length_s = samples[0].at_s, max(samples[-1].at_s - samples[0].at_s, 1e-3)
    thinned, labels = thin(samples, 300), list(samples[0].scores)
    lines = "".join(
        _path(label, [(600 * (sample.at_s - start_s) / length_s, _y(sample.scores[label])) for sample in thinned])
        for label in labels
    )
    names = "".join(
        f'<text x="{index * 86}" y="124" fill="{color(label)}">{html.escape(label)}</text>'
        for index, label in enumerate(labels)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -18 620 150" font-family="sans-serif" font-size="9">'
        '<style>.line{fill:none;stroke-width:1.5}</style><rect x="-10" y="-18" width="620" height="150" fill="#fff"/>'
        f'<text y="-6">{html.escape(title)}: probability of each emotion over {length_s:.1f} s</text>'
        f'<path d="M0 4V94H600" fill="none" stroke="#999"/>{lines}<text y="106">0 s</text>'
        f'<text x="600" y="106" text-anchor="end">{length_s:.1f} s</text>{names}</svg>'
    )


def shares(samples: Sequence[Sample]) -> str:
    """How often each emotion was the strongest, as bars."""
    strongest = Counter(max(sample.scores, key=sample.scores.__getitem__) for sample in samples)
    labels = samples[0].scores if samples else EMOTIONS
    return "".join(bar(label, strongest[label] / max(1, len(samples))) for label in labels)


def thin(samples: Sequence[Sample], most: int) -> list[Sample]:
    """At most `most` samples, each the mean of its stretch, so that no short expression is lost by luck."""
    step = max(1, math.ceil(len(samples) / most))
    return [_mean(samples[start : start + step]) for start in range(0, len(samples), step)]


def _mean(samples: Sequence[Sample]) -> Sample:
    count = len(samples)
    scores = {label: sum(sample.scores[label] for sample in samples) / count for label in samples[0].scores}
    valence = sum(sample.valence for sample in samples) / count
    return Sample(samples[0].at_s, scores, valence, sum(sample.arousal for sample in samples) / count)


def _lines(points: Sequence[tuple[float, Mapping[str, float]]], ticks: Iterable[str], title: str) -> str:
    labels = list(points[0][1]) if points else list(EMOTIONS)
    paths = "".join(_path(label, [(x, _y(scores[label])) for x, scores in points]) for label in labels)
    grid = "".join(f'<line class="grid" x1="0" x2="600" y1="{y}" y2="{y}"/>' for y in (_y(0), _y(0.5), _y(1)))
    svg = f'<svg viewBox="0 0 600 98" preserveAspectRatio="none" role="img" aria-label="{title}">{grid}{paths}</svg>'
    axis = "".join(f"<span>{tick}</span>" for tick in ticks)
    top = '<div class="axis">100%</div>' if points else ""
    return f'<div class="chart lines">{top}{svg}<div class="axis">{axis}</div>{legend(labels)}</div>'


def _y(share: float) -> float:
    return 4 + 90 * (1 - share)


def _path(label: str, points: Sequence[tuple[float, float]]) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="line" points="{text}" stroke="{color(label)}"/>'


def legend(labels: Iterable[str]) -> str:
    """The colors' names."""
    items = "".join(f'<span><i style="background:{color(label)}"></i>{html.escape(label)}</span>' for label in labels)
    return f'<div class="legend">{items}</div>'


def circumplex(valence: float, arousal: float, color_name: str = "neutral") -> str:
    """Valence (right is pleasant) and arousal (up is excited), each in [-1, 1], as a point that glides."""
    x, y = 60 + 46 * _unit(valence), 60 - 46 * _unit(arousal)
    return (
        '<div class="chart circumplex"><svg viewBox="-26 -4 172 128" role="img" '
        f'aria-label="Valence {valence:+.2f}, arousal {arousal:+.2f}">'
        '<circle class="grid" cx="60" cy="60" r="46"/><line class="grid" x1="14" x2="106" y1="60" y2="60"/>'
        '<line class="grid" x1="60" x2="60" y1="14" y2="106"/>'
        '<text x="60" y="9" text-anchor="middle">excited</text><text x="60" y="118" text-anchor="middle">calm</text>'
        '<text x="10" y="63" text-anchor="end">sad</text><text x="110" y="63">glad</text>'
        f'<circle class="point" r="6" fill="{color(color_name)}" style="transform:translate({x:.1f}px,{y:.1f}px)"/>'
        "</svg></div>"
    )


def _unit(value: float) -> float:
    return max(-1.0, min(1.0, value))
