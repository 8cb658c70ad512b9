"""The arrows between the packages, as drawn in the design: who may import whom."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metadata_server import engines
from tests.architecture.conftest import PACKAGES, Source, below, reaches
from tests.unit.cc_blockstore.sealed import Instance

IMPURE = ("os", "subprocess", "socket", "time", "cloudinit", "requests", "shutil", "tempfile", "asyncio", "threading")
EFFECTS_OF_BLOCKSTORE = {
    "blockstore/run.py": {"os", "subprocess", "threading"},
    "blockstore/waiting.py": {"time"},
}
# The client, the initiator name, and the document's own layering: which name is wished is decided in one place.
CLIENT = (
    *("cc_blockstore.client", "cc_blockstore.machine.initiator", "cc_blockstore.machine.machine", "cc_blockstore.machine.files"),
    *("cc_blockstore.document.sources", "cc_blockstore.document.merge"),
)


def each(*folders: str) -> pytest.MarkDecorator:
    sources = below(*folders)
    return pytest.mark.parametrize("source", sources, ids=[source.name for source in sources])


@each("blockstore")
def test_the_shared_words_know_neither_side(source: Source) -> None:
    assert not reaches(source.imports(), "cc_blockstore", "metadata_server", "testbed", "DataSourceBlockStore", "cloudinit")


@each("cc_blockstore", "datasource")
def test_the_guest_does_not_know_the_server(source: Source) -> None:
    assert not reaches(source.imports(), "metadata_server", "testbed")


@each("metadata_server")
def test_the_server_does_not_know_the_guest(source: Source) -> None:
    assert not reaches(source.imports(), "cc_blockstore", "DataSourceBlockStore", "datasource", "cloudinit", "testbed")


@each("datasource")
def test_the_datasource_knows_the_client_the_initiator_name_and_the_documents_layers_only(source: Source) -> None:
    known = reaches(source.imports(), "cc_blockstore") - {"cc_blockstore", "cc_blockstore.machine", "cc_blockstore.document"}
    assert known == reaches(known, *CLIENT)


@each("blockstore")
def test_the_shared_words_are_pure_but_for_run_and_waiting(source: Source) -> None:
    effects = reaches(source.imports(), *IMPURE)
    assert {name.partition(".")[0] for name in effects} <= EFFECTS_OF_BLOCKSTORE.get(source.name, set())
    if source.name != "blockstore/render.py":
        assert not reaches(source.imports(), "pathlib")


TARGETS = ("metadata_server/targets/homes.py", "metadata_server/targets/portals.py")


@each("cc_blockstore/plan", "cc_blockstore/analysis", "metadata_server/domain", *TARGETS)
def test_decisions_are_pure(source: Source) -> None:
    assert not reaches(source.imports(), *IMPURE, "pathlib", "cc_blockstore.machine", "metadata_server.store", "sqlalchemy")
    assert "open(" not in source.text.replace("reopen(", "")


@each("cc_blockstore/filesystems", "cc_blockstore/document/wishes.py", "cc_blockstore/document/parse.py")
def test_registries_hold_data(source: Source) -> None:
    assert not reaches(source.imports(), *IMPURE, "pathlib", "cc_blockstore.machine")


@each("blockstore", "cc_blockstore", "datasource", "metadata_server")
def test_one_place_runs_processes(source: Source) -> None:
    if source.name != "blockstore/run.py":
        assert not reaches(source.imports(), "subprocess", "multiprocessing", "pty")
        for word in ("os.system(", "os.popen(", "os.spawn", "os.exec", "os.fork(", "posix_spawn", "shell=True"):
            assert word not in source.text


@each("blockstore", "cc_blockstore", "datasource")
def test_one_place_needs_ctypes(source: Source) -> None:
    """Its import is 20 ms of an emulated guest, and cloud-init has not done it."""
    if source.name != "cc_blockstore/machine/mount_call.py":
        assert not reaches(source.imports(), "ctypes")


@each("metadata_server/api")
def test_the_api_names_no_backend_and_no_target(source: Source) -> None:
    assert not reaches(source.imports(), "metadata_server.backends", "metadata_server.targets", "metadata_server.store")


@each("metadata_server/api", "metadata_server/domain", "metadata_server/store", "metadata_server/workflow")
def test_nobody_but_the_engines_and_who_puts_the_server_together_knows_which_engine_it_is(source: Source) -> None:
    allowed = {"metadata_server.engines", *(f"metadata_server.engines.{name}" for name in engines.__all__)}
    assert reaches(source.imports(), "metadata_server.engines") <= allowed


@each(*PACKAGES)
def test_no_relative_import(source: Source) -> None:
    source.imports()


def test_nothing_in_the_module_is_called_schema(root: Path) -> None:
    assert not [path for path in (root / "cc_blockstore").rglob("*") if path.stem == "schema"]
    source = Source(root / "cc_blockstore/__init__.py")
    assert "schema" not in {getattr(target, "id", "") for node in source.tree.body for target in getattr(node, "targets", ())}
    import cc_blockstore

    assert not hasattr(cc_blockstore, "schema")


IMPORTED = """
import sys
before = set(sys.modules)
import {module}
print(" ".join(sorted(set(sys.modules) - before)))
"""


def test_importing_the_module_needs_the_standard_library_alone(root: Path) -> None:
    # -S: no site-packages, so that anything else would fail; -I: nothing of the environment.
    code = f"import sys; sys.path.insert(0, {str(root)!r})" + IMPORTED.format(module="cc_blockstore")
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    new = done.stdout.split()
    assert "cc_blockstore" in new
    assert not [name for name in new if name.partition(".")[0] not in {*sys.stdlib_module_names, "cc_blockstore"}]
    assert not [name for name in new if name.startswith("cc_blockstore.")]


HANDLED = """
import sys
before = set(sys.modules)
import cc_blockstore
cc_blockstore.handle(name="blockstore", cfg={}, cloud=object(), args=[])
print(" ".join(sorted(set(sys.modules) - before)))
"""


def test_where_no_document_exists_nothing_but_the_question_is_imported(root: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(root)!r})" + HANDLED
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    new = [name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names]
    assert new == ["cc_blockstore", "cc_blockstore.said"]


def test_what_brings_volumes_up_is_imported_only_where_there_is_one(root: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(root)!r})" + IMPORTED.format(module="cc_blockstore.bootstrap")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = set(done.stdout.split())
    assert "cc_blockstore.listing" in new
    assert not new & {f"cc_blockstore.{name}" for name in ("bring_up", "volume", "takedown", "protocols", "machine.device")}


def test_what_only_a_mount_needs_is_imported_then(root: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(root)!r})" + IMPORTED.format(module="cc_blockstore.volume")
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert "cc_blockstore.machine.mount_call" in done.stdout.split()
    assert "ctypes" not in done.stdout.split()


def test_a_file_system_is_imported_where_a_volume_carries_it(root: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(root)!r})" + IMPORTED.format(module="cc_blockstore.volume")
    code += "from cc_blockstore.filesystems import FILESYSTEMS; FILESYSTEMS['xfs']; print(*sys.modules)"
    before, after = (
        {name.rpartition(".")[2] for name in line.split() if name.startswith("cc_blockstore.filesystems.")} - {"filesystem"}
        for line in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    )
    assert (before, after) == (set(), {"xfs"})


ASKED = """
import json, socket, sys, types
from pathlib import Path
root, module, listed = Path(sys.argv[1]), sys.argv[2], sys.argv[3].encode()
answers = [b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(listed), listed), b"HTTP/1.1 204 x\\r\\n\\r\\n"]
class Line:
    sendall = settimeout = lambda self, word: None
    recv = lambda self, most: answers.pop(0)
    close = lambda self: None
