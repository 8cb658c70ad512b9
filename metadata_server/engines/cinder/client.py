"""The few calls of Cinder's API that are passed through, typed. They block: threads are the affair of `calls`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from keystoneauth1 import adapter
from keystoneauth1.exceptions import ClientException, HttpError

from blockstore.connector import Connector
from metadata_server.domain.errors import NotFound, ServerError
from metadata_server.domain.passed import NewVolume, SeenAttachment, SeenVolume
from metadata_server.engines.cinder import reading
from metadata_server.engines.cinder.refusals import no_endpoint, no_token, problem, refusal
from metadata_server.engines.cinder.settings import CinderSettings

PAGE = 1000
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class CinderClient:
    """Block Storage API v3. ``settings`` are those of the adapter; everything raises the domain's errors."""

    def __init__(self, cinder: adapter.Adapter, settings: CinderSettings) -> None:
        self._cinder, self._settings = cinder, settings

    def volume(self, identifier: str) -> SeenVolume:
        """One volume. Raises `NotFound`."""
        return reading.volume(self._ask("GET", f"/volumes/{_safe(identifier)}").get("volume"))

    def volumes(self) -> tuple[SeenVolume, ...]:
        """All of the project."""
        found: list[SeenVolume] = []
        more = True
        while more:
            after = f"&marker={found[-1].id}" if found else ""
            answer = self._ask("GET", f"/volumes/detail?limit={PAGE}{after}")
            page = [reading.volume(each) for each in answer.get("volumes", [])]
            found += page
            more = bool(page) and "volumes_links" in answer
        return tuple(found)

    def create_volume(self, wish: NewVolume) -> SeenVolume:
        """A new volume, in the state that it has then. What is not wished for is not said."""
        words = {key: value for key, value in vars(wish).items() if value not in ("", None)}
        return reading.volume(self._ask("POST", "/volumes", {"volume": {**words, "metadata": dict(wish.metadata)}}).get("volume"))

    def delete_volume(self, identifier: str) -> None:
        """Destroy it."""
        self._ask("DELETE", f"/volumes/{_safe(identifier)}")

    def act(self, identifier: str, action: str, words: Mapping[str, object]) -> None:
        """An action of a volume."""
        self._ask("POST", f"/volumes/{_safe(identifier)}/action", {action: dict(words)})

    def attachments(self, wanted: Collection[str], instance: str = "") -> dict[str, SeenAttachment]:
        """By id, of the project or of one instance; read until all that are wanted were seen."""
        found: dict[str, SeenAttachment] = {}
        last = ""
        while not found.keys() >= set(wanted):
            words = [f"limit={PAGE}", *([f"marker={last}"] if last else ()), *([f"instance_id={instance}"] if instance else ())]
            page = [
                reading.attachment(each) for each in self._ask("GET", f"/attachments?{'&'.join(words)}").get("attachments", [])
            ]
            if not page:
                break
            found.update({each.id: each for each in page})
            last = page[-1].id
        return found

    def attachment(self, identifier: str) -> tuple[SeenAttachment, Mapping[str, object]]:
        """One, and its connection_info (with the secret). Raises `NotFound`."""
        body = self._ask("GET", f"/attachments/{_safe(identifier)}").get("attachment")
        return reading.attachment(body), reading.connection_info(body)

    def reserve(self, volume: str, instance: str, mode: str) -> str:
        """The new attachment's id."""
        wish = {"volume_uuid": volume, "instance_uuid": instance, "mode": mode}
        return reading.attachment(self._ask("POST", "/attachments", {"attachment": wish}).get("attachment")).id

    def connect(self, identifier: str, connector: Connector, mode: str) -> Mapping[str, object]:
        """Export it to this connector; connection_info, with the secret."""
        words = {**connector.to_wire(), "mode": mode}
        return reading.connection_info(
            self._ask("PUT", f"/attachments/{_safe(identifier)}", {"attachment": {"connector": words}}).get("attachment")
        )

    def complete(self, identifier: str) -> None:
        """os-complete."""
        self._ask("POST", f"/attachments/{_safe(identifier)}/action", {"os-complete": {}})

    def release(self, identifier: str) -> None:
        """End it; one that is gone is no fault."""
        try:
            self._ask("DELETE", f"/attachments/{_safe(identifier)}")
        except NotFound:
            return

    def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        self._find()
        words: dict[str, Any] = {} if body is None else {"json": body}
        try:
            # log: keystoneauth would write bodies, and the secrets in them.
            answer = self._cinder.request(path, method, timeout=self._settings.timeout, log=False, raise_exc=False, **words)
        except HttpError as error:  # Cinder's own are no exceptions here: a token that it refused could not be renewed
            raise self._no_token(error) from None
        except (ClientException, OSError) as error:
            raise refusal(0, None, problem(error)) from None
        if answer.status_code >= 300:
            raise refusal(answer.status_code, reading.document(answer.content), "")
        return reading.document(answer.content)

    def _find(self) -> None:
        """A token and Cinder's address; both are kept. It stands apart so that what is Keystone's fault is not put down to
        Cinder."""
        try:
            self._cinder.get_token()
            found = self._cinder.get_endpoint()
        except (ClientException, OSError) as error:
            raise self._no_token(error) from None
        except ValueError:  # so it fails where the catalogue has Cinder under two names, and none fits
            raise no_endpoint() from None
        if not found:
            raise no_endpoint()

    def _no_token(self, error: Exception) -> ServerError:
        return no_token(self._settings.auth, getattr(error, "http_status", 0), problem(error))


def _safe(identifier: str) -> str:
    """An id goes into a path of ours towards Cinder: what could lead elsewhere is no id of anything."""
    if not _ID.fullmatch(identifier):
        raise NotFound("there is no such id")
    return identifier
