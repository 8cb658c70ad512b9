"""The document: every fault at once, with its path and the nearest key; then frozen types."""

from __future__ import annotations

import pytest
from hypothesis import given

from blockstore.attachment import Attachment, Volume
from blockstore.errors import DocumentInvalid
from blockstore.secret import Secret
from blockstore.size import GIB
from cc_blockstore.document.parse import Document, parse
from cc_blockstore.wish import FilesystemWish, PartitionWish, Table, VolumeWish
from tests.unit.wire import JUNK

PLANTED = "Plant3dS3cret"
CONNECTION = {
    "driver_volume_type": "iscsi", "target_portal": "10.0.0.1:3260", "target_iqn": "iqn.2010-10.org.openstack:v", "target_lun": 1,
    "auth_method": "CHAP", "auth_username": "u", "auth_password": PLANTED,
}  # fmt: skip


def faults(value: object) -> list[str]:
    with pytest.raises(DocumentInvalid) as raised:
        parse(value)
    return [str(fault) for fault in raised.value.faults]


def subject(name: str = "data", volume_id: str = "v1", **metadata: str) -> Attachment:
    return Attachment("a", Volume(volume_id, name, metadata={f"blockstore.{key}": value for key, value in metadata.items()}))


def test_an_empty_one_has_its_defaults():
    assert parse({}) == parse(None) == Document()
    assert Document().deadline == 60
    assert not Document().says_something


def test_what_makes_it_say_something():
    assert parse({"endpoint": "http://a"}).says_something
    assert parse({"attachments": []}).says_something
    assert not parse({"volumes": {"data": {"mount": "/srv"}}}).says_something


def test_every_fault_comes_out_at_once_with_path_and_nearest_key():
    assert faults({
        "endpiont": "http://a", "token": 1, "deadline": 4, "initiator_name": "web-1", "endpoint": "ftp://a",
        "attachments": [{"volume": {"id": "../x"}}, {"volume": {"id": "v1"}}],
        "volumes": {
            "data": {
                "filesytem": "ext4", "mount": "srv", "mode": "0999", "owner": "a b", "options": ["noatime,nodev", 1],
                "partitions": [{"size": "20XB"}, {"sice": "rest"}],
            },
            "log": {"filesystem": "ext5", "label": "a/b", "required": "yes"},
            "*": {"overwrite": True},
        },
    }) == [
        "endpiont: unknown key; did you mean 'endpoint'?",
        "token: must be a text, not a number",
        "endpoint: must be a URL such as http://169.254.169.254:8775, not 'ftp://a'",
        "initiator_name: 'web-1' is not an iSCSI name such as iqn.2018-12.com.leftasexercise:web-1"
        " (lower case letters, digits, '.', '-' and ':')",
        "deadline: must be from 5 to 3600, not 4",
        "attachments[0].volume.id: '../x' is not an id (letters, digits, '.', '_' and '-')",
        "attachments[0].connection_info: is missing",
        "attachments[1].connection_info: is missing",
        "volumes.data.filesytem: unknown key; did you mean 'filesystem'?",
        "volumes.data.partitions[0].size: '20XB' is not a size such as 20GiB",
        "volumes.data.partitions[1].sice: unknown key; did you mean 'size'?",
        "volumes.data.partitions[1].size: is missing",
        "volumes.data.mount: must be an absolute path without '.', '..' or a slash at its end, not 'srv'",
        "volumes.data.options[1]: must be a text, not a number",
        "volumes.data.options[0]: 'noatime,nodev' is not one mount option",
        "volumes.data.owner: must be USER or USER:GROUP, not 'a b'",
        'volumes.data.mode: must be an octal mode in quotes, such as "0750", not \'0999\'',
        "volumes.data.options: belongs into the entries of 'partitions' where there are any",
        "volumes.data.partitions[0].size: only the last partition can have the rest",
        "volumes.log.filesystem: must be one of ext4, xfs, btrfs, vfat, swap, none, not 'ext5'",
        "volumes.log.label: must not contain '/' or '\"'",
        "volumes.log.required: must be true or false, not a text",
        "volumes.*.overwrite: existing data may be destroyed only where a volume is named",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [
    {"endpoint": f"http://user:{PLANTED}@host"}, {"endpoint": f"user:{PLANTED}@host"}, {"token": [PLANTED]},
    {"token": PLANTED + "\n"}, {"tokne": PLANTED}, {"ca_cert": {"key": PLANTED}}, PLANTED, [PLANTED],
    {"attachments": [{"volume": {"id": "v"}, "connection_info": {**CONNECTION, "target_lun": -1}}]},
    {"attachments": [{"volume": {"id": "v"}, "connection_info": {**CONNECTION, "auth_password": PLANTED + " "}}]},
    {"attachments": [{"volume": {"id": "v"}, "connection_info": {**CONNECTION, "auth_password_in": PLANTED}}]},
])  # fmt: skip
def test_no_fault_quotes_a_secret(value):
    assert PLANTED not in "".join(faults(value))