socket.create_connection = lambda *words: Line()
before = set(sys.modules)
import cc_blockstore
cfg = {"blockstore": {"endpoint": "http://service", "token": "Plant3dT0ken"}}
cloud = types.SimpleNamespace(datasource=types.SimpleNamespace(metadata={}), get_instance_id=lambda: "i-1")
assert __import__("cc_blockstore." + module, fromlist=["x"]).nothing_to_do(cfg, cloud, root)
print(" ".join(sorted(set(sys.modules) - before)))
"""


def imported(root: Path, machine: Path, module: str, listed: object) -> set[str]:
    """What is imported, but for the standard library, where ``module`` finds nothing to do on a machine made of files."""
    code = f"import sys; sys.path.insert(0, {str(root)!r})" + ASKED
    words = [str(machine), module, json.dumps({"attachments": listed})]
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}


# What every re-run knows; the question comes before it (`said`).
RERUN = {"blockstore", "cc_blockstore", *(f"cc_blockstore.{name}" for name in ("said", "unchanged", "exchange"))}


def test_the_first_boot_of_an_instance_without_volumes_knows_six_modules_more_and_the_next_none(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "etc/iscsi").mkdir(parents=True)
    (tmp_path / "etc/iscsi/initiatorname.iscsi").write_text("InitiatorName=iqn.2018-12.com.leftasexercise:i-1\n")
    first = {
        "blockstore.iqn",
        *(f"cc_blockstore.{name}" for name in ("idle", "seal", "machine", "machine.files", "machine.initiator")),
    }
    assert imported(root, tmp_path, "idle", []) == RERUN | first
    assert imported(root, tmp_path, "unchanged", []) == RERUN


def test_the_healthy_re_run_knows_the_standard_library_and_a_glimpse_of_the_machine(root: Path, tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.seal()
    machine = {"cc_blockstore.machine", "cc_blockstore.machine.files", "cc_blockstore.machine.glimpse"}
    assert imported(root, tmp_path, "unchanged", instance.answer) == RERUN | machine
