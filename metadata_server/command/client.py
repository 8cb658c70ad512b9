"""Talking to the running server: found by its folder, asked over the operators' listener, things named by name or id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from blockstore.errors import BlockstoreError, ServiceDenied, ServiceUnreachable
from metadata_server.state import State

TIMEOUT = 90.0
VERSION = {"OpenStack-API-Version": "volume 3.71"}


class Ambiguous(BlockstoreError):
    """A name that several things have; the message lists their ids."""


class Pinned(HTTPAdapter):
    """The server is the one with this certificate (SHA-256, from its own folder), whoever signed it and for whatever name."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **words: Any) -> None:
        """(requests)"""
        super().init_poolmanager(*arguments, **words, assert_fingerprint=self._fingerprint, assert_hostname=False)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """(requests)"""
        conn.cert_reqs = "CERT_NONE"  # urllib3 then goes by the fingerprint alone


class Client:
    """The operators' listener of the server in this folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment must never see the token
        state = State(folder)
        addresses = state.addresses()
        self._url = addresses.operator_url
        if addresses.operator_certificate:
            self._session.mount("https://", Pinned(addresses.operator_certificate))
        if not state.running() or not state.addresses().operator:
            raise ServiceUnreachable(f"no server runs in {folder}", hint=f"blockstore-server serve --state {folder}")
        self._session.headers.update({**VERSION, "X-Auth-Token": state.token().reveal()})

    @property
    def overview_url(self) -> str:
        """The operators' page."""
        return f"{self._url}/overview"

    def get(self, path: str, **query: str | int) -> Any:
        """GET."""
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """POST."""
        return self._ask("POST", path, json=body)

    def put(self, path: str, body: Mapping[str, object]) -> Any:
        """PUT."""
        return self._ask("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        """DELETE."""
        return self._ask("DELETE", path)

    def volume(self, name: str) -> dict[str, Any]:
        """The volume of this name or id, in full."""
        return self._found("Volume", "volumes", name)

    def snapshot(self, name: str) -> dict[str, Any]:
        """The snapshot of this name or id, in full."""
        return self._found("Snapshot", "snapshots", name)

    def listed(self, kind: str, **query: str) -> list[dict[str, Any]]:
        """All volumes or snapshots in full, the oldest first, page by page."""
        found: list[dict[str, Any]] = []
        page = self.get(f"/v3/{kind}/detail", sort="created_at:asc", **query)
        found += page[kind]
        while f"{kind}_links" in page:
            page = self.get(f"/v3/{kind}/detail", sort="created_at:asc", marker=found[-1]["id"], **query)
            found += page[kind]
        return found

    def _found(self, kind: str, kinds: str, name: str) -> dict[str, Any]:
        """An id goes before a name."""
        found = self.get(f"/v3/{kinds}/detail", id=name)[kinds]
        return self._named(kind, name, found or self.get(f"/v3/{kinds}/detail", name=name)[kinds])

    def instance(self, name: str) -> dict[str, Any]:
        """The instance of this name or id, in full."""
        found = self._named("Instance", name, self.get("/instances")["instances"])
        instance: dict[str, Any] = self.get(f"/instances/{found['id']}")["instance"]
        return instance

    def attachment_of(self, volume: Mapping[str, Any]) -> dict[str, Any]:
        """The attachment of a volume."""
        found = self.get("/v3/attachments", volume_id=volume["id"])["attachments"]
        if not found:
            raise ServiceDenied(404, f"Volume {volume['name'] or volume['id']} is not attached.")
        attachment: dict[str, Any] = found[0]
        return attachment

    @staticmethod
    def _named(kind: str, name: str, things: list[dict[str, Any]]) -> dict[str, Any]:
        by_id = [thing for thing in things if thing["id"] == name]
        found = by_id or [thing for thing in things if thing["name"] == name]
        if not found:
            raise ServiceDenied(404, f"{kind} {name} could not be found.")
        if len(found) > 1:
            raise Ambiguous(f"{kind} name {name!r} is not unique; say one of the ids {', '.join(thing['id'] for thing in found)}")
        return found[0]

    def _ask(self, method: str, path: str, **words: Any) -> Any:
        try:
            answer = self._session.request(method, self._url + path, timeout=TIMEOUT, **words)
        except requests.RequestException as error:
            raise ServiceUnreachable(f"the server in {self._folder} does not answer: {type(error).__name__}") from None
        if answer.status_code >= 400:
            raise ServiceDenied(answer.status_code, _message(answer))
        return answer.json() if answer.content else None


def _message(answer: requests.Response) -> str:
    try:
        (fault,) = answer.json().values()
        return str(fault["message"])
    except (ValueError, AttributeError, KeyError, TypeError):
        return f"the server answered {answer.status_code}"
