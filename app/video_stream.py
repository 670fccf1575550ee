"""The image's way to the browser: newest JPEG -> MJPEG stream on the app's own port.

    worker thread -> ImageSlot.put -> video_parts (server's event loop) -> <img> in the page

Each tab has its own secret token on the stream's address; an unknown one is a 404.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.log import silence_closed_tabs
from app.sessions import Session, registry
from app.worker import Worker

BOUNDARY = b"--image\r\n"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Encoding": "identity",  # JPEGs don't shrink: keeps the server's gzip away, two thirds of the cost
    "X-Accel-Buffering": "no",  # an nginx in front must not hold images back
}


async def video_parts(session: Session, worker: Worker) -> AsyncIterator[bytes]:
    """The parts of a multipart/x-mixed-replace answer, as long as the tab watches the worker.

    The next boundary follows its image at once: browsers show an image when they have met its end.
    """
    yield BOUNDARY
    async for jpeg in worker.images.follow():
        if session.worker is not worker:
            return  # another tab may still watch it
        yield b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n%b" % (len(jpeg), jpeg, BOUNDARY)


async def video(request: Request) -> Response:
    """The stream of the worker that the tab with this token watches; 404 without one."""
    session = registry().find(request.path_params["token"])
    worker = session.worker if session else None
    if session is None or worker is None:
        return Response("no such stream", status_code=404, media_type="text/plain")
    media_type = "multipart/x-mixed-replace; boundary=image"
    return StreamingResponse(video_parts(session, worker), media_type=media_type, headers=HEADERS)


def routes() -> list[Route]:
    """What the app serves beside the page."""
    registry().streams = True
    return [Route(f"{_base()}/video/{{token}}/{{worker}}.mjpg", video)]


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Quiet a known traceback; end the workers' threads before the server's process does."""
    silence_closed_tabs()
    yield
    registry().shut_down()


def address(session: Session, worker: Worker) -> str:
    """The stream's address; it differs for each worker, so that a browser asks anew."""
    return f"{_base()}/video/{session.token}/{worker.number}.mjpg"


def _base() -> str:
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""
