"""Both packages, built once from this tree, in two versions; and a guest's tree for each release."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import cache, layer

sys.path.insert(0, str(Path(__file__).parent))

from tree import Tree, build

NEWER = "99.0"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(tmp_path_factory.mktemp("debs"))


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(tmp_path_factory.mktemp("newer"), NEWER)


@pytest.fixture(scope="session", params=["bookworm", "trixie"])
def suite(request: pytest.FixtureRequest) -> Iterator[Tree]:
    """A release's tree, laid out once: that takes longer than what is tested in it."""
    if os.geteuid():
        pytest.skip("dpkg and chroot need root")
    with cache.scratch() as scratch:
        layer.unpack(layer.package_layer(request.param), scratch / "tree")
        yield Tree(scratch / "tree")


@pytest.fixture
def tree(suite: Tree) -> Iterator[Tree]:
    """The same tree for each test, without anything of ours: purging is tested with every one of them."""
    yield suite
    suite.dpkg("-P", "cloud-init-blockstore")
    assert suite.ours() == []
    for path in (suite.path / "etc/cloud/cloud.cfg.d").glob("[1-9]*.cfg"):
        path.unlink()
