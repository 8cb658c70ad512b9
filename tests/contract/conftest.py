"""The three cloud-init versions as a parameter, and a way to run a step of ``inside.py`` with one of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import cloud_init as packages  # noqa: E402

Inside = Callable[..., Any]


@pytest.fixture(scope="session", params=sorted(packages.SUITES))
def cloud_init(request: pytest.FixtureRequest) -> packages.CloudInit:
    return packages.unpacked(request.param)


@pytest.fixture
def inside(cloud_init: packages.CloudInit, tmp_path: Path) -> Inside:
    """Call a function of ``inside.py`` in a process of this cloud-init; its JSON comes back."""

    def call(function: str, **arguments: Any) -> Any:
        said = json.dumps({"folder": str(tmp_path), **arguments})
        path = (packages.ROOT, packages.ROOT / "datasource")
        done = cloud_init.python(str(HERE / "inside.py"), function, said, path=path)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    return call


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Which versions were tested: with the archive's newest out of reach, that must not go unseen."""
    for folder in sorted(packages.STORE.glob("*/version")):
        terminalreporter.write_line(f"cloud-init of {folder.parent.name}: {folder.read_text()}")
