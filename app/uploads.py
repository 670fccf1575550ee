"""Uploaded photos and videos on the page: photos give a grid and a table, a video gives a chart."""

import html
from collections.abc import Sequence
from pathlib import PurePath

import streamlit as st

from app import cards, charts, controls, live_state, photo_view, record_view, report
from app.pane import pane
from app.people import People
from app.photo_job import PhotoJob
from app.rendering import RenderOptions
from app.sessions import Session, session
from app.upload_job import VideoJob
from edge.errors import EmotionError, SinkError, SourceError

PHOTOS = ("jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff")
HINT = (
    "Choose files above. Photos, as many as you like, give everybody's faces; a video gives a chart, and can be saved."
)
VIDEOS = ("mp4", "mov", "avi", "mkv", "webm", "m4v")


def show_file() -> None:
    """Show the uploader for photos or a video, and the results."""
    tab = session()
    st.file_uploader(
        "Photos, or a video",
        [*PHOTOS, *VIDEOS],
        accept_multiple_files=True,
        key="upload",
        on_change=_take,
        help="Analyzed by this server, kept in a temporary folder, and deleted two minutes after this tab was closed.",
    )
    if problem := st.session_state.get("upload_problem"):
        st.error(problem)
    if tab.photos:  # the uploader forgets its files while another page is shown; the session does not
        photo_view.show(tab, tab.photos)
    if tab.video:
        _show_video(tab, tab.video)
    if not tab.photos and not tab.video:
        st.html(f'<p class="says">{HINT}</p>{cards.limits()}')


def show_snapshot() -> None:
    """Show the snapshot widget of the browser's camera, and the result."""
    tab = session()
    st.camera_input("Snapshot", key="snapshot", on_change=_take_snapshot, help="The browser asks you before.")
    if tab.photos:
        photo_view.show(tab, tab.photos)


def _take() -> None:
    """Take newly chosen files (a callback)."""
    files = [(file.name, file.getvalue()) for file in st.session_state.upload or []]
    videos = [file for file in files if _is_video(file[0])]
    photos = [file for file in files if not _is_video(file[0])]
    tab = session()
    tab.drop_video()
    tab.drop_photos()
    _analyze_photos(photos)
    if videos:
        _analyze_video(*videos[-1])


def _take_snapshot() -> None:
    file = st.session_state.snapshot
    session().drop_photos()
    if file:
        _analyze_photos([("snapshot.jpg", file.getvalue())])


def _is_video(name: str) -> bool:
    return PurePath(name).suffix.lower().lstrip(".") in VIDEOS


def _analyze_photos(files: Sequence[tuple[str, bytes]]) -> None:
    st.session_state.upload_problem = None
    if not files:
        return
    try:
        session().take_photos(PhotoJob(files, controls.settings().config))
    except (SinkError, EmotionError) as error:
        st.session_state.upload_problem = str(error)


def _analyze_video(name: str, data: bytes, people: People | None = None) -> None:
    chosen = controls.settings()
    names = people.chosen if people else ()
    rendering = RenderOptions(chosen.rendering.blur, names=names)
    try:
        session().take_video(VideoJob(name, data, chosen.config, rendering, people))
    except SinkError as error:
        st.session_state.upload_problem = str(error)


def _again() -> None:
    """Analyze the same files with the current options (a callback)."""
    tab = session()
    if tab.video:
        _analyze_video(tab.video.name, tab.video.data, tab.video.people)
    if tab.photos:
        _analyze_photos(tab.photos.files)


def again_button(is_done: bool) -> None:
    """Show the button that analyzes the files once more."""
    label = "Run again" if is_done else "Start over"
    text = "With the current options, and the names that you gave."
    st.button(label, on_click=_again, key="again", icon=":material/refresh:", help=text)


def _show_video(tab: Session, job: VideoJob) -> None:
    if not job.done:
        pane("progress", live_state.progress(tab), f"{live_state.base()}/progress/{tab.token}")
    elif job.error:
        st.error(explain(job.error, job.name), icon=":material/broken_image:")
    else:
        _show_result(job)
    again_button(job.done)


def _show_result(job: VideoJob) -> None:
    timeline = job.record.timeline()
    view, facts = st.columns([3, 2], gap="large")
    view.video(job.video.read_bytes(), "video/webm")
    people = cards.count(len(timeline.people), "person")
    counted = f"{cards.count(job.frames, 'image')}, a face in {job.record.with_face}, {people}"
    shares = "".join(
        f"<h3>{html.escape(job.people[who].name)}</h3>{charts.bars(timeline.shares_of(who))}" for who in timeline.people
    )
    facts.html(f'<p class="says"><b>{counted}</b></p><div class="shares">{shares}</div>')
    record_view.chart("video chart", timeline, job.people, lambda: None)
    st.html(cards.limits())
    about = report.about(job.config, job.name, job.record.begun_at)
    with st.container(horizontal=True, key="downloads"):
        name = f"{report.stem(job.name, job.record.begun_at)}.webm"
        st.download_button("Video", job.video.read_bytes, name, "video/webm", key="webm", on_click="ignore")
        record_view.downloads(job.record, job.people, about, job.pictures)


def explain(error: Exception, name: str) -> str:
    """Explain what is wrong with a file, in words for the user."""
    if isinstance(error, SourceError):
        return f"{name} can't be read: it is damaged, or no image or video. Try {', '.join((*PHOTOS, *VIDEOS))}."
    if isinstance(error, EmotionError):
        return str(error)
    return f"Something unexpected went wrong; the server's log has the details. ({type(error).__name__})"
