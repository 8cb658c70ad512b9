"""YAML: the value, or one kind of error that quotes nothing; soon in either case."""

from __future__ import annotations

import time

import pytest

from blockstore import yaml_text
from blockstore.yaml_text import LONGEST, Unreadable, load, load_once

PLANTED = "Plant3dS3cret"


def problems(text: str, once: str = "") -> tuple[str, ...]:
    with pytest.raises(Unreadable) as raised:
        load_once(text, once) if once else load(text)
    return raised.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("[a, &x {b: 1}, *x]", ["a", {"b": 1}, {"b": 1}]),
        ("a: &x {b: 1}\nc: {<<: *x}", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: 1\na: 2", {"a": 2}),
        ("\ufeffa: 1", {"a": 1}),
        ("0x" + "f" * 90, int("f" * 90, 16)),
    ],
)
def test_values(text, value):
    assert load(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: !!timestamp x",
        "a: !!bool x",
        "a: !!int ''",
        "a: !!float ''",
        "a: 2026-13-45",
        "a: !!int x",
        "a: !unknown x",
        "a: *nobody",
        "? [a]\n: 1",
        "a: \x01",
        "--- 1\n--- 2",
        "a: !!binary \xff",
        "a: 0x_",
        "\t- a",
        "a: !!set [1]",
        "a: !!omap {a: 1}",
        "<<: 1",
        "a: '",
        "%YAML 9.9\n--- a",
        "!!python/object:os.system a",
        "a: 2001-01-01 00:00:00 +99:99",
        "a: !!timestamp ''",
    ],
)
def test_what_is_none(text):
    [problem] = problems(text)
    assert problem.startswith("is not YAML: ")
    assert problem.isprintable()


BOMBS = {
    "lists": "\n".join(
        [f"a0: &a0 [{', '.join('x' * 10)}]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40))]
    ),
    "merges": "\n".join(["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 40))]),
    "itself": "a: &a [*a]",
    "merges itself": "a: &a {<<: *a}",
    "deep": "[" * 50_000,
    "deep block": "".join(f"{' ' * n}a:\n" for n in range(400)),
    "base 60": f"a: {'1:' * 200_000}1",
    "digits": f"a: {'9' * 100_000}",
    "fraction": f"a: 1.{'9' * 100_000}",
    "long": "# " + "x" * LONGEST,
    "many": "[" + "[]," * (LONGEST // 30) + "]\n",
    "aliases": "a: &a [" + "x," * 2000 + "]\nb: [" + "*a," * 2000 + "]",
}


@pytest.mark.parametrize("name", [name for name in BOMBS if name != "many"])
def test_a_bomb_is_refused_soon(name):
    begun = time.thread_time()  # of the processor: another load on the machine is no fault of ours
    [problem] = problems(BOMBS[name])
    assert len(problem) < 200
    assert time.thread_time() - begun < 5


def test_many_values_are_no_bomb():
    assert isinstance(load(BOMBS["many"]), list)


def test_a_key_twice_is_told_with_its_line():
    assert problems("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n", "blockstore") == (
        "line 3: the key 'a' is there twice",
        "line 4: the key 'd' is there twice",
    )
    assert problems("blockstore: {a: 1}\nblockstore: {b: 1}\n", "blockstore") == ("line 2: the key 'blockstore' is there twice",)


def test_a_key_twice_elsewhere_in_a_cloud_config_is_not_ours_to_tell():
    assert load_once("x: 1\nx: 2\nblockstore: {a: 1}\n", "blockstore") == {"x": 2, "blockstore": {"a": 1}}
    assert load_once("a: {<<: {x: 1}, x: 2}", "blockstore") == {"a": {"x": 2}}


@pytest.mark.parametrize(
    "text",
    [
        f"a: *{PLANTED}",
        f"a: !{PLANTED} b",
        f"a: !!{PLANTED} b",
        f"a: !x!{PLANTED} b",
        f"a: '{PLANTED}",
        f"!!bool {PLANTED}",
        f"!!int {PLANTED}",
        f"!!timestamp {PLANTED}",
        f"{PLANTED}: a: b",
    ],
)
def test_nothing_of_the_text_is_told(text):
    assert PLANTED not in "".join(problems(text))
    assert PLANTED[1:] not in "".join(problems(text))


def test_the_error_is_a_value_error():
    assert issubclass(yaml_text.Unreadable, ValueError)
