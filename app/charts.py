"""Small charts as HTML and SVG text: no chart library to load, no flicker, the same look in light and dark mode.

A line has a point for each result, at its time; while a person was not seen, the line has a gap.
"""

import html
from collections.abc import Iterable, Mapping, Sequence

from app.moments import Moment, Stretch, Timeline, clock, split
from app.people import LONGEST_NAME, People
from edge.emotions import EMOTIONS, color
from edge.results import UNCERTAIN

WIDTH, HEIGHT, RIBBON, GAP = 1000, 100, 20, 7
"""Sizes in a chart's own units: x is time, y is 0 at the top; the ribbon is below the lines, after a gap."""
HATCH = (
    '<defs><pattern id="uncertain" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#B8BCC4" fill-opacity=".35"/><rect width="2" height="6" fill="#7C828C"/>'
    "</pattern></defs>"
)
_FRAME = f'<path class="grid" d="M0 0H{WIDTH}M0 {HEIGHT / 2}H{WIDTH}M0 {HEIGHT}H{WIDTH}"/>'


def bar(label: str, share: float) -> str:
    """A bar for one label and its share in [0, 1]."""
    return (
        f'<div class="bar"><span class="bar-label">{html.escape(label)}</span><span class="bar-track">'
        f'<span class="bar-fill {"hatched" if label == UNCERTAIN else ""}" '
        f'style="width:{share:.1%};background-color:{color(label)}"></span></span>'
        f'<span class="bar-value">{share:.0%}</span></div>'
    )


def bars(shares: Mapping[str, float]) -> str:
    """The shares of all labels as bars."""
    return f'<div class="bars">{"".join(bar(label, share) for label, share in shares.items())}</div>'


def legend(labels: Iterable[str] = (*EMOTIONS, UNCERTAIN)) -> str:
    """The legend: each color with its label."""
    items = (
        f'<span><i class="{"hatched" if label == UNCERTAIN else ""}" style="background-color:{color(label)}"></i>'
        f"{html.escape(label)}</span>"
        for label in labels
    )
    return f'<div class="legend">{"".join(items)}</div>'


def minute(moments: Sequence[Moment], now_s: float, span_s: float = 60.0) -> str:
    """A person's last minute: scores, and the labels shown; the newest at the right."""
    start_s = now_s - span_s
    recent = [moment for moment in moments if moment.at_s >= start_s]
    parts = split(recent, 1.3)
    drawn = emotion_lines(parts, start_s, span_s) + ribbon(parts, start_s, span_s, 0.5)
    axis = f'<div class="axis"><span>-{span_s:.0f} s</span><span>last minute</span><span>now</span></div>'
    return _svg(drawn, HEIGHT + RIBBON, "Score of each emotion over the last minute", "minute") + axis


def emotion_lines(parts: Sequence[Stretch], start_s: float, length_s: float, who: int = 0) -> str:
    """A line for each emotion, in its color."""
    labels = list(parts[0][0].scores) if parts else []
    return _FRAME + "".join(
        _line(label, [(moment.at_s, 1 - moment.scores[label]) for moment in part], start_s, length_s, color(label), who)
        for label in labels
        for part in parts
    )


def valence_lines(timeline: Timeline, people: People) -> str:
    """A line for each person, in the person's color: pleasant is up."""
    return _FRAME + "".join(
        _line(
            "valence",
            [(moment.at_s, (1 - moment.valence) / 2) for moment in part],
            0.0,
            timeline.length_s,
            people[who].color,
            who,
        )
        for who, parts in timeline.people.items()
        for part in parts
    )


def _line(
    name: str, points: Sequence[tuple[float, float]], start_s: float, length_s: float, stroke: str, who: int
) -> str:
    places = [f"{WIDTH * (at_s - start_s) / length_s:.3f},{HEIGHT * down:.2f}" for at_s, down in points]
    text = " ".join(places if len(places) > 1 else 2 * places)  # a single point shows as a dot
    return (
        f'<polyline class="line" data-of="{html.escape(name)}" data-person="{who}" stroke="{stroke}" points="{text}"/>'
    )


def ribbon(parts: Sequence[Stretch], start_s: float, length_s: float, step_s: float, y: int = HEIGHT + GAP) -> str:
    """The label shown at each time, as colors; uncertain is hatched."""
    blocks = (block for part in parts for block in _blocks(part, step_s))
    return HATCH + "".join(
        f'<rect data-emotion="{html.escape(emotion)}" x="{WIDTH * (begin_s - start_s) / length_s:.3f}" y="{y}" '
        f'width="{WIDTH * (end_s - begin_s) / length_s:.3f}" height="{RIBBON - GAP}" '
        f'fill="{"url(#uncertain)" if emotion == UNCERTAIN else color(emotion)}"/>'
        for emotion, begin_s, end_s in blocks
    )