def test_a_token_is_a_secret():
    document = parse({"endpoint": "http://a/", "token": PLANTED})
    assert document.token == Secret(PLANTED)
    assert PLANTED not in repr(document)
    assert document.endpoint == "http://a"


def test_a_certificate_is_a_path_or_a_pem():
    pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert parse({"ca_cert": pem}).ca_cert == pem
    assert parse({"ca_cert": "/etc/ca.pem"}).ca_cert == "/etc/ca.pem"
    assert faults({"ca_cert": "/etc/ca\n.pem"}) == ["ca_cert: contains a control character"]


def test_static_attachments():
    document = parse({"attachments": [{"volume": {"id": "v1", "name": "data"}, "connection_info": CONNECTION}]})
    assert document.attachments is not None
    assert document.attachments[0].volume == Volume("v1", "data")
    twice = [{"volume": {"id": "v1"}, "connection_info": CONNECTION}] * 2
    assert faults({"attachments": twice}) == ["attachments[1].volume.id: v1 is attached twice"]


def test_one_mount_point_for_two_entries_is_a_fault():
    assert faults({"volumes": {"a": {"mount": "/srv"}, "b": {"partitions": [{"size": "rest", "mount": "/srv"}]}}}) == [
        "volumes.b.mount: /srv is the mount point of 'a' already"
    ]


def test_the_layers_of_wishes():
    document = parse({"volumes": {
        "data": {"mount": "/srv/name", "label": "name"}, "v1": {"mount": "/srv/id"}, "*": {"filesystem": "xfs"},
    }})  # fmt: skip

    def wished(one: Attachment) -> FilesystemWish:
        wish = document.wish(one)
        assert wish is not None
        return wish.filesystems[0]

    metadata = {"filesystem": "btrfs", "label": "server", "mount": "/srv/server"}
    assert wished(subject("data", "v1", **metadata)) == FilesystemWish("btrfs", "name", "/srv/id")
    assert wished(subject("data", "v2", **metadata)) == FilesystemWish("btrfs", "name", "/srv/name")
    assert wished(subject("x", "v1", **metadata)) == FilesystemWish("btrfs", "server", "/srv/id")
    assert wished(subject("x", "v2", **metadata)) == FilesystemWish("xfs", "server", "/srv/server"), '"*" is for all others'
    assert wished(subject("data", "v2")).type == "ext4", '"*" is for others only'


def test_a_volume_that_nobody_wishes_anything_of():
    assert parse({"volumes": {"data": {}}}).wish(subject("other")) is None
    assert parse({"volumes": {"data": {}}}).wish(subject("data")) == VolumeWish(
        Table.GPT, (PartitionWish(None, FilesystemWish("ext4")),)
    )
    assert parse({}).wish(Attachment("a", Volume("v1", "data", metadata={"other.mount": "/x"}))) is None


def test_partitions_from_metadata():
    wish = parse({}).wish(subject(partitions="20GiB ext4 /srv/a, rest xfs /srv/b", required="true"))
    assert wish is not None
    assert [each.size for each in wish.partitions] == [20 * GIB, None]
    assert [each.mount for each in wish.filesystems] == ["/srv/a", "/srv/b"]
    assert wish.required


@pytest.mark.parametrize("metadata", [
    {"mount": "../../etc"}, {"mount": "/etc"}, {"mount": "/srv\nx"}, {"filesystem": "ext4 -F"}, {"label": 'a"'},
    {"options": "x-systemd.requires=cloud-config.service"}, {"mode": "u+s"}, {"owner": "a;b"}, {"partitions": "1 2 3 4"},
    {"partitions": ""}, {"required": "maybe"}, {"mounts": "/srv"}, {"a\nb": "x"},
])  # fmt: skip
def test_hostile_metadata_is_a_fault(metadata):
    with pytest.raises(DocumentInvalid) as raised:
        parse({}).wish(subject(**metadata))
    assert str(raised.value).startswith("metadata.blockstore")
    assert "\n" not in str(raised.value)


def test_wished_by_name():
    assert parse({"volumes": {"data": {}}}).wished_by_name("data")
    assert not parse({"volumes": {"*": {}}}).wished_by_name("data")


@given(JUNK)
def test_junk_is_faults_or_a_document(value):
    for each in (value, {"attachments": value}, {"volumes": value}, {"volumes": {"data": value}}, {"endpoint": value}):
        try:
            parse(each)
        except DocumentInvalid as error:
            told = str(error)
            assert told
