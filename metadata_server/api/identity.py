"""Which instance is asking. The ways are asked in turn, and the first one that was used decides, rightly or wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from metadata_server.api.errors import Denied
from metadata_server.domain.errors import Invalid
from metadata_server.workflow.instances import Instances

AUTHORIZATION, FORWARDED_FOR, FORWARDED = b"authorization", b"x-forwarded-for", b"forwarded"
INSTANCE_ID, TENANT_ID, SIGNATURE = b"x-instance-id", b"x-tenant-id", b"x-instance-id-signature"
SESSION_TOKEN = b"x-aws-ec2-metadata-token"
# Each of them once: of two, somebody between us and the caller may have read the other one.
ONCE = frozenset({AUTHORIZATION, INSTANCE_ID, TENANT_ID, SIGNATURE, SESSION_TOKEN, b"x-aws-ec2-metadata-token-ttl-seconds"})
SEVERAL = frozenset({FORWARDED_FOR, FORWARDED})
_MAPPED = "::ffff:"


@dataclass(frozen=True)
class Asked:
    """What of a request says who asks: the peer's address, and the headers by name in lower case."""

    address: str
    headers: dict[bytes, bytes]


# Gives the instance's id, None where this way was not used; raises where it was used and is wrong.
Way = Callable[[Asked], str | None]


def asked(scope: Scope) -> Asked:
    """Read the head of a request. Raises `Invalid` for a header of these that is there twice."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in found:
            if name in ONCE:
                raise Invalid(f"the header {name.decode()} is there twice")
            if name in SEVERAL:
                value = found[name] + b"," + value
        found[name] = value
    client = scope.get("client")
    return Asked(client[0].removeprefix(_MAPPED) if client else "", found)


def bearer(instances: Instances) -> Way:
    """``Authorization: Bearer <token>`` (RFC 6750), with the token of the seed."""

    def way(request: Asked) -> str | None:
        scheme, _, token = request.headers.get(AUTHORIZATION, b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        found = instances.by_token(token.strip().decode("latin-1"))
        if found is None:
            raise Denied("this token is not valid")
        return found

    return way


def identify(request: Asked, ways: tuple[Way, ...]) -> str:
    """The id of the instance. Raises `Denied`."""
    for way in ways:
        found = way(request)
        if found is not None:
            return found
    raise Denied("an instance must say who it is", hint="a bearer token, or a session token from PUT /latest/api/token")
