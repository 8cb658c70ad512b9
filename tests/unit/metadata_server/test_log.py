"""A line that no record was made for is the one that logging would have written; where somebody else listens, one is made."""

from __future__ import annotations

import io
import json
import logging

import pytest

from metadata_server.listening.log import FORMATTERS, REQUEST, Lines, event

FIELDS = {"status": 204, "ms": 1.5, "route": "/v3/volumes/{identifier}"}
NAME = "metadata_server.test_log"


@pytest.fixture(params=FORMATTERS)
def lines(request):
    """The one handler of a logger of its own, and a request under way."""
    handler = Lines(FORMATTERS[request.param]())
    handler.stream = io.StringIO()
    logger = logging.getLogger(NAME)
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    token = REQUEST.set("req-1")
    yield handler
    REQUEST.reset(token)
    logger.removeHandler(handler)
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
    logger.filters.clear()


def told(handler):
    text = handler.stream.getvalue()
    handler.stream = io.StringIO()
    return text


def same(text):
    """The time aside."""
    return {**json.loads(text), "time": ""} if text.startswith("{") else text


def test_both_ways_write_the_same_line(lines, monkeypatch):
    logger = logging.getLogger(NAME)
    monkeypatch.setattr(logger, "handlers", [lines])  # pytest listens, too, at any other time
    logger.log(logging.INFO, "answered", extra={"fields": FIELDS})
    by_record = told(lines)
    monkeypatch.setattr(logger, "handle", lambda _: pytest.fail("a record was made"))
    event(logger, logging.INFO, "answered", FIELDS)
    by_event = told(lines)
    assert same(by_event) == same(by_record)
    assert "req-1" in by_event
    assert by_event.endswith("\n")


def test_nobody_writes_a_line_of_his_own(lines, monkeypatch):
    monkeypatch.setattr(logging.getLogger(NAME), "handlers", [lines])
    event(logging.getLogger(NAME), logging.INFO, "answered", {"route": "a\nERROR forged\r\x1b[2J\u2028b"})
    text = told(lines)
    assert len(text.splitlines()) == 1
    assert "forged" in text
    assert "\x1b" not in text


def test_who_else_listens_hears_of_it(lines):
    logger, heard = logging.getLogger(NAME), []
    another = logging.Handler()
    another.emit = heard.append
    logger.addHandler(another)
    event(logger, logging.INFO, "answered", FIELDS)
    logger.removeHandler(another)
    assert heard[0].fields == FIELDS
    assert "answered" in told(lines)


@pytest.mark.parametrize("place", ["logger", "handler"])
def test_what_is_filtered_is_not_written(lines, place, monkeypatch):
    monkeypatch.setattr(logging.getLogger(NAME), "handlers", [lines])
    (logging.getLogger(NAME) if place == "logger" else lines).addFilter(lambda _: False)
    event(logging.getLogger(NAME), logging.INFO, "answered", FIELDS)
    assert told(lines) == ""


def test_a_log_that_cannot_be_written_is_no_fault(lines, monkeypatch):
    monkeypatch.setattr(logging.getLogger(NAME), "handlers", [lines])
    lines.stream.close()
    event(logging.getLogger(NAME), logging.INFO, "answered", FIELDS)
    lines.stream = io.StringIO()
