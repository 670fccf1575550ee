"""Streams the newest JPEGs to the browser as MJPEG, on the app's own port.

worker thread -> ImageSlot.put -> video_parts (server's event loop) -> <img> in the page
"""

from collections.abc import AsyncIterator

from app.sessions import Session
from app.worker import Worker

BOUNDARY = b"--image\r\n"
MEDIA_TYPE = "multipart/x-mixed-replace; boundary=image"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Encoding": "identity",  # no gzip: JPEGs don't shrink, and it was two thirds of the cost
    "X-Accel-Buffering": "no",  # an nginx in front must not buffer images
}


async def video_parts(session: Session, worker: Worker) -> AsyncIterator[bytes]:
    """Yield the parts of a multipart/x-mixed-replace response, as long as the tab watches the worker.

    The next boundary follows each image at once, since browsers show an image only when they see where it ends.
    """
    yield BOUNDARY
    async for jpeg in worker.show(session.token, session.rendering).follow():
        if session.worker is not worker:
            return  # another tab may still watch it
        if jpeg:
            yield b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n%b" % (len(jpeg), jpeg, BOUNDARY)
