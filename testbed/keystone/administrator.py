"""What an operator does in Keystone before anything can be used: projects, users, roles, the catalogue. Through its API."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3

from testbed.keystone.local import ADMINISTRATOR, DOMAIN, REGION, LocalKeystone

DOMAIN_ID = "default"


@dataclass(frozen=True)
class User:
    """Somebody with a password, known in the domain `DOMAIN`."""

    id: str
    name: str
    password: str


@dataclass(frozen=True)
class Credential:
    """An application credential."""

    id: str
    secret: str


class Administrator:
    """Keystone's administrator. Every refusal of Keystone's is an exception of keystoneauth's."""

    def __init__(self, keystone: LocalKeystone, project: str = ADMINISTRATOR) -> None:
        self._keystone = keystone
        self._api = self._as(ADMINISTRATOR, keystone.password, project)

    def token(self) -> str:
        """A token of the administrator's for its project; a new one where the old one is about to end."""
        return str(self._api.get_token())

    def token_of(self, user: User, project: str) -> str:
        """A new one of somebody else's, for a project (its name)."""
        return str(self._as(user.name, user.password, project).get_token())

    def project(self, name: str) -> str:
        """A new one's id."""
        return self._make("project", name=name, domain_id=DOMAIN_ID)

    def user(self, name: str) -> User:
        """A new one, who may do nothing yet."""
        password = secrets.token_hex(16)
        return User(self._make("user", name=name, password=password, domain_id=DOMAIN_ID), name, password)

    def grant(self, user: User, project: str, *roles: str) -> None:
        """These roles in the project (its id)."""
        for role in roles:
            self._api.put(f"/projects/{project}/users/{user.id}/roles/{self._role(role)}")

    def myself(self) -> User:
        """The administrator, as a user."""
        return User(str(self._api.session.get_user_id()), ADMINISTRATOR, self._keystone.password)

    def credential(self, user: User, project: str, *roles: str) -> Credential:
        """An application credential that the user makes for a project (its name), with these roles or all of its own."""
        words: dict[str, Any] = {"name": secrets.token_hex(4), **({"roles": [{"name": role} for role in roles]} if roles else {})}
        own = self._as(user.name, user.password, project)
        path = f"/users/{user.id}/application_credentials"
        made = own.post(path, json={"application_credential": words}).json()["application_credential"]
        return Credential(made["id"], made["secret"])

    def region(self, name: str) -> None:
        """A new one beside `REGION`."""
        self._make("region", id=name)

    def service(self, name: str, kind: str, url: str, region: str = REGION) -> str:
        """An entry of the catalogue with an internal endpoint; its id."""
        service = self._make("service", name=name, type=kind)
        self._make("endpoint", service_id=service, interface="internal", region_id=region, url=url)
        return service

    def forget(self, service: str) -> None:
        """Out of the catalogue, with its endpoint."""
        self._api.delete(f"/services/{service}")

    def revoke(self, token: str) -> None:
        """This token ends now."""
        self._api.delete("/auth/tokens", headers={"X-Subject-Token": token})

    def knows(self, token: str) -> bool:
        """Whether Keystone takes it (still)."""
        answer = self._api.get("/auth/tokens", headers={"X-Subject-Token": token}, raise_exc=False)
        return bool(answer.status_code == 200)

    def _as(self, name: str, password: str, project: str) -> adapter.Adapter:
        """``project`` is its name."""
        auth = v3.Password(
            self._keystone.url, username=name, password=password, user_domain_name=DOMAIN, project_name=project,
            project_domain_name=DOMAIN,
        )  # fmt: skip
        return adapter.Adapter(session.Session(auth=auth), endpoint_override=self._keystone.url)

    def _role(self, name: str) -> str:
        return str(self._api.get(f"/roles?name={name}").json()["roles"][0]["id"])

    def _make(self, kind: str, **words: object) -> str:
        answer = self._api.post(f"/{kind}s", json={kind: words})
        return str(answer.json()[kind]["id"])
