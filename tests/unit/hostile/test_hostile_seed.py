"""User-data and seeds of any kind: lifted, left alone, or one clear refusal; the datasource must never fall over them."""

from __future__ import annotations

import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.errors import BlockstoreError
from blockstore.lift import lift, takes_vendor_data
from blockstore.seed import Seed, service
from tests.unit.hostile.hostility import KEYS, PLANTED, TEXTS, around, hostile, one_line

HEADS = st.sampled_from(
    ["#cloud-config\n", "Content-Type: multipart/mixed; boundary=b\n\n", "MIME-Version: 1.0\n", "#!/bin/sh\n", ""]
)
PIECES = st.sampled_from(
    [
        "blockstore:\n",
        "  volumes: {}\n",
        "a: 1\n",
        "a: !!timestamp x\n",
        "a: !!bool x\n",
        "a: &a [*a]\n",
        "a: &a {<<: *a}\n",
        "- b\n",
        "{",
        "[",
        "--b\n",
        "--b--\n",
        "Content-Type: text/cloud-config\n",
        "Content-Type: text/cloud-config; charset=nonsense\n",
        "\n",
        "Content-Type: multipart/mixed; boundary=c\n",
        "Content-Type: message/rfc822\n",
        "Content-Transfer-Encoding: base64\n",
        "--c\n",
        "Content-Transfer-Encoding: x\n",
        "Content-Type: application/gzip\n",
        "blockstore: {token: t}\n",
        "blockstore: 1\n",
        "ä\n",
        "====\n",
    ]
)
USER_DATA = st.tuples(HEADS, st.lists(PIECES | TEXTS, max_size=10)).map(lambda each: each[0] + "".join(each[1]))


@hostile(120)
@given(USER_DATA)
def test_any_user_data_is_lifted_or_left_alone(text: str):
    data = text.encode(errors="surrogatepass")
    for each in (text, data, gzip.compress(data), gzip.compress(data)[:-5]):
        lifted = lift(each)
        assert type(lifted.text) is type(each)
        assert lifted.block or lifted.text is each or b"blockstore" in data
        takes_vendor_data({}, lifted.text)


BOMBS = [
    "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{f'*a{n - 1}, ' * 9}]}}\n" for n in range(1, 30)),
    "a: " + "1:" * 100_000 + "1\n",
    "a: !!timestamp x\n",
    "a: " + "[" * 500 + "\n",
    "a: &a [*a]\n",
]


@pytest.mark.parametrize("bomb", BOMBS, ids=["merges", "base 60", "a bad tag", "deep", "itself"])
def test_what_cannot_be_read_is_left_alone_soon(bomb: str):
    text = f"#cloud-config\n{bomb}blockstore: {{volumes: {{}}}}\n"
    begun = time.process_time()
    assert lift(text).text is text
    assert takes_vendor_data({}, text)
    assert time.process_time() - begun < 5


def test_multipart_in_multipart_without_an_end_is_left_alone():
    text = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(2000))
    assert lift(text).text is text


@pytest.mark.parametrize(
    "identifier", ["..", ".", "a\\nb", "x" * 300, "[1]", "{a: b}", "true", "1.5", "2026-01-01", '"\\ud800"', "0x" + "f" * 99]
)
def test_an_instance_id_that_can_be_none(identifier: str):
    text = f'instance-id: "{identifier}"' if "\\n" in identifier else f"instance-id: {identifier}"
    try:
        found = Seed({"meta-data": text.encode()}, "a seed").identifier("")
    except BlockstoreError as error:
        assert one_line(str(error))  # noqa: PT017
    else:
        assert found.isdecimal()


@pytest.mark.parametrize("text", ["a: [", "\xff", "a: !!bool x", "[" * 500, "instance-id: &a [*a]"])
def test_metadata_that_is_none_is_told_in_one_line(text: str):
    with pytest.raises(BlockstoreError) as raised:
        Seed({"meta-data": text.encode("latin-1")}, "a seed").identifier("")
    assert one_line(str(raised.value))


@pytest.mark.parametrize(
    "block",
    [
        f"{{endpoint: 'http://u:{PLANTED}@a'}}",
        f"{{endpoint: {{x: {PLANTED}}}}}",
        f"{{initiator_name: {{x: {PLANTED}}}}}",
        f"{{deadline: {PLANTED}}}",
        f"{{initiator_name: {PLANTED}}}",
        f"{{token: {PLANTED}, endpoint: 'http://a/?{PLANTED}'}}",
    ],
)
def test_nothing_of_the_block_that_may_hold_a_secret_is_for_everybody(block: str):
    seed = Seed({"meta-data": f"blockstore: {block}".encode()}, "a seed")
    assert PLANTED not in str(seed.public)
    assert seed.public == {}


@hostile(60)
@given(st.dictionaries(st.sampled_from(["endpoint", "token", "ca_cert"]) | TEXTS, around(KEYS), max_size=4))
def test_any_words_lead_to_a_service_or_to_a_refusal(words: dict[str, object]):
    try:
        assert all(isinstance(value, str) for value in service(words).values())
    except BlockstoreError as error:
        assert one_line(str(error))  # noqa: PT017
