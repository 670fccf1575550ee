"""Names of sources as others may see them: a camera's address holds its password."""

import re

_USER = re.compile(r"(?<=://)(?:[^/?#\s]*@|[^/?#:@\s]+:(?!\d*(?:[/?#\s]|$))[^@\s]*@)")
"""What stands before the host; the second form is a password with a slash in it, which no program would take."""
_SECRETS = re.compile(
    r"((?<![a-z])(?:user(?:name)?|usr|login(?:use|pas)?|pass(?:wd|word)?|pwd|token|api_?key|auth|secret)=)"
    r"[^&#\s]*?(?=_[a-z]+=|[&#\s]|$)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """The name of a source, or a message that may contain one, without the users and passwords of addresses."""
    if "://" not in text:
        return text
    return _SECRETS.sub(r"\1***", _USER.sub("", text))
