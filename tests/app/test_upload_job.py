"""An uploaded video: every kind is read, and nothing else of the server."""

import time
from pathlib import Path

import cv2
import pytest

from app.rendering import RenderOptions
from app.upload_job import VideoJob
from edge.config import EdgeConfig
from edge.errors import SourceError
from tests.app.samples import gray_image
from tests.rigs.films import write_film


def test_a_cancelled_video_leaves_nothing(tmp_path: Path) -> None:
    job = VideoJob("talk.mp4", b"junk", EdgeConfig(), RenderOptions())
    folder = job.video.parent
    job.start()
    job.close()
    deadline_s = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not folder.exists()


def test_a_playlist_does_not_open_other_files_of_the_server(tmp_path: Path) -> None:
    private = tmp_path / "private.mp4"
    writer = cv2.VideoWriter(str(private), cv2.VideoWriter.fourcc(*"mp4v"), 10, (320, 240))
    for _ in range(3):
        writer.write(gray_image())
    writer.release()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{private}\n#EXT-X-ENDLIST\n"
    assert ended(VideoJob("video.mp4", private.read_bytes(), EdgeConfig(), RenderOptions())).frames == 3
    job = ended(VideoJob("talk.mp4", playlist.encode(), EdgeConfig(), RenderOptions()))
    assert isinstance(job.error, SourceError)
    assert job.frames == 0


@pytest.mark.parametrize(("suffix", "codec"), [("avi", "MJPG"), ("mkv", "MJPG"), ("mov", "mp4v"), ("webm", "VP80")])
def test_every_kind_of_video_is_read(tmp_path: Path, suffix: str, codec: str) -> None:
    clip = tmp_path / f"clip.{suffix}"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*codec), 10, (320, 240))
    writer.write(gray_image())
    writer.release()
    assert ended(VideoJob(clip.name, clip.read_bytes(), EdgeConfig(), RenderOptions())).frames == 1


def test_an_annotated_video_keeps_the_times_of_a_film_of_uneven_ones(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", [0, 100, 200, 300, 1300, 2300, 2400, 2500])
    job = VideoJob(film.name, film.read_bytes(), EdgeConfig(), RenderOptions())
    job.start()
    deadline_s = time.monotonic() + 60
    while not job.done and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert job.frames == 8
    capture = cv2.VideoCapture(str(job.video), cv2.CAP_FFMPEG)
    period_s, images = 1 / capture.get(cv2.CAP_PROP_FPS), 0
    while capture.grab():
        images += 1
    capture.release()
    job.close()
    assert (images - 1) * period_s == pytest.approx(2.5, abs=period_s)


def ended(job: VideoJob) -> VideoJob:
    job.start()
    deadline_s = time.monotonic() + 60
    while not job.done and time.monotonic() < deadline_s:
        time.sleep(0.02)
    job.close()
    return job
