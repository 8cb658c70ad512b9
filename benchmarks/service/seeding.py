"""A server's state, written before it starts, through its own store and its own shapes: a hundred thousand rows by the API would
take the benchmark's whole time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blockstore import iqn
from blockstore.attachment import Status
from blockstore.size import GIB
from metadata_server.chance import TOKEN_LENGTH, new_id, new_secret
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.instance import Instance
from metadata_server.domain.volume import Lifecycle, Volume
from metadata_server.store import Store, Transaction
from metadata_server.workflow.parts import now

# Of one volume for every tenth instance and many for few: what matters is that the index has to be gone down.
EACH = 10
BATCH = 5000


@dataclass(frozen=True)
class Seeded:
    """An instance with its token, and one of its attachments."""

    instance: str
    token: str
    initiator: str
    attachment: str
    volume: str


def seed(state: Path, attachments: int, *, each: int = EACH, files: bool = False) -> list[Seeded]:
    """Reserved attachments, ``each`` to an instance; ``files``: with the volumes' sparse files. Gives every instance."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store.open(state / "state.db")
    found: list[Seeded] = []
    try:
        for first in range(0, attachments, BATCH):
            with store.begin() as transaction:
                found += _batch(transaction, range(first, min(first + BATCH, attachments)), each)
    finally:
        store.close()
    if files:
        _make_files(state / "volumes", found)
    return found


def _batch(transaction: Transaction, numbers: range, each: int) -> Iterator[Seeded]:
    instance = Seeded("", "", "", "", "")
    for number in numbers:
        if number % each == 0:
            instance = _instance(transaction, number)
        volume = Volume(
            id=new_id(), name=f"data-{number}", size=1, lifecycle=Lifecycle.READY, blank=True, created_at=now(), updated_at=now(),
            volume_type="sparse",
        )  # fmt: skip
        transaction.volumes.add(volume)
        attachment = Attachment(new_id(), volume.id, instance.instance, Status.RESERVED, "rw", mutual=False, created_at=now())
        transaction.attachments.add(attachment)
        if number % each == 0:
            yield Seeded(instance.instance, instance.token, instance.initiator, attachment.id, volume.id)


def _instance(transaction: Transaction, number: int) -> Seeded:
    identifier, token = new_id(), new_secret(TOKEN_LENGTH).reveal()
    made = Instance(identifier, f"web-{number}", iqn.derived(identifier), now(), "", "", "")
    transaction.instances.add(made)
    transaction.instances.add_token(hashlib.sha256(token.encode()).hexdigest(), identifier, now())
    return Seeded(identifier, token, made.initiator_name, "", "")


def _make_files(folder: Path, seeded: list[Seeded]) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    for each in seeded:
        with (folder / each.volume).open("wb") as file:
            file.truncate(GIB)


def write(file: Path, seeded: list[Seeded]) -> None:
    """For another process."""
    file.write_text(json.dumps([vars(each) for each in seeded]))


def read(file: Path) -> list[Seeded]:
    """What `write` wrote."""
    return [Seeded(**each) for each in json.loads(file.read_text())]
