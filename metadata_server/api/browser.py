"""How a browser is let in: the operators' token once, then a signed cookie that ends by itself and opens nothing but the page.

The cookie is ``<end>.<HMAC-SHA256 of it>`` under a key derived from the token: nothing has to be kept, several servers with one
token agree, and another token ends every session. It is HttpOnly and SameSite=Strict (RFC 6265bis), and only sent below the page.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from blockstore.secret import Secret
from metadata_server.domain.errors import Invalid

COOKIE = "blockstore_overview"
HOURS = 8
# Nothing is loaded from anywhere but the stylesheet and the icon, no script runs, nobody frames the page or gets its address.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_VALUE = re.compile(r"(\d{1,12})\.([0-9a-f]{64})", re.ASCII)
# A path below the page, and nothing that a browser would take for another host.
_INSIDE = re.compile(r"(/instances/[A-Za-z0-9%._~-]+)?(\?[A-Za-z0-9%._~&=+-]*)?", re.ASCII)


class Sessions:
    """Of one page at ``path``. ``clock`` gives seconds since the epoch."""

    def __init__(self, token: Secret, path: str, clock: Callable[[], float] = time.time) -> None:
        self._token, self._path, self._clock = token, path, clock
        self._key = hmac.digest(token.reveal().encode(), b"blockstore overview session", hashlib.sha256)

    def known(self, request: Request) -> bool:
        """Whether this request may see the page: by its cookie, or by ``X-Auth-Token`` as everywhere on this listener."""
        return self.open(request.cookies.get(COOKIE, "")) or self.right(request.headers.get("x-auth-token", ""))

    def right(self, given: str) -> bool:
        """Whether this is the operators' token."""
        return hmac.compare_digest(given.encode(), self._token.reveal().encode())

    def open(self, value: str) -> bool:
        """Whether this is a cookie of ours that has not ended."""
        found = _VALUE.fullmatch(value)
        return bool(found and hmac.compare_digest(found[2], self._signature(found[1])) and int(found[1]) > self._clock())

    def begin(self, request: Request, response: Response) -> None:
        """Set the cookie; over TLS it is never sent without."""
        end = str(int(self._clock()) + HOURS * 3600)
        response.set_cookie(
            COOKIE, f"{end}.{self._signature(end)}", max_age=HOURS * 3600, path=self._path,
            secure=request.url.scheme == "https", httponly=True, samesite="strict",
        )  # fmt: skip

    def end(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(COOKIE, path=self._path, httponly=True, samesite="strict")

    def inside(self, address: str) -> str:
        """The address if it is one of the page's own, else the page."""
        rest = address.removeprefix(self._path)
        return address if address.startswith(self._path) and _INSIDE.fullmatch(rest) else self._path

    def _signature(self, end: str) -> str:
        return hmac.digest(self._key, end.encode(), hashlib.sha256).hex()


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form (application/x-www-form-urlencoded). Raises `Invalid`."""
    raw = await request.body()
    try:
        return dict(parse_qsl(raw.decode("ascii"), max_num_fields=8))
    except ValueError:
        raise Invalid("the body is no form") from None
