"""The instance's own files at every moment of a recording: as they are, and as a power cut would leave them at worst.

What a power cut may lose is what was not made durable: the content of a file that nobody synced, a name whose folder nobody
synced. The recording tells which were (it watches os.fsync); a durable file's new parent folders count as durable with it,
since the journals of ext4 and XFS keep that order.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.log import Mark

KEPT = ("etc", "var")  # run/ is in memory and is gone after a power cut


@dataclass(frozen=True)
class Node:
    """A file, folder or link: ``kind`` is f, d or l; ``text`` the content or the link's target, as latin-1."""

    kind: str
    mode: int
    text: str = ""
    inode: int = field(default=0, compare=False)


Tree = dict[str, Node]


def look(root: Path) -> Tree:
    """All that is kept, by path below the root. What vanishes meanwhile is not there."""
    found: Tree = {}
    for top in KEPT:
        for path in (root / top, *sorted((root / top).rglob("*"))):
            try:
                found[str(path.relative_to(root))] = _node(path)
            except FileNotFoundError:
                continue
    return found


def _node(path: Path) -> Node:
    status = path.lstat()
    if path.is_symlink():
        return Node("l", 0, os.readlink(path), status.st_ino)
    if path.is_dir():
        return Node("d", status.st_mode & 0o7777, "", status.st_ino)
    return Node("f", status.st_mode & 0o7777, path.read_bytes().decode("latin-1"), status.st_ino)


def restore(tree: Tree, root: Path) -> None:
    """Make an instance's root with these files: a machine that booted again."""
    shutil.rmtree(root, ignore_errors=True)
    for name in ("etc", "var/lib", "run"):
        (root / name).mkdir(parents=True)
    for name in ("sys", "proc", "dev"):
        (root / name).symlink_to(f"/{name}")
    for name, node in sorted(tree.items()):
        path = root / name
        if node.kind == "d":
            path.mkdir(parents=True, exist_ok=True)
        elif node.kind == "l":
            path.symlink_to(node.text)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(node.text.encode("latin-1"))
        if node.kind != "l":
            path.chmod(node.mode)


@dataclass
class Durable:
    """What would be there after a power cut at worst."""

    tree: Tree
    synced: dict[int, str] = field(default_factory=dict)

    def file_synced(self, name: str, now: Tree) -> None:
        """fsync(2) of a file: its content, wherever it will be renamed to."""
        node = now[name]
        self.synced[node.inode] = node.text
        if name in self.tree and self.tree[name].inode == node.inode:
            self.tree[name] = node

    def folder_synced(self, name: str, now: Tree) -> None:
        """fsync(2) of a folder: the names in it, and the folder itself with its parents."""
        for path in [path for path in self.tree if _inside(path, name) and path not in now]:
            for gone in [each for each in self.tree if each == path or each.startswith(f"{path}/")]:
                del self.tree[gone]
        for parent in (name, *(str(each) for each in Path(name).parents if str(each) != ".")):
            self.tree[parent] = now[parent]
        for path, node in now.items():
            if _inside(path, name):
                self.tree[path] = self._kept(node)

    def _kept(self, node: Node) -> Node:
        if node.kind != "f" or self.synced.get(node.inode) == node.text:
            return node
        return Node("f", node.mode, self.synced.get(node.inode, ""), node.inode)


def _inside(path: str, folder: str) -> bool:
    return path.rpartition("/")[0] == folder


class Watcher:
    """Notices changes, keeps every version of the tree in a file, and gives the marks for the log: ``tree NOW WORST``."""

    def __init__(self, root: Path, store: Path) -> None:
        self._root, self._store = root, store / "trees"
        self._store.mkdir()
        self._versions: list[Tree] = []
        self._now = look(root)
        self._durable = Durable(dict(self._now), {node.inode: node.text for node in self._now.values() if node.kind == "f"})
        self._told: tuple[int, int] | None = None

    def look(self) -> Iterator[Mark]:
        """A mark where something changed since the last look."""
        self._now = look(self._root)
        told = self._version(self._now), self._version(self._durable.tree)
        if told != self._told:
            self._told = told
            yield Mark("tree", f"{told[0]} {told[1]}")

    def synced(self, name: str) -> None:
        """A file or folder (path below the root) was made durable; `look` has been called just before."""
        if name not in self._now:
            return
        if self._now[name].kind == "d":
            self._durable.folder_synced(name, self._now)
        else:
            self._durable.file_synced(name, self._now)

    def _version(self, tree: Tree) -> int:
        if tree not in self._versions:
            (self._store / str(len(self._versions))).write_text(dump(tree))
            self._versions.append(dict(tree))
        return self._versions.index(tree)


def dump(tree: Tree) -> str:
    return json.dumps({name: [node.kind, node.mode, node.text] for name, node in sorted(tree.items())})


def load(text: str) -> Tree:
    return {name: Node(*words) for name, words in json.loads(text).items()}
