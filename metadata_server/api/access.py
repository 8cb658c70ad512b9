"""What the instances' listener is told of identity and limits, and the ways of identity in their order."""

from __future__ import annotations

from dataclasses import dataclass, field

from metadata_server.api.identity import Way, bearer
from metadata_server.api.proxy import Proxies, signed
from metadata_server.api.session_token import Tokens, by_address, closed, session
from metadata_server.workflow.instances import Instances


@dataclass(frozen=True)
class Access:
    """``tokens`` is None where session tokens are switched off; ``hops`` is how far the answer that carries one gets;
    ``waits`` is how many answers one instance may have held at once."""

    proxies: Proxies = field(default_factory=Proxies)
    tokens: Tokens | None = None
    hops: int = 1
    waits: int = 8

    def ways(self, instances: Instances) -> tuple[Way, ...]:
        """All of them, for every call."""
        found = (bearer(instances), signed(self.proxies, instances))
        return (*found, session(self.tokens, self.proxies, instances)) if self.tokens else found

    def ways_to_a_token(self, instances: Instances) -> tuple[Way, ...]:
        """Those by which a session token is given out."""
        if self.tokens is None:
            return (closed,)
        return (signed(self.proxies, instances), by_address(self.proxies, instances))
