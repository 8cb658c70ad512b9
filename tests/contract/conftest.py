"""The three cloud-init versions as a parameter, and a way to ask the functions of ``inside.py`` with one of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import cloud_init as packages  # noqa: E402

Inside = Callable[..., Any]


@pytest.fixture(scope="session", params=list(packages.SUITES))
def cloud_init(request: pytest.FixtureRequest) -> packages.CloudInit:
    return packages.unpacked(request.param)


@pytest.fixture(scope="session")
def asked(cloud_init: packages.CloudInit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A Python with this cloud-init imported, which forks for each question."""
    log = tmp_path_factory.mktemp("inside") / "log"
    command = [sys.executable, str(HERE / "inside.py")]
    environment = cloud_init.environment(packages.ROOT, packages.ROOT / "datasource")
    with log.open("w") as errors, subprocess.Popen(
        command, env=environment, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:  # fmt: skip
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def inside(asked: subprocess.Popen[str], tmp_path: Path) -> Inside:
    """Call a function of ``inside.py`` in a process of this cloud-init; its JSON comes back."""

    def call(function: str, **arguments: Any) -> Any:
        assert asked.stdin
        assert asked.stdout
        asked.stdin.write(json.dumps({"function": function, "folder": str(tmp_path), **arguments}) + "\n")
        asked.stdin.flush()
        assert asked.stdout.readline() == "done\n"
        said = json.loads((tmp_path / "answer.json").read_text())
        assert "error" not in said, said["error"]
        return said["answer"]

    return call


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Which versions were tested: with the archive's newest out of reach, that must not go unseen."""
    for folder in sorted(packages.STORE.glob("*/version")):
        terminalreporter.write_line(f"cloud-init of {folder.parent.name}: {folder.read_text()}")
