"""A secret is not printed, pickled or copied into a text by accident."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.secret import MASK, Secret, masked

PLANTED = "Plant3dS3cret"


@dataclass(frozen=True)
class Holder:
    name: str
    secret: Secret


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r:>20}".format, lambda s: f"{s}", ascii])
def test_every_way_to_print_it_gives_stars(show):
    shown = show(Secret(PLANTED))
    assert PLANTED not in shown
    assert MASK in shown


def test_what_holds_it_prints_stars_too():
    holder = Holder("x", Secret(PLANTED))
    assert PLANTED not in repr(holder) + str([holder]) + str({"a": holder})


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_refuses_to_be_pickled_alone_and_in_something(protocol):
    for value in (Secret(PLANTED), Holder("x", Secret(PLANTED)), {"a": [Secret(PLANTED)]}):
        with pytest.raises(TypeError, match="not pickled") as raised:
            pickle.dumps(value, protocol)
        assert PLANTED not in str(raised.value)


def test_it_has_no_other_way_out():
    secret = Secret(PLANTED)
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    assert secret.reveal() == PLANTED


def test_it_compares_by_its_text_and_only_with_its_kind():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert hash(Secret("a")) != hash("a")


def test_masking_replaces_every_occurrence():
    assert masked(f"a {PLANTED} b{PLANTED}", (Secret(PLANTED),)) == f"a {MASK} b{MASK}"


def test_an_empty_secret_masks_nothing():
    assert masked("abc", (Secret(""),)) == "abc"


def test_a_secret_that_begins_with_another_one_leaves_no_end():
    for secrets in ((Secret("abc"), Secret("abcdef")), (Secret("abcdef"), Secret("abc"))):
        assert masked("x abcdef y abc", secrets) == f"x {MASK} y {MASK}"


@given(st.text("abc", min_size=1), st.text("abc"), st.text("abc"))
def test_no_masked_text_holds_the_secret(secret, before, after):
    assert secret not in masked(before + secret + after, (Secret(secret),))
