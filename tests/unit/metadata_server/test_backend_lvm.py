"""A thin pool: which commands run, in which order, and what a kill between them comes to. Outputs as LVM 2.03.31 printed them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from blockstore.reader import Faults, Reader
from metadata_server.backends.lvm import LvmSettings, ThinPool, name_fault, read
from metadata_server.backends.lvm_group import Group, LogicalVolume
from metadata_server.backends.protocol import Found
from metadata_server.domain.errors import Unavailable
from tests.unit.fakes import FakeRunner

GIB = 1 << 30
SHOW = ("--reportformat", "json", "--units", "b", "--nosuffix", "-o")
LISTED = ("lvm", "lvs", *SHOW, "lv_name,pool_lv,lv_size", "vg")
V, S, M, R = (f"blockstore-{kind}-x" for kind in ("volume", "snapshot", "making", "replaced"))


@pytest.fixture
def backend(runner: FakeRunner, monkeypatch: pytest.MonkeyPatch) -> ThinPool:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return ThinPool(Group("vg", "pool", runner), lambda _: None)


@pytest.fixture
def there(runner: FakeRunner) -> Callable[..., None]:
    """The group holds the pool and these: a look that is to happen once."""

    def expect(*names: str, size: int = GIB) -> None:
        rows = [{"lv_name": "pool", "pool_lv": "", "lv_size": "6442450944"}]
        rows += [{"lv_name": name, "pool_lv": "pool", "lv_size": str(size)} for name in names]
        runner.expect(*LISTED, stdout=json.dumps({"report": [{"lv": rows}]}))

    return expect


def ran(runner: FakeRunner) -> list[str]:
    """What was changed."""
    return [" ".join(command.argv[1:]) for command in runner.ran if command.argv[1] not in ("lvs", "lvmconfig")]


def test_a_volume_is_made_once_and_never_wiped(backend, runner, there) -> None:
    there()
    runner.expect("lvm", "lvcreate", "-V", "1073741824b", "--thinpool", "pool", "-n", V, "-kn", "-Wn", "-y", "vg")
    backend.create("x", GIB)
    there(V)
    backend.create("x", GIB)
    assert backend.path("x") == f"/dev/vg/{V}"
    assert runner.ran[0].environment == {"LVM_SUPPRESS_FD_WARNINGS": "1"}


def test_it_grows_and_never_shrinks(backend, runner, there) -> None:
    there(V)
    runner.expect("lvm", "lvextend", "-L", "2147483648b", f"vg/{V}")
    backend.extend("x", 2 * GIB)
    there(V, size=2 * GIB)
    backend.extend("x", GIB)
    there()
    with pytest.raises(Unavailable, match=f"there is no /dev/vg/{V}"):
        backend.extend("x", GIB)


def test_a_snapshot_has_no_device(backend, runner, there) -> None:
    there(V)
    runner.expect("lvm", "lvcreate", "--type", "thin", "-n", S, "-ky", f"vg/{V}")
    backend.snapshot("x", "x")
    there(V, S)
    backend.snapshot("x", "x")


def test_a_copy_is_shown_once_it_has_its_size(backend, runner, there) -> None:
    there(S)
    there(S)
    runner.expect("lvm", "lvcreate", "--type", "thin", "-n", "blockstore-making-c", "-kn", "-ay", "-K", f"vg/{S}")
    runner.expect("lvm", "lvextend", "-L", "3221225472b", "vg/blockstore-making-c")
    runner.expect("lvm", "lvrename", "vg", "blockstore-making-c", "blockstore-volume-c")
    backend.create_from_snapshot("c", "x", 3 * GIB)
    assert [line.split()[0] for line in ran(runner)] == ["lvcreate", "lvextend", "lvrename"]
    there(S, "blockstore-volume-c")
    backend.create_from_snapshot("c", "x", 3 * GIB)


def test_a_copy_of_a_volume_that_a_kill_left_half_is_begun_anew(backend, runner, there) -> None:
    there(V, "blockstore-making-c")
    there(V, "blockstore-making-c")
    runner.expect("lvm", "lvremove", "-y", "vg/blockstore-making-c")
    runner.expect("lvm", "lvcreate", "--type", "thin", "-n", "blockstore-making-c", "-kn", "-ay", "-K", f"vg/{V}")
    runner.expect("lvm", "lvrename", "vg", "blockstore-making-c", "blockstore-volume-c")
    backend.create_from_volume("c", "x", GIB)


def test_a_copy_that_fails_leaves_nothing(backend, runner, there) -> None:
    full = "  WARNING: Sum of all thin volume sizes exceeds the size of thin pool.\n  Free space in pool vg/pool is above threshold, new volumes are not allowed.\n"  # noqa: E501
    there(V)
    there(V)
    runner.expect(
        "lvm", "lvcreate", "--type", "thin", "-n", "blockstore-making-c", "-kn", "-ay", "-K", f"vg/{V}", code=5, stderr=full
    )
    there(V)
    with pytest.raises(Unavailable, match=r"^lvcreate: Free space in pool vg/pool is above threshold, new volumes are not"):
        backend.create_from_volume("c", "x", GIB)
    there()
    there()
    with pytest.raises(Unavailable, match=f"there is no {V} in vg to copy"):
        backend.create_from_volume("c", "x", GIB)


def test_deleting_takes_all_that_is_left_of_it(backend, runner, there) -> None:
    there(V, M, R, S)
    runner.expect("lvm", "lvremove", "-y", f"vg/{V}", f"vg/{M}", f"vg/{R}")
    backend.delete("x")
    there(S)
    backend.delete("x")
    there(S)
    runner.expect("lvm", "lvremove", "-y", f"vg/{S}")
    backend.delete_snapshot("x")
    there()
    backend.delete_snapshot("x")


REVERT = [
    f"lvcreate --type thin -n {M} -kn -ay -K vg/{S}",
    f"lvchange -an vg/{V}",
    f"lvrename vg {V} {R}",
    f"lvrename vg {M} {V}",
    f"lvremove -y vg/{R}",
]


def test_a_revert_exchanges_names_and_keeps_the_snapshot(backend, runner, there) -> None:
    there(V, S)
    there(V, S)
    for line in REVERT:
        runner.expect("lvm", *line.split())
    backend.revert("x", "x", GIB)
    assert ran(runner) == REVERT


@pytest.mark.parametrize(
    ("left", "first"),
    [
        ((V, M, S), [f"lvremove -y vg/{M}"]),
        ((R, M, S), [f"lvrename vg {R} {V}", f"lvchange -ay -K vg/{V}", f"lvremove -y vg/{M}"]),
        ((R, V, S), [f"lvremove -y vg/{R}"]),
    ],
    ids=["half a copy", "no volume yet", "the old one is there still"],
)
def test_a_revert_that_was_killed_is_done_anew(backend, runner, there, left: tuple[str, ...], first: list[str]) -> None:
    there(*left)
    there(V, S)
    for line in (*first, *REVERT):
        runner.expect("lvm", *line.split())
    backend.revert("x", "x", GIB)
    assert ran(runner) == [*first, *REVERT]


@pytest.mark.parametrize(
    ("left", "done"),
    [
        ((V, S), []),
        ((V, M), [f"lvremove -y vg/{M}"]),
        ((R, M), [f"lvrename vg {R} {V}", f"lvchange -ay -K vg/{V}", f"lvremove -y vg/{M}"]),
        ((R, V), [f"lvremove -y vg/{R}"]),
    ],
    ids=["nothing", "half a copy", "no volume yet", "the old one is there still"],
)
def test_a_revert_that_is_given_up_leaves_the_volume_alone(
    backend, runner, there, left: tuple[str, ...], done: list[str]
) -> None:
    there(*left)
    for line in done:
        runner.expect("lvm", *line.split())
    backend.unrevert("x")
    assert ran(runner) == done


class Bytes(Group):
    """What the group has, by name: its bytes. ``fails`` are commands that LVM refuses once, ``slow`` those that it does, but too
    late for us."""

    def __init__(self, **kinds: str) -> None:
        self.name, self.pool = "vg", "pool"
        self.there = {f"blockstore-{kind}": data for kind, data in kinds.items()}
        self.fails: set[str] = set()
        self.slow: set[str] = set()

    def volumes(self) -> dict[str, LogicalVolume]:
        return {name: LogicalVolume(name, self.pool, GIB) for name in self.there}

    def copy(self, source: str, name: str, *_: str) -> None:
        self.there[name] = self.there[source]

    def rename(self, name: str, other: str) -> None:
        assert other not in self.there
        self._may(f"rename {name}", lambda: self.there.update({other: self.there.pop(name)}))

    def remove(self, *names: str) -> None:
        self._may(f"remove {names[0]}", lambda: [self.there.pop(name) for name in names])

    def extend(self, name: str, size: int) -> None:
        assert name in self.there

    def activate(self, *names: str) -> None:
        assert set(names) <= set(self.there)

    def deactivate(self, name: str) -> None:
        self.activate(name)

    def _may(self, what: str, action: Callable[[], object]) -> None:
        for late, those in ((False, self.fails), (True, self.slow)):
            if what in those:
                those.remove(what)
                if late:
                    action()
                raise Unavailable(f"{what}: no")
        action()


@pytest.fixture
def group() -> Bytes:
    return Bytes(**{"volume-x": "new", "snapshot-x": "one", "snapshot-y": "zero"})


@pytest.fixture
def pool(group: Bytes) -> ThinPool:
    return ThinPool(group, lambda _: None)


def test_a_revert_that_cannot_remove_what_it_replaced_is_done_and_the_next_one_is_no_less(pool, group, caplog) -> None:
    group.fails = {f"remove {R}"}
    pool.revert("x", "x", GIB)
    assert (group.there[V], group.there[R]) == ("one", "new")
    assert f"{R} stays until the next time: remove {R}: no" in caplog.text
    group.there[V] = "two"
    pool.snapshot("z", "x")
    group.there[V] = "spoiled"
    pool.revert("x", "z", GIB)
    assert (group.there[V], R in group.there) == ("two", False)


@pytest.mark.parametrize("step", [f"rename {V}", f"rename {M}"])
def test_a_revert_that_fails_leaves_the_volume_as_it_was(pool, group, step: str) -> None:
    before = dict(group.there)
    group.fails = {step}
    with pytest.raises(Unavailable, match=step):
        pool.revert("x", "x", GIB)
    assert group.there == before
    pool.revert("x", "y", GIB)
    assert group.there == {**before, V: "zero"}


@pytest.mark.parametrize(("step", "bytes_after"), [(f"rename {V}", "new"), (f"rename {M}", "one")])
def test_a_command_that_was_done_too_late_for_us_is_seen(pool, group, step: str, bytes_after: str) -> None:
    group.slow = {step}
    with pytest.raises(Unavailable) if bytes_after == "new" else nullcontext():
        pool.revert("x", "x", GIB)
    assert (group.there[V], M in group.there, R in group.there) == (bytes_after, False, False)


def test_what_could_not_be_put_back_is_at_the_next_revert(pool, group, caplog) -> None:
    group.fails = {f"rename {M}", f"rename {R}"}
    with pytest.raises(Unavailable, match=f"rename {M}"):
        pool.revert("x", "x", GIB)
    assert V not in group.there
    assert f"volume x has no device; as {R} it may have its bytes still: rename {R}: no" in caplog.text
    pool.revert("x", "y", GIB)
    assert (group.there[V], R in group.there) == ("zero", False)


def test_what_could_not_be_put_back_is_at_the_next_start(backend, runner, there, state) -> None:
    state(GOOD, filtered=FILTER)
    there(R, S, "blockstore-replaced-y", "blockstore-volume-y")
    runner.expect("lvm", "lvs", *SHOW, "lv_name,lv_active", "vg", stdout='{"report": [{"lv": []}]}')
    for line in (f"lvrename vg {R} {V}", f"lvchange -ay -K vg/{V}"):
        runner.expect("lvm", *line.split())
    backend.check()


def test_a_revert_of_a_volume_in_use_changes_nothing(backend, runner, there) -> None:
    there(V, S)
    there(V, S)
    runner.expect("lvm", *REVERT[0].split())
    in_use = f"  Logical volume vg/{V} in use.\n"
    runner.expect("lvm", *REVERT[1].split(), code=5, stderr=in_use)
    there(V, S, M)
    runner.expect("lvm", "lvchange", "-ay", "-K", f"vg/{V}")
    there(V, S, M)
    runner.expect("lvm", "lvremove", "-y", f"vg/{M}")
    with pytest.raises(Unavailable, match=r"lvchange: Logical volume .* in use"):
        backend.revert("x", "x", GIB)


def test_a_volume_that_could_not_be_put_aside_has_its_device_back(backend, runner, there) -> None:
    there(V, S)
    there(V, S)
    runner.expect("lvm", *REVERT[0].split())
    runner.expect("lvm", *REVERT[1].split())
    runner.expect("lvm", *REVERT[2].split(), code=5, stderr="  Read-only locking type set.\n")
    there(V, S, M)
    runner.expect("lvm", "lvchange", "-ay", "-K", f"vg/{V}")
    there(V, S, M)
    runner.expect("lvm", "lvremove", "-y", f"vg/{M}")
    with pytest.raises(Unavailable, match="lvrename: Read-only"):
        backend.revert("x", "x", GIB)


def test_found_is_what_is_finished_and_ours(backend, runner) -> None:
    names = [(V, "pool"), (S, "pool"), (M, "pool"), (R, "pool"), ("volume-cinder", "pool"), ("blockstore-volume-y", "other")]
    rows = [{"lv_name": name, "pool_lv": pool, "lv_size": "4194304"} for name, pool in names]
    runner.expect(*LISTED, stdout=json.dumps({"report": [{"lv": rows}]}))
    assert backend.found() == Found(frozenset({"x"}), frozenset({"x"}))


@pytest.mark.parametrize("shown", ["", "{}", '{"report": []}', '{"report": [{"lv": [3]}]}'])
def test_a_report_of_another_form_is_an_error(backend, runner, shown: str) -> None:
    runner.expect(*LISTED, stdout=shown)
    with pytest.raises(Unavailable, match="lvs reports in an unknown form"):
        backend.found()


GOOD = {"segtype": "thin-pool", "data_percent": "0.00", "metadata_percent": "10.84", "zero": "zero", "lv_health_status": ""}
FILTER = 'global_filter=["r|^/dev/vg/blockstore-|","r|^/dev/mapper/vg-blockstore--|"]\n'


@pytest.fixture
def state(runner: FakeRunner) -> Callable[..., None]:
    def expect(*rows: dict[str, str], filtered: str | None = None) -> None:
        argv = ("lvm", "lvs", *SHOW, "segtype,data_percent,metadata_percent,zero,lv_health_status", "-S", "lv_name=pool", "vg")
        runner.expect(*argv, stdout=json.dumps({"report": [{"lv": rows}]}))
        if filtered is not None:
            absent = {"code": 5, "stderr": "  Configuration node devices/global_filter not found\n"} if not filtered else {}
            runner.expect("lvm", "lvmconfig", "devices/global_filter", stdout=filtered, **absent)

    return expect


def test_a_good_pool_gets_the_devices_of_its_volumes(backend, runner, there, state) -> None:
    state(GOOD, filtered=FILTER)
    rows = [{"lv_name": V, "lv_active": ""}, {"lv_name": S, "lv_active": ""}, {"lv_name": "root", "lv_active": "active"}]
    runner.expect("lvm", "lvs", *SHOW, "lv_name,lv_active", "vg", stdout=json.dumps({"report": [{"lv": rows}]}))
    there(V, S)
    runner.expect("lvm", "lvchange", "-ay", "-K", f"vg/{V}")
    backend.check()


@pytest.mark.parametrize(
    ("rows", "said", "hint"),
    [
        ((), "thin pool vg/pool: is not there", "lvcreate --type thin-pool -l 90%FREE -n pool vg"),
        (({**GOOD, "segtype": "linear", "zero": ""},), "is of the type linear", "lvcreate"),
        (({**GOOD, "zero": ""},), "blocks that are not zeroed", "lvchange --zero y vg/pool"),
    ],
)
def test_a_pool_that_will_not_do_is_refused_with_what_to_do(backend, state, rows, said: str, hint: str) -> None:
    state(*rows)
    with pytest.raises(Unavailable, match=said) as caught:
        backend.check()
    assert hint in caught.value.hint


def test_without_the_filter_the_line_to_add_is_named(backend, state) -> None:
    state(GOOD, filtered="")
    with pytest.raises(Unavailable, match="no global_filter rejects it") as caught:
        backend.check()
    assert 'devices { global_filter = [ "r|^/dev/vg/blockstore-|", "r|^/dev/mapper/vg-blockstore--|" ] }' in caught.value.hint


def test_a_nearly_full_or_broken_pool_is_told_and_served(backend, runner, there, state, caplog) -> None:
    state({**GOOD, "data_percent": "91.50", "lv_health_status": "out_of_data"}, filtered=FILTER)
    runner.expect("lvm", "lvs", *SHOW, "lv_name,lv_active", "vg", stdout='{"report": [{"lv": []}]}')
    there()
    backend.check()
    assert "8.5 % of its data are free" in caplog.text
    assert "LVM says out_of_data" in caplog.text


def test_it_wants_root(runner, monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="LVM wants root"):
        ThinPool(Group("vg", "pool", runner), lambda _: None).check()


def test_a_machine_without_lvm_is_told_what_to_install() -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(Unavailable, match="cannot run lvm") as caught:
        Group("vg", "pool", missing).volumes()  # type: ignore[arg-type]
    assert "lvm2" in caught.value.hint


@pytest.mark.parametrize("name", ["", "-a", "a/b", "a b", ".", "..", "x" * 61, "a\u00e9"])
def test_a_name_that_lvm_does_not_allow_is_refused(name: str, tmp_path) -> None:
    assert name_fault(name)
    faults = Faults()
    read(Reader({"group": name, "pool": "p"}, faults), tmp_path)
    assert [each.path for each in faults] == ["group"]


def test_settings_are_the_two_names(tmp_path) -> None:
    faults = Faults()
    assert read(Reader({"group": "vg", "pool": "pool"}, faults), tmp_path) == LvmSettings("vg", "pool")
    assert not faults
    read(Reader({"path": "/x"}, faults), tmp_path)
    assert {each.path for each in faults} == {"path", "group", "pool"}
