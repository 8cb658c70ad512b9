"""Session tokens as EC2's instance metadata service version 2 has them: a GET alone, such as a program in the instance can be
talked into, gets nothing (EC2 User Guide, "Use the Instance Metadata Service").

A token is an expiry and an HMAC over it and the instance: any server with the same key can check it, none keeps a list.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from metadata_server.api.errors import Denied, Forbidden
from metadata_server.api.identity import SESSION_TOKEN, Asked, Way
from metadata_server.api.proxy import Proxies, source
from metadata_server.domain.errors import Invalid
from metadata_server.workflow.instances import Instances

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
SHORTEST, LONGEST = 1, 21600
_EXPIRY = 8


@dataclass(frozen=True)
class Tokens:
    """Makes and checks them; ``clock`` gives seconds since 1970."""

    key: bytes
    clock: Callable[[], float] = time.time

    def make(self, instance: str, seconds: int) -> str:
        """A token of this instance."""
        expiry = int(self.clock() + seconds).to_bytes(_EXPIRY, "big")
        return base64.urlsafe_b64encode(expiry + self._sign(instance, expiry)).rstrip(b"=").decode()

    def valid(self, token: bytes, instance: str) -> bool:
        """Whether it was made for this instance and has not expired."""
        try:
            raw = base64.b64decode(token + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return False
        expiry, given = raw[:_EXPIRY], raw[_EXPIRY:]
        right = hmac.compare_digest(self._sign(instance, expiry), given)
        return right and int.from_bytes(expiry, "big") > self.clock()

    def _sign(self, instance: str, expiry: bytes) -> bytes:
        return hmac.new(self.key, expiry + instance.encode(), hashlib.sha256).digest()


def session(tokens: Tokens, proxies: Proxies, instances: Instances) -> Way:
    """The address of a registered instance, with a token of that very instance."""

    def way(request: Asked) -> str | None:
        token = request.headers.get(SESSION_TOKEN)
        if token is None:
            return None
        instance = instances.by_address(source(request, proxies))
        if instance is None or not tokens.valid(token, instance):
            raise Denied("this session token is not valid", hint="PUT /latest/api/token")
        return instance

    return way


def by_address(proxies: Proxies, instances: Instances) -> Way:
    """The address alone: good for one thing, to ask for a session token."""

    def way(request: Asked) -> str | None:
        return instances.by_address(source(request, proxies))

    return way


def closed(request: Asked) -> str | None:
    """In place of the way by address where session tokens are switched off."""
    raise Forbidden("session tokens are not in use here")


def seconds(request: Asked) -> int:
    """The time to live that is asked for. Raises `Invalid`."""
    text = request.headers.get(TTL.lower().encode(), b"")
    if not text.isdigit() or len(text) > len(str(LONGEST)) or not SHORTEST <= int(text) <= LONGEST:
        raise Invalid(f"{TTL} must be a number of seconds from {SHORTEST} to {LONGEST}")
    return int(text)
