"""A server enters its folder: what it goes by, and what others read of that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from blockstore.portal import Portal
from metadata_server import entering
from metadata_server.domain.errors import Conflict
from metadata_server.entering import Entered
from metadata_server.state import Addresses, State
from metadata_server.targets.settings import TargetSettings


class Folder:
    """With a server's leadership, the others that are in it, and what is exported."""

    def __init__(self, path: Path) -> None:
        self.state = State(path)
        self.leads, self.alone, self.exports = True, True, 0
        self.database, self.keys = SimpleNamespace(shared=False), dict[str, str]()

    def entering(self) -> nullcontext[None]:
        return nullcontext()

    @contextmanager
    def read(self) -> Iterator[SimpleNamespace]:
        shared_keys = SimpleNamespace(get=self.keys.get, add=self.keys.__setitem__)
        yield SimpleNamespace(counts=SimpleNamespace(exports=lambda: self.exports), shared_keys=shared_keys)

    begin = read

    def enter(self, daemons: int, driver: str = "tgt") -> Entered:
        wished = TargetSettings(driver, Portal("127.0.0.1", 0), "", daemons=daemons)
        rest = SimpleNamespace(seize=lambda: self.leads), SimpleNamespace(entering=self.entering, alone=lambda: self.alone)
        return entering.enter(self.state, wished, *rest, self)  # type: ignore[arg-type]

    def left(self, *ports: int) -> None:
        """An earlier server wrote this."""
        portals = tuple(f"127.0.0.1:{port}" for port in ports)
        self.state.write(Addresses(operator="127.0.0.1:5", portal=portals[0], portals=portals), self.state.token())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def ports(found: Entered) -> list[int]:
    return [each.port for each in found.target.portals]


def test_a_new_folder_is_as_configured(folder: Folder) -> None:
    found = folder.enter(3)
    assert (ports(found), found.warnings, found.leads) == ([0, 0, 0], (), True)
    assert len(folder.state.addresses().listening) == 3  # for those who follow


def test_an_older_server_remembered_one_portal(folder: Folder) -> None:
    folder.state.write(Addresses(portal="127.0.0.1:7"), folder.state.token())
    folder.exports = 1
    found = folder.enter(4)
    assert ports(found) == [7]
    assert "daemons is 4, and the server goes on with 1" in found.warnings[0]


def test_with_exports_number_and_ports_stay(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    folder.left(7, 9)
    folder.exports = 1
    found = folder.enter(5)
    assert (ports(found), found.last.operator) == ([7, 9], "127.0.0.1:5")
    assert found.warnings == tuple(each.message for each in caplog.records)
    assert folder.state.addresses() == found.last


def test_without_exports_the_new_number_is_written_before_anybody_starts(folder: Folder) -> None:
    folder.left(7, 9)
    found = folder.enter(3)
    assert (ports(found), found.warnings) == ([7, 9, 0], ())
    assert [each.port for each in folder.state.addresses().listening] == [7, 9, 0]
    folder.leads = folder.alone = False
    assert ports(folder.enter(8)) == [7, 9, 0]


@pytest.mark.parametrize(("leads", "alone"), [(False, False), (False, True), (True, False)])
def test_who_follows_or_is_not_alone_goes_by_what_is_there(folder: Folder, leads: bool, alone: bool) -> None:
    folder.left(7, 9)
    folder.leads, folder.alone = leads, alone
    found = folder.enter(1)
    assert ports(found) == [7, 9]
    assert found.warnings
    assert [each.port for each in folder.state.addresses().listening] == [7, 9]


def test_the_token_is_the_same_for_all(folder: Folder) -> None:
    folder.enter(2)
    assert folder.state.token().reveal() == folder.state.token().reveal()


def test_a_driver_without_daemons_has_one_portal_whatever_was_there(folder: Folder) -> None:
    folder.left(7, 9)
    folder.exports = 1
    found = folder.enter(1, "lio")
    assert (ports(found), found.warnings) == ([7], ())


def test_a_database_belongs_to_the_folder_that_was_first(folder: Folder) -> None:
    folder.database.shared = True
    folder.enter(1)
    assert folder.keys == {"folder": folder.state.identity()}
    assert folder.enter(1).leads


def test_the_servers_of_another_folder_are_refused_with_both_ids(folder: Folder) -> None:
    folder.database.shared = True
    folder.keys["folder"] = "another"
    with pytest.raises(Conflict, match=f"in the folder with the id another; .* has the id {folder.state.identity()}"):
        folder.enter(1)
    assert folder.state.addresses() == Addresses()  # and nothing was written
    folder.state.identity_file.write_text("another\n")
    assert folder.enter(1).leads


def test_with_sqlite_nobody_asks(folder: Folder) -> None:
    folder.enter(1)
    assert not folder.state.identity_file.exists()
