"""What is the same whoever owns the volumes: as what the instances' listener is advertised, and how instances are known."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from metadata_server.api.access import Access
from metadata_server.api.proxy import Proxies, trusted
from metadata_server.api.session_token import Tokens
from metadata_server.configuration import Configuration
from metadata_server.listening.front import Front
from metadata_server.store import Store
from metadata_server.workflow.shared_keys import SESSION_TOKENS, shared_key


def endpoint(configuration: Configuration, front: Front) -> str:
    """The URL as instances see it; port 0 stands for the port where we really listen."""
    parts = urlsplit(configuration.endpoint)
    if not parts.hostname:
        return front.url("instance")
    if parts.port != 0:
        return configuration.endpoint
    port = front.address("instance").rpartition(":")[2]
    scheme = "https" if front.fingerprint("instance") else parts.scheme
    return f"{scheme}://{parts.netloc.rpartition(':')[0]}:{port}{parts.path}"


def plain(configuration: Configuration) -> str | None:
    """What is to be said of an instances' listener in plain HTTP, or None: loopback and link-local addresses go through no
    network, and with an https:// endpoint something in front of it has TLS."""
    host = ipaddress.ip_address(configuration.instance.host)
    if configuration.http.instance_tls or host.is_loopback or host.is_link_local:
        return None
    if urlsplit(configuration.endpoint).scheme == "https":
        return None
    return (
        f"instances are served in plain HTTP on {host}: tokens and CHAP secrets can be read on the way there; "
        "give instance.tls.certificate and instance.tls.key"
    )


def access(configuration: Configuration, store: Store) -> Access:
    """The ways in which an instance says who it is."""
    http = configuration.http
    tokens = Tokens(shared_key(store, SESSION_TOKENS)) if http.session_tokens.enabled else None
    return Access(Proxies(trusted(http.proxies)), tokens, http.session_tokens.hops, http.limits.waits_per_instance)