def _blocks(part: Stretch, step_s: float) -> list[tuple[str, float, float]]:
    """(emotion, begin, end) of each period without a change."""
    blocks: list[tuple[str, float, float]] = []
    for moment, end_s in zip(part, [*(later.at_s for later in part[1:]), part[-1].at_s + step_s], strict=True):
        begin_s = moment.at_s
        if blocks and blocks[-1][0] == moment.emotion:
            begin_s = blocks.pop()[1]
        blocks.append((moment.emotion, begin_s, end_s))
    return blocks


def over_time(timeline: Timeline, people: People) -> str:
    """A whole recording: a chart for each person, and one for all together if there are several."""
    if not timeline.people:
        return '<p class="says">No face was found.</p>'
    lanes = "".join(_lane(timeline, who, people) for who in timeline.people)
    together = _together(timeline, people) if len(timeline.people) > 1 else ""
    return f'<div class="chart">{together}{lanes}{legend()}{_note(timeline)}</div>'


def _together(timeline: Timeline, people: People) -> str:
    names = "".join(
        f'<span><i style="background-color:{people[who].color}"></i>{html.escape(people[who].name)}</span>'
        for who in timeline.people
    )
    drawn = _svg(valence_lines(timeline, people), HEIGHT, "Valence of each person over time", "together")
    return (
        f'<section class="lane"><h3>Everybody: pleasant is up, unpleasant is down</h3><div class="legend">{names}</div>'
        f"{drawn}{axis(timeline.length_s)}</section>"
    )


def _lane(timeline: Timeline, who: int, people: People) -> str:
    person, parts = people[who], timeline.people[who]
    drawn = emotion_lines(parts, 0.0, timeline.length_s, who)
    drawn += ribbon(parts, 0.0, timeline.length_s, timeline.step_s)
    name = html.escape(person.name, quote=True)
    title = f"Score of each emotion of {name} over time"
    return (
        f'<section class="lane"><h3>{name_fields(who, people)}'
        f"<small>{in_short(timeline, who)}</small></h3>"
        f"{_svg(drawn, HEIGHT + RIBBON, title, 'lines')}{axis(timeline.length_s)}</section>"
    )


def name_fields(who: int, people: People) -> str:
    """Input fields for a person's color and name."""
    person = people[who]
    name = html.escape(person.name, quote=True)
    return (
        f'<input type="color" data-send="color {who}" value="{person.color}" aria-label="Color of person {who}">'
        f'<input class="name" data-send="name {who}" value="{name}" maxlength="{LONGEST_NAME}" '
        f'aria-label="Name of person {who}" title="Write another name here">'
    )


def in_short(timeline: Timeline, who: int) -> str:
    """How long a person was seen, and which emotions were shown."""
    told = ", ".join(
        f"{html.escape(emotion)} {share:.0%}" for emotion, share in list(timeline.shares_of(who).items())[:3]
    )
    return f"in view {timeline.seconds_of(who):.1f} s of {timeline.length_s:.1f} s: {told}"


def _note(timeline: Timeline) -> str:
    points = "a point is one result" if timeline.merged == 1 else f"a point is the mean of {timeline.merged} results"
    return (
        f'<p class="note">Lines are scores, 0 to 100%; the ribbon is what was told; {points}; a gap: not in view.</p>'
    )


def axis(length_s: float) -> str:
    """The times below a chart."""
    ticks = "".join(f"<span>{tick}</span>" for tick in ticks_of(length_s))
    return f'<div class="axis">{ticks}</div>'


def ticks_of(length_s: float) -> list[str]:
    """Five times from the beginning to the end, as a video player shows them."""
    shares = (0, 0.25, 0.5, 0.75, 1)
    if length_s < 20:
        return [f"{length_s * share:.1f} s" for share in shares]
    return [clock(length_s * share) for share in shares]


def _svg(drawn: str, height: int, title: str, kind: str) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{title}">{drawn}</svg>'
    )


def circumplex(valence: float, arousal: float, color_name: str = "neutral") -> str:
    """Valence (right is pleasant) and arousal (up is excited), each in [-1, 1], as a point that glides."""
    x, y = 60 + 46 * _unit(valence), 60 - 46 * _unit(arousal)
    return (
        '<div class="chart circumplex"><svg viewBox="-32 -4 184 128" role="img" '
        f'aria-label="Valence {valence:+.2f}, arousal {arousal:+.2f}">'
        '<circle class="grid" cx="60" cy="60" r="46"/><line class="grid" x1="14" x2="106" y1="60" y2="60"/>'
        '<line class="grid" x1="60" x2="60" y1="14" y2="106"/>'
        '<text x="60" y="9" text-anchor="middle">excited</text><text x="60" y="118" text-anchor="middle">calm</text>'
        '<text x="10" y="63" text-anchor="end">unpleasant</text><text x="110" y="63">pleasant</text>'
        f'<circle class="point" r="6" fill="{color(color_name)}" style="transform:translate({x:.1f}px,{y:.1f}px)"/>'
        "</svg></div>"
    )


def _unit(value: float) -> float:
    return max(-1.0, min(1.0, value))
