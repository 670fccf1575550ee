"""Names of sources, made safe to show: without the passwords in addresses, and without bytes that are not text.

Everything between the scheme and the last `@` is hidden, even where a strict parser would see no password: people
forget to percent-encode a `#`, `/`, `?`, `@` or space in theirs.
"""

import re
from urllib.parse import unquote

HIDDEN = "***"
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*)?://", re.IGNORECASE)
_MISSPELT = re.compile(r"\b((?:rtsp|rtmp|http|mqtt)s?|udp|tcp|srt):/?(?![/\s])(?=[^@]*@)", re.IGNORECASE)
"""A scheme that lacks a slash or two."""
_HOST = re.compile(r"(\[[^\]]*\]|[^/?#:@\s]*)(:[^/?#@\s]*)?")
_PORT = re.compile(r":(?:\d{0,5}|port)[,;.]?")
_PAIR = re.compile(r"(?<![A-Za-z0-9%-])([A-Za-z0-9%.-]+)=(.*?)(?=[&;][\w%.-]+=|_[A-Za-z]+=|$)", re.DOTALL)
_SECRET = re.compile(
    r"user|usr|log[io]n|pass|pwd|psw|^pw$|token|key$|^key|auth|secret|^sig|jwt|session|^sid$|credential", re.IGNORECASE
)


def redact(text: str) -> str:
    """The name of a source, or a message that may contain one, without user names and passwords.

    Bytes of a file's name that are not UTF-8 become `\\xe9`, and control characters `?`: the result can be written
    anywhere.
    """
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    text = _MISSPELT.sub(r"\1://", re.sub(r"[\x00-\x1f\x7f]", "?", text))
    starts = [match.end() for match in _SCHEME.finditer(text)]
    if not starts:
        return text
    is_one_address = _SCHEME.match(text) is not None and len(starts) == 1
    ends = [*(_SCHEME.search(text, start).start() for start in starts[:-1]), len(text)]  # type: ignore[union-attr]
    parts = [text[: starts[0]]]
    for start, end, following in zip(starts, ends, [*starts[1:], len(text)], strict=True):
        parts.append(_without_secrets(_without_user(text[start:end]), is_one_address) + text[end:following])
    return "".join(parts)


def _without_user(address: str) -> str:
    """What follows an address's scheme, without user and password; more text may come after the address."""
    match = _HOST.match(address)
    assert match is not None  # it matches nothing, too
    port, rest = match[2] or "", address[match.end() :]
    _, at, host = address.rpartition("@")
    if not at or (not port and not rest.startswith(("@", "#"))):  # no user, or an @ in a path
        return address if _PORT.fullmatch(port) or not port else f"{match[1]}:{HIDDEN}{rest}"
    if rest.startswith("/") and re.fullmatch(r":(?:[89]\d|\d{3,5})", port) and not re.search(r"[.:/]", host):
        return address  # host:8080/a@b
    return host


def _without_secrets(address: str, is_one: bool) -> str:
    """An address without the values of fields like `password=`; within a message, the address ends at a space."""
    if is_one:
        return _PAIR.sub(_hide, address)
    first, space, rest = re.split(r"(\s)", address, maxsplit=1) if re.search(r"\s", address) else (address, "", "")
    return _PAIR.sub(_hide, first) + space + rest


def _hide(pair: "re.Match[str]") -> str:
    name, value = unquote(pair[1]), unquote(pair[2])
    holds_address = "://" in value and "@" in value
    return f"{pair[1]}={HIDDEN}" if value and (holds_address or _SECRET.search(name)) else pair[0]
