"""Where the parts come from, in order of priority; and what is told of a part that is none."""

from __future__ import annotations

import pytest

from blockstore.errors import DocumentInvalid
from cc_blockstore.document.sources import gather, load
from tests.unit.fakes import FakeMachine

PLANTED = "Plant3dS3cret"


def test_nobody_wrote_anything(fake: FakeMachine):
    assert gather({}, {}, fake.paths) is None


def test_each_source_wins_over_those_below_it(fake: FakeMachine):
    def deadline() -> object:
        found = gather(cfg, metadata, fake.paths)
        assert found is not None
        return found["deadline"]

    cfg: dict[str, object] = {}
    metadata = {"blockstore": {"deadline": 10, "endpoint": "http://a"}}
    assert deadline() == 10
    fake.write("var/lib/blockstore/datasource.yaml", "deadline: 20\n")
    assert deadline() == 20
    fake.write("etc/blockstore/conf.d/10.yaml", "deadline: 30\n")
    assert deadline() == 30
    fake.write("etc/blockstore/conf.d/20.yaml", "blockstore: {deadline: 40}\n")
    assert deadline() == 40
    cfg["blockstore"] = {"deadline": 50}
    assert deadline() == 50
    fake.write("var/lib/blockstore/user-data.yaml", "deadline: 55\n")
    assert deadline() == 55
    assert (gather(cfg, metadata, fake.paths) or {})["endpoint"] == "http://a"


def test_only_yaml_files_of_conf_d_count(fake: FakeMachine):
    fake.write("etc/blockstore/conf.d/10.yaml.bak", "deadline: 30\n")
    assert gather({}, {}, fake.paths) is None


def test_every_part_that_is_no_mapping_is_named(fake: FakeMachine):
    fake.write("etc/blockstore/conf.d/10.yaml", "[1]\n")
    with pytest.raises(DocumentInvalid) as raised:
        gather({"blockstore": "token=" + PLANTED}, {}, fake.paths)
    assert [fault.path.rpartition("/")[2] for fault in raised.value.faults] == ["10.yaml", "cloud-config"]
    assert PLANTED not in str(raised.value)


def test_a_file_that_is_no_text_is_a_fault(fake: FakeMachine):
    fake.write("etc/blockstore/conf.d/10.yaml", b"\xff\xfe")
    with pytest.raises(DocumentInvalid, match="cannot be read"):
        gather({}, {}, fake.paths)


@pytest.mark.parametrize("text", [
    f"token: *{PLANTED}", f"token: !{PLANTED} x", f"token: !{PLANTED}!x y", f"token: &{PLANTED} [", f"token: '{PLANTED}",
    f'token: "{PLANTED}', f"token: {PLANTED}: x", f"token: @{PLANTED}", f"token: %{PLANTED}\n%{PLANTED}", f"? [{PLANTED}] : {{",
    f"token: `{PLANTED}`", f"{{token: {PLANTED}", f"token: {PLANTED}\n\tx: 1",
])  # fmt: skip
def test_what_is_no_yaml_is_a_fault_with_its_line_and_never_its_content(text):
    with pytest.raises(DocumentInvalid, match="f: is not YAML: line") as raised:
        load(text, "f")
    assert PLANTED not in str(raised.value)
    assert PLANTED[1:] not in str(raised.value)


@pytest.mark.parametrize("text", ["when: 2026-13-45", "x: 0x_", "a: \x01", "x: !!timestamp a", "x: !!bool a", "x: !!int ''"])
def test_yaml_that_the_library_chokes_on_is_a_fault_too(text):
    with pytest.raises(DocumentInvalid, match="f: is not YAML"):
        load(text, "f")


def test_a_cloud_config_is_looked_into():
    assert load("#cloud-config\npackages: [x]\nblockstore: {deadline: 5}\n", "f") == {"deadline": 5}
    assert load("deadline: 5\n", "f") == {"deadline": 5}
    assert load("", "f") is None
