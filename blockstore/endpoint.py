"""Where the metadata service is, and the token that it is shown: what is right for them, wherever they are written."""

from __future__ import annotations

import re
import urllib.parse

from blockstore.reader import shown

# What a header can hold unchanged, and RFC 6750 allows a good part of.
_TOKEN = r"[!-~]{1,4096}"  # noqa: S105 - a pattern


def fault(text: str) -> str | None:
    """Why this is no endpoint, or None."""
    # A password in a URL ends up in logs and process lists; the token has its own key. Told first, and without the text.
    if "@" in text:
        return "must not hold a user or password"
    if "?" in text or "#" in text:
        return "must not hold '?' or '#'"
    return None if _is_url(text) else f"must be a URL such as http://169.254.169.254:8775, not {shown(text)}"


def _is_url(text: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(text)
        return bool(
            text.startswith(("http://", "https://")) and parts.hostname and parts.port != 0 and re.fullmatch(_TOKEN, text)
        )
    except ValueError:  # a port that is none, brackets that are not closed
        return False


def token_fault(text: str) -> str | None:
    """Why this cannot be a token, or None; never quotes it."""
    return None if not text or re.fullmatch(_TOKEN, text) else "must be printable ASCII without spaces"
