"""`handle`: cloud-init's entry point, in both ways of calling it; nothing it says holds what an exception quotes."""

from __future__ import annotations

import inspect
import logging

import pytest

import cc_blockstore
from blockstore.report import Report
from cc_blockstore import bootstrap
from cc_blockstore.bootstrap import Verdict

PLANTED = "Plant3dS3cret"
REPORT = Report("i-1", "iqn", "now", 1)
CFG, CLOUD = {"blockstore": {}}, object()
CALLS = {
    "22.4": lambda: cc_blockstore.handle("blockstore", CFG, CLOUD, logging.getLogger(), []),
    "23.2": lambda: cc_blockstore.handle(name="blockstore", cfg=CFG, cloud=CLOUD, args=[]),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def outcome(monkeypatch: pytest.MonkeyPatch, result: Verdict | Exception) -> list[tuple[object, object]]:
    given: list[tuple[object, object]] = []

    def at_boot(cfg: object, cloud: object) -> Verdict:
        given.append((cfg, cloud))
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(bootstrap, "at_boot", at_boot)
    return given


@each_call
def test_both_calls_hand_over_the_same_and_are_silent_where_all_is_well(monkeypatch, caplog, call):
    given = outcome(monkeypatch, Verdict(REPORT))
    call()
    assert given == [(CFG, CLOUD)]
    assert caplog.records == []


@each_call
def test_a_failed_volume_is_one_warning(monkeypatch, caplog, call):
    outcome(monkeypatch, Verdict(REPORT, "data: no answer"))
    call()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("WARNING", "blockstore: data: no answer")]


@each_call
def test_a_required_one_is_an_error(monkeypatch, caplog, call):
    outcome(monkeypatch, Verdict(REPORT, "", "required volumes are missing: data"))
    with pytest.raises(RuntimeError, match=r"^required volumes are missing: data$") as raised:
        call()
    assert raised.value.__cause__ is None
    assert caplog.records == []


@each_call
@pytest.mark.parametrize("error", [ValueError(PLANTED), KeyError(PLANTED), OSError(PLANTED), RecursionError(PLANTED)])
def test_the_unexpected_is_one_warning_without_its_text(monkeypatch, caplog, capsys, call, error):
    outcome(monkeypatch, error)
    call()
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert type(error).__name__ in record.getMessage()
    assert record.exc_info is None
    assert PLANTED not in caplog.text + "".join(capsys.readouterr())


def test_what_cloud_init_asks_of_a_module():
    assert cc_blockstore.meta["frequency"] == "always"
    assert cc_blockstore.meta["distros"] == ["all"]
    assert cc_blockstore.meta["activate_by_schema_keys"] == []
    assert len(inspect.signature(cc_blockstore.handle).parameters) == 2, "five would be called with a logger, and deprecated"
