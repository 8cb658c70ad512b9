"""The operators' page over HTTP: it shows and changes nothing, needs no script, and holds no secret."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from blockstore.errors import BlockstoreError
from blockstore.render import render
from blockstore.secret import Secret
from metadata_server.api.browser import HEADERS, HOURS, Sessions, form_of
from metadata_server.api.errors import status_of
from metadata_server.engines import SharedServices
from metadata_server.overview import view, words
from metadata_server.overview.view import PATH, Query
from metadata_server.workflow.health import Health

STYLE = render("overview/style.css.j2")
ICON = render("overview/icon.svg.j2")
# Changes whenever the style does, so that a browser may keep it for good.
STYLE_TAG = hashlib.sha256(STYLE.encode()).hexdigest()[:12]
FOR_GOOD = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}

Answer = Callable[[Request], Awaitable[Response]]


def routes(services: SharedServices, token: Secret, health: Health) -> list[Route]:
    """The routes of the page."""
    page = _Page(services, Sessions(token, PATH), health)
    return [
        Route(PATH, page.guarded(page.front), methods=["GET"]),
        Route(f"{PATH}/instances/{{id}}", page.guarded(page.instance), methods=["GET"]),
        Route(f"{PATH}/login", page.log_in, methods=["POST"]),
        Route(f"{PATH}/login", page.away, methods=["GET"]),
        Route(f"{PATH}/logout", page.log_out, methods=["POST"]),
        Route(f"{PATH}/style.css", _style, methods=["GET"]),
        Route(f"{PATH}/icon.svg", _icon, methods=["GET"]),
    ]


class _Page:
    """One method, one address."""

    def __init__(self, services: SharedServices, sessions: Sessions, health: Health) -> None:
        self._services, self._sessions, self._health = services, sessions, health

    def guarded(self, answer: Answer) -> Answer:
        """Only for who is logged in; everybody else gets the form. What goes wrong is said as a page, too."""

        async def endpoint(request: Request) -> Response:
            if not self._sessions.known(request):
                address = f"{request.url.path}{'?' if request.url.query else ''}{request.url.query}"
                return self._form(self._sessions.inside(address))
            try:
                return await answer(request)
            except BlockstoreError as error:
                code = status_of(error)
                return _html("gone", code, what="Not found" if code == 404 else "That did not work", why=str(error))

        return endpoint

    async def front(self, request: Request) -> Response:
        """All instances and volumes."""
        query = Query.read(request.query_params)
        found = self._services.overview.front(query.instances, query.volumes)
        amounts, works, now = self._health.amounts(), self._health.look(), datetime.now(UTC)
        return await _shown("front", query, "", lambda: view.front(query, found, amounts, works, now))

    async def instance(self, request: Request) -> Response:
        """One instance with all its boots."""
        query, identifier = Query.read(request.query_params), request.path_params["id"]
        found, now = self._services.overview.instance(identifier), datetime.now(UTC)
        return await _shown("instance", query, view.instance_path(identifier), lambda: view.single(query, found, now))

    async def log_in(self, request: Request) -> Response:
        """The form comes back: the page with a cookie, or the form once more."""
        form = await form_of(request)
        there = self._sessions.inside(form.get("next", ""))
        if not self._sessions.right(form.get("token", "").strip()):
            return self._form(there, wrong="This is not the operators' token.")
        response = RedirectResponse(there, 303, HEADERS)
        self._sessions.begin(request, response)
        return response

    async def log_out(self, _request: Request) -> Response:
        """The cookie goes."""
        response = RedirectResponse(PATH, 303, HEADERS)
        self._sessions.end(response)
        return response

    async def away(self, _request: Request) -> Response:
        """Somebody reloads the form's address."""
        return RedirectResponse(PATH, 303, HEADERS)

    def _form(self, there: str, wrong: str = "") -> Response:
        response = _html("login", 401, next=there, wrong=wrong, hours=HOURS)
        # RFC 9110 wants a challenge with a 401; no browser knows this one, so that all of them show the form.
        response.headers["WWW-Authenticate"] = 'X-Auth-Token realm="blockstore"'
        return response


async def _shown(name: str, query: Query, here: str, make: Callable[[], object]) -> Response:
    """Drawing takes longer than reading, and wants nothing of the database: other requests go on meanwhile."""
    return await run_in_threadpool(lambda: _html(name, 200, view=make(), here=here, refresh=query.refresh))


def _html(name: str, code: int, **values: object) -> Response:
    words_of_it = {
        "path": PATH, "style": STYLE_TAG, "steps": view.steps(), "intervals": view.REFRESH, "took": words.took,
        "plain": words.plain, "amount": words.amount, "clock": words.clock, "look_of": view.look_of,
        "status_of": view.status_of, "instance_path": view.instance_path,
    }  # fmt: skip
    return HTMLResponse(render(f"overview/{name}.html.j2", **{**words_of_it, **values}), code, HEADERS)


async def _style(_request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers=FOR_GOOD)


async def _icon(_request: Request) -> Response:
    return Response(ICON, media_type="image/svg+xml", headers=FOR_GOOD)
