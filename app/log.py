"""Keeps a harmless error out of the server's log: a tab that closes while a message to it is on its way."""

import logging

SENDER = "streamlit.web.server.starlette.starlette_websocket"
AFTER_CLOSE = 'Cannot call "send" once a close message has been sent'


def silence_closed_tabs() -> None:
    """Drop the traceback that Streamlit 1.67 logs for such a tab; every other record stays.

    Starlette raises a RuntimeError there, and Streamlit expects a WebSocketDisconnect.
    """
    logging.getLogger(SENDER).addFilter(_is_fault)


def _is_fault(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and AFTER_CLOSE in str(error))
