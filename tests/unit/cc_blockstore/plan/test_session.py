"""docs/reuse-rules.md, "session"."""

from __future__ import annotations

import pytest

from cc_blockstore.plan.decision import Refuse
from cc_blockstore.plan.session import Connected, decide
from tests.unit.rules import action, row, same

TABLE = [
    row("session-1", "keep", Connected.YES, False),
    row("session-2", "wait", Connected.RECOVERING, False),
    row("session-3", "refuse", Connected.NO, False),
    row("session-4", "do", Connected.NO, True),
]


def test_the_page_holds_the_same_rows():
    same("session", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    seen, credentials = given
    assert action(decide(seen, "iqn LUN 1 at 10.0.0.1:3260", credentials=credentials)) == expected


@pytest.mark.parametrize("seen", [Connected.YES, Connected.RECOVERING])
def test_a_session_that_is_there_needs_no_credentials(seen):
    assert decide(seen, "x", credentials=True) == decide(seen, "x", credentials=False)


def test_the_refusal_says_where():
    decision = decide(Connected.NO, "iqn.2010-10.org.openstack:v LUN 1", credentials=False)
    assert isinstance(decision, Refuse)
    assert "iqn.2010-10.org.openstack:v LUN 1" in decision.why
