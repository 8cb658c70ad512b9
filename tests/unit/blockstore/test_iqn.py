"""iSCSI names: which are valid, and that a derived one is, and is nobody else's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore import iqn


@pytest.mark.parametrize("name", [
    "iqn.2018-12.com.leftasexercise:web-1",
    "iqn.2010-10.org.openstack:volume-6f0a2d64-1f2b-4c3d-8e9f-0a1b2c3d4e5f",
    "iqn.1993-08.org.debian:01:5a5e1a2b3c4d",
    "iqn.2001-04.com.example",
    "iqn.2001-04.com.example:storage.disk2.sys1.xyz",
    "eui.02004567a425678d",
    "naa.52004567ba64678d",
    "naa.62004567ba64678d0123456789abcdef",
    "iqn.2018-12.com.leftasexercise:" + "a" * (223 - 31),
])  # fmt: skip
def test_valid(name):
    assert iqn.fault(name) is None


@pytest.mark.parametrize("name", [
    "", "iqn", "iqn.", "iqn.2018-12", "iqn.2018-12.", "iqn.18-12.com.x:a", "iqn.2018-12.com.x:", "iqn.2018-12.com.x.:a",
    "iqn.2018-12.com.x:A", "IQN.2018-12.com.x:a", "iqn.2018-12.com.x:a b", "iqn.2018-12.com.x:a_b", "iqn.2018-12.com.x:a/b",
    "iqn.2018-12.com.x:../../etc", "iqn.2018-12.com.x:a\n", "iqn.2018-12.com.x:a\nnode.startup = x", "iqn.2018-12.com.x:%s",
    "iqn.2018-12.com.x:ä", " iqn.2018-12.com.x:a", "eui.02004567A425678D", "eui.1", "naa.1", "../x",
])  # fmt: skip
def test_invalid(name):
    assert "is not an iSCSI name" in str(iqn.fault(name))


def test_too_long():
    assert "has at most 223 characters, this one has 224" in str(iqn.fault("iqn.2018-12.com.x:" + "a" * 206))


def test_a_usual_instance_id_is_spelled_out():
    identifier = "6f0a2d64-1f2b-4c3d-8e9f-0a1b2c3d4e5f"
    assert iqn.derived(identifier) == f"iqn.2018-12.com.leftasexercise:{identifier}"
    assert iqn.derived("i-0abc") == "iqn.2018-12.com.leftasexercise:i-0abc"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_a_derived_name_is_valid_whatever_the_id(identifier):
    assert iqn.fault(iqn.derived(identifier)) is None


NASTY = st.text("aA-._/ \nä", max_size=6)


@given(NASTY, NASTY)
def test_two_ids_never_share_a_name(one, other):
    assert (iqn.derived(one) == iqn.derived(other)) == (one == other)


def test_two_long_ids_that_differ_at_the_end_do_not_share_a_name():
    assert iqn.derived("a" * 200 + "b") != iqn.derived("a" * 200 + "c")


def test_an_id_made_to_look_like_another_s_derived_name_does_not_get_it():
    victim = iqn.derived("Web 1")
    assert iqn.derived(victim.partition(":")[2]) != victim


def test_the_name_never_changes():
    assert iqn.derived("Web 1") == "iqn.2018-12.com.leftasexercise:web-1-b2e853f37b6d219a"
