"""Guests for the tests of this folder: images built once, a factory for machines, and their last words when a test fails."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from testbed import image
from testbed.__main__ import newest_packages
from testbed.guest import Guest
from testbed.image import Image
from testbed.prerequisites import missing

_failed = pytest.StashKey[bool]()

BootGuest = Callable[..., Guest]


@pytest.fixture(scope="session")
def images() -> Callable[[str], Image]:
    """The image of a suite with the project's newest package installed, if one was built."""
    absent = missing()
    if absent:
        pytest.fail(f"the testbed needs these Debian packages: apt-get install {' '.join(absent)}", pytrace=False)
    return lambda suite: image.build(suite, newest_packages())


@pytest.fixture
def new_guest(images: Callable[[str], Image], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[BootGuest]:
    """A factory: `new_guest("trixie", name="a", seed_iso=…)` gives a `Guest` that is off, with a folder of its own.

    All of them are killed when the test ends; when it fails, the report has each one's diagnosis.
    """
    guests: list[Guest] = []
    with ExitStack() as stack:

        def make(suite: str, *, name: str | None = None, **options: Any) -> Guest:
            directory = tmp_path / (name or suite)
            guests.append(stack.enter_context(Guest(images(suite), directory, **options)))
            return guests[-1]

        yield make
        if request.node.stash.get(_failed, False):
            for guest in guests:
                request.node.add_report_section("teardown", "guest", guest.diagnosis())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[_failed] = report.failed
        # A failed wait has the diagnosis in its text already; the teardown's section would say it twice.
        if report.failed and "GuestFailed" in str(report.longrepr):
            item.stash[_failed] = False
    return report
