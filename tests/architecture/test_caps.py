"""The caps: what is short stays readable. And what must not be in the tree at all."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
from pathlib import Path

import pytest

from tests.architecture.conftest import PACKAGES, Source, below

SHIPPED = [*below(*PACKAGES)]
LONGEST_FUNCTION, LONGEST_FILE, MEDIAN, NINETIETH = 60, 300, 10, 35
NAMES_THAT_SAY_NOTHING = {"util", "utils", "helper", "helpers", "misc", "common"}
# Folders of one machine, and hosts that packages come from: a tree that names them works in one place only.
# One letter of each in brackets: the names themselves stand nowhere in the tree, here neither.
ELSEWHERE = re.compile(rb"/wor[k]/|/root/[.]pyenv|pyp[i][.]org/simple|files[.]pythonhoste[d]|registry[.]npmj[s]|docker[.]i[o]/")
BINARY = {".png", ".gz", ".iso", ".img", ".bin"}


def measured() -> list[int]:
    return sorted(length for source in SHIPPED for _, length in source.functions())


@pytest.mark.parametrize("package", PACKAGES)
def test_no_function_is_long(package: str) -> None:
    assert not [(name, n) for source in below(package) for name, n in source.functions() if n > LONGEST_FUNCTION]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_long(package: str) -> None:
    lengths = [(source.name, source.text.count("\n")) for source in below(package)]
    assert not [(name, n) for name, n in lengths if n > LONGEST_FILE]


def test_most_functions_are_short() -> None:
    lengths = measured()
    assert statistics.median(lengths) <= MEDIAN
    assert lengths[len(lengths) * 9 // 10] <= NINETIETH


def test_every_file_has_a_name_that_says_something() -> None:
    assert not [source.name for source in SHIPPED if source.path.stem in NAMES_THAT_SAY_NOTHING]


def test_every_module_says_what_it_is_for() -> None:
    import ast

    assert not [source.name for source in SHIPPED if source.text.strip() and not ast.get_docstring(source.tree)]


def tracked(root: Path) -> list[Path]:
    """What git has; where there is no git (an unpacked package), everything that is not generated."""
    if (root / ".git").exists():
        done = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=True)
        return [root / os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return [path for path in root.rglob("*") if not {"build", ".venv", "__pycache__"} & set(path.parts)]


def test_no_path_of_one_machine_and_no_registry_in_the_tree(root: Path) -> None:
    here = Path(__file__)
    found = []
    for path in tracked(root):
        if path.is_file() and not path.is_symlink() and path.suffix not in BINARY and path != here:
            found += [f"{path.relative_to(root)}: {match.group().decode()}" for match in ELSEWHERE.finditer(path.read_bytes())]
    assert not found


def test_there_is_a_changelog(root: Path) -> None:
    text = (root / "CHANGELOG.md").read_text()
    version = re.search(r'__version__ = "(.*)"', (root / "blockstore/__init__.py").read_text())
    assert version
    assert version.group(1) in text


# Shown by the tests of those that use them, or by the tests of another tier; each is to get its own file or stay here.
ELSEWHERE_SHOWN = {
    "blockstore/lift.py", "blockstore/seed.py", "cc_blockstore/planning.py", "cc_blockstore/prepare.py",
    "cc_blockstore/look.py", "cc_blockstore/shape.py", "cc_blockstore/takedown.py", "cc_blockstore/volume.py",
    "cc_blockstore/wish.py",
    "cc_blockstore/machine/filesystem.py", "cc_blockstore/machine/lock.py",
    "cc_blockstore/machine/machine.py",
}  # fmt: skip


@pytest.mark.parametrize("package", ["blockstore", "cc_blockstore"])
def test_every_source_file_has_a_test_file_of_its_own(root: Path, package: str) -> None:
    missing = []
    for source in below(package):
        path = Path(source.name)
        one_for_all = path.parts[1] in ("filesystems", "protocols") or path.stem == "__init__"
        if not one_for_all and not (root / "tests/unit" / path.parent / f"test_{path.stem}.py").exists():
            missing.append(source.name)
    assert set(missing) <= ELSEWHERE_SHOWN


def test_functions_are_measured() -> None:
    assert isinstance(SHIPPED[0], Source)
    assert len(measured()) > 300
