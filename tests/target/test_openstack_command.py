"""The real `openstack volume …` (python-openstackclient), unchanged, in this process: every call that an operator makes."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from testbed.server import LocalServer
from tests.target.conftest import Guest, start_of

pytestmark = pytest.mark.filterwarnings("ignore")  # of their own future, and of what they import

Openstack = Callable[..., Any]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server of its own: the lists are this file's alone."""
    with LocalServer(tmp_path_factory.mktemp("openstack") / "state") as running:
        yield running


@pytest.fixture
def openstack(own: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Openstack]:
    """``openstack WORDS``; gives what it printed as JSON, "" where that is nothing. Fails where the command does, unless
    ``fails`` is what it must say."""
    from openstackclient import shell

    monkeypatch.setenv("HOME", str(own.state))  # no clouds.yaml of whoever runs this
    base = ("--os-auth-type", "admin_token", "--os-endpoint", f"{own.operator_url}/v3", "--os-token", own.token)

    def run(*words: str, fails: str = "") -> Any:
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = shell.OpenStackShell().run([*base, "--os-volume-api-version", "3.71", *words])
        said = out.getvalue() + errors.getvalue()
        assert bool(code) is bool(fails), said
        assert fails in said
        return json.loads(out.getvalue()) if out.getvalue().strip() else ""

    yield run
    # It sets up logging for the whole process, to a stream that is closed now.
    logging.getLogger().handlers.clear()


def as_json(openstack: Openstack, *words: str) -> Any:
    return openstack(*words, "-f", "json")


def test_volumes(openstack: Openstack, own: LocalServer) -> None:
    made = as_json(
        openstack, "volume", "create", "--size", "1", "--description", "first", "--property", "blockstore.mount=/srv",
        "--type", "sparse", "--availability-zone", "nova", "one",
    )  # fmt: skip
    assert (made["status"], made["size"], made["type"]) == ("available", 1, "sparse")
    as_json(openstack, "volume", "create", "--size", "1", "--read-only", "--bootable", "two")
    assert [each["Name"] for each in as_json(openstack, "volume", "list", "--long")] == ["two", "one"]
    assert [each["Name"] for each in as_json(openstack, "volume", "list", "--name", "one", "--status", "available")] == ["one"]
    # One a page: the client follows the links.
    assert [each["Name"] for each in as_json(openstack, "volume", "list", "--limit", "1")] == ["two", "one"]
    assert [each["Name"] for each in as_json(openstack, "volume", "list", "--property", "blockstore.mount=/srv")] == ["one"]
    openstack("volume", "set", "--name", "uno", "--description", "new", "--property", "a=b", "--size", "2", "--bootable", "one")
    openstack("volume", "unset", "--property", "blockstore.mount", "uno")
    shown = as_json(openstack, "volume", "show", "uno")
    assert (shown["size"], shown["description"], shown["properties"], shown["bootable"]) == (2, "new", {"a": "b"}, True)
    assert own.volume_file(shown["id"]).stat().st_size == 2 << 30
    shown = as_json(openstack, "volume", "show", "two")
    assert (shown["bootable"], shown["properties"]) == (True, {"readonly": "True"})
    openstack("volume", "set", "--read-write", "--non-bootable", "two")
    assert as_json(openstack, "volume", "show", "two")["properties"] == {}
    assert as_json(openstack, "volume", "summary") == {"Total Count": 2, "Total Size": 3, "Metadata": {"a": ["b"]}}
    openstack("volume", "set", "--state", "error", "two")
    assert as_json(openstack, "volume", "show", "two")["status"] == "error"
    openstack("volume", "set", "--state", "available", "two")
    openstack("volume", "set", "--state", "error", "two")
    openstack("volume", "delete", "--force", "two")
    openstack("volume", "delete", "uno")
    assert as_json(openstack, "volume", "list") == []
    openstack("volume", "show", "uno", fails="No Volume found for uno")
    openstack("volume", "create", "--size", "1", "--type", "none", "x", fails="none")


