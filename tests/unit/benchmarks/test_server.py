"""The pure parts of the server's benchmark: order, percentiles, ratios within a round, tables and the last line."""

from __future__ import annotations

import json

import pytest

from benchmarks import server
from benchmarks.service import summary, table, wrk
from benchmarks.service.cycle import found, percentile
from benchmarks.service.measure import Contender, Sample, Storm, Task
from benchmarks.service.samples import Samples
from benchmarks.service.storm import Tally, summed
from benchmarks.spread import Spread


def sample(contender: Contender, task: Task, rate: float, turn: int = 0, connections: int = 8) -> Sample:
    return Sample(contender, task, connections, turn, rate, 0.001, 0.02)


def storm(seconds: float, p99: float) -> Storm:
    return Storm(5000, seconds, 0, 0.01, p99, 1.5, 0, 0.2, 2.5, 61.0, 0.4)


@pytest.fixture
def samples() -> Samples:
    """A machine that is half as fast in the second round."""
    rates = {
        (Contender.OURS, Task.CYCLE): (200.0, 100.0), (Contender.CINDER, Task.CYCLE): (2.0, 1.0),
        (Contender.OURS, Task.SHOW): (3000.0, 1500.0), (Contender.CINDER, Task.SHOW): (100.0, 25.0),
        (Contender.SMALL, Task.SHOW): (3000.0, 1500.0), (Contender.LARGE, Task.SHOW): (2000.0, 1200.0),
        (Contender.SMALL, Task.CYCLE): (100.0, 50.0), (Contender.LARGE, Task.CYCLE): (100.0, 50.0),
    }  # fmt: skip
    return Samples(sample(*key, rate, turn) for key, both in rates.items() for turn, rate in enumerate(both))


def test_a_ratio_is_taken_within_its_round(samples: Samples) -> None:
    assert samples.ratio((Contender.OURS, Task.CYCLE), (Contender.CINDER, Task.CYCLE)) == Spread(100, 100, 100)
    assert samples.ratio((Contender.OURS, Task.SHOW), (Contender.CINDER, Task.SHOW)) == Spread(45, 30, 60)


def test_one_that_answered_nothing_has_no_ratio() -> None:
    none = Samples([sample(Contender.OURS, Task.CYCLE, 5), sample(Contender.CINDER, Task.CYCLE, 0)])
    assert none.ratio((Contender.OURS, Task.CYCLE), (Contender.CINDER, Task.CYCLE)) is None


def test_the_last_line(samples: Samples) -> None:
    assert json.loads(summary.line(samples, [storm(60, 0.25), storm(0, 3.0)])) == {
        "cycle_vs_cinder": 100,
        "show_vs_cinder": 45,
        "first_fetch_vs_nova": None,
        "repeat_fetch_vs_nova": None,
        "share_of_bare_framework": None,
        "cost_100k_vs_100": 1.375,  # the worst of the tasks: of the cycle it is 1
        "storm_p99_s": 0.25,
    }


def test_the_last_line_of_nothing_is_one_line_of_nulls() -> None:
    said = summary.line(Samples([]), [])
    assert "\n" not in said
    assert set(json.loads(said).values()) == {None}


def test_the_tables(samples: Samples) -> None:
    said = table.tables(samples, [storm(60, 0.25), storm(0, 3.0)])
    assert "### Reserve, connector, complete, detach" in said
    assert "| blockstore | 150 (100–200) | 1.0 / 20.0 |" in said
    assert "| cinder-api | 1.5 (1.0–2.0) | 1.0 / 20.0 |" in said
    assert "| 5000 instances, all at once | 0.010 | 3.000 | 1.500 | 0 | 0.20 | 2.50 | 61.0 | 0 | 0.40 |" in said
    for part in said.split("\n\n"):
        rows = [row for row in part.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, part


def test_errors_are_shown() -> None:
    wrong = Sample(Contender.OURS, Task.SHOW, 8, 0, 10, 0.5, 0.6, errors=3)
    assert "500 / 600, 3 errors" in table.tables(Samples([wrong]), [])


def test_rounds_alternate_and_compare_neighbours() -> None:
    asks = [
        (Contender.OURS, Task.SHOW), (Contender.OURS, Task.CYCLE), (Contender.SMALL, Task.SHOW), (Contender.CINDER, Task.SHOW),
        (Contender.CINDER, Task.CYCLE),
    ]  # fmt: skip
    first, second = (list(server.ordered(asks, (1, 8), turn)) for turn in (0, 1))
    assert [task for _, task, count in first if count == 1] == [Task.SHOW, Task.SHOW, Task.CYCLE, Task.CYCLE]
    assert second[:4] == list(reversed(first[:4]))
    # How large the database is does not matter more at one connection than at another.
    assert [count for contender, _, count in first if contender is Contender.SMALL] == [8]


@pytest.mark.parametrize(("percent", "value"), [(50, 2), (75, 3), (99, 4), (100, 4)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile([1, 2, 3, 4], percent) == value


def test_nothing_has_no_percentile_but_a_rate_of_zero() -> None:
    assert percentile([], 99) == 0
    assert found([], 2.0, 1).rate == 0


def test_a_storm_is_summed_up() -> None:
    tally = Tally(requests=[0.1, 2.5, 0.2], boots=[3.0, 1.0], errors=1)
    assert summed(tally, 2, 0, 4.0, 0.5) == Storm(2, 0, 1, 0.2, 2.5, 2.5, 1, 1.0, 3.0, 4.0, 0.5)


def test_what_wrk_said() -> None:
    text = 'Running 2s test\n  x\n\n{"seconds": 2.0, "requests": 300, "errors": 1, "p50": 0.001, "p99": 0.009}\n'
    assert wrk.read(text) == wrk.Found(150.0, 0.001, 0.009, 1)


def test_a_request_as_the_script_reads_it() -> None:
    assert wrk.Asked("/v1/x", {"Authorization": "Bearer t", "A": "b"}).line() == "/v1/x\tAuthorization: Bearer t\tA: b"
