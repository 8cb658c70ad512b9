"""Reading at the door: the right type or a fault with its path; all faults at once; the nearest key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.errors import DocumentInvalid
from blockstore.reader import LONGEST_KEY, LONGEST_TEXT, Faults, Reader


def faults_of(value: object, ask, path: str = "") -> list[str]:
    faults = Faults()
    ask(Reader(value, faults, path))
    return [str(fault) for fault in faults]


def test_all_faults_come_at_once_in_the_order_of_reading():
    faults = Faults()
    reader = Reader({"a": 1, "b": "x", "c": {"d": []}, "e": "no"}, faults)
    assert reader.text("a") is None
    assert reader.integer("b") is None
    assert reader.inner("c").boolean("d") is None
    assert reader.required_text("f") == ""
    assert reader.choice("e", ("yes", "maybe")) is None
    with pytest.raises(DocumentInvalid) as raised:
        faults.raise_any(hint="see x")
    assert [str(fault) for fault in raised.value.faults] == [
        "a: must be a text, not a number",
        "b: must be a whole number, not a text",
        "c.d: must be true or false, not a list",
        "f: is missing",
        "e: must be one of yes, maybe, not 'no'",
    ]
    assert str(raised.value).endswith("(see x)")


def test_no_faults_raise_nothing():
    Faults().raise_any()
    assert not Faults()


@pytest.mark.parametrize(("key", "advice"), [
    ("filesytem", "did you mean 'filesystem'?"),
    ("Mount", "did you mean 'mount'?"),
    ("ptions", "did you mean 'options'?"),
    ("zzz", "known are filesystem, mount, options"),
])  # fmt: skip
def test_an_unknown_key_names_the_nearest_known_one(key, advice):
    found = faults_of({key: 1}, lambda r: r.only(("mount", "filesystem", "options")), "volumes.data")
    assert found == [f"volumes.data.{key}: unknown key; {advice}"]


@pytest.mark.parametrize(("key", "meant"), [("taget_portal", "target_portal"), ("serail", "serial"), ("auth_method", "")])
def test_where_others_have_words_too_only_a_slip_is_a_fault(key, meant):
    found = faults_of({key: 1}, lambda r: r.no_near_miss(("target_portal", "serial", "auth_username")), "c")
    assert found == ([f"c.{key}: unknown key; did you mean {meant!r}?"] if meant else [])


def test_of_very_many_words_of_others_only_some_are_looked_at():
    assert len(faults_of({f"serial{i}": 1 for i in range(1, 5000)}, lambda r: r.no_near_miss(("serial12",)))) <= 1001


@pytest.mark.parametrize("key", ["a\nb", "\x1b[31m", "a\u2028b", "k" * 5000])
def test_a_hostile_key_is_shown_on_one_short_line(key):
    [fault] = faults_of({key: 1}, lambda r: r.only(("mount",)))
    assert fault.isprintable()
    assert len(fault) < 2 * LONGEST_KEY + 100


@pytest.mark.parametrize("value", ["a\nb", "a\0", "\x7f", "\x1b", "a\x85b", "a\u2028b", "a\u2029", "\ud800", "\t"])
def test_text_that_would_end_a_line_somewhere_is_refused(value):
    for found in (faults_of({"a": value}, lambda r: r.text("a")), faults_of({"a": [value]}, lambda r: r.texts("a"))):
        assert len(found) == 1
        assert "contains a control character" in found[0]
        assert value not in found[0]


@pytest.mark.parametrize("value", ["plain", "größe", "数据", "a b", "50%", "../x", "", "e\u0301", "\u00a0", "👍"])
def test_all_other_text_is_taken_as_it_is(value):
    assert faults_of({"a": value}, lambda r: r.text("a") == value or pytest.fail("changed")) == []


def test_text_is_bounded():
    assert faults_of({"a": "x" * LONGEST_TEXT}, lambda r: r.text("a")) == []
    assert faults_of({"a": "x" * (LONGEST_TEXT + 1)}, lambda r: r.text("a")) == ["a: is longer than 4096 characters"]


def test_what_looks_like_a_number_or_a_truth_is_none():
    assert faults_of({"a": True}, lambda r: r.integer("a")) == ["a: must be a whole number, not true or false"]
    assert faults_of({"a": 1.0}, lambda r: r.integer("a")) == ["a: must be a whole number, not a number"]
    assert faults_of({"a": 1}, lambda r: r.boolean("a")) == ["a: must be true or false, not a number"]
    assert faults_of({"a": [1, True, "x"]}, lambda r: r.integers("a")) == [
        "a[1]: must be a whole number, not true or false", "a[2]: must be a whole number, not a text",
    ]  # fmt: skip


def test_bounds_are_inclusive():
    assert faults_of({"a": 5, "b": 9}, lambda r: (r.integer("a", least=5, most=9), r.integer("b", least=5, most=9))) == []
    assert faults_of({"a": 4}, lambda r: r.integer("a", least=5, most=9)) == ["a: must be from 5 to 9, not 4"]
    assert faults_of({"a": 10}, lambda r: r.integer("a", least=5, most=9)) == ["a: must be from 5 to 9, not 10"]


def test_nothing_is_as_if_it_were_not_there():
    def ask(reader: Reader) -> None:
        assert "a" not in reader
        assert reader.text("a") is reader.integer("a") is reader.boolean("a") is reader.texts("a") is None
        assert reader.inner("a").names() == ()
        assert reader.each("a") == ()

    assert faults_of({"a": None}, ask) == []
    assert faults_of(None, ask) == []


def test_paths_of_lists_and_mappings():
    def ask(reader: Reader) -> None:
        for each in reader.each("list"):
            each.inner("b").text("c")

    value = {"list": [{"b": {"c": 1}}, {"b": 2}, 3]}
    assert faults_of(value, ask, "top") == [
        "top.list[2]: must be a mapping, not a number",
        "top.list[0].b.c: must be a text, not a number",
        "top.list[1].b: must be a mapping, not a number",
    ]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(JUNK)
def test_no_value_makes_a_question_fail(value):
    def ask(reader: Reader) -> None:
        reader.only(("a",))
        for question in (reader.text, reader.required_text, reader.integer, reader.boolean, reader.texts, reader.integers):
            question("a")
        reader.choice("a", ("x",))
        reader.each("a")
        reader.inner("a").text("b")

    faults_of(value, ask)
    for found in faults_of({"a": value}, ask):
        assert found.startswith("a")
