"""Those who may speak for instances: Nova's metadata proxy, by its signature, and load balancers, by their address.

Nova signs the instance id alone, and for ever (nova/api/metadata/handler.py): whoever may read what the proxy sends could
repeat it, so it is believed from the configured addresses only.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from blockstore.reader import Faults
from metadata_server.api.errors import Forbidden
from metadata_server.api.identity import FORWARDED_FOR, INSTANCE_ID, SIGNATURE, TENANT_ID, Asked, Way
from metadata_server.domain.errors import Invalid, NotFound
from metadata_server.listening.certificate import secret_fault
from metadata_server.listening.settings import Network, Proxy
from metadata_server.workflow.instances import Instances


@dataclass(frozen=True)
class Trusted:
    """One proxy; without a secret it is a load balancer."""

    networks: tuple[Network, ...]
    secret: bytes = b""


class Proxies:
    """Looks up who a peer is."""

    def __init__(self, proxies: tuple[Trusted, ...] = ()) -> None:
        self._proxies = proxies
        self._known = lru_cache(maxsize=4096)(self._search)

    def of(self, address: str) -> Trusted | None:
        """The proxy with this address."""
        return self._known(address) if self._proxies else None

    def _search(self, address: str) -> Trusted | None:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        return next((each for each in self._proxies if any(parsed in network for network in each.networks)), None)


def trusted(proxies: Iterable[Proxy]) -> tuple[Trusted, ...]:
    """As configured, with the secrets read. Raises `DocumentInvalid` with every file that does not serve."""
    faults = Faults()
    found = []
    for index, each in enumerate(proxies):
        secret = b""
        if each.secret_file is not None:
            if fault := secret_fault(each.secret_file):
                faults.add(f"instance.proxies[{index}].secret_file", fault)
            else:
                secret = each.secret_file.read_bytes().strip()
        found.append(Trusted(each.networks, secret))
    faults.raise_any()
    return tuple(found)


def signed(proxies: Proxies, instances: Instances) -> Way:
    """``X-Instance-ID``, ``X-Tenant-ID``, ``X-Instance-ID-Signature``: refused in the words and with the codes of Nova."""

    def way(request: Asked) -> str | None:
        proxy = proxies.of(request.address)
        identifier, tenant = request.headers.get(INSTANCE_ID), request.headers.get(TENANT_ID)
        if proxy is None or not proxy.secret:
            if identifier is not None:
                raise Forbidden("X-Instance-ID is believed of a configured proxy that signs, and of nobody else")
            return None
        if identifier is None:
            raise Invalid("X-Instance-ID header is missing from request.")
        if tenant is None:
            raise Invalid("X-Tenant-ID header is missing from request.")
        if not hmac.compare_digest(signature(proxy.secret, identifier), request.headers.get(SIGNATURE, b"").lower()):
            raise Forbidden("Invalid proxy request signature.")
        return _known(instances, identifier.decode("latin-1"), tenant.decode("latin-1"))

    return way


def signature(secret: bytes, identifier: bytes) -> bytes:
    """What Nova's proxy sends: hexadecimal HMAC-SHA256 of the instance id."""
    return hmac.new(secret, identifier, hashlib.sha256).hexdigest().encode()


def _known(instances: Instances, identifier: str, tenant: str) -> str:
    instance = instances.get(identifier)
    if instance.project_id and instance.project_id != tenant:
        raise NotFound(f"Instance {identifier} could not be found.")
    return instance.id


def source(request: Asked, proxies: Proxies) -> str:
    """The address that a request came from. Raises `Forbidden` for one that was forwarded by who knows whom."""
    forwarded = request.headers.get(FORWARDED_FOR)
    if proxies.of(request.address) is None:
        # An open proxy in an instance would ask for others with that instance's address.
        if forwarded is not None or b"forwarded" in request.headers:
            raise Forbidden("a forwarded request is answered to a configured proxy only")
        return request.address
    # The last one is what the proxy itself saw; the others are what it was told.
    return (forwarded or b"").decode("latin-1").rpartition(",")[2].strip()
