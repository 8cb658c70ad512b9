"""Which versions are spoken, and microversion negotiation (OpenStack API-SIG, "Microversion Specification")."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from metadata_server.api.errors import NotAcceptable
from metadata_server.domain.errors import Invalid, NotFound

# 3.27 brought attachments, 3.44 os-complete, 3.54 the mode of an attachment.
LOWEST, HIGHEST = (3, 0), (3, 54)
ATTACHMENTS, COMPLETE, MODE = (3, 27), (3, 44), (3, 54)
HEADER = "OpenStack-API-Version"

router = APIRouter()


def negotiate(request: Request, response: Response) -> None:
    """Note the microversion of this request, and say it in the answer. Raises `NotAcceptable`."""
    asked = [each.split() for each in request.headers.get(HEADER, "").split(",")]
    text = next((each[1] for each in asked if len(each) == 2 and each[0].lower() == "volume"), "3.0")
    version = HIGHEST if text == "latest" else _parsed(text)
    if not LOWEST <= version <= HIGHEST:
        raise NotAcceptable(
            f"Version {text} is not supported by the API. Minimum is {_text(LOWEST)} and maximum is {_text(HIGHEST)}."
        )
    request.state.microversion = version
    response.headers[HEADER] = f"volume {_text(version)}"
    response.headers["Vary"] = HEADER


def need(request: Request, version: tuple[int, int]) -> None:
    """Raises `NotFound` (as Cinder does) for a call that came with a later microversion than was asked for."""
    if request.state.microversion < version:
        raise NotFound(f"This call needs {HEADER}: volume {_text(version)} or later.")


@router.get("/", include_in_schema=False)
async def versions(request: Request) -> Response:
    """All versions; nobody needs a token to ask."""
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


def _parsed(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise Invalid(f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum.")
    return int(major), int(minor)


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
