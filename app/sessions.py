"""Who watches what: one session per browser tab, and one worker per source, shared by the tabs that watch it.

    tab -> Session (token, record, upload, choices) -> Worker (camera, pipeline) <- Session <- another tab

A session, with everything that it runs, outlives its tab's connection by two minutes: a user who reloads the page,
loses the network or closes the tab by mistake finds it again. A tab is recognized by Streamlit's id of its connection,
else by the browser's cookie and the name in the page's address. `Stop` ends a worker at once, unless another tab
watches it.
"""

import secrets
import threading
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime, exists
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import report
from app.browser_camera import NAME as BROWSER
from app.browser_camera import BrowserCamera
from app.monitor import Monitor
from app.people import People
from app.photo_job import PhotoJob
from app.rendering import RenderOptions
from app.session_log import About, Record
from app.upload_job import VideoJob
from app.worker import Worker
from edge.config import EdgeConfig
from edge.reader import Opener

SHUT_DOWN_S = 5.0
"""The longest wait for one worker when the server shuts down."""
KEEP_S = 120.0
"""How long a tab may be away and still find everything again: as long as Streamlit keeps its widgets' state."""
ADDRESS_KEY, COOKIE = "tab", "emotion_edge_browser"


class Session:
    """The state of one browser tab."""

    def __init__(self, key: str = "", browser: str = "") -> None:
        self.key = key
        """Streamlit's id of the tab's connection."""
        self.browser = browser
        """The browser's cookie; empty if it has none."""
        self.name = secrets.token_hex(4)
        """The session's name in the page's address; without the browser's cookie it opens nothing."""
        self.token = secrets.token_urlsafe(16)
        """A secret in the addresses of images and results, which only this tab knows."""
        self.worker: Worker | None = None
        self.camera: BrowserCamera | None = None
        """The browser's camera, while it is chosen and started."""
        self.rendering = RenderOptions()
        self.people = People()
        self.record: Record | None = None
        self.about: About = {}
        """The facts about the record, for the headers of its files."""
        self.recorded_people = People()
        self.video: VideoJob | None = None
        self.photos: PhotoJob | None = None
        self.chosen: dict[str, Any] = {}
        """The last values of the widgets, by their keys."""
        self.seen_changes: tuple[int, int] | None = None
        """The worker, and the number of its last change, that the widgets show."""
        self._recorded: Monitor | None = None

    @property
    def monitor(self) -> Monitor | None:
        """The monitor of what this tab watches."""
        return self.worker.monitor if self.worker else None

    @property
    def recording(self) -> bool:
        """Whether results are being recorded."""
        return self._recorded is not None

    def look(self, rendering: RenderOptions) -> None:
        """Draw the images of this tab with these options from now on."""
        self.rendering = rendering
        if self.worker:
            self.worker.show(self.token, rendering)

    def rename(self) -> None:
        """Draw with the current names from now on."""
        self.look(replace(self.rendering, names=self.people.chosen))

    def start_recording(self) -> None:
        """Record what this tab watches; this replaces the last record."""
        self.stop_recording()
        if self.record:
            self.record.close()
        if self.worker:
            self.record, self._recorded, self.recorded_people = Record(), self.worker.monitor, self.people
            self.about = report.about(self.worker.config, self.worker.source, self.record.begun_at)
            self._recorded.listen(self.token, self.record.add)

    def stop_recording(self) -> None:
        """Stop recording; the record is kept until the next one or the end of the session."""
        if self._recorded:
            self._recorded.unlisten(self.token)
            self._recorded = None

    def take_video(self, job: VideoJob) -> None:
        """Analyze an uploaded video; this replaces the last one."""
        self.drop_video()
        self.video = job
        job.start()

    def take_photos(self, job: PhotoJob) -> None:
        """Analyze uploaded photos; these replace the last ones."""
        self.drop_photos()
        self.photos = job
        job.start()

    def drop_video(self) -> None:
        """Cancel and forget the uploaded video, if there is one."""
        job, self.video = self.video, None
        if job:
            job.close()

    def drop_photos(self) -> None:
        """Cancel and forget the uploaded photos, if there are any."""
        job, self.photos = self.photos, None
        if job:
            job.close()


