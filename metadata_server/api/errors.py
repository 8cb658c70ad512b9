"""The one table from what the server refuses to HTTP, in Cinder's form: ``{"itemNotFound": {"code": 404, "message": …}}``."""

from __future__ import annotations

import logging
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from blockstore.errors import BlockstoreError, DocumentInvalid
from metadata_server.domain.errors import Conflict, Invalid, NotFound, OverLimit, Unavailable

LOG = logging.getLogger(__name__)


class Denied(BlockstoreError):
    """Nobody knows who is asking."""


class Forbidden(BlockstoreError):
    """This way is closed to the one who asks, whoever it is."""


class TooMany(BlockstoreError):
    """The same asks for too much at once."""


class NotAcceptable(BlockstoreError):
    """A microversion that is not spoken here."""


# The first class that fits decides.
STATUS: tuple[tuple[type[BlockstoreError], int], ...] = (
    (DocumentInvalid, 400),
    (Invalid, 400),
    (Denied, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (NotAcceptable, 406),
    (Conflict, 409),
    (OverLimit, 413),
    (TooMany, 429),
    (Unavailable, 503),
    (BlockstoreError, 500),
)
# Cinder's words (cinder/api/openstack/wsgi.py, Fault._fault_names).
WORDS = {
    400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod", 406: "notAcceptable",
    409: "conflictingRequest", 413: "overLimit", 414: "badRequest", 415: "badMediaType", 429: "overLimit",
    431: "badRequest", 501: "notImplemented", 503: "serviceUnavailable",
}  # fmt: skip


def status_of(error: Exception) -> int:
    """The HTTP status of what the server refuses."""
    return next((code for kind, code in STATUS if isinstance(error, kind)), 500)


def fault(code: int, message: str) -> JSONResponse:
    """The answer that says no."""
    headers = {"WWW-Authenticate": "Bearer"} if code == 401 else {}
    return JSONResponse({WORDS.get(code, "computeFault"): {"code": code, "message": message}}, code, headers)


async def refused(_request: Request, error: Exception) -> JSONResponse:
    """Of what the server refuses; no message holds a secret."""
    code = status_of(error)
    if code >= 500:
        LOG.error("%s", error)
    return fault(code, str(error))


async def invalid(_request: Request, error: Exception) -> JSONResponse:
    """Every fault of a body, each with its path; the values are not quoted, one of them may be a secret."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    text = "; ".join(f"{'.'.join(str(part) for part in each['loc'] if part != 'body')}: {each['msg']}" for each in faults)
    return fault(400, text or "the request is not valid")


async def not_served(_request: Request, error: Exception) -> JSONResponse:
    """Of what the framework refuses: no such path, no such method."""
    code = error.status_code if isinstance(error, HTTPException) else 500
    return fault(code, str(getattr(error, "detail", "")))


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """Of a fault of ours: what happened goes to the log, without values; the caller learns that it did."""
    LOG.error("%s %s: %s", request.method, request.url.path, type(error).__name__)
    return fault(500, "The server has made a mistake; its log says more.")


HANDLERS: dict[int | type[Exception], Any] = {BlockstoreError: refused, HTTPException: not_served, Exception: unexpected}
