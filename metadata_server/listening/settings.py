"""What the configuration says of listeners, limits, proxies and logs; read at the door like the rest of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from blockstore.reader import Reader

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_HOPS = 64


@dataclass(frozen=True)
class Tls:
    """A certificate (with its chain) and its key, both PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Proxy:
    """Who may speak for instances. With a secret it signs as Nova's metadata proxy does; without one it is a load
    balancer, whose X-Forwarded-For names the instance's address."""

    networks: tuple[Network, ...]
    secret_file: Path | None


@dataclass(frozen=True)
class SessionTokens:
    """IMDSv2's session tokens; ``hops`` is the IP TTL of the answer that carries one."""

    enabled: bool = True
    hops: int = 1


@dataclass(frozen=True)
class Limits:
    """Of one listener: counts, and seconds."""

    connections: int = 10_000
    head_seconds: int = 10
    body_seconds: int = 20
    answer_seconds: int = 60
    keep_alive_seconds: int = 30
    waits_per_instance: int = 8


@dataclass(frozen=True)
class LogSettings:
    """``form`` is text or json."""

    form: str = "text"


@dataclass(frozen=True)
class HttpSettings:
    """All of it. ``plain_http`` allows operators without TLS on an address that is not this machine's own."""

    instance_tls: Tls | None = None
    operator_tls: Tls | None = None
    plain_http: bool = False
    proxies: tuple[Proxy, ...] = ()
    session_tokens: SessionTokens = SessionTokens()
    limits: Limits = Limits()
    log: LogSettings = LogSettings()


# What of ``[instance]`` and ``[operator]`` is read here.
INSTANCE_KEYS, OPERATOR_KEYS = ("tls", "proxies", "session_tokens"), ("tls", "plain_http")


def http(whole: Reader, instance: Reader, operator: Reader) -> HttpSettings:
    """Read it from its places in the configuration."""
    return HttpSettings(
        instance_tls=tls(instance),
        operator_tls=tls(operator),
        plain_http=operator.boolean("plain_http") or False,
        proxies=proxies(instance),
        session_tokens=session_tokens(instance),
        limits=limits(whole.inner("limits")),
        log=log(whole.inner("log")),
    )


def tls(reader: Reader) -> Tls | None:
    """``tls: {certificate, key}``: both or none."""
    if "tls" not in reader:
        return None
    inner = reader.inner("tls")
    inner.only(("certificate", "key"))
    return Tls(Path(inner.required_text("certificate")), Path(inner.required_text("key")))


def proxies(reader: Reader) -> tuple[Proxy, ...]:
    """``proxies: [{addresses, secret_file}]``."""
    return tuple(_proxy(each) for each in reader.each("proxies"))


def _proxy(reader: Reader) -> Proxy:
    reader.only(("addresses", "secret_file"))
    networks = []
    for index, text in enumerate(reader.texts("addresses") or ()):
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            reader.faults.add(f"{reader.at('addresses')}[{index}]", f"{text!r} is no address or network such as 10.0.0.0/24")
    if "addresses" not in reader:
        reader.faults.add(reader.at("addresses"), "is missing")
    file = reader.text("secret_file")
    return Proxy(tuple(networks), Path(file) if file else None)


def session_tokens(reader: Reader) -> SessionTokens:
    """``session_tokens: {enabled, hops}``."""
    inner = reader.inner("session_tokens")
    inner.only(("enabled", "hops"))
    enabled = inner.boolean("enabled")
    return SessionTokens(enabled is not False, inner.integer("hops", least=1, most=MOST_HOPS) or 1)


def limits(reader: Reader) -> Limits:
    """``limits: {…}``: every key with a default."""
    least = {"connections": 8}
    reader.only(Limits.__dataclass_fields__)
    said = {key: reader.integer(key, least=least.get(key, 1), most=1_000_000) for key in Limits.__dataclass_fields__}
    return Limits(**{key: value for key, value in said.items() if value is not None})


def log(reader: Reader) -> LogSettings:
    """``log: {form}``."""
    reader.only(("form",))
    return LogSettings(reader.choice("form", ("text", "json")) or "text")
