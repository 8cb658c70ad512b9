"""The config module as each cloud-init loads and calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("entry", ["blockstore", "cc_blockstore", ["blockstore", "always"]], ids=str)
def test_runs_as_a_section(inside: Any, cloud_init: Any, entry: Any) -> None:
    done = inside("run_section", modules=[entry])
    assert done["failures"] == []
    assert len(done["ran"]) == 1
    assert done["warnings"] == [], "nothing is asked of it, so there is nothing to say; and no DEPRECATED"
    by_position = cloud_init.number < (23, 2)
    assert done["calls"] == ["5 []" if by_position else "0 ['args', 'cfg', 'cloud', 'name']"]


def test_importing_needs_the_standard_library_alone() -> None:
    """cloud-init does not guard the import: an exception there would stop every config module."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import cc_blockstore; "
        "print(sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert set(eval(done.stdout)) <= {"cc_blockstore", "blockstore", "__main__"}


def test_nothing_is_called_schema() -> None:
    """``hasattr(module, "schema")`` is taken for a module of an older layout: ValueError, and the stage is over."""
    assert list((ROOT / "cc_blockstore").rglob("schema*")) == []
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import cc_blockstore; print(hasattr(cc_blockstore, 'schema'))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
