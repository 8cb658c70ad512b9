"""An attachment as its operator sees it, asked for often while instances boot: the answer of `attachments.show` without FastAPI,
whose routes and dependencies cost several times what there is to do."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from metadata_server.api import shapes, versions
from metadata_server.api.asking import authenticate
from metadata_server.workflow.services import Services


class Plain(Route):
    """Only for an address without a query."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See Starlette."""
        return (Match.NONE, {}) if scope.get("query_string") else super().matches(scope)


def route(services: Services) -> Route:
    """Goes before all others."""

    async def show(request: Request) -> Response:
        await authenticate(request)
        await versions.negotiate(request)
        versions.need(request, versions.ATTACHMENTS)
        attachment, _ = services.attachments.get(str(request.path_params["identifier"]))
        detail = shapes.attachment_detail(attachment, services.connection(attachment))
        return Response(shapes.AttachmentBody(attachment=detail).model_dump_json(), media_type="application/json")

    return Plain("/v3/attachments/{identifier:uuid}", show, methods=["GET"], include_in_schema=False)
