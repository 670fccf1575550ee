"""What of an address others may see."""

import os

import pytest

from edge.address import redact


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rtsp://me:pass@host:554/a?b=c", "rtsp://host:554/a?b=c"),
        ("rtsp://me:p@ss@host/s", "rtsp://host/s"),
        ("rtsp://me:p/ss@host/s", "rtsp://host/s"),
        ("http://host/video.cgi?user=me&pwd=pass&channel=1", "http://host/video.cgi?user=***&pwd=***&channel=1"),
        (
            "rtsp://host:554/user=me_password=pass_channel=1_stream=0.sdp",
            "rtsp://host:554/user=***_password=***_channel=1_stream=0.sdp",
        ),
        ("--sorce rtsp://me:pass@host --fps 5", "--sorce rtsp://host --fps 5"),
        ("rtsp://host/s?password=ab/cd?e&channel=1", "rtsp://host/s?password=***&channel=1"),
        ("http://host/v.cgi?loginuse=me&loginpas=secret", "http://host/v.cgi?loginuse=***&loginpas=***"),
        ("http://host/a@b", "http://host/a@b"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
        ("/dev/video0", "/dev/video0"),
        ("rtsp://me:pass@[fe80::1]:554/s", "rtsp://[fe80::1]:554/s"),
        ("rtsp://cam:pass", "rtsp://cam:***"),
        ("rtsp://cam:pass%40host/s", "rtsp://cam:***/s"),
        ("http://host/s?p%61ssword=pass&x=1", "http://host/s?p%61ssword=***&x=1"),
        ("http://host/s?pwd=ab#cd", "http://host/s?pwd=***"),
        ("http://host/s?access_token=abc&keep=1", "http://host/s?access_token=***&keep=1"),
        ("http://host/?url=rtsp%3A%2F%2Fme%3Apass%40cam", "http://host/?url=***"),
        ("rtsp://a:b@c/x rtsp://d:e@f/y", "rtsp://c/x rtsp://f/y"),
        (
            "Expected a stream at http://host:80; try it. Received: no",
            "Expected a stream at http://host:80; try it. Received: no",
        ),
    ],
)
def test_an_address_is_shown_without_its_password(name: str, shown: str) -> None:
    assert redact(name) == shown


PASSWORDS = [
    "1234#secret",
    "a/b@secret",
    "0#abc@secret",
    "x?y@secret",
    "p@s#secret",
    "two secret",
    "12 secret",
    "1/secret",
    "p@ss secret",
    "secret%zz",
    "&secret=",
    "#secret",
    "a://secret",
]
FORMS = [
    "rtsp://cam:{}@127.0.0.1:9/live",
    "http://cam:{}@camera",
    "rtsp:/cam:{}@127.0.0.1:9/live",
    "Expected a stream at rtsp://cam:{}@host/live; try the demo. Received: none",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("password", PASSWORDS)
def test_no_form_of_a_password_is_shown(password: str, form: str) -> None:
    assert "secret" not in redact(form.format(password))


def test_a_name_that_is_no_text_can_be_written_anywhere() -> None:
    name = os.fsdecode(b"caf\xe9\n.mp4")
    assert redact(name) == "caf\\xe9?.mp4"
