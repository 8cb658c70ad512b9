"""Wishes: what each word may be, how layers lie over each other, and what only shows when all words are together."""

from __future__ import annotations

import pytest

from blockstore.reader import Faults, Reader
from blockstore.size import GIB, MIB
from cc_blockstore.document.wishes import SYSTEM_FOLDERS, Words, complete, from_metadata, layered, read
from cc_blockstore.wish import FilesystemWish, PartitionWish, Table, VolumeWish


def words(**said: object) -> tuple[Words, list[str]]:
    faults = Faults()
    found = read(Reader(said, faults, "v"))
    return found, [str(fault) for fault in faults]


def completed(**said: object) -> tuple[VolumeWish, list[str]]:
    faults = Faults()
    wish = complete(read(Reader(said, faults, "v")), faults, "v")
    return wish, [str(fault) for fault in faults]


@pytest.mark.parametrize(("said", "mode"), [("0750", 0o750), ("750", 0o750), ("1777", 0o1777), ("01777", 0o1777)])
def test_mode(said, mode):
    assert words(mode=said) == (Words(mode=mode), [])


@pytest.mark.parametrize("said", ["75", "0999", "rwx", "u+s", "-750", True, 0o750, 750, -1, 0o10000, 7.5, [7], "077777"])
def test_what_is_no_mode(said):
    assert words(mode=said)[1] != []


@pytest.mark.parametrize("path", ["/srv", "/srv/data", "/home", "/var/lib/postgresql", "/srv/my data", "/mnt/größe", "none"])
def test_mount(path):
    assert words(mount=path) == (Words(mount=path), [])


@pytest.mark.parametrize(
    "path",
    [
        "srv",
        "",
        "/srv/",
        "/srv/../etc",
        "/./srv",
        "//srv",
        "/srv//x",
        "~",
        "/proc/x",
        "/sys/fs",
        "/dev/shm",
        "/run/blockstore/x",
        *sorted(SYSTEM_FOLDERS),
    ],
)
def test_what_is_no_mount_point(path):
    assert len(words(mount=path)[1]) == 1


@pytest.mark.parametrize("owner", ["root", "postgres:postgres", "1000", "1000:1000", "a.b-c_d", "host$"])
def test_owner(owner):
    assert words(owner=owner)[1] == []


@pytest.mark.parametrize("owner", ["", ":", "a:", ":a", "a:b:c", "a b", "-a", "a;b", "$(x)"])
def test_what_is_no_owner(owner):
    assert len(words(owner=owner)[1]) == 1


@pytest.mark.parametrize("option", ["", "a,b", "a b", "a#b", "a\\b", 'a"b', "x-systemd.after=cloud-final.service"])
def test_what_is_no_option(option):
    assert len(words(options=[option])[1]) == 1


def test_sizes_are_whole_mib():
    found, faults = words(partitions=[{"size": 5 * MIB + 7}, {"size": "20GiB"}, {"size": "rest"}])
    assert faults == []
    assert [size for size, _ in found.partitions or ()] == [5 * MIB, 20 * GIB, None]
    assert words(partitions=[{"size": 1000}])[1] == ["v.partitions[0].size: must be at least 1MiB"]
    assert words(partitions=[])[1] == ["v.partitions: must name at least one partition"]
    assert words(partitions=5)[1] == ["v.partitions: must be a list, not a number"]


def test_a_later_layer_wins_word_by_word():
    low, high = Words(mount="/a", label="low", required=True), Words(mount="/b", required=False)
    assert layered([low, high]) == Words(mount="/b", label="low", required=False)
    assert layered([]) == Words()


def test_defaults():
    assert completed() == (VolumeWish(Table.GPT, (PartitionWish(None, FilesystemWish("ext4")),)), [])
    assert completed(partition_table="none") == (VolumeWish(Table.NONE, filesystem=FilesystemWish("ext4")), [])
    wish, _ = completed(mount="none", grow=False, overwrite=True)
    assert (wish.filesystems[0].mount, wish.grow, wish.overwrite) == ("", False, True)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"partition_table": "none", "partitions": [{"size": "rest"}]}, "v.partitions: needs partition_table: gpt"),
        (
            {"label": "x", "partitions": [{"size": "rest"}]},
            "v.label: belongs into the entries of 'partitions' where there are any",
        ),
        ({"partitions": [{"size": "rest"}, {"size": "rest"}]}, "v.partitions[0].size: only the last partition can have the rest"),
        ({"filesystem": "swap", "mount": "/srv"}, "v.mount: a volume with filesystem swap is not mounted"),
        ({"filesystem": "none", "mount": "/srv"}, "v.mount: a volume with filesystem none is not mounted"),
        ({"filesystem": "none", "label": "x"}, "v.label: needs a file system"),
        ({"owner": "root"}, "v.owner: needs a mount point"),
        ({"mode": "0750"}, "v.mode: needs a mount point"),
        ({"filesystem": "xfs", "label": "x" * 13}, "v.label: a xfs label has at most 12 bytes, 'xxxxxxxxxxxxx' has 13"),
        ({"filesystem": "ext4", "label": "ä" * 9}, "v.label: a ext4 label has at most 16 bytes, 'äääääääää' has 18"),
        (
            {"partitions": [{"size": "rest", "filesystem": "swap", "mount": "/s"}]},
            "v.partitions[0].mount: a volume with filesystem swap is not mounted",
        ),
    ],
)
def test_what_shows_only_when_all_words_are_together(said, fault):
    assert completed(**said)[1] == [fault]


def test_metadata_is_text_and_read_as_such():
    faults = Faults()
    found = from_metadata(
        {
            "blockstore.required": "True",
            "blockstore.grow": "false",
            "blockstore.options": "noatime,nodev",
            "blockstore.mode": "0750",
            "readonly": "False",
        },
        faults,
    )
    assert not faults
    assert found == Words(required=True, grow=False, options=("noatime", "nodev"), mode=0o750)
    assert from_metadata({"readonly": "False"}, faults) is None
