"""What every call of the operators' listener shares: who asks, in which version, and the services behind it."""

from __future__ import annotations

import hmac

from fastapi import Request

from blockstore.secret import Secret
from metadata_server.api.errors import Denied
from metadata_server.engines import Engine, SharedServices
from metadata_server.workflow.services import Services


def services_of(request: Request) -> Services:
    """The services that the application was made with."""
    services = request.app.state.services
    if not isinstance(services, Services):
        raise TypeError("the application was made without services")
    return services


def shared_of(request: Request) -> SharedServices:
    """What there is of them whoever owns the volumes."""
    services: SharedServices = request.app.state.services
    return services


def engine_of(request: Request) -> Engine:
    """Who owns the volumes."""
    engine: Engine = request.app.state.engine
    return engine


async def authenticate(request: Request) -> None:
    """``X-Auth-Token``, compared in constant time. Raises `Denied`."""
    check(request.app.state.token, request.headers.get("x-auth-token", "").encode("latin-1"))


def check(token: Secret, given: bytes) -> None:
    """Whether this is the token. Raises `Denied`."""
    if not hmac.compare_digest(given, token.reveal().encode()):
        raise Denied("The request you have made requires authentication.")