def test_snapshots_and_what_is_made_of_them(openstack: Openstack, own: LocalServer) -> None:
    source = as_json(openstack, "volume", "create", "--size", "1", "source")["id"]
    file = own.volume_file(source)
    file.open("r+b").write(b"before")
    made = as_json(openstack, "volume", "snapshot", "create", "--volume", "source", "--property", "x=y", "first")
    assert (made["size"], made["volume_id"], made["properties"]) == (1, source, {"x": "y"})
    file.open("r+b").write(b"after!")
    copies = [
        as_json(openstack, "volume", "create", "--snapshot", "first", "--size", "2", "restored")["id"],
        as_json(openstack, "volume", "create", "--source", "source", "clone")["id"],
    ]
    assert [start_of(own.volume_file(each), 6) for each in copies] == [b"before", b"after!"]
    openstack("volume", "delete", "source", fails="has 1 snapshots")
    openstack("volume", "revert", "first")
    assert start_of(file, 6) == b"before"
    openstack("volume", "snapshot", "set", "--name", "uno", "--description", "d", "--property", "z=1", "first")
    openstack("volume", "snapshot", "unset", "--property", "x", "uno")
    shown = as_json(openstack, "volume", "snapshot", "show", "uno")
    assert (shown["description"], shown["properties"], shown["status"]) == ("d", {"z": "1"}, "available")
    listed = as_json(openstack, "volume", "snapshot", "list", "--volume", "source", "--status", "available", "--name", "uno")
    assert [each["ID"] for each in listed] == [shown["id"]]
    openstack("volume", "snapshot", "set", "--state", "error", "uno")
    openstack("volume", "create", "--snapshot", "uno", "--size", "1", "x", fails="is error; it cannot be copied now")
    openstack("volume", "snapshot", "delete", "uno")
    as_json(openstack, "volume", "snapshot", "create", "--volume", "source", "second")
    openstack("volume", "delete", "--purge", "source")
    openstack("volume", "delete", "restored", "clone")
    assert as_json(openstack, "volume", "snapshot", "list") == as_json(openstack, "volume", "list") == []
    assert list((own.state / "volumes").iterdir()) == []


def test_attachments(openstack: Openstack, own: LocalServer) -> None:
    guest = Guest(own, own.create_instance("web"))
    volume = as_json(openstack, "volume", "create", "--size", "1", "data")["id"]
    attachment = own.attach(volume, guest.id)["id"]
    connector = (
        "--initiator",
        guest.initiator,
        "--ip",
        "127.0.0.1",
        "--host",
        "web",
        "--platform",
        "x86_64",
        "--os-type",
        "linux",
    )
    connected = as_json(openstack, "volume", "attachment", "set", *connector, attachment)
    assert connected["Properties"]["target_iqn"].endswith(volume)
    openstack("volume", "attachment", "complete", attachment)
    assert [each["Status"] for each in as_json(openstack, "volume", "attachment", "list", "--volume-id", volume)] == ["attached"]
    shown = as_json(openstack, "volume", "attachment", "show", attachment)
    assert (shown["Status"], shown["Instance ID"]) == ("attached", guest.id)
    assert as_json(openstack, "volume", "show", "data")["attachments"][0]["attachment_id"] == attachment
    openstack("volume", "delete", "data", fails=f"instance {guest.id} (web) has it")
    openstack("volume", "snapshot", "create", "--volume", "data", "--force", "torn", fails="in it by half")
    openstack("volume", "attachment", "delete", attachment)
    openstack("volume", "delete", "data")


def test_what_the_service_says_of_itself(openstack: Openstack) -> None:
    assert [each["Name"] for each in as_json(openstack, "volume", "type", "list")] == ["sparse"]
    assert [each["Name"] for each in as_json(openstack, "volume", "type", "list", "--default")] == ["sparse"]
    assert as_json(openstack, "volume", "type", "show", "sparse")["properties"] == {"volume_backend_name": "sparse"}
    assert as_json(openstack, "volume", "backend", "pool", "list") == [{"Name": "blockstore@sparse#sparse"}]
    [service] = as_json(openstack, "volume", "service", "list")
    assert (service["Host"], service["State"]) == ("blockstore@sparse", "up")
    assert as_json(openstack, "availability", "zone", "list", "--volume") == [{"Zone Name": "nova", "Zone Status": "available"}]
