"""Images and videos that the user brings: an image gives its faces at once, a video runs through."""

from pathlib import PurePath

import streamlit as st

from app import charts, controls, record_view
from app.rendering import decode, encode, fitted, render
from app.session_log import Record
from app.sessions import session
from app.upload_job import VideoJob
from edge.engine import Engine
from edge.errors import EmotionError, SinkError, SourceError
from edge.results import BgrImage, Frame, FrameResult

IMAGES = ("jpg", "jpeg", "png", "bmp", "webp")
VIDEOS = ("mp4", "mov", "avi", "mkv", "webm", "m4v")


def show_file() -> None:
    """An image or a video from the user's disk."""
    tab = session()
    file = st.file_uploader(
        "Image or video",
        [*IMAGES, *VIDEOS],
        key="upload",
        on_change=tab.drop_video,
        help="It is analysed by this server, kept in memory or a temporary file, and deleted with this tab.",
    )
    if file and PurePath(file.name).suffix.lower().lstrip(".") in IMAGES:
        _show_image(file.getvalue(), file.name)
        return
    if file and tab.video is None:
        _analyse_video(file.name, file.getvalue())
    if tab.video:  # the uploader forgets its file while another page or source is shown; the tab does not
        _show_video(tab.video)
    else:
        _hint("Choose a file", "An image gives its faces at once; a video runs through, for download.")


def show_snapshot() -> None:
    """An image from the browser's camera."""
    file = st.camera_input("Snapshot", key="snapshot", help="The browser asks you before it uses its camera.")
    if file is not None:
        _show_image(file.getvalue(), "snapshot.jpg")


def _hint(title: str, text: str) -> None:
    st.html(f'<div class="stage small"><strong>{title}</strong><span>{text}</span></div>')


def _show_image(data: bytes, name: str) -> None:
    try:
        image = decode(data, name)
        result = analyse(image, name)
    except EmotionError as error:
        st.error(_explain(error, name), icon=":material/broken_image:")
        return
    jpeg = encode(render(*fitted(image, result), controls.settings().rendering))
    view, facts = st.columns([3, 2], gap="large")
    view.image(jpeg, alt=_describe(result), width="stretch")
    with facts:
        _show_faces(result)
        _image_downloads(PurePath(name).stem, jpeg, result)


def analyse(image: BgrImage, name: str) -> FrameResult:
    """The faces in a still image, with the sidebar's settings."""
    result = Engine(controls.settings().config).push(Frame.now(image, source=name, is_still=True))
    assert result is not None  # a still never comes too soon
    return result


def _describe(result: FrameResult) -> str:
    faces = ", ".join(face.emotion for face in result.faces)
    return f"The image with {len(result.faces)} faces: {faces}" if faces else "The image; no face was found"


def _show_faces(result: FrameResult) -> None:
    if not result.faces:
        st.info("No face was found. It should be larger than 40 pixels and look towards the camera.")
    st.markdown("".join(charts.bars(face, result.scores) for face in result.faces), unsafe_allow_html=True)


def _image_downloads(stem: str, jpeg: bytes, result: FrameResult) -> None:
    record = Record()
    record.add(result)
    with st.container(horizontal=True):
        st.download_button("Image", jpeg, f"{stem}-emotions.jpg", "image/jpeg", key="jpeg", on_click="ignore")
        record_view.downloads(record, f"{stem}-emotions")


def _analyse_video(name: str, data: bytes) -> None:
    chosen = controls.settings()
    try:
        session().take_video(VideoJob(name, data, chosen.config, chosen.rendering))
    except SinkError as error:
        st.error(str(error))


def _again() -> None:
    """Analyse the same video with the sidebar's settings of now (a callback)."""
    job = session().video
    if job:
        _analyse_video(job.name, job.data)


def _show_video(job: VideoJob) -> None:
    if not job.done:
        _progress()
    elif job.error:
        st.error(_explain(job.error, job.name), icon=":material/broken_image:")
    else:
        _show_result(job)
    label = "Run again" if job.done else "Start over"
    st.button(label, on_click=_again, key="again", icon=":material/refresh:", help="With the sidebar's settings.")


@st.fragment(run_every=0.5)
def _progress() -> None:
    job = session().video
    if job is None or job.done:
        st.rerun()
    text = f"{job.frames} of {job.total} images" if job.total else f"{job.frames} images"
    st.progress(job.progress, f"Analysing {job.name}: {text}")


def _show_result(job: VideoJob) -> None:
    samples = job.record.samples()
    view, facts = st.columns([3, 2], gap="large")
    view.video(job.video.read_bytes(), "video/webm")
    with facts:
        st.markdown(f"**{job.frames} images, a face in {job.record.with_face}**")
        st.markdown(charts.shares(samples), unsafe_allow_html=True)
    st.markdown(charts.summary(samples), unsafe_allow_html=True)
    stem = f"{PurePath(job.name).stem}-emotions"
    with st.container(horizontal=True):
        st.download_button("Video", job.video.read_bytes, f"{stem}.webm", "video/webm", key="webm", on_click="ignore")
        record_view.downloads(job.record, stem)
        if samples:
            chart = charts.summary_file(samples, job.name)
            st.download_button("Chart", chart, f"{stem}.svg", "image/svg+xml", key="svg", on_click="ignore")


def _explain(error: Exception, name: str) -> str:
    if isinstance(error, SourceError):
        return f"{name} can't be read: it is damaged, or no image or video. Try {', '.join((*IMAGES, *VIDEOS))}."
    if isinstance(error, EmotionError):
        return str(error)
    return f"Something unexpected went wrong; the server's log has the details. ({type(error).__name__})"
