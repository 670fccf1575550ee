"""Who watches what: one session per browser tab, one worker per source, shared by the tabs that start it.

    tab -> Session (token, record) -> Worker (camera, pipeline) <- Session <- another tab

The last tab that stops or closes ends the worker, and with it frees the camera. What a tab has gathered, its record and
its upload, is kept for two minutes more: a laptop that slept, or lost its network, comes back under its session id.
"""

import secrets
import threading

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.monitor import Monitor
from app.rendering import RenderOptions
from app.session_log import Record
from app.upload_job import VideoJob
from app.worker import Worker
from edge.config import EdgeConfig

SHUT_DOWN_S = 5.0
"""Longest wait for one worker when the server goes down."""
KEEP_S = 120.0
"""How long a tab may be away and find its record again: as long as Streamlit keeps its widgets' state."""


class Session:
    """One browser tab."""

    def __init__(self, key: str = "") -> None:
        self.key = key
        """Streamlit's id of the session, which a tab that comes back has again."""
        self.token = secrets.token_urlsafe(16)
        """What the stream's address carries; nobody else knows it."""
        self.worker: Worker | None = None
        self.browser: Monitor | None = None
        """What is known of the browser's own camera, while it sends."""
        self.record: Record | None = None
        self.video: VideoJob | None = None
        self._recorded: Monitor | None = None

    @property
    def monitor(self) -> Monitor | None:
        """What this tab looks at."""
        return self.worker.monitor if self.worker else self.browser

    @property
    def recording(self) -> bool:
        """Whether results are being recorded."""
        return self._recorded is not None

    def start_recording(self) -> None:
        """Record what this tab looks at, in place of the last record."""
        self.stop_recording()
        if self.record:
            self.record.close()
        if self.monitor:
            self.record, self._recorded = Record(), self.monitor
            self._recorded.listen(self.token, self.record.add)

    def stop_recording(self) -> None:
        """Record no more; the record stays until the next one or the end of the tab."""
        if self._recorded:
            self._recorded.unlisten(self.token)
            self._recorded = None

    def take_video(self, job: VideoJob) -> None:
        """Work on an uploaded video, in place of the last one."""
        self.drop_video()
        self.video = job
        job.start()

    def drop_video(self) -> None:
        """Cancel and forget the uploaded video, if there is one."""
        job, self.video = self.video, None
        if job:
            job.close()


class SessionRegistry:
    """All tabs and workers of this server."""

    def __init__(self) -> None:
        self.streams = False
        """Whether this server has the route for streams: it has under `streamlit run app/main.py`."""
        self._lock = threading.RLock()
        self._sessions: dict[str, Session] = {}
        self._last: dict[str, Worker] = {}
        """The last worker of each source, which may not have freed it yet."""
        self._away: dict[str, tuple[Session, threading.Timer]] = {}
        """Tabs whose connection has ended, until they come back or are given up."""

    def open(self, key: str = "") -> Session:
        """A new tab, or one that comes back with this key."""
        with self._lock:
            session, timer = self._away.pop(key, (None, None))
            if timer:
                timer.cancel()
            session = session or Session(key)
            self._sessions[session.token] = session
        return session

    def leave(self, session: Session) -> None:
        """The tab's connection has ended: free its camera at once, and what it has gathered if it stays away."""
        self.stop(session)
        with self._lock:
            if session.token not in self._sessions:
                return  # the server goes down
            if session.key and (session.record or session.video):
                timer = threading.Timer(KEEP_S, self._give_up, [session])
                timer.daemon = True
                self._away[session.key] = session, timer
                timer.start()
            else:
                self.close(session)

    def _give_up(self, session: Session) -> None:
        with self._lock:
            if self._away.get(session.key, (None, None))[0] is session:
                self.close(session)

    def close(self, session: Session) -> None:
        """The tab has gone: free what only it used."""
        with self._lock:
            self._sessions.pop(session.token, None)
            _, timer = self._away.pop(session.key, (None, None))
            if timer:
                timer.cancel()
        self.stop(session)
        session.drop_video()
        if session.record:
            session.record.close()

    def find(self, token: str) -> Session | None:
        """The tab with this token."""
        with self._lock:
            return self._sessions.get(token)

    def start(self, session: Session, config: EdgeConfig, rendering: RenderOptions) -> Worker:
        """Watch a source: join the worker that already runs it, with its settings, or start one."""
        with self._lock:
            running = self._running(str(config.source))
            if session.worker and session.worker is not running:
                self.stop(session)
            session.worker = running or self._started(config, rendering)
            return session.worker

    def stop(self, session: Session) -> None:
        """Watch nothing; ends the worker if nobody else watches it."""
        with self._lock:
            session.stop_recording()
            worker, session.worker, session.browser = session.worker, None, None
            if worker and not self.watchers(worker):
                worker.stop()
                busy = {source: last for source, last in self._last.items() if not last.join(0)}
                self._last = {**busy, worker.source: worker}

    def watchers(self, worker: Worker) -> int:
        """How many tabs watch a worker."""
        with self._lock:
            return sum(session.worker is worker for session in self._sessions.values())

    def shut_down(self) -> None:
        """End everything and wait for it: the server goes down."""
        with self._lock:
            sessions = list(self._sessions.values())
            jobs = [session.video for session in sessions if session.video]
            threads: list[Worker | VideoJob] = [*self.workers(), *self._last.values(), *jobs]
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

    def _started(self, config: EdgeConfig, rendering: RenderOptions) -> Worker:
        worker = Worker(config, rendering, self._last.pop(str(config.source), None))
        worker.start()
        return worker


@st.cache_resource(show_spinner=False, on_release=SessionRegistry.shut_down)
def registry() -> SessionRegistry:
    """The server's one registry."""
    return SessionRegistry()


@st.cache_resource(show_spinner=False, scope="session", on_release=lambda session: registry().leave(session))
def session() -> Session:
    """This tab's session; Streamlit releases it a moment after its connection ends."""
    context = get_script_run_ctx()
    return registry().open(context.session_id if context else "")
