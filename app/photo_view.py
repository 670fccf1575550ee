"""Photos on the page, as a grid of faces or a table, sorted as the user likes."""

import html
from collections.abc import Callable
from typing import Any

import streamlit as st

from app import cards, charts, live_state, report, uploads
from app.pane import pane
from app.people import People
from app.photo_job import Photo, PhotoJob, face_size
from app.sessions import Session
from edge.results import Face

ORDERS: dict[str, Callable[[tuple[Photo, Face]], Any]] = {
    "file": lambda item: (item[0].number, item[1].track_id),
    "emotion": lambda item: (item[1].emotion, -item[1].confidence),
    "face size": lambda item: -face_size(item[1]),
}
FORMS = ("photos", "faces", "table")


def show(tab: Session, job: PhotoJob) -> None:
    """Show the photos' part of the page."""
    if not job.done:
        pane("photo progress", live_state.progress(tab), f"{live_state.base()}/progress/{tab.token}")
        return
    if job.error:
        st.error(uploads.explain(job.error, "The photos"))
        return
    for photo in job.photos:
        if photo.problem:
            st.error(f"{photo.name} can't be read: it is damaged, or no image.", icon=":material/broken_image:")
    seen = [photo for photo in job.photos if photo.result]
    if seen:
        counted = f"{cards.count(len(seen), 'photo')}, {cards.count(len(job.faces), 'face')}"
        st.html(f'<p class="says"><b>{counted}</b></p>')
        _sorted(tab, job)
        _downloads(tab, job)
    uploads.again_button(True)


def _sorted(tab: Session, job: PhotoJob) -> None:
    with st.container(horizontal=True, key="photo order"):
        form = st.segmented_control("Show", FORMS, default="photos", key="photo_form", required=True)
        order = st.segmented_control("Sort by", list(ORDERS), default="file", key="photo_sort", required=True)
    faces = sorted(job.faces, key=ORDERS[order or "file"])
    shown = {"photos": _photos, "faces": _faces, "table": _table}[form or "photos"](tab, job, faces)
    st.html(shown + cards.limits())


def _address(tab: Session, job: PhotoJob, number: int, who: int = 0) -> str:
    how = f"{id(job)}-{int(tab.rendering.blur)}"
    return f"{live_state.base()}/photo/{tab.token}/{number}/{who}.jpg?{how}"


def _photos(tab: Session, job: PhotoJob, faces: list[tuple[Photo, Face]]) -> str:
    """Each photo once, in the order of its first face; those without a face at the end."""
    photos = {photo.number: photo for photo, _ in faces} | {
        photo.number: photo for photo in job.photos if photo.result and not photo.result.faces
    }
    return f'<div class="photos">{"".join(_photo(tab, job, photo) for photo in photos.values())}</div>'


def _photo(tab: Session, job: PhotoJob, photo: Photo) -> str:
    faces = photo.result.faces if photo.result else ()
    people, most_bars = People(), 7 if len(faces) == 1 else 0
    told = "".join(cards.card(face, job.head, people, most_bars=most_bars, is_editable=False) for face in faces)
    told = (
        told or '<p class="says">No face was found. It should be larger than 24 pixels and look towards the camera.</p>'
    )
    alt = f"{html.escape(photo.name)}: {cards.in_one_line(faces, people)}"
    return (
        f'<figure><img loading="lazy" alt="{alt}" src="{_address(tab, job, photo.number)}">'
        f"<figcaption><b>{html.escape(photo.name)}</b>{told}</figcaption></figure>"
    )


def _faces(tab: Session, job: PhotoJob, faces: list[tuple[Photo, Face]]) -> str:
    items = "".join(
        f'<figure><img loading="lazy" alt="" src="{_address(tab, job, photo.number, face.track_id)}"><figcaption>'
        f"<b>{html.escape(face.emotion)}</b> {html.escape(cards.sentence(face, job.head))}{cards.doubt(face)}"
        f"<small>{html.escape(photo.name)}, person {face.track_id}</small></figcaption></figure>"
        for photo, face in faces
    )
    return f'<div class="faces">{items}</div>'


def _table(tab: Session, job: PhotoJob, faces: list[tuple[Photo, Face]]) -> str:
    head = "".join(
        f"<th>{name}</th>" for name in ("file", "person", "emotion and score", "certainty", "view", "pixels")
    )
    rows = "".join(
        f"<tr><td>{html.escape(photo.name)}</td><td>{face.track_id}</td>"
        f"<td>{charts.bar(face.emotion, face.confidence)}</td>"
        f"<td>{cards.grade(face.certainty)}{cards.doubt(face)}</td><td>{face.quality:.0%}</td>"
        f"<td>{face.box.width} x {face.box.height}</td></tr>"
        for photo, face in faces
    )
    table = f'<table class="facts figures"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll" tabindex="0">{table}</div>'


def _downloads(tab: Session, job: PhotoJob) -> None:
    names = {photo.name for photo in job.photos}
    about = report.about(
        job.config, names.pop() if len(names) == 1 else cards.count(len(job.photos), "photo"), job.begun_at
    )
    stem = report.stem(about["source"], job.begun_at)
    with st.container(horizontal=True, key="photo downloads"):
        st.download_button("CSV", lambda: job.csv(about), f"{stem}.csv", "text/csv", key="photo csv", on_click="ignore")
        if len(job.photos) == 1 and job.photos[0].result:
            st.download_button(
                "Image",
                lambda: job.image(0, tab.rendering),
                f"{stem}.jpg",
                "image/jpeg",
                key="photo jpeg",
                on_click="ignore",
            )
