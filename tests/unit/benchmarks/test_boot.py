"""What the command line asks for."""

from __future__ import annotations

from benchmarks import boot
from benchmarks.boot import QUICK, Plan
from benchmarks.measure import FIRST_USE, RERUN, Contender


def plan(*words: str) -> Plan:
    return boot._plan(boot._parser().parse_args(words))


def test_the_whole_is_what_the_issue_names() -> None:
    assert plan() == Plan((1, 8, 32), 5, FIRST_USE)


def test_quick_is_short_and_leaves_nobody_out() -> None:
    assert plan("--quick") == QUICK
    assert QUICK.contenders == FIRST_USE


def test_numbers_rounds_and_contenders_may_be_chosen() -> None:
    assert plan("--volumes", "2,3", "--rounds", "1", "--only", "floor,blockstore") == Plan(
        (2, 3), 1, (Contender.FLOOR, Contender.OURS)
    )


def test_both_of_ours_are_one_program() -> None:
    assert Contender.STATIC.module == Contender.OURS.module == "blockstore"
    assert Contender.FLOOR not in RERUN
