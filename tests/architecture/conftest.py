"""The source tree as the tests of architecture read it: parsed, never imported."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("blockstore", "cc_blockstore", "datasource", "metadata_server", "testbed")


class Source:
    """One file of the tree."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path.relative_to(ROOT))
        self.text = path.read_text()
        self.tree = ast.parse(self.text)

    @functools.cache  # noqa: B019 - lives as long as the tests
    def imports(self) -> set[str]:
        """The modules that it imports, by their full names; those of type checking do not count."""
        found: set[str] = set()
        for node in self._nodes():
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.level == 0, f"{self.name}: a relative import"
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        return found

    def _nodes(self) -> Iterator[ast.AST]:
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                continue
            yield node
            waiting += ast.iter_child_nodes(node)

    def functions(self) -> list[tuple[str, int]]:
        """Name and length in lines of every function."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return [
            (f"{self.name}:{node.name}", (node.end_lineno or 0) - node.lineno + 1)
            for node in ast.walk(self.tree)
            if isinstance(node, kinds)
        ]


def below(*folders: str) -> list[Source]:
    """Every Python file below these folders; a file stands for itself."""
    return [source for folder in folders for source in _below(folder)]


@functools.cache
def _below(folder: str) -> tuple[Source, ...]:
    top = ROOT / folder
    return tuple(Source(path) for path in ([top] if top.is_file() else sorted(top.rglob("*.py"))))


def reaches(imports: set[str], *modules: str) -> set[str]:
    """Those of the imports that are one of the modules, or inside of one."""
    return {name for name in imports if any(name == module or name.startswith(f"{module}.") for module in modules)}


@pytest.fixture(scope="session")
def root() -> Path:
    """The source tree."""
    return ROOT
