"""Which versions are spoken, and microversion negotiation (OpenStack API-SIG, "Microversion Specification")."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from fastapi import APIRouter, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from metadata_server.api.errors import NotAcceptable
from metadata_server.domain.errors import Invalid, NotFound
from metadata_server.overview.view import PATH

Version = tuple[int, int]

# Cinder's history ("REST API Version History"): when each came that is spoken here. What came with other versions (groups,
# backups, transfers, clusters) is not.
LOWEST, HIGHEST = (3, 0), (3, 71)
SUMMARY = (3, 12)
SNAPSHOT_METADATA_FILTER = (3, 22)
ATTACHMENTS = (3, 27)
FILTERS_CHECKED = (3, 31)
RESOURCE_FILTERS = (3, 33)
LIKE_FILTERS = (3, 34)
SUMMARY_METADATA = (3, 36)
REVERT = (3, 40)
EXTEND_IN_USE = (3, 42)
COMPLETE = (3, 44)
WITH_COUNT = (3, 45)
MODE = (3, 54)
TIME_FILTERS = (3, 60)
SNAPSHOT_IN_USE = (3, 66)
HEADER = "OpenStack-API-Version"

router = APIRouter()


async def negotiate(request: Request) -> None:
    """Note the microversion of this request; `SayVersion` says it in the answer. Raises `NotAcceptable`."""
    agree(request.scope, request.headers.get(HEADER, ""))


def agree(scope: Scope, header: str) -> Version:
    """As `negotiate`, with the request's header; gives the version."""
    version: Version = _agreed(header)
    scope.setdefault("state", {})["microversion"] = version
    return version


@lru_cache(maxsize=256)
def _agreed(header: str) -> Version:
    asked = [each.split() for each in header.split(",")]
    text = next((each[1] for each in asked if len(each) == 2 and each[0].lower() == "volume"), "3.0")
    version = HIGHEST if text == "latest" else _parsed(text)
    if not LOWEST <= version <= HIGHEST:
        raise NotAcceptable(
            f"Version {text} is not supported by the API. Minimum is {_text(LOWEST)} and maximum is {_text(HIGHEST)}."
        )
    return version


class SayVersion:
    """Every answer in which a microversion was agreed says which, errors too (ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def saying(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(said(scope))
            await send(message)

        await self._app(scope, receive, saying)


def said(scope: Scope) -> Mapping[str, str]:
    """The headers that say which microversion was agreed, if one was."""
    version = scope.get("state", {}).get("microversion")
    return _said(version) if version else {}


@lru_cache(maxsize=256)
def _said(version: Version) -> Mapping[str, str]:
    return {HEADER: f"volume {_text(version)}", "Vary": HEADER}


@lru_cache(maxsize=256)
def headers(version: Version) -> tuple[tuple[bytes, bytes], ...]:
    """The same, as ASGI has headers."""
    return tuple((name.lower().encode(), value.encode()) for name, value in _said(version).items())


def version_of(request: Request) -> Version:
    """The microversion of this request."""
    version: Version = request.scope["state"]["microversion"]
    return version


def need(request: Request, version: Version) -> None:
    """Raises `NotFound` (as Cinder does) for a call that came with a later microversion than was asked for."""
    check(request.scope, version)


def check(scope: Scope, version: Version) -> None:
    """As `need`."""
    if scope["state"]["microversion"] < version:
        raise NotFound(f"This call needs {HEADER}: volume {_text(version)} or later.")


@router.get("/", include_in_schema=False)
async def versions(request: Request) -> Response:
    """All versions; nobody needs a token to ask. A browser is shown the page instead."""
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(PATH, 303, {"Vary": "Accept"})
    return JSONResponse(_document(request), 300)


@router.get("/v3", include_in_schema=False)
@router.get("/v3/", include_in_schema=False)
async def version(request: Request) -> Response:
    """The one version."""
    return JSONResponse(_document(request))


def _document(request: Request) -> dict[str, object]:
    link = f"{request.url.scheme}://{request.url.netloc}/v3/"
    return {"versions": [{
        "id": "v3.0", "status": "CURRENT", "version": _text(HIGHEST), "min_version": _text(LOWEST),
        "updated": "2026-11-22T00:00:00Z", "links": [{"rel": "self", "href": link}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}],
    }]}  # fmt: skip


def _parsed(text: str) -> Version:
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise Invalid(f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum.")
    return int(major), int(minor)


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
