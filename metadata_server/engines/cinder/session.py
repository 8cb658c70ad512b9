"""Authentication towards Cinder: one keystoneauth session, however it gets its token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import requests
from keystoneauth1 import adapter, plugin, service_token, token_endpoint
from keystoneauth1 import session as keystone
from keystoneauth1.identity import v3

from metadata_server.domain.errors import Unavailable
from metadata_server.engines.cinder.settings import CinderSettings

# 3.44 brought os-complete, 3.54 the mode of an attachment; every Cinder since Rocky has both.
MICROVERSION = "3.54"

# It logs bodies at the level DEBUG, and with them every secret.
logging.getLogger("keystoneauth").setLevel(logging.WARNING)


def connect(settings: CinderSettings) -> adapter.Adapter:
    """An adapter for Cinder's v3; no request is sent yet. Raises `Unavailable` where a secret's file cannot be read."""
    http = requests.Session()
    http.trust_env = False  # a proxy of the environment must never see the token
    session = keystone.Session(
        auth=PLUGINS[settings.auth](settings), session=http, verify=settings.ca_cert or True, timeout=settings.timeout,
        user_agent="blockstore-server", additional_headers=_headers(settings), redirect=False,
    )  # fmt: skip
    return adapter.Adapter(
        session, service_type="block-storage", interface=settings.interface, region_name=settings.region or None,
        endpoint_override=settings.endpoint or None, default_microversion=MICROVERSION, connect_retries=0, status_code_retries=0,
    )  # fmt: skip


def _headers(settings: CinderSettings) -> dict[str, str]:
    # Cinder asks Nova before it ends an attachment that names an instance, unless a service asks (CVE-2023-2088). Without
    # Keystone this header says so; with it, the service token does.
    return {"X-Service-Roles": "service"} if settings.auth == "noauth" else {}


def _noauth(settings: CinderSettings) -> plugin.BaseAuthPlugin:
    return token_endpoint.Token(settings.endpoint, f"{settings.username}:{settings.project}")


def _password(settings: CinderSettings) -> plugin.BaseAuthPlugin:
    password = v3.Password(
        settings.auth_url, username=settings.username, user_domain_name=settings.user_domain,
        password=_read(settings.password_file), project_name=settings.project, project_domain_name=settings.project_domain,
    )  # fmt: skip
    return service_token.ServiceTokenAuthWrapper(password, password)


def _application_credential(settings: CinderSettings) -> plugin.BaseAuthPlugin:
    credential = v3.ApplicationCredential(
        settings.auth_url, application_credential_id=settings.credential_id,
        application_credential_secret=_read(settings.secret_file),
    )  # fmt: skip
    return service_token.ServiceTokenAuthWrapper(credential, credential)


PLUGINS: Mapping[str, Callable[[CinderSettings], plugin.BaseAuthPlugin]] = {
    "noauth": _noauth, "password": _password, "application_credential": _application_credential,
}  # fmt: skip


def _read(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{file}: {getattr(error, 'strerror', 'is no text')}") from None
