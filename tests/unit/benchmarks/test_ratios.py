"""Ratios are taken within a round; what was not measured is nothing, not zero."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import summary, table
from benchmarks.measure import Contender, Sample, Use
from benchmarks.page import END, placed
from benchmarks.ratios import Samples
from benchmarks.spread import Spread

STEP = {"step": "login", "changed": True, "start_ms": 10, "ms": 30}
DETAIL = {"import": 40.0, "prepare": 10, "volumes": 30, "after": 5, "steps": [STEP], "reasons": []}


def sample(
    contender: Contender, seconds: float, turn: int = 0, use: Use = Use.FIRST, volumes: int = 8, processes: int = 0
) -> Sample:
    detail = DETAIL if contender is Contender.OURS and use is Use.FIRST else {}
    return Sample(contender, use, volumes, turn, seconds, processes, processes + 5, detail)


@pytest.fixture
def samples() -> Samples:
    """A machine that is twice as slow in the second round."""
    return Samples(
        [
            *(sample(Contender.FLOOR, seconds, turn) for turn, seconds in enumerate((10.0, 20.0, 10.0))),
            *(sample(Contender.OURS, seconds, turn, processes=33) for turn, seconds in enumerate((11.0, 22.0, 12.0))),
            *(sample(Contender.RUNCMD, seconds, turn) for turn, seconds in enumerate((44.0, 66.0, 36.0))),
            *(sample(Contender.OURS, 0.5, turn, Use.RERUN, processes=count) for turn, count in enumerate((0, 1, 0))),
            sample(Contender.PYTHON_START, 0.3, use=Use.NONE, volumes=0),
            sample(Contender.EXCHANGE, 0.1, use=Use.NONE, volumes=0),
            sample(Contender.OURS, 0.1042, use=Use.NONE, volumes=0),
            sample(Contender.OURS, 0.13, use=Use.NONE_FIRST, volumes=0),
            sample(Contender.EXCHANGE, 0.002, use=Use.NONE_UNEMULATED, volumes=0),
            sample(Contender.OURS, 0.0035, use=Use.NONE_UNEMULATED, volumes=0),
        ]
    )


def test_a_ratio_is_taken_within_its_round(samples: Samples) -> None:
    assert samples.ratio(Contender.OURS, Contender.FLOOR, Use.FIRST, 8) == Spread(1.1, 1.1, 1.2)


def test_a_round_that_one_of_them_missed_does_not_count(samples: Samples) -> None:
    shorter = Samples([each for each in samples.all if not (each.contender is Contender.FLOOR and each.round == 2)])
    assert shorter.ratio(Contender.OURS, Contender.FLOOR, Use.FIRST, 8) == Spread(1.1, 1.1, 1.1)


def test_what_was_not_measured_has_no_ratio(samples: Samples) -> None:
    assert samples.ratio(Contender.OURS, Contender.OS_BRICK, Use.FIRST, 8) is None
    assert samples.ratio(Contender.OURS, Contender.FLOOR, Use.FIRST, 32) is None


def test_the_spread_shows_least_and_most() -> None:
    assert str(Spread.of([3.0, 1.0, 2.0])) == "2.00 (1.00–3.00)"
    assert Spread.of([]) is None


def test_the_last_line(samples: Samples) -> None:
    assert json.loads(summary.line(samples)) == {
        "8": {
            "first_vs_floor": 1.1,
            "first_vs_os_brick": None,
            "first_vs_runcmd": 0.333,
            "rerun_processes": 1,  # the worst of the rounds: "no process" is never a matter of the median
            "rerun_vs_python_start": 1.25,
        },
        "idle_ms": 4.2,
        "first_idle_ms": 30.0,
        "idle_unemulated_ms": 1.5,
    }


def test_the_last_line_is_one_line(samples: Samples) -> None:
    assert "\n" not in summary.line(samples)


def test_the_last_line_of_nothing() -> None:
    assert json.loads(summary.line(Samples([]))) == {
        "idle_ms": None,
        "first_idle_ms": None,
        "idle_unemulated_ms": None,
    }


def test_the_tables_have_a_row_for_each_that_was_measured(samples: Samples) -> None:
    said = table.tables(samples)
    assert "### First use, 8 volumes" in said
    assert "| runcmd script | 44.00 (36.00–66.00) | 3.60 (3.30–4.40) | 3.00 (3.00–4.00) | 0 | 5 |" in said
    assert "os-brick" not in said
    assert "| blockstore | 8 | 40 | 10 | 30 | 5 | 30 | 0 | 0 | 0 | 0 |" in said


def test_every_row_of_a_table_has_as_many_cells_as_its_head(samples: Samples) -> None:
    for part in table.tables(samples).split("\n\n"):
        rows = [row for row in part.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, part


def test_the_tables_take_the_place_of_older_ones() -> None:
    page = f"# Title\n<!-- measured: boot -->\nold\n{END}\nmore\n"
    assert placed(page, "boot", "new") == f"# Title\n<!-- measured: boot -->\n\nnew\n{END}\nmore\n"
    assert placed(placed(page, "boot", "new"), "boot", "new") == placed(page, "boot", "new")


def test_a_page_without_a_place_for_them_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        placed("# Title\n", "boot", "new")


def test_the_page_of_the_documentation_has_the_place() -> None:
    page = (Path(__file__).parents[3] / "docs/benchmarks.md").read_text()
    assert "new tables" in placed(page, "boot", "new tables")
