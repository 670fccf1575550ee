"""The browser's own camera, for a server that runs elsewhere: WebRTC there and back (extra `webrtc`)."""

import time
from typing import TYPE_CHECKING, Any

import streamlit as st

from app import controls, live, record_view
from app.monitor import Monitor
from app.rendering import RenderOptions, fitted, render
from app.sessions import session
from app.worker import follow
from edge.config import EdgeConfig
from edge.engine import Engine
from edge.errors import EmotionError
from edge.orientation import orient
from edge.results import BgrImage, Frame, FrameResult

if TYPE_CHECKING:
    from av import VideoFrame

CONSTRAINTS = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 15, "max": 30}},
    "audio": False,
}


class BrowserFeed:
    """Frames from the browser through the engine, in the thread of the WebRTC connection.

    A slow server skips frames: the connection hands on the newest one. A frame that comes too soon for the rate is
    shown with the last result.
    """

    def __init__(self, config: EdgeConfig, rendering: RenderOptions) -> None:
        self.config, self.rendering = config, rendering
        self.monitor = Monitor()
        self.refused: EmotionError | None = None
        """Why there is no result, or why the last change was not made."""
        self._engine = Engine(config)
        self._result: FrameResult | None = None
        self._index = 0

    def recv(self, video_frame: "VideoFrame") -> "VideoFrame":
        """The annotated image of an image."""
        given: BgrImage = video_frame.to_ndarray(format="bgr24")  # type: ignore[assignment]
        image = orient(given, self.config)
        frame = Frame.now(image, self._index, "browser")
        self._index += 1
        result = self._process(frame)
        if result is None:
            return video_frame
        started_s = time.monotonic()
        drawn = render(*fitted(image, result), self.rendering)
        shown = type(video_frame).from_ndarray(drawn, format="bgr24")
        shown.pts, shown.time_base = video_frame.pts, video_frame.time_base
        if result.frame_index == frame.index:
            self.monitor.add(result, (time.monotonic() - started_s) * 1000)
        return shown

    def _process(self, frame: Frame) -> FrameResult | None:
        """The result of this frame, or the last one; None before the first."""
        follow(self._engine, self)
        try:
            self._result = self._engine.push(frame) or self._result
        except EmotionError as error:
            self.refused = error
        return self._result


def show() -> None:
    """The view: video on the left, facts on the right."""
    try:
        from streamlit_webrtc import WebRtcMode, webrtc_streamer  # optional: 60 MB that a laptop does not need
    except ImportError:
        st.info("The browser's camera needs one more package on the server: `pip install -e .[webrtc]`")
        return
    tab = session()
    feed = _feed()
    view, facts = st.columns([3, 2], gap="large")
    with view:
        context = webrtc_streamer(
            "browser",
            WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": ice_servers()},
            media_stream_constraints=CONSTRAINTS,
            video_frame_callback=feed.recv,
            video_html_attrs={"autoPlay": True, "muted": True, "playsInline": True, "style": {"width": "100%"}},
        )
        st.caption("The browser asks for its camera, and gives it only to https:// or localhost.")
    tab.browser = feed.monitor if context.state.playing else None
    if tab.browser:
        with view:
            _health_line()
        with facts:
            live.panel()
        live.minute()
    record_view.show(tab)


def ice_servers() -> list[dict[str, Any]]:
    """STUN and TURN servers from `.streamlit/secrets.toml` (`ice_servers = [{urls = "stun:…"}]`); none by default.

    None is enough in one network; across the internet, a TURN server is needed as well.
    """
    if not st.secrets.load_if_toml_exists():
        return []
    return [dict(server) for server in st.secrets.get("ice_servers", [])]


def _feed() -> BrowserFeed:
    """This tab's feed, with the sidebar's settings."""
    chosen = controls.settings()
    feed: BrowserFeed | None = st.session_state.get("feed")
    if feed is None:
        feed = st.session_state.feed = BrowserFeed(chosen.config, chosen.rendering)
    if feed.config != chosen.config:
        feed.config, feed.refused = chosen.config, None
    feed.rendering = chosen.rendering
    return feed


@st.fragment(run_every=live.PANEL_EVERY_S)
def _health_line() -> None:
    monitor = session().browser
    if monitor:
        st.markdown(live.health_html(monitor, "online", 0), unsafe_allow_html=True)
    if refused := st.session_state.feed.refused:
        st.warning(live.explain(refused, ""))
