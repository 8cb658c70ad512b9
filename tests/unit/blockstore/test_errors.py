"""The errors' texts: one sentence, with the hint, with every fault."""

from __future__ import annotations

import inspect

import pytest

from blockstore import errors
from blockstore.errors import (
    BlockstoreError,
    CommandFailed,
    CommandTimedOut,
    DeadlineExceeded,
    DocumentInvalid,
    Fault,
    Refused,
    ServiceDenied,
)

TEXTS = [
    (BlockstoreError("it failed"), "it failed"),
    (BlockstoreError("it failed", hint="try again"), "it failed (try again)"),
    (Refused("refusing to x", hint="do y"), "refusing to x (do y)"),
    (CommandFailed("mkfs /dev/sda", 1, "", ""), "mkfs /dev/sda ended with 1"),
    (CommandFailed("mkfs", 1, "", "first\nlast\n"), "mkfs ended with 1: first; last"),
    (CommandFailed("mkfs", 1, "said\n", "\n"), "mkfs ended with 1: said"),
    (CommandTimedOut("mkfs", 30, "", "half a line"), "mkfs did not end within 30 s"),
    (DeadlineExceeded("the disk", 59.6), "waited 60 s for the disk"),
    (DeadlineExceeded("the disk", 0.1, "nothing"), "waited 0.1 s for the disk, last saw nothing"),
    (DeadlineExceeded("the disk", 0, "nothing"), "the deadline had passed before the disk, last saw nothing"),
    (DeadlineExceeded("the disk", 60, "nothing"), "waited 60 s for the disk, last saw nothing"),
    (DocumentInvalid([Fault("a.b", "is bad"), Fault("", "is worse")]), "a.b: is bad; is worse"),
    (DocumentInvalid([Fault("a", "is bad")], hint="see x"), "a: is bad (see x)"),
    (ServiceDenied(401, "no", hint="token?"), "no (token?)"),
]


@pytest.mark.parametrize(("error", "text"), TEXTS)
def test_text(error, text):
    assert str(error) == text


def test_facts_are_kept_beside_the_text():
    failed = CommandTimedOut("mkfs", 30, "out", "err")
    assert (failed.command, failed.code, failed.stdout, failed.stderr) == ("mkfs", -15, "out", "err")
    assert ServiceDenied(403, "no").status == 403
    assert DocumentInvalid(iter([Fault("a", "b")])).faults == (Fault("a", "b"),)
    waited = DeadlineExceeded("x", 3, "y")
    assert (waited.waited_for, waited.seconds, waited.last) == ("x", 3, "y")


def test_every_error_is_in_the_tree_drawn_at_the_top():
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, BaseException):
            assert issubclass(kind, BlockstoreError)
            assert name in str(errors.__doc__)
