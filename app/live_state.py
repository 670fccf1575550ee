"""What a tab's live pane shows now: image, status line, the record's count, and everybody in view."""

import html
import time

import cv2
import streamlit as st

from app import cards, health
from app.cards import MANY, card
from app.charts import circumplex
from app.monitor import Seen
from app.pane import State
from app.rendering import JPEG_QUALITY, face_of
from app.sessions import Session, registry
from app.worker import Worker
from edge.annotate import hide_faces
from edge.results import BgrImage, FrameResult

ALT = "The live picture, with a box and a label at each face"


def phase(session: Session) -> str:
    """What the page's script depends on, as a text: if it changes, the script runs again."""
    worker, record = session.worker, session.record
    if worker is None:
        return "waiting" if session.camera else "none"
    refused = id(worker.refused) if worker.refused else ""
    return f"{worker.number} {worker.running} {worker.changes} {refused} {bool(record and record.full)}"


def base() -> str:
    """The beginning of all addresses of this server."""
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def state(session: Session) -> State:
    """What the live pane shows."""
    worker = session.worker
    if worker is None or not worker.running:
        waiting = (
            '<div class="stage"><strong>Waiting for your camera</strong><span>The browser asks: allow it.</span></div>'
        )
        return State(phase(session), waiting if session.camera else "")
    people = worker.monitor.people()
    trouble = worker.trouble
    here = worker.monitor.latest.faces if worker.monitor.latest else ()
    page = (
        f'<div class="live{" troubled" if trouble else ""}"><div class="view">{_picture(session, worker)}'
        f"{_below(session, worker)}</div>"
        f'<div class="people{" many" if len(people) >= MANY else ""}">{_facts(session, worker, people)}</div></div>'
        f"{cards.limits()}"
    )
    say = f"{trouble.title}. {trouble.advice}" if trouble else cards.in_one_line(here, session.people)
    return State(phase(session), page, say)


def progress(session: Session) -> State:
    """The progress of uploaded files."""
    video, photos = session.video, session.photos
    if video and not video.done:
        of = f" of {video.total}" if video.total else ""
        text, share = f"Analyzing {video.name}: {video.frames}{of} images", video.progress
    elif photos and not photos.done:
        text, share = f"Analyzing photo {len(photos.photos) + 1} of {photos.total}", len(photos.photos) / photos.total
    else:
        return State("done", "")
    bar = f'<progress max="1" value="{share:.3f}" aria-label="Progress"></progress>'
    return State("working", f'<div class="progress"><p>{html.escape(text)}</p>{bar}</div>')


def _picture(session: Session, worker: Worker) -> str:
    source = f'src="{base()}/video/{session.token}/{worker.number}.mjpg"'
    if session.chosen.get("inline"):
        source = f'data-poll="{base()}/image/{session.token}.jpg"'
    trouble = worker.trouble
    veil = f"<strong>{trouble.title}</strong><span>{trouble.advice}</span>" if trouble else ""
    return (
        f'<figure class="picture"><img class="live-image" id="live-{worker.number}" alt="{ALT}" {source}'
        f"{_shape(worker)}>"
        f'<figcaption class="veil">{veil}</figcaption>'
        '<div class="veil silent"><strong>The server does not answer</strong><span>The page keeps trying.</span>'
        "</div></figure>"
    )


def _shape(worker: Worker) -> str:
    """The image's aspect ratio as a style, so that a wide image has no black bars; empty before the first image."""
    if worker.last is None:
        return ""
    height, width = worker.last.frame.image.shape[:2]
    return f' style="aspect-ratio:{width}/{height}"'


def _below(session: Session, worker: Worker) -> str:
    watchers = registry().watchers(worker)
    line = health.line(worker.monitor, worker.status.state, worker.trouble, worker.dropped, watchers)
    return f'<div class="below">{line}{_record_line(session)}</div>'


def _record_line(session: Session) -> str:
    record = session.record
    if not record or not session.recording:
        return ""
    text = f"{cards.count(record.frames, 'result')}, {cards.count(record.faces, 'face')}, no pictures"
    if record.lost:
        text += f"; the server's disk is full: {record.lost} results are not in the record"
    return f'<div class="recording"><span class="dot"></span>{text}{": full" if record.full else ""}</div>'


def _facts(session: Session, worker: Worker, people: list[Seen]) -> str:
    if not people and worker.trouble:
        return '<div class="nobody"><strong>Nothing to judge</strong><span>Results come with the picture.</span></div>'
    if not people:
        return (
            '<div class="nobody"><strong>Nobody in the picture</strong><span>Look towards the camera, with light from '
            "the front and the whole face in the picture.</span></div>"
        )
    latest = worker.monitor.latest
    if session.rendering.mirror:
        people = people[::-1]
    texts = [_card(session, worker, person, latest, 3 if len(people) >= MANY else 7) for person in people]
    if len(people) == 1:
        face = people[0].face
        texts.append(circumplex(face.valence, face.arousal, face.emotion))
    return "".join(texts)


def _card(session: Session, worker: Worker, person: Seen, latest: FrameResult | None, most_bars: int) -> str:
    """A person's card; the monitor learns of an image once it is drawn, so `worker.last` may be one image ahead."""
    last, head = worker.last, latest.scores if latest else ""
    is_here = latest is not None and person.seen_s >= latest.captured_monotonic_s
    thumbnail = _thumbnail(session, last.frame.image, last.result, person) if last and is_here else b""
    return card(
        person.face, head, session.people, thumbnail, person.moments, time.monotonic(), is_here, most_bars=most_bars
    )


def _thumbnail(session: Session, image: BgrImage, result: FrameResult, person: Seen) -> bytes:
    box = next((face.box for face in result.faces if face.track_id == person.face.track_id), None)
    if box is None:
        return b""
    face = face_of(hide_faces(image, result) if session.rendering.blur else image, box)
    if session.rendering.mirror:
        face = face[:, ::-1]
    return cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
