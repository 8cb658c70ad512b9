"""The configuration: one TOML file and the command line's options, read once into frozen values, every fault named at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import tomllib

from blockstore.errors import DocumentInvalid, Fault
from blockstore.reader import Faults, Reader
from metadata_server import database, targets
from metadata_server.address import Listener, read_address
from metadata_server.backends.sparse import path_fault
from metadata_server.backends.types import VolumeType, read_types
from metadata_server.database import DatabaseSettings
from metadata_server.engines.cinder import settings as settings_of_cinder
from metadata_server.engines.cinder.settings import CinderSettings
from metadata_server.listening import named, settings
from metadata_server.listening.settings import HttpSettings
from metadata_server.targets import settings as target_settings
from metadata_server.targets.settings import TargetSettings

__all__ = ["DEFAULT_FILE", "DEFAULT_STATE", "Configuration", "Listener", "TargetSettings", "load", "parse"]

DEFAULT_STATE = "/var/lib/blockstore-server"
DEFAULT_FILE = Path("/etc/blockstore-server/server.toml")


@dataclass(frozen=True)
class Configuration:
    """Everything that the server is told. ``endpoint`` is the URL that seeds name: "" the instance listener's own."""

    state: Path
    instance: Listener
    operator: Listener
    endpoint: str
    types: tuple[VolumeType, ...]
    target: TargetSettings
    cinder: CinderSettings | None = None
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    http: HttpSettings = field(default_factory=HttpSettings)


def load(file: Path | None, options: Mapping[str, str | None]) -> Configuration:
    """Read the file (if any); ``options`` (``instance.listen`` and so on) go before it. Raises `DocumentInvalid`."""
    document: dict[str, object] = {}
    if file is not None:
        try:
            document = tomllib.loads(file.read_text())
        except OSError as error:
            raise DocumentInvalid([Fault(str(file), f"cannot be read: {error.strerror}")]) from error
        except ValueError as error:
            raise DocumentInvalid([Fault(str(file), f"is not TOML: {error}")]) from error
    for key, value in options.items():
        # What the command line says of targets is of no use where all are Cinder's.
        if value is not None and not (document.get("engine") == "cinder" and key.startswith("targets.")):
            _put(document, key.split("."), value)
    faults = Faults()
    found = _read(document, faults)
    _check_files(found, faults)
    if found.database.password is not None and (problem := _open_password(file, options)):
        faults.add("database.url", problem)
    faults.raise_any()
    return found


def _check_files(found: Configuration, faults: Faults) -> None:
    """Every file that is named must serve: looked at here, so that all faults come out together."""
    database.check(found.database, faults)
    named.check(found.http, faults)
    if found.cinder is not None:
        settings_of_cinder.check(found.cinder, faults)


def _open_password(file: Path | None, options: Mapping[str, str | None]) -> str | None:
    """Why the password in the database's URL is not kept secret, or None."""
    if options.get("database.url"):
        return "holds a password, which everybody sees in the list of processes: use --database-password-file"
    if file is not None and file.stat().st_mode & 0o077:
        return f"holds a password, and others may read it: chmod 600 {file}, or database.password_file"
    return None


def _put(document: dict[str, object], path: list[str], value: str) -> None:
    for key in path[:-1]:
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        document = inner
    document[path[-1]] = value


def parse(document: Mapping[str, object]) -> Configuration:
    """Read a configuration. Raises `DocumentInvalid` with all faults."""
    faults = Faults()
    found = _read(document, faults)
    faults.raise_any()
    return found


def _read(document: Mapping[str, object], faults: Faults) -> Configuration:
    reader = Reader(document, faults)
    reader.only(("state", "engine", "cinder", "instance", "operator", "volumes", "targets", "database", "limits", "log"))
    instance, operator = reader.inner("instance"), reader.inner("operator")
    instance.only(("listen", "endpoint", *settings.INSTANCE_KEYS))
    operator.only(("listen", *settings.OPERATOR_KEYS))
    state = Path(reader.text("state", check=path_fault) or DEFAULT_STATE).absolute()
    store = database.parse(reader.inner("database"))
    found = Configuration(
        state=state,
        instance=read_address(instance, "listen", "127.0.0.1:8775"),
        operator=read_address(operator, "listen", "127.0.0.1:8776"),
        endpoint=instance.text("endpoint", check=_url_fault) or "",
        types=read_types(reader.inner("volumes"), state),
        target=replace(target_settings.read(reader.inner("targets"), targets.REGISTRY), alone=not store.shared),
        cinder=_cinder(reader),
        database=store,
        http=settings.http(reader, instance, operator),
    )
    for path, host, advertised in (
        ("instance.endpoint", found.instance.host, found.endpoint),
        ("targets.advertised", found.target.portal.host, found.target.advertised),
    ):
        if ipaddress.ip_address(host).is_unspecified and not advertised:
            faults.add(path, f"must be given, because {host} is no address that an instance could reach")
    if found.http.instance_tls and urlsplit(found.endpoint).scheme == "http" and urlsplit(found.endpoint).port != 0:
        faults.add("instance.endpoint", "must begin with https://, because instance.tls is given")
    host = found.operator.host
    if not (found.http.operator_tls or found.http.plain_http or ipaddress.ip_address(host).is_loopback):
        faults.add(
            "operator", f"on {host} the operators' token would go over the network in plain; give tls, or plain_http = true"
        )
    return found


def _cinder(reader: Reader) -> CinderSettings | None:
    """Only with ``engine = "cinder"``; then nothing of ours is exported."""
    if (reader.choice("engine", ("own", "cinder")) or "own") == "own":
        if "cinder" in reader:
            reader.faults.add("cinder", 'needs engine = "cinder" in the first lines of the file')
        return None
    for key in ("volumes", "targets"):
        if key in reader:
            reader.faults.add(key, 'is for volumes of our own; with engine = "cinder" all are Cinder\'s')
    return settings_of_cinder.parse(reader.inner("cinder"))


def _url_fault(text: str) -> str | None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{text!r} is not a URL such as http://169.254.169.254:8775"
    return None
