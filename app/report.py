"""What users download: file names, file headers, the chart as a file, and a report as one HTML page."""

import base64
import html
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath

from app import cards, charts
from app.moments import Timeline
from app.people import People
from app.session_log import About
from edge import __version__
from edge.address import redact
from edge.config import EdgeConfig
from edge.emotions import EMOTIONS, color
from edge.results import UNCERTAIN

SHOWN_OPTIONS = ("detector", "min_face", "detect_every", "fps", "smoothing_s", "threshold", "min_quality", "runtime")
METHOD = (
    "Faces are found by BlazeFace, followed from frame to frame, and judged one by one by a small network that learned "
    "from FER-2013 what people say of a face. Scores are smoothed over time. A face is uncertain if fewer people "
    "than the threshold would agree, or if it is too small, blurred, cut or turned away."
)
LANE, TOP, LEFT, RIGHT = 150, 60, 20, 1020
STYLE = """body{font:16px/1.5 system-ui,sans-serif;color:#18202a;max-width:60rem;margin:2rem auto;padding:0 1.2rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:1.8rem 0 .4rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #dde3ea;vertical-align:top}
img{border-radius:.4rem;width:96px}.warn{background:#fff4e5;border-left:4px solid #b06f00;padding:.6rem 1rem}
small{color:#57606a}svg{width:100%;height:auto}"""


def about(config: EdgeConfig, source: str, begun_at: datetime, head: str = "") -> About:
    """The facts for the header of a file."""
    options = ", ".join(f"{name}={getattr(config, name)}" for name in SHOWN_OPTIONS)
    return {
        "source": redact(source),
        "begin": begun_at.isoformat(timespec="seconds"),
        "model": f"{config.model_path.name}, scores {head or config.scores}",
        "options": options,
        "made by": f"emotion-edge {__version__}",
    }


def stem(source: str, begun_at: datetime) -> str:
    """The beginning of a session's file names: the source, and when the session began."""
    name = PurePath(redact(source)).stem if "://" not in source else redact(source).split("://")[1]
    plain = re.sub(r"[^\w-]+", "-", f"camera-{name}" if name.isdigit() else name).strip("-")[:60]
    return f"{plain or 'emotions'}_{begun_at:%Y-%m-%d_%H-%M-%S}"


def chart_file(timeline: Timeline, people: People, title: str) -> str:
    """The chart as an SVG file: white background, a chart for each person, names next to the colors."""
    lanes = list(timeline.people)
    height = TOP + LANE * len(lanes) + 40
    body = "".join(_lane(timeline, who, people, TOP + LANE * number) for number, who in enumerate(lanes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="1040" height="{height}" viewBox="0 0 1040 {height}" '
        'font-family="system-ui,sans-serif" font-size="13"><style>.line{fill:none;stroke-width:1.8;'
        "stroke-linecap:round;vector-effect:non-scaling-stroke}.grid{fill:none;stroke:#ccd3da;vector-effect:non-scaling-stroke}</style>"
        f'<rect width="1040" height="{height}" fill="#fff"/><text x="{LEFT}" y="28" font-size="17" font-weight="600">'
        f"{html.escape(title)}</text>{body}{_names(height - 14)}</svg>"
    )


def _lane(timeline: Timeline, who: int, people: People, top: int) -> str:
    parts, height = timeline.people[who], charts.HEIGHT + charts.RIBBON
    drawn = charts.emotion_lines(parts, 0.0, timeline.length_s, who)
    drawn += charts.ribbon(parts, 0.0, timeline.length_s, timeline.step_s)
    ticks = charts.ticks_of(timeline.length_s)
    labels = "".join(
        f'<text x="{LEFT + (RIGHT - LEFT) * number / 4:.0f}" y="{top + height + 14}" fill="#57606a" font-size="11" '
        f'text-anchor="{("start", "middle", "middle", "middle", "end")[number]}">{tick}</text>'
        for number, tick in enumerate(ticks)
    )
    return (
        f'<text x="{LEFT}" y="{top - 7}"><tspan font-weight="600" fill="{people[who].color}">'
        f"{html.escape(people[who].name)}</tspan>  {charts.in_short(timeline, who)}</text>"
        f'<svg x="{LEFT}" y="{top}" width="{RIGHT - LEFT}" height="{height}" viewBox="0 0 {charts.WIDTH} {height}" '
        f'preserveAspectRatio="none">{drawn}</svg>{labels}'
    )


def _names(y: int) -> str:
    return "".join(
        f'<rect x="{LEFT + 120 * number}" y="{y - 10}" width="11" height="11" '
        f'fill="{"url(#uncertain)" if label == UNCERTAIN else color(label)}"/>'
        f'<text x="{LEFT + 120 * number + 16}" y="{y}">{label}</text>'
        for number, label in enumerate((*EMOTIONS, UNCERTAIN))
    )


def page(timeline: Timeline, people: People, told: About, pictures: Mapping[int, bytes] | None = None) -> str:
    """A session as one HTML file: chart, people, shares, uncertainty, method, limits; pictures only if given."""
    title = f"Emotions in {told['source']}"
    facts = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in told.items())
    rows = "".join(_person(timeline, who, people, (pictures or {}).get(who)) for who in timeline.people)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style><h1>{html.escape(title)}</h1>"
        f"<p><small>{html.escape(told['begin'])}, {timeline.length_s:.1f} seconds</small></p>"
        f'<p class="warn">{cards.LIMITS}</p><h2>Over time</h2>{chart_file(timeline, people, "")}'
        "<h2>People</h2><table><tr><th>who</th><th>in view</th><th>what was told</th><th>uncertain</th></tr>"
        f"{rows}</table>"
        f"<h2>How it was made</h2><p>{METHOD}</p><table>{facts}</table></html>"
    )


def _person(timeline: Timeline, who: int, people: People, picture: bytes | None) -> str:
    shares = timeline.shares_of(who)
    told = ", ".join(f"{html.escape(emotion)} {share:.0%}" for emotion, share in shares.items() if emotion != UNCERTAIN)
    image = f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}"><br>' if picture else ""
    return (
        f"<tr><td>{image}{html.escape(people[who].name)}</td><td>{timeline.seconds_of(who):.1f} s</td>"
        f"<td>{told or 'nothing'}</td><td>{shares.get(UNCERTAIN, 0):.0%}</td></tr>"
    )
