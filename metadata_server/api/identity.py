"""Which instance is asking. The first resolver that knows decides; those of a trusted proxy (Nova's signature) and of
IMDSv2's session token come into the same list."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from metadata_server.api.errors import Denied
from metadata_server.workflow.services import Services

# Gives the instance's id, None where this way was not used; raises `Denied` where it was used and is wrong.
Resolver = Callable[[Request], str | None]


def bearer(services: Services) -> Resolver:
    """``Authorization: Bearer <token>`` (RFC 6750), with the token of the seed."""

    def resolve(request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = services.instances.by_token(token.strip())
        if found is None:
            raise Denied("this token is not valid")
        return found

    return resolve


def identify(request: Request, resolvers: tuple[Resolver, ...]) -> str:
    """The id of the instance. Raises `Denied`."""
    for resolve in resolvers:
        found = resolve(request)
        if found is not None:
            return found
    raise Denied("an instance must say who it is", hint="Authorization: Bearer <token>")
