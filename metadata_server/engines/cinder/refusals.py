"""The one table from what Cinder refuses, or does not answer, to what this server refuses: with Cinder's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata_server.domain.errors import Conflict, Invalid, NotFound, ServerError, Unavailable
from metadata_server.engines.cinder.settings import NEEDED

# By status; 401 and 403 are about this server's credentials, not about the caller's.
KINDS: Mapping[int, type[ServerError]] = {400: Invalid, 404: NotFound, 409: Conflict, 413: Conflict}
LONGEST = 500
# A service token whose user is no service makes Cinder's middleware refuse the whole call (401); the rest is policy (403).
ROLES = 'Its user needs the roles "member" and "service" in its project.'


# Ours for keystoneauth's kinds of no answer at all, where they say more. It has called the first one by either name; OSError is
# a file of certificates that is gone.
_UNTRUSTED = "its certificate is not trusted; [cinder] ca_cert must name the authority that signed it"
PROBLEMS: Mapping[str, str] = {
    "SSLError": _UNTRUSTED, "SSLFailure": _UNTRUSTED, "OSError": "[cinder] ca_cert cannot be read",
}  # fmt: skip


def problem(error: Exception) -> str:
    """Why there is no answer; no value of it, one could be a secret."""
    name = type(error).__name__
    return PROBLEMS.get(name, name)


def refusal(code: int, body: Mapping[str, Any] | None, problem: str) -> ServerError:
    """``code`` 0 is no answer at all, for the reason ``problem``."""
    if not code:
        return Unavailable(f"Cinder does not answer: {problem}.")
    if code in (401, 403):
        return Unavailable(f"Cinder refuses this server's credentials ({code}): {_words(body)} {ROLES}")
    return KINDS.get(code, Unavailable)(f"Cinder: {_words(body) or f'it answered {code}; its log says why'}")


def no_token(auth: str, code: int, problem: str) -> ServerError:
    """Keystone answered ``code``, 0 is no answer at all, for the reason ``problem``. Instances read this as well: it names what
    the operator has to look at, and no value of it."""
    keys = ", ".join(NEEDED[auth])
    if not code:
        return Unavailable(f"Keystone does not answer: {problem}. Is it up, and [cinder] auth_url right?")
    if code == 401:
        return Unavailable(f"Keystone refuses this server's credentials ({code} {problem}). Are [cinder] {keys} right?")
    return Unavailable(f"Keystone gives no token ({code} {problem}). Is [cinder] auth_url right?")


def no_endpoint() -> ServerError:
    """Keystone's catalogue does not name Cinder."""
    return Unavailable("Keystone's catalogue has no such endpoint of block storage. Are [cinder] region and interface right?")


def _words(body: Mapping[str, Any] | None) -> str:
    """``{"badRequest": {"code": 400, "message": …}}``; of a message that holds a traceback (some do) the line before it."""
    for value in (body or {}).values():
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            text = value["message"].partition("Traceback (most recent call last)")[0]
            return "".join(c if c.isprintable() else " " for c in text).strip()[:LONGEST]
    return ""
