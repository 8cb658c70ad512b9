"""``[cinder]`` of the configuration: where Cinder is, and as whom it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from blockstore.reader import Faults, Reader
from metadata_server.listening.certificate import authorities_fault, secret_fault

# What each way of authentication needs, beside what it may have.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "noauth": ("endpoint", "project"),
    "password": ("auth_url", "username", "password_file", "project"),
    "application_credential": ("auth_url", "credential_id", "secret_file"),
}
KEYS = (
    *("auth", "endpoint", "auth_url", "username", "user_domain", "project", "project_domain", "password_file"),
    *("credential_id", "secret_file", "region", "interface", "ca_cert", "timeout", "poll"),
)


@dataclass(frozen=True)
class CinderSettings:
    """``endpoint`` is Cinder's URL ("" for that of the catalogue). ``timeout`` (seconds) is what one call may take, ``poll`` how
    often Cinder is looked at while an instance waits for a change. Secrets are in files."""

    auth: str
    endpoint: str
    auth_url: str
    username: str
    user_domain: str
    project: str
    project_domain: str
    password_file: str
    credential_id: str
    secret_file: str
    region: str
    interface: str
    ca_cert: str
    timeout: int
    poll: int


def parse(reader: Reader) -> CinderSettings:
    """Read the table; faults are noted in the reader's."""
    reader.only(KEYS)
    auth = reader.choice("auth", tuple(NEEDED)) or "password"
    for key in NEEDED[auth]:
        if key not in reader:
            reader.faults.add(reader.at(key), f"is missing; auth = {auth!r} needs it")
    return CinderSettings(
        auth=auth,
        endpoint=(reader.text("endpoint", check=_url_fault) or "").rstrip("/"),
        auth_url=reader.text("auth_url", check=_url_fault) or "",
        username=reader.text("username") or "admin",
        user_domain=reader.text("user_domain") or "Default",
        project=reader.text("project") or "",
        project_domain=reader.text("project_domain") or "Default",
        password_file=reader.text("password_file") or "",
        credential_id=reader.text("credential_id") or "",
        secret_file=reader.text("secret_file") or "",
        region=reader.text("region") or "",
        interface=reader.choice("interface", ("public", "internal", "admin")) or "internal",
        ca_cert=reader.text("ca_cert") or "",
        timeout=reader.integer("timeout", least=1, most=600) or 60,
        poll=reader.integer("poll", least=1, most=600) or 5,
    )


def check(settings: CinderSettings, faults: Faults) -> None:
    """Note where a secret cannot be read, or others can read it, or the certificates serve nobody."""
    for path, file in (("cinder.password_file", settings.password_file), ("cinder.secret_file", settings.secret_file)):
        if file and (problem := secret_fault(Path(file))):
            faults.add(path, problem)
    if settings.ca_cert and (problem := authorities_fault(Path(settings.ca_cert))):
        faults.add("cinder.ca_cert", problem)


def _url_fault(text: str) -> str | None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{text!r} is not a URL such as https://cinder.example.com:8776/v3"
    return "must hold no user or password" if parts.username or parts.password else None
