"""What the documents of a seed say."""

from __future__ import annotations

import pytest

from blockstore.errors import DocumentInvalid
from blockstore.seed import DOCUMENTS, Seed


def seed(**texts: str) -> Seed:
    return Seed({name.replace("_", "-"): text.encode() for name, text in texts.items()}, "a test")


def test_metadata_and_block() -> None:
    one = seed(meta_data="instance-id: i-1\nblockstore: {token: t}\n")
    assert one.metadata == {"instance-id": "i-1"}
    assert one.block == {"token": "t"}


@pytest.mark.parametrize("text", ["", "- 1", "text", "blockstore: [1]"])
def test_what_is_no_mapping_says_nothing(text: str) -> None:
    assert (seed(meta_data=text).metadata, seed(meta_data=text).block) == ({}, {})


def test_broken_yaml_is_an_error() -> None:
    with pytest.raises(DocumentInvalid, match="meta-data: is not YAML: line 1"):
        _ = seed(meta_data="a: [").metadata


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("blockstore: {endpoint: 'http://a'}", True),
        ("instance-id: i\nblockstore: {endpoint: 'http://a'}", False),
        ("blockstore: {token: t}", False),
        ("", False),
    ],
)
def test_pointer(text: str, pointer: bool) -> None:
    assert seed(meta_data=text).is_pointer is pointer


@pytest.mark.parametrize("text", ["version: 2\nethernets: {}\n", "network:\n  version: 2\n  ethernets: {}\n"])
def test_network(text: str) -> None:
    assert seed(network_config=text).network == {"version": 2, "ethernets": {}}


def test_no_network() -> None:
    assert seed().network is None
    assert seed(network_config="").network is None


def test_digest_covers_every_document() -> None:
    digests = {seed().digest, *(Seed({name: b"x"}, "").digest for name in DOCUMENTS), Seed({"meta-data": b""}, "").digest}
    assert len(digests) == len(DOCUMENTS) + 2
    assert Seed({"meta-data": b"x"}, "here").digest == Seed({"meta-data": b"x"}, "there").digest
