"""The files of the document: whatever they are and hold, a fault with the file's name, soon; and the command's exit code."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.errors import DocumentInvalid
from cc_blockstore import command
from cc_blockstore.document.parse import parse
from cc_blockstore.document.sources import LONGEST, gather, load
from cc_blockstore.machine.machine import Paths
from tests.unit.fakes import FakeMachine
from tests.unit.hostile.hostility import KEYS, PLANTED, TEXTS, around, clear, hostile, in_itself, one_line

CONF = "etc/blockstore/conf.d"


def bomb(levels: int = 40) -> str:
    lines = ["blockstore:", f"  token: {PLANTED}", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


FILES = {
    "not UTF-8": b"token: \xff\xfe" + PLANTED.encode(),
    "UTF-16": f"token: {PLANTED}".encode("utf-16"),
    "NUL": f"token: {PLANTED}\0".encode(),
    "control": f"token: {PLANTED}\x1b".encode(),
    "no YAML": f"token: {PLANTED}: [".encode(),
    "tabs": f"volumes:\n\tdata:\n\t\tlabel: {PLANTED}\n".encode(),
    "a list": f"[{PLANTED}]".encode(),
    "a text": PLANTED.encode(),
    "two documents": f"token: {PLANTED}\n---\ntoken: b\n".encode(),
    "a bomb": bomb().encode(),
    "merge bomb": "\n".join(["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [{f'*a{n - 1}, ' * 10}]}}" for n in range(1, 30))]).encode(),
    "in itself": b"volumes: &v {data: *v}",
    "merges itself": b"volumes: &v {<<: *v}",
    "deep": b"[" * 500,
    "huge": f"token: {PLANTED}\n".encode() + b"#" * LONGEST,
    "one long text": b"endpoint: http://" + b"a" * (LONGEST // 4),
    "base 60": b"deadline: " + b"1:" * 100_000 + b"1",
    "a date": b"endpoint: 2026-01-01",
    "no date": b"endpoint: 2026-13-45",
    "binary": b"token: !!binary aGVsbG8=",
    "a bad tag": f"token: !!bool {PLANTED}".encode(),
    "a key twice": f"token: {PLANTED}\nendpoint: http://a\ntoken: x{PLANTED}".encode(),
    "surrogate": b'token: "\\ud800"',
    "a set": b"volumes: !!set {a, b}",
    "number key": b"volumes: {0123: {}}",
    "infinity": b"deadline: .inf",
    "many keys": b"\n".join(b"k%d: 1" % number for number in range(3000)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_a_fault_soon(fake: FakeMachine, capsys: pytest.CaptureFixture[str], name: str):
    path = fake.write(f"{CONF}/10.yaml", FILES[name])
    begun = time.process_time()
    with pytest.raises(DocumentInvalid) as raised:
        parse(gather({}, {}, fake.paths))
    assert time.process_time() - begun < 8
    clear(raised.value, PLANTED)
    assert command.main(["validate", str(path)]) == command.BAD
    out, err = capsys.readouterr()
    assert out
    assert not err
    assert all(one_line(line) for line in out.splitlines())
    assert PLANTED not in out
    assert "Traceback" not in out


@pytest.mark.parametrize("name", ["not UTF-8", "NUL", "no YAML", "a list", "merge bomb", "a key twice", "infinity"])
@pytest.mark.parametrize("place", ["var/lib/blockstore/datasource.yaml", "var/lib/blockstore/user-data.yaml"])
def test_what_the_datasource_left_behind(fake: FakeMachine, place: str, name: str):
    fake.write(place, FILES[name][:5000])
    try:
        parse(gather({}, {}, fake.paths))
    except DocumentInvalid as error:
        clear(error, PLANTED)


def unusual(folder: Path, kind: str) -> Path:
    path = folder / "10.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "link to nowhere":
        path.symlink_to("nowhere")
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "newline":
        path = folder / "a\nb.yaml"
        path.write_text("x: [")
    elif kind == "name not UTF-8":
        path = folder / os.fsdecode(b"\xff\xfe.yaml")
        path.write_text("[]")
    return path


KINDS = ["folder", "link to nowhere", "link to itself", "pipe", "device", "newline", "name not UTF-8"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_a_fault_and_nothing_is_waited_for(fake: FakeMachine, kind: str):
    folder = fake.root / CONF
    folder.mkdir(parents=True)
    unusual(folder, kind)
    with pytest.raises(DocumentInvalid) as raised:
        gather({}, {}, fake.paths)
    clear(raised.value)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "pipe"])  # a pipe is what the caller asked for
def test_validate_of_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str):
    assert command.main(["validate", str(unusual(tmp_path, kind))]) == command.BAD
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_folder_in_the_place_of_conf_d_s_parent(fake: FakeMachine):
    fake.write("etc/blockstore", "a file")
    assert gather({}, {}, fake.paths) is None


def test_all_faults_of_all_files_come_at_once(fake: FakeMachine):
    fake.write(f"{CONF}/10.yaml", "[1]")
    fake.write(f"{CONF}/20.yaml", "x: [")
    fake.write(f"{CONF}/30.yaml", "a: 1\na: 2\nb: 1\nb: 2\n")
    fake.write("var/lib/blockstore/user-data.yaml", b"\xff")
    with pytest.raises(DocumentInvalid) as raised:
        gather({"blockstore": in_itself()}, {"blockstore": "x"}, fake.paths)
    paths = [fault.path.rpartition("/")[2] for fault in raised.value.faults]
    assert paths == ["datasource metadata", "10.yaml", "20.yaml", "30.yaml", "30.yaml", "cloud-config", "user-data.yaml"]


@hostile(40)
@given(around(KEYS), around(KEYS))
def test_any_values_from_cloud_init(tmp_path: Path, one: object, other: object):
    paths = Paths(tmp_path)
    for cfg, metadata in ((one, other), ({"volumes": one}, {"volumes": other}), ({"attachments": one}, other)):
        try:
            parse(gather({"blockstore": cfg}, {"blockstore": metadata}, paths))
        except DocumentInvalid as error:
            clear(error)


def test_values_without_an_end_from_two_sources(tmp_path: Path):
    with pytest.raises(DocumentInvalid, match="nested deeper"):
        gather({"blockstore": in_itself()}, {"blockstore": in_itself()}, Paths(tmp_path))


MARKS = [
    *(": ", ":", "- ", "\n", "\n  ", "\n    ", "{", "}", "[", "]", ",", "&x ", "*x", "<<: *x", "!t ", ">\n", "'", '"', "#", "%"),
    *("? ", "---", "...", "\t", "~", "@", "`", "\\ud800", "\ufeff"),
]
TAGS = [
    f"!!{tag} "
    for tag in ("int", "float", "bool", "timestamp", "set", "binary", "omap", "pairs", "merge", "null", "python/name:os")
]
WORDS = ["a", "b", "1", ".inf", "0x", "1:1", "2026-01-01", "blockstore", "volumes", "attachments", "token", PLANTED]
SYNTAX = st.lists(st.sampled_from([*MARKS, "|\n", *TAGS, *WORDS]) | TEXTS, max_size=14).map("".join)


@hostile(120)
@given(SYNTAX)
def test_any_text_is_a_value_or_a_fault(text: str):
    try:
        parse(load(text, "f"))
    except DocumentInvalid as error:
        for fault in error.faults:
            assert one_line(str(fault))


@hostile(80)
@given(SYNTAX)
def test_no_broken_text_is_quoted(text: str):
    try:
        load(f"token: {PLANTED}{text}", "f")
    except DocumentInvalid as error:
        assert PLANTED not in str(error)  # noqa: PT017


@hostile(40)
@given(st.binary(max_size=60) | SYNTAX.map(lambda text: text.encode(errors="surrogatepass")))
def test_validate_of_any_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes):
    file = tmp_path / "x"
    file.write_bytes(data)
    code = command.main(["validate", "--json", str(file)])
    out, err = capsys.readouterr()
    assert code in (command.WELL, command.BAD)
    assert bool(json.loads(out)["faults"]) is (code == command.BAD)
    assert not err
