"""``blockstore-server attach`` and ``detach``."""

from __future__ import annotations

import click

from blockstore.errors import DeadlineExceeded, ServiceDenied
from blockstore.waiting import Deadline
from metadata_server.command.client import Client
from metadata_server.command.options import with_client
from metadata_server.command.output import progress, properties, show

# The server holds an answer for this long; asked again until the deadline.
HOLD = 30


@click.command()
@click.argument("volume")
@click.argument("instance")
@click.option("--mode", type=click.Choice(["rw", "ro"]), default="rw", show_default=True)
@click.option("--mutual-chap", is_flag=True, help="The target proves itself to the instance, too.")
@click.option(
    "--blank", is_flag=True, help="You vouch that nobody ever wrote to it (only volumes of Cinder's that were made elsewhere)."
)
@with_client
def attach(client: Client, as_json: bool, volume: str, instance: str, mode: str, mutual_chap: bool, blank: bool) -> None:
    """Give a volume to an instance; it connects at its next boot or run."""
    body = {
        "volume_uuid": client.volume(volume)["id"], "instance_uuid": client.instance(instance)["id"],
        "mode": mode, "blockstore:mutual_chap": mutual_chap,
    }  # fmt: skip
    if blank:
        body["blockstore:blank"] = True
    found = client.post("/v3/attachments", {"attachment": body})["attachment"]
    show(as_json, found, properties({key: found[key] for key in ("id", "volume_id", "instance", "status", "attach_mode")}))


@click.command()
@click.argument("volume")
@click.option("--force", is_flag=True, help="Take it away at once, whatever the instance does with it: data may be lost.")
@click.option("--wait/--no-wait", default=True, help="Wait until the instance has let go.")
@click.option("--timeout", type=click.IntRange(1), default=300, show_default=True, metavar="SECONDS")
@with_client
def detach(client: Client, as_json: bool, volume: str, force: bool, wait: bool, timeout: int) -> None:
    """Ask the instance to unmount, flush and log out; with --force take the volume away."""
    found = client.volume(volume)
    attachment = client.attachment_of(found)
    if force:
        with progress(f"dropping the sessions of {volume}"):
            client.delete(f"/v3/attachments/{attachment['id']}")
    else:
        client.post(f"/v3/volumes/{found['id']}/action", {"os-begin_detaching": {}})
        if wait:
            with progress(f"waiting until instance {attachment['instance']} lets go of {volume}"):
                _wait(client, attachment["id"], timeout)
    status = client.volume(found["id"])["status"]
    show(as_json, {"id": attachment["id"], "volume_status": status}, properties({"volume": found["id"], "status": status}))


def _wait(client: Client, identifier: str, timeout: int) -> None:
    deadline = Deadline.after(timeout)
    status = "detaching"
    while not deadline.passed():
        seconds = max(1, min(HOLD, int(deadline.remaining())))
        try:
            answer = client.get(f"/v3/attachments/{identifier}", wait=seconds, status="detaching")
        except ServiceDenied as error:
            if error.status != 404:
                raise
            return
        status = answer["attachment"]["status"]
        if status != "detaching":
            raise ServiceDenied(409, f"attachment {identifier} is {status} again: somebody took the wish to detach back")
    raise DeadlineExceeded(f"attachment {identifier} to be let go", timeout, f"it is {status}")
