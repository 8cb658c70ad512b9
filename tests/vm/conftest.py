"""Guests for the tests of this folder: images built once, a factory for machines, and their last words when a test fails."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from testbed import image
from testbed.guest import Guest
from testbed.image import SUITES, Image
from testbed.kind import INSTANCE, Kind
from testbed.prerequisites import missing
from tests.vm import lives

_guests = pytest.StashKey[list[Guest]]()

BootGuest = Callable[..., Guest]
Images = Callable[..., Image]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-suite", action="store_true", help="files that show the same on every release: on all of them")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> lives.Lives:
    return lives.Lives(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A file marked `newest` runs on the newest release alone, unless all are asked for: emulated guests are slow."""
    items[:] = lives.longest_first(items)
    if config.getoption("--every-suite", default=False):
        return
    older = [suite for suite in SUITES if suite != "trixie"]
    skipped = [each for each in items if each.get_closest_marker("newest") and any(suite in each.name for suite in older)]
    config.hook.pytest_deselected(items=skipped)
    items[:] = [each for each in items if each not in skipped]


@pytest.fixture(scope="session")
def images() -> Images:
    """The image of a suite and a kind, with the project's newest package for it installed, if one was built."""
    absent = missing()
    if absent:
        pytest.fail(f"the testbed needs these Debian packages: apt-get install {' '.join(absent)}", pytrace=False)
    return lambda suite, kind=INSTANCE: image.build(suite, kind.ours(), kind)


@pytest.fixture
def new_guest(images: Images, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[BootGuest]:
    """A factory: `new_guest("trixie", name="a", seed_iso=…)` gives a `Guest` that is off, with a folder of its own.

    All of them are killed when the test ends; when it fails, the report has each one's diagnosis.
    """
    yield from _factory(images, tmp_path, request)


@pytest.fixture(scope="module")
def new_module_guest(
    images: Images, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[BootGuest]:
    """The same for guests that live through all tests of a file."""
    yield from _factory(images, tmp_path_factory.mktemp("guests"), request)


def _factory(images: Images, folder: Path, request: pytest.FixtureRequest) -> Iterator[BootGuest]:
    guests = request.node.stash.setdefault(_guests, [])
    with ExitStack() as stack:

        def make(suite: str, *, name: str | None = None, kind: Kind = INSTANCE, **options: Any) -> Guest:
            guests.append(stack.enter_context(Guest(images(suite, kind), folder / (name or suite), **options)))
            return guests[-1]

        yield make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    # A failed wait has the diagnosis in its text already.
    if report.when in ("setup", "call") and report.failed and "GuestFailed" not in str(report.longrepr):
        for node in (item, item.parent):
            for guest in node.stash.get(_guests, []) if node else ():
                report.sections.append(("guest", guest.diagnosis()))
    return report
