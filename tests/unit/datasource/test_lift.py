"""Taking ``blockstore:`` out of user-data leaves every other byte that can stay."""

from __future__ import annotations

import gzip
from email import message_from_string
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from blockstore.lift import Lifted, lift, takes_vendor_data

BLOCK = {"volumes": {"data": {"mount": "/srv"}}}
TEXT = "blockstore:\n  volumes:\n    data: {mount: /srv}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"a: 1\n{TEXT}b: 2\n", "a: 1\nb: 2\n"),
        (f"# of a\na: 1\n\n# ours\n{TEXT}\n# of b\nb: 2 # two\n", "# of a\na: 1\n\n# ours\n\n# of b\nb: 2 # two\n"),
        (f"{TEXT}  # inside\nb: 2\n", "b: 2\n"),
        (f"a: 1\n{TEXT}", "a: 1\n"),
        (f"---\na: 1\n{TEXT}...\n", "---\na: 1\n...\n"),
        (f"a: |\n  blockstore:\n    volumes: no\n{TEXT}", "a: |\n  blockstore:\n    volumes: no\n"),
        (f"a: 1\r\n{TEXT}b: 2\r\n", "a: 1\r\nb: 2\r\n"),
        (f'a: 1\n"{TEXT.replace(":", chr(34) + ":", 1)}b: 2\n', "a: 1\nb: 2\n"),
        ("{a: 1, blockstore: {volumes: {data: {mount: /srv}}}, b: 2}\n", "a: 1\nb: 2\n"),
        ("blockstore: {volumes: {data: &d {mount: /srv}}}\nb: *d\n", "b:\n  mount: /srv\n"),
        (TEXT, "{}\n"),
    ],
    ids=["between", "comments", "comment inside", "last", "markers", "text", "CRLF", "quoted", "flow", "anchor", "nothing else"],
)
def test_block_is_taken_out(before: str, after: str) -> None:
    assert lift(f"#cloud-config\n{before}") == Lifted(f"#cloud-config\n{after}", BLOCK)


@pytest.mark.parametrize(
    "text",
    [
        "", b"", "#cloud-config\n", "#cloud-config\na: 1\n", "#cloud-config\n- a\n", "#cloud-config\na: [\n",
        "#!/bin/sh\nblockstore: 1\n",
        f"## template: jinja\n#cloud-config\n{TEXT}", f"#cloud-config-archive\n- {{}}\n# {TEXT}",
        "#include\nhttp://a/blockstore:\n",
        "#cloud-config\nblockstore: [a]\n", "#cloud-config\nblockstore: text\n", b"\x1f\x8b broken", b"\xff\xfe\x00",
        "#cloud-config\na: 2026-13-45\n", "Content-Type: multipart/mixed; boundary=x\n\nno parts\n",
    ],
)  # fmt: skip
def test_left_alone(text: str | bytes) -> None:
    assert lift(text).text is text
    assert lift(text).block == {}


def test_bytes_and_gzip() -> None:
    text = f"#cloud-config\na: é\n{TEXT}"
    for given_text in (text.encode(), gzip.compress(text.encode())):
        assert lift(given_text) == Lifted("#cloud-config\na: é\n".encode(), BLOCK)


def test_bomb_is_left_alone() -> None:
    bomb = gzip.compress(b"#cloud-config\n" + TEXT.encode() + b"#" * (17 << 20))
    assert lift(bomb).text is bomb


def test_empty_block_is_taken_out() -> None:
    assert lift("#cloud-config\nblockstore:\na: 1\n") == Lifted("#cloud-config\na: 1\n", {})


def test_multipart() -> None:
    message = MIMEMultipart()
    message.attach(MIMEText("#!/bin/sh\n# blockstore:\n", "x-shellscript"))
    first = MIMEText(f"#cloud-config\na: é\n{TEXT}", "cloud-config", "utf-8")
    first["Merge-Type"] = "list(append)"
    message.attach(first)
    packed = MIMEBase("application", "gzip")
    packed.set_payload(gzip.compress(b"#cloud-config\nblockstore: {token: t}\nb: 1\n"))
    from email.encoders import encode_base64

    encode_base64(packed)
    message.attach(packed)

    lifted = lift(message.as_string())

    assert lifted.block == {**BLOCK, "token": "t"}
    script, one, two = message_from_string(str(lifted.text)).get_payload()
    assert script.as_string() == message.get_payload()[0].as_string()
    assert one["Merge-Type"] == "list(append)"
    assert one.get_payload(decode=True).decode() == "#cloud-config\na: é\n"
    assert (two.get_content_type(), two.get_payload(decode=True)) == ("text/cloud-config", b"#cloud-config\nb: 1\n")


KEYS = some.sampled_from(["a", "b", "blockstorex", "run cmd", "é"])
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(some.dictionaries(KEYS, VALUES, max_size=4), some.dictionaries(KEYS, VALUES, min_size=1, max_size=2), some.booleans())
def test_the_rest_means_the_same(rest: dict[str, object], block: dict[str, object], flow: bool) -> None:
    items = [*rest.items(), ("blockstore", block)]
    text = "#cloud-config\n" + yaml.safe_dump(dict(sorted(items)), default_flow_style=flow, allow_unicode=True)
    meant = yaml.safe_load(text)  # PyYAML does not give back every character that it was given
    lifted = lift(text)
    assert lifted.block == meant.pop("blockstore")
    assert yaml.safe_load(str(lifted.text)) == meant


@pytest.mark.parametrize(
    ("configuration", "user", "taken"),
    [
        ({}, "", True),
        ({"vendor_data": {"enabled": False}}, "", False),
        ({"vendor_data": {"enabled": False}}, "#cloud-config\nvendor_data: {enabled: true}\n", True),
        ({}, "#cloud-config\nvendor_data: {enabled: 'no'}\n", False),
        ({}, b"#cloud-config\na: [\n", True),
    ],
)
def test_takes_vendor_data(configuration: dict[str, object], user: str | bytes, taken: bool) -> None:
    assert takes_vendor_data(configuration, user) is taken
