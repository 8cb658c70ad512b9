"""The document, whatever stands in it: a Document, or all its faults; soon, and with no secret in them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore import tree
from blockstore.errors import DocumentInvalid
from blockstore.reader import MOST_FAULTS
from cc_blockstore.document import parse as parser
from cc_blockstore.document import wishes
from cc_blockstore.document.parse import Document, parse
from tests.unit.hostile.hostility import EVIL, KEYS, PLANTED, SCALARS, TEXTS, around, clear, hostile, in_itself

WORDS = st.sampled_from(
    [
        *parser.KEYS,
        *wishes.KEYS,
        "volume",
        "id",
        "name",
        "size",
        "serial",
        "blank",
        "metadata",
        "status",
        "connection_info",
        "data",
        "driver_volume_type",
        "target_portal",
        "target_iqn",
        "target_lun",
        "target_portals",
        "target_iqns",
        "target_luns",
        "auth_method",
        "auth_username",
        "auth_password",
        "auth_username_in",
        "auth_password_in",
        "chap_algs",
        "access_mode",
        "*",
        "blockstore.mount",
    ]
)
TREES = around(WORDS | KEYS)
CONNECTION: dict[str, Any] = {
    "driver_volume_type": "iscsi",
    "target_portal": "10.0.0.1:3260",
    "target_iqn": "iqn.2010-10.org.openstack:v",
    "target_lun": 1,
    "auth_method": "CHAP",
    "auth_username": "u",
    "auth_password": PLANTED,
    "auth_username_in": "t",
    "auth_password_in": f"{PLANTED}2",
}
WISH: dict[str, Any] = {
    "partition_table": "gpt",
    "filesystem": "ext4",
    "label": "l",
    "mount": "/srv/x",
    "options": ["noatime"],
    "owner": "root:root",
    "mode": "0750",
    "required": True,
    "grow": True,
    "overwrite": False,
    "partitions": [{"size": "1GiB", "mount": "/srv/y"}],
}
WHOLE: dict[str, Any] = {
    "endpoint": "http://a",
    "token": PLANTED,
    "ca_cert": "/etc/ca.pem",
    "initiator_name": "iqn.2018-12.com.x:a",
    "deadline": 60,
    "attachments": [
        {
            "id": "a",
            "volume": {"id": "v", "name": "n", "size": 1, "serial": "s", "blank": True, "metadata": {"a": "b"}},
            "status": "reserved",
            "mode": "rw",
            "connection_info": CONNECTION,
        }
    ],
    "volumes": {"n": WISH, "*": {"mount": "none"}},
}


def read(value: object) -> Document | None:
    try:
        return parse(value)
    except DocumentInvalid as error:
        clear(error, PLANTED)
    return None


@hostile(80)
@given(TREES)
def test_any_tree_is_a_document_or_its_faults(value):
    read(value)


@st.composite
def spoiled(draw: st.DrawFn, whole: Any) -> Any:
    """The document with one of its values replaced, at any depth, or with a key that is none of its own."""
    if isinstance(whole, dict) and draw(st.integers(0, 5)):
        if not draw(st.integers(0, 5)):
            return {**whole, draw(KEYS): draw(SCALARS)}
        key = draw(st.sampled_from(sorted(whole)))
        return {**whole, key: draw(spoiled(whole[key]))}
    if isinstance(whole, list) and draw(st.integers(0, 3)):
        return [draw(spoiled(whole[0])), *whole[1:]]
    return draw(SCALARS | TREES)


@hostile(150)
@given(spoiled(WHOLE))
def test_one_wrong_value_anywhere_is_told_without_the_secrets(value):
    read(value)


def test_the_whole_is_right_but_for_its_partitions():
    assert read({**WHOLE, "volumes": {"*": {"mount": "none"}}}) is not None


@hostile(150)
@given(st.sampled_from([*WISH, "size"]), SCALARS | st.lists(TEXTS, max_size=3))
def test_one_wrong_word_of_a_wish(word, value):
    for wish in ({word: value}, {"partitions": [{"size": "rest", word: value}]}, {**WISH, word: value}):
        read({"volumes": {"data": wish}})


@hostile(100)
@given(st.dictionaries(st.sampled_from([f"blockstore.{key}" for key in wishes.KEYS]) | TEXTS, TEXTS, max_size=3), TEXTS)
def test_metadata_wishes(metadata, name):
    from blockstore.attachment import Attachment, Volume

    try:
        wish = parse({}).wish(Attachment("a", Volume("v", name or "v", metadata=metadata)))
    except DocumentInvalid as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    for filesystem in wish.filesystems if wish else ():
        assert filesystem.mount == "" or filesystem.mount.startswith("/")
        assert ".." not in filesystem.mount.split("/")


@pytest.mark.parametrize(
    "value",
    [
        in_itself(),
        [in_itself()],
        {"volumes": in_itself()},
        {"attachments": [in_itself()]},
        {"volumes": {"data": in_itself()}},
    ],
)
def test_what_has_no_end(value):
    with pytest.raises(DocumentInvalid, match="nested deeper"):
        parse(value)


def test_a_bomb_of_shared_lists():
    bomb: object = {"size": "x"}
    for _ in range(50):
        bomb = [bomb] * 10
    with pytest.raises(DocumentInvalid, match="more than 524288 values"):
        parse({"volumes": {"data": {"partitions": bomb}}})


@pytest.mark.parametrize("value", [10**5000, -(10**5000), 1 << 100_000], ids=["large", "small", "very large"])
@pytest.mark.parametrize("place", ["deadline", "size", "mode", "lun", "owner", "key"])
def test_numbers_that_python_will_not_print(place, value):
    document = {
        "deadline": {"deadline": value},
        "size": {"volumes": {"a": {"partitions": [{"size": value}]}}},
        "mode": {"volumes": {"a": {"mount": "/srv/a", "mode": value}}},
        "lun": {"attachments": [{"volume": {"id": "v"}, "connection_info": {**CONNECTION, "target_lun": value}}]},
        "owner": {"volumes": {"a": {"mount": "/srv/a", "owner": f"root:{1 << 32}"}}},
        "key": {"volumes": {value: {}}},
    }[place]
    assert read(document) is None


@pytest.mark.parametrize("key", [1, True, None, 1.5, b"data"])
def test_a_key_that_is_no_text_is_told(key):
    with pytest.raises(DocumentInvalid, match=r"volumes: the key .* is no text; put it in quotes"):
        parse({"volumes": {key: {}}})


@pytest.mark.parametrize("luns", [[-1], [1 << 40], [16384], [10**5000]], ids=["negative", "large", "one more", "huge"])
def test_a_lun_of_several_paths_has_the_bounds_of_one(luns):
    info = {**CONNECTION, "target_portals": ["10.0.0.1"], "target_iqns": [CONNECTION["target_iqn"]], "target_luns": luns}
    assert read({"attachments": [{"volume": {"id": "v"}, "connection_info": info}]}) is None


@hostile(80)
@given(EVIL)
def test_credentials_that_would_end_a_line_of_the_record(text):
    for key in (
        "auth_username",
        "auth_password",
        "auth_username_in",
        "auth_password_in",
        "target_iqn",
        "target_portal",
        "serial",
    ):
        document = read({"attachments": [{"volume": {"id": "v"}, "connection_info": {**CONNECTION, key: text}}]})
        assert document is None or text.isprintable() or text in "\u00a0\u202e\ufeff"


@pytest.mark.parametrize(
    "portal",
    [
        "10.0.0.1:3260\nx",
        "10.0.0.1:3260 x",
        "fe80::1%../../x",
        "[fe80::1%a b]:1",
        "[fe80::1%]:3260",
        "10.0.0.1%eth0",
        "fe80::1%eth0:3260",
        "10.0.0.1:٣٢٦٠x",
        "10.0.0.1:99999999999999999999",
        "a" * 300,
        "a/b:3260",
        "..:3260",
        "user@host:3260",
        "[::1]]:3260",
        "::1%a/b",
    ],
)
def test_portals_with_tricks(portal):
    assert read({"attachments": [{"volume": {"id": "v"}, "connection_info": {**CONNECTION, "target_portal": portal}}]}) is None


@pytest.mark.parametrize(
    "mount",
    [
        "/etc/iscsi/nodes",
        "/var/lib/blockstore/links",
        "/run/systemd/system",
        "/proc/1",
        "/var/lib/cloud/x",
        "/usr/bin",
        "/var/run/x",
        "/srv/a\u00a0b",
        "/srv/a\u3000b",
        "/srv/" + "x" * 256,
        "/srv/" + "ä" * 130,
        "/x" * 2100,
        "/..",
        "/srv/.",
        "//srv",
        "/srv/",
        "srv",
        "",
    ],
)
def test_mount_points_that_are_none(mount):
    assert read({"volumes": {"data": {"mount": mount}}}) is None


@pytest.mark.parametrize(
    "option", ["x-blockstore.volume=v2", "x-blockstore.x", "a,b", "a b", "a\u00a0b", "", "a\tb", "#", "\\040"]
)
def test_options_that_would_make_another_line_ours(option):
    assert read({"volumes": {"data": {"mount": "/srv/x", "options": [option]}}}) is None


@pytest.mark.parametrize(
    "pem",
    [
        "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nB\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nB\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\n\ud800\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----",
        "relative/path",
        "-----BEGIN",
        "-----BEGIN CERTIFICATE-----" * 20_000,
    ],
)
def test_a_certificate_is_nothing_else(pem):
    assert read({"ca_cert": pem}) is None


def test_two_volumes_behind_one_lun():
    both = [{"volume": {"id": name}, "connection_info": CONNECTION} for name in ("v1", "v2")]
    with pytest.raises(DocumentInvalid) as raised:
        parse({"attachments": both})
    assert str(raised.value) == (
        "attachments[1].connection_info: iqn.2010-10.org.openstack:v LUN 1 at 10.0.0.1:3260 is volume v1 already"
    )


def test_very_many_faults_are_counted():
    with pytest.raises(DocumentInvalid) as raised:
        parse({"volumes": {"data": {f"k{number}": 1 for number in range(MOST_FAULTS + 500)}}})
    assert len(raised.value.faults) == MOST_FAULTS + 1
    assert str(raised.value.faults[-1]) == "and 500 more faults"


LARGE = {
    "attachments": lambda n: {
        "attachments": [
            {
                "id": f"a{i}",
                "volume": {"id": f"v{i}", "name": f"n{i}"},
                "connection_info": {**CONNECTION, "target_iqn": f"iqn.2010-10.o:v{i}"},
            }
            for i in range(n)
        ]
    },
    "wishes": lambda n: {"volumes": {f"n{i}": {"mount": f"/srv/{i}"} for i in range(n)}},
    "bad attachments": lambda n: {"attachments": [{"volume": {"id": "../x"}, "connection_info": []}] * n},
    "unknown keys": lambda n: {"volumes": {"a": {f"filesyste{i}": 1 for i in range(n)}}},
    "shared mounts": lambda n: {"volumes": {f"n{i}": {"mount": "/srv"} for i in range(n)}},
    "long keys": lambda n: {"volumes": {"k" * 1_000_000: 1}, "m" * 1_000_000: 1},
    "keys of no text": lambda n: {"volumes": dict.fromkeys(range(n), 1)},
}


@pytest.mark.parametrize("name", LARGE)
def test_ten_thousand_of_anything_take_a_moment(name):
    value = LARGE[name](10_000)
    assert tree.fault(value) is None
    begun = time.process_time()
    read(value)
    assert time.process_time() - begun < 4
