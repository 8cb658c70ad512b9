"""A Cinder that asks Keystone who somebody is, as one in production does."""

from __future__ import annotations

from pathlib import Path

from testbed.cinder.local import LocalCinder
from testbed.keystone import DOMAIN, Administrator, LocalKeystone, User

SERVICES, CINDER, ROLE = "service", "cinder", "service"
AUTHTOKEN = """\
[keystone_authtoken]
www_authenticate_uri = {url}
auth_url = {url}
auth_type = password
username = {user.name}
password = {user.password}
user_domain_name = {domain}
project_name = {project}
project_domain_name = {domain}
service_token_roles = {role}
service_token_roles_required = true
# Else what was revoked counts for five minutes more.
token_cache_time = -1
[nova]
interface = internal
"""


class SecuredCinder(LocalCinder):
    """``administrator`` is for the project that volumes are in. `ask` sends no service token, as operators have none."""

    def __init__(self, folder: Path, keystone: LocalKeystone, administrator: Administrator) -> None:
        own = _register(administrator)
        super().__init__(folder, auth="keystone", sections=_sections(keystone, own))
        self._administrator = administrator

    def _headers(self) -> dict[str, str]:
        return {"X-Auth-Token": self._administrator.token()}


def _register(administrator: Administrator) -> User:
    """Cinder's own account: it has to be a service's, to look at other people's tokens."""
    own = administrator.user(CINDER)
    administrator.grant(own, administrator.project(SERVICES), ROLE)
    return own


def _sections(keystone: LocalKeystone, own: User) -> str:
    return AUTHTOKEN.format(url=keystone.url, user=own, domain=DOMAIN, project=SERVICES, role=ROLE)
