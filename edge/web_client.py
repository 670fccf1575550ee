"""Requests to cameras over HTTP and RTSP, with a plain reason if one is refused.

FFmpeg says only that a stream does not open. To fix that, people must know whether it is the name, the port, the path
or the password.
"""

import base64
import functools
import hashlib
import http.client
import re
import secrets
import socket
import ssl
import urllib.error
import urllib.request
from urllib.parse import unquote, urlsplit

from edge.address import redact
from edge.errors import RefusedError, SourceError

AGENT = "emotion-edge"
RTSP_PORT = 554
_STATUS = {
    400: "the camera does not understand the address",
    401: "wrong user or password, or none",
    403: "this user may not see the stream",
    404: "nothing is at this path",
    407: "a proxy on the way asks for a password",
    453: "the camera has too many viewers",
    454: "the camera has forgotten the session",
    461: "the camera does not send over this transport",
    500: "the camera has an inner fault",
    503: "the camera is busy, or has too many viewers",
}


def get(url: str, timeout_s: float) -> http.client.HTTPResponse:
    """Send a GET and return the open response; certificates are not checked, since cameras sign their own.

    Raises:
        RefusedError: user or password are wrong or missing.
        SourceError: there is no response, or it is an error.
    """
    address, user, password = split_user(url)
    try:
        try:
            return _open(address, timeout_s)
        except urllib.error.HTTPError as error:
            challenges = error.headers.get_all("WWW-Authenticate") or []
            error.close()
            if error.code != 401 or not user or not challenges:
                raise
            target = urlsplit(address)._replace(scheme="", netloc="", fragment="").geturl() or "/"
            return _open(address, timeout_s, authorization(challenges, "GET", target, user, password))
    except urllib.error.HTTPError as error:
        raise refusal(error.code, error.reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SourceError(network_fault(error)) from error


def why_rtsp_fails(url: str, timeout_s: float) -> SourceError:
    """Find out from the camera why FFmpeg can't open its RTSP address."""
    try:
        address, user, password = split_user(url)
        target = urlsplit(address)
        if target.scheme != "rtsp":
            return SourceError("it does not open")
        with socket.create_connection((target.hostname or "", target.port or RTSP_PORT), timeout_s) as connection:
            connection.settimeout(timeout_s)
            code, reason, challenges = _describe(connection, address, "")
            if code == 401 and user and challenges:
                code, reason, _ = _describe(
                    connection, address, authorization(challenges, "DESCRIBE", address, user, password)
                )
    except (OSError, ValueError) as error:
        return SourceError(network_fault(error))
    return SourceError("it does not open, though the camera describes it") if code == 200 else refusal(code, reason)


def split_user(url: str) -> tuple[str, str, str]:
    """Split an address into the part without user and password, the user, and the password; ValueError if invalid."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("no host in the address")
    _ = parts.port  # raises where it is no number
    if not redact(url).partition("://")[2].startswith(parts.netloc.rpartition("@")[2]):
        raise ValueError("a password that is not percent-encoded")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), user, password


def authorization(challenges: list[str], method: str, target: str, user: str, password: str) -> str:
    """The Authorization header for a server's challenge (RFC 7617, RFC 7616): digest if it offers that, else basic."""
    digest = next((text for text in challenges if text.lower().startswith("digest")), None)
    if digest is None:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    fields = {
        name.lower(): quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', digest)
    }
    algorithm = fields.get("algorithm", "MD5")
    hashed = hashlib.sha256 if algorithm.upper().startswith("SHA-256") else hashlib.md5

    def digest_of(text: str) -> str:
        return hashed(text.encode()).hexdigest()

    realm, nonce, once = fields.get("realm", ""), fields.get("nonce", ""), secrets.token_hex(8)
    secret = digest_of(f"{user}:{realm}:{password}")
    if algorithm.lower().endswith("-sess"):
        secret = digest_of(f"{secret}:{nonce}:{once}")
    asked = digest_of(f"{method}:{target}")
    extra = f", algorithm={algorithm}" if "algorithm" in fields else ""
    extra += f', opaque="{fields["opaque"]}"' if "opaque" in fields else ""
    if "auth" in re.split(r"[\s,]+", fields.get("qop", "")):
        response = digest_of(f"{secret}:{nonce}:00000001:{once}:auth:{asked}")
        extra += f', qop=auth, nc=00000001, cnonce="{once}"'
    else:
        response = digest_of(f"{secret}:{nonce}:{asked}")
    return f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{target}", response="{response}"{extra}'


def refusal(code: int, reason: str = "") -> SourceError:
    """The error for a response code other than success."""
    words = f"{_STATUS.get(code, reason or 'no stream')} ({code})"
    return RefusedError(words) if code in (401, 403) else SourceError(words)


def network_fault(error: Exception) -> str:
    """Why a connection failed, in words."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, socket.gaierror):
        return "no such host: its name is not known"
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens at this host and port"
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, ssl.SSLError):
        return f"no TLS: {cause.reason or cause}"
    if isinstance(cause, http.client.HTTPException):
        return "an answer that is no HTTP"
    if isinstance(cause, ValueError):
        return "not a valid address; in a password @ is written %40, # %23, / %2F and ? %3F"
    return str(getattr(cause, "strerror", None) or cause)


def _open(address: str, timeout_s: float, authorized: str = "") -> http.client.HTTPResponse:
    request = urllib.request.Request(address, headers={"User-Agent": AGENT, "Accept": "*/*"})
    if authorized:
        request.add_unredirected_header("Authorization", authorized)  # only for this host
    return _opener().open(request, timeout=timeout_s)  # type: ignore[no-any-return]


@functools.cache
def _opener() -> urllib.request.OpenerDirector:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))


def _describe(connection: socket.socket, address: str, authorized: str) -> tuple[int, str, list[str]]:
    """Send an RTSP DESCRIBE, and return the code, the reason and the challenges of the response."""
    lines = [f"DESCRIBE {address} RTSP/1.0", f"CSeq: {2 if authorized else 1}", f"User-Agent: {AGENT}"]
    lines += [f"Authorization: {authorized}"] if authorized else []
    connection.sendall("\r\n".join([*lines, "Accept: application/sdp", "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < 65536 and (more := connection.recv(4096)):
        answer += more
    head = answer.decode("latin-1")
    first = re.match(r"RTSP/\d\.\d (\d{3}) ?([^\r\n]*)", head)
    if first is None:
        raise SourceError("an answer that is no RTSP")
    return int(first[1]), first[2], re.findall(r"^WWW-Authenticate: *(.*?)\r?$", head, re.IGNORECASE | re.MULTILINE)
