"""What the app serves besides the page, behind each tab's secret token: streams, images and the panes' content."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import live_state
from app.browser_camera import MOST_BYTES
from app.log import silence_closed_tabs
from app.sessions import COOKIE, Session, registry
from app.video_stream import HEADERS, MEDIA_TYPE, video_parts
from app.worker import Worker

NONE = Response("no such tab", status_code=404, media_type="text/plain")


async def video(request: Request) -> Response:
    """The stream of the worker that the tab watches."""
    session, worker = _asked(request)
    if session is None or worker is None:
        return NONE
    return StreamingResponse(video_parts(session, worker), media_type=MEDIA_TYPE, headers=HEADERS)


def image(request: Request) -> Response:
    """Only the newest image."""
    session, worker = _asked(request)
    if session is None or worker is None:
        return NONE
    return Response(worker.image(session.rendering), media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def state(request: Request) -> Response:
    """What the tab's live pane shows now."""
    session, _ = _asked(request)
    return JSONResponse(live_state.state(session).as_dict()) if session else NONE


def progress(request: Request) -> Response:
    """The progress of the tab's uploaded files."""
    session, _ = _asked(request)
    return JSONResponse(live_state.progress(session).as_dict()) if session else NONE


def photo(request: Request) -> Response:
    """One of the tab's photos, or one face in it."""
    session, _ = _asked(request)
    number, who = request.path_params["number"], request.path_params["who"]
    job = session.photos if session else None
    if session is None or job is None or number >= len(job.photos):
        return NONE
    jpeg = job.image(number, session.rendering, who)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})


async def camera(request: Request) -> Response:
    """Take an image of the browser's camera."""
    session, _ = _asked(request)
    if session is None or int(request.headers.get("content-length", MOST_BYTES)) >= MOST_BYTES:
        return NONE
    registry().put_image(session, await request.body())
    return Response(status_code=204)


def _asked(request: Request) -> tuple[Session | None, Worker | None]:
    session = registry().find(request.path_params["token"])
    return session, session.worker if session else None


def routes() -> list[Route]:
    """The routes of everything that the app serves besides the page."""
    return [
        Route(f"{live_state.base()}/video/{{token}}/{{worker}}.mjpg", video),
        Route(f"{live_state.base()}/image/{{token}}.jpg", image),
        Route(f"{live_state.base()}/state/{{token}}", state),
        Route(f"{live_state.base()}/progress/{{token}}", progress),
        Route(f"{live_state.base()}/photo/{{token}}/{{number:int}}/{{who:int}}.jpg", photo),
        Route(f"{live_state.base()}/camera/{{token}}", camera, methods=["POST"]),
    ]


class BrowserCookie:
    """Gives each browser a name of its own, to find a tab again that was closed or reloaded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; pages that are fetched without the cookie get it."""
        if scope["type"] != "http" or COOKIE in Request(scope).cookies or not _is_page(scope):
            await self._app(scope, receive, send)
            return
        cookie = f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict"

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _is_page(scope: Scope) -> bool:
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"")


def middleware() -> list[Middleware]:
    """The middleware that every request passes."""
    return [Middleware(BrowserCookie)]


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Silence a harmless traceback at the start; stop the workers' threads before the server's process ends."""
    silence_closed_tabs()
    yield
    registry().shut_down()
