"""The server's log, through Streamlit's own sender on Starlette's own WebSocket."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.web.server.starlette.starlette_websocket import StarletteSessionClient

from app.log import SENDER, silence_closed_tabs


class Log(logging.Handler):
    """Keeps what passes the logger's filters."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException | None] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(record.exc_info[1] if record.exc_info else None)


@pytest.fixture
def log() -> Iterator[Log]:
    handler, logger = Log(), logging.getLogger(SENDER)
    before = list(logger.filters)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.filters[:] = before


async def send(broken: bool = False) -> None:
    """A message to a tab that has just closed, or over a broken server."""

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def server(message: Message) -> None:
        if broken and message["type"] == "websocket.send":
            raise ValueError("broken")

    scope = {"type": "websocket", "headers": [], "path": "/", "query_string": b""}
    websocket = WebSocket(scope, receive, server)
    await websocket.accept()
    if not broken:
        await websocket.close()
    client = StarletteSessionClient(websocket)
    client.write_forward_msg(ForwardMsg())
    await asyncio.sleep(0.05)
    await client.aclose()


def test_a_message_to_a_closed_tab_leaves_no_traceback(log: Log) -> None:
    silence_closed_tabs()
    asyncio.run(send())
    assert log.errors == []


def test_a_fault_is_still_logged(log: Log) -> None:
    silence_closed_tabs()
    asyncio.run(send(broken=True))
    assert [type(error) for error in log.errors] == [ValueError]
