"""The server emits what the files say, and the shared parsers, which are the guest's, read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from blockstore import attachment as words
from blockstore import report
from blockstore.attachment import Status
from blockstore.connector import Connector
from blockstore.iscsi import Chap, IscsiConnection, IscsiPath
from blockstore.portal import Portal
from blockstore.reader import Faults, Reader
from blockstore.secret import Secret
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.instance import Instance
from metadata_server.domain.report import written
from metadata_server.domain.volume import Lifecycle, Volume
from metadata_server.seed import documents
from metadata_server.workflow.exports import described

FOLDER = Path(__file__).parent / "documents" / "server"
VOLUME, ATTACHMENT = "5f0f2f5c-9f0e-4c39-8a3e-5b0d1c3f9e10", "0b6cbb4e-6a5f-4c0c-9d06-5a1f6c1e7a01"
WISHES = {"blockstore.filesystem": "ext4", "blockstore.mount": "/srv/data"}
MOMENT = "2026-11-22T15:00:00.000000+00:00"
INITIATOR = "iqn.2018-12.com.leftasexercise:web-1"


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def volume(identifier: str = VOLUME, name: str = "data", size: int = 20, **values: Any) -> Volume:
    return Volume(identifier, name, size, MOMENT, MOMENT, **{"lifecycle": Lifecycle.READY, "metadata": WISHES, **values})


def attachment(identifier: str = ATTACHMENT, status: Status = Status.ATTACHING, mode: str = "rw", **values: Any) -> Attachment:
    return Attachment(identifier, VOLUME, "web", status, mode, False, MOMENT, **values)


def parsed(document: Mapping[str, Any]) -> words.Attachment:
    faults = Faults()
    found = words.parse(Reader(document, faults))
    faults.raise_any()
    assert found is not None
    return found


def connection(chap: Chap) -> IscsiConnection:
    path = IscsiPath(Portal("10.0.2.2"), f"iqn.2010-10.org.openstack:volume-{VOLUME}", 1)
    return IscsiConnection((path,), chap, ("MD5",), VOLUME, VOLUME, "rw")


def test_the_list_is_emitted_as_the_file_has_it() -> None:
    bare = volume("5f0f2f5c-9f0e-4c39-8a3e-5b0d1c3f9e11", name="", size=1, blank=False, metadata={})
    second = attachment("0b6cbb4e-6a5f-4c0c-9d06-5a1f6c1e7a02", Status.DETACHING, "ro")
    emitted = [described(attachment(status=Status.RESERVED), volume()).to_wire(), described(second, bare).to_wire()]
    assert {"attachments": emitted} == load("attachments.json")


def test_the_guest_reads_the_list() -> None:
    first, second = (parsed(each) for each in load("attachments.json")["attachments"])
    assert (first.status, first.mode, first.volume.blank, first.volume.metadata) == (Status.RESERVED, "rw", True, WISHES)
    assert (second.status, second.mode, second.volume.blank, second.connection) == (Status.DETACHING, "ro", False, None)


@pytest.mark.parametrize(
    ("name", "chap"),
    [
        ("connected.json", Chap("n" * 20, Secret("s" * 32))),
        ("connected-mutual.json", Chap("n" * 20, Secret("s" * 32), "m" * 20, Secret("t" * 32))),
    ],
)
def test_a_connection_is_emitted_and_read(name: str, chap: Chap) -> None:
    document = load(name)["attachment"]
    wire = {**connection(chap).to_wire(), "attachment_id": ATTACHMENT}
    assert {**described(attachment(), volume()).to_wire(), "connection_info": wire} == document
    assert parsed(document).connection == connection(chap)


def test_a_report_is_read_and_its_volumes_are_written() -> None:
    document = load("report.json")
    read = report.from_wire(document)
    assert read.to_wire() == document
    assert written(read) == {VOLUME}


def test_a_connector_survives_the_database() -> None:
    connector = Connector(INITIATOR, "10.0.2.15", "web-1", "x86_64", "linux", system_uuid="u", mountpoint="/dev/sda")
    assert Connector.from_wire(json.loads(json.dumps(connector.to_wire()))) == connector


# What YAML would misread unless it is quoted.
@pytest.mark.parametrize("token", ["t" * 43, "0123", "null", 'a"b', "a: b # c", "5e3", "it's"])
def test_a_seed_is_yaml_whatever_is_in_it(token: str) -> None:
    instance = Instance("0e12", "web-1", INITIATOR, MOMENT)
    files = documents.files(instance, "http://10.0.2.2:8775", Secret(token))
    assert set(files) == {"meta-data", "user-data", "vendor-data"}
    assert yaml.safe_load(files["meta-data"])["instance-id"] == "0e12"
    assert files["vendor-data"].startswith("#cloud-config\n")
    block = yaml.safe_load(files["vendor-data"])["blockstore"]
    assert block == {"endpoint": "http://10.0.2.2:8775", "token": token, "initiator_name": INITIATOR}
    assert yaml.safe_load(files["user-data"]) == {}


def test_without_a_token_no_document_has_the_key() -> None:
    files = documents.files(Instance("i", "web-1", INITIATOR, MOMENT, network_config="version: 2\n"), "http://x", None)
    assert set(files) == {"meta-data", "user-data", "vendor-data", "network-config"}
    assert "token" not in "".join(files.values())