class SessionRegistry:
    """All tabs and workers of this server."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sessions: dict[str, Session] = {}
        self._last: dict[str, Worker] = {}
        """The last worker of each source; it may not have released the source yet."""
        self._away: dict[str, threading.Timer] = {}
        """Timers that will end the sessions without a connection, by token."""

    def open(self, key: str = "", browser: str = "", name: str = "") -> Session:
        """Return the session of a tab: the one that it had before, if any, else a new one."""
        with self._lock:
            session = self._known(key, browser, name) or Session(key, browser)
            session.key = key
            timer = self._away.pop(session.token, None)
            self._sessions[session.token] = session
        if timer:
            timer.cancel()
        return session

    def leave(self, session: Session, key: str) -> None:
        """Note that the tab's connection with this id has ended; end the session unless the tab comes back."""
        with self._lock:
            if session.token not in self._sessions or session.key != key:
                return  # the server goes down, or the tab has come back by another connection
            timer = threading.Timer(KEEP_S, self._give_up, [session])
            timer.daemon = True
            self._away[session.token] = timer
            timer.start()

    def _known(self, key: str, browser: str, name: str) -> Session | None:
        """The session of this connection; else a disconnected one of this browser, by name or the last that left."""
        same = [session for session in self._sessions.values() if key and session.key == key]
        if same or not browser:
            return same[0] if same else None
        gone = [
            session
            for session in self._sessions.values()
            if session.browser == browser and (session.token in self._away or not _is_connected(session.key))
        ]
        named = [session for session in gone if session.name == name]
        return named[0] if named else gone[-1] if gone and not name else None

    def _give_up(self, session: Session) -> None:
        with self._lock:
            if session.token in self._away:
                self.close(session)

    def close(self, session: Session) -> None:
        """End a session whose tab has gone, and release what only it used."""
        with self._lock:
            self._sessions.pop(session.token, None)
            timer = self._away.pop(session.token, None)
        if timer:
            timer.cancel()
        self.stop(session)
        session.drop_video()
        session.drop_photos()
        if session.record:
            session.record.close()

    def find(self, token: str) -> Session | None:
        """Find the session with this token."""
        with self._lock:
            return self._sessions.get(token)

    def start(self, session: Session, config: EdgeConfig, rendering: RenderOptions) -> Worker:
        """Watch a source: join the worker that already runs it, and use its settings, or start a new one."""
        with self._lock:
            running = self._running(str(config.source))
            if session.worker and session.worker is not running:
                self.stop(session)
            session.worker = running or self._started(config)
            session.people, session.seen_changes = People(), None
            session.look(rendering)
            return session.worker

    def start_browser_camera(self, session: Session, config: EdgeConfig, rendering: RenderOptions) -> None:
        """Watch the browser's camera; its worker starts with the first image."""
        self.stop(session)
        session.camera = BrowserCamera()
        session.rendering, session.people, session.seen_changes = rendering, People(), None
        session.chosen["camera config"] = config

    def put_image(self, session: Session, jpeg: bytes) -> None:
        """Take an image of the browser's camera."""
        with self._lock:
            camera = session.camera
            if camera and session.worker is None:
                session.worker = self._started(session.chosen["camera config"], lambda name, config: camera)
                session.look(session.rendering)
        if camera:
            camera.put(jpeg)

    def stop(self, session: Session) -> None:
        """Stop watching; this ends the worker if nobody else watches it."""
        with self._lock:
            session.stop_recording()
            worker, session.worker, session.camera = session.worker, None, None
            if worker is None:
                return
            worker.hide(session.token)
            if not self.watchers(worker):
                worker.stop()
                busy = {source: last for source, last in self._last.items() if not last.join(0)}
                self._last = {**busy, worker.source: worker}

    def watchers(self, worker: Worker) -> int:
        """How many tabs watch a worker, including disconnected ones that may come back."""
        with self._lock:
            return sum(session.worker is worker for session in self._sessions.values())

    def shut_down(self) -> None:
        """End everything and wait for it, before the server shuts down."""
        with self._lock:
            sessions = list(self._sessions.values())
            jobs = [job for session in sessions for job in (session.video, session.photos) if job]
            threads: list[Worker | VideoJob | PhotoJob] = [*self.workers(), *self._last.values(), *jobs]
            for session in sessions:
                self.close(session)
        for thread in threads:
            thread.join(SHUT_DOWN_S)

    def workers(self) -> list[Worker]:
        """The workers that somebody watches."""
        with self._lock:
            return list({session.worker for session in self._sessions.values() if session.worker})

    def _running(self, source: str) -> Worker | None:
        return next((worker for worker in self.workers() if worker.running and worker.source == source), None)

    def _started(self, config: EdgeConfig, opener: Opener | None = None) -> Worker:
        source = str(config.source)
        worker = Worker(config, opener, None if source == BROWSER else self._last.pop(source, None))
        worker.start()
        return worker


def _is_connected(key: str) -> bool:
    return exists() and Runtime.instance().is_active_session(key)


@st.cache_resource(show_spinner=False, on_release=SessionRegistry.shut_down)
def registry() -> SessionRegistry:
    """The server's one registry."""
    return SessionRegistry()


def session() -> Session:
    """This tab's session."""
    return _connection()[0]


@st.cache_resource(show_spinner=False, scope="session", on_release=lambda connection: registry().leave(*connection))
def _connection() -> tuple[Session, str]:
    """The session and Streamlit's id of the connection, which Streamlit releases a moment after its end."""
    context = get_script_run_ctx()
    key = context.session_id if context else ""
    browser = st.context.cookies.get(COOKIE, "")
    return registry().open(key, browser, st.query_params.get(ADDRESS_KEY, "")), key
