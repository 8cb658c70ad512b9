"""A sample of all crash states of all scenarios; `make crash` tries every one."""

from __future__ import annotations

from tests.crash.__main__ import failures, summary
from tests.crash.campaign import Options, campaign
from tests.crash.scenarios import SCENARIOS

SAMPLE = Options(seed=1, sample=12, deeper=1, deeper_sample=3)


def test_the_next_run_converges_and_loses_nothing(able: None) -> None:
    tried = campaign(SCENARIOS.values(), SAMPLE, jobs=2)
    assert not failures(tried), summary(tried)
    assert {each.scenario for each in tried} == set(SCENARIOS)
