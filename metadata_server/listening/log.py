"""Logs: one line an event, as text for people or as JSON for programs, each with the id of the request that it belongs to."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from time import time
from types import TracebackType
from typing import TextIO

from metadata_server.listening.settings import LogSettings

# The id of the request that is being answered; "" outside of one.
REQUEST: ContextVar[str] = ContextVar("request", default="")

Fields = Mapping[str, object]
Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
# What others log at these levels is of no use to an operator (Alembic: every start).
QUIET = ("alembic", "uvicorn.error", "asyncio")
# A line of a log stays one line, whatever somebody sent us.
_ESCAPED = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))} | {0x2028: "\\u2028", 0x2029: "\\u2029"}


class _Formatter(logging.Formatter):
    """Of an exception only its kind and where it came from: its text may quote a value, and that may be a secret."""

    def formatException(self, ei: Caught) -> str:
        kind, _, trace = ei
        frames = traceback.extract_tb(trace)
        where = " < ".join(f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in reversed(frames))
        return f"{kind.__name__ if kind else 'nothing'} in {where}"

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        caught = self.formatException(record.exc_info) if record.exc_info else ""
        return self.line(record.levelname, record.name, record.getMessage(), _fields(record), record.created, caught)

    def line(self, level: str, name: str, message: str, fields: Fields, created: float, caught: str = "") -> str:
        """The same, without a record."""
        raise NotImplementedError


class TextFormatter(_Formatter):
    """``LEVEL logger: message key=value [request id]``."""

    def line(self, level: str, name: str, message: str, fields: Fields, created: float, caught: str = "") -> str:
        """See `_Formatter.line`."""
        parts = [f"{level} {name}: {message}", f": {caught}" if caught else ""]
        parts += [f" {key}={value}" for key, value in fields.items()]
        if request := REQUEST.get():
            parts.append(f" [{request}]")
        text = "".join(parts)
        return text if text.isprintable() else text.translate(_ESCAPED)


class JsonFormatter(_Formatter):
    """One JSON object a line: time, level, logger, message, request_id, and the event's own fields."""

    def line(self, level: str, name: str, message: str, fields: Fields, created: float, caught: str = "") -> str:
        """See `_Formatter.line`."""
        words: dict[str, object] = {
            "time": datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds"),
            "level": level.lower(), "logger": name, "message": message,
        }  # fmt: skip
        if request := REQUEST.get():
            words["request_id"] = request
        if caught:
            words["exception"] = caught
        return json.dumps({**words, **fields}, default=str)


class Lines(logging.StreamHandler[TextIO]):
    """To stderr."""

    def __init__(self, form: _Formatter) -> None:
        super().__init__()
        self.setFormatter(form)
        self.form = form

    def say(self, text: str) -> None:
        """A line that is written already."""
        with (
            self.lock or nullcontext(),
            suppress(OSError, ValueError),
        ):  # as for logging, a log that cannot be written is no fault
            self.stream.write(f"{text}\n")  # stderr goes out line by line (sys.stderr)


def event(logger: logging.Logger, level: int, message: str, fields: Fields) -> None:
    """As `logger.log` with these fields, for what it is enabled for. Where nobody but our handler would hear of it no record is
    made, which costs several times the line."""
    if (lines := _alone(logger)) is not None and level >= lines.level:
        lines.say(lines.form.line(logging.getLevelName(level), logger.name, message, fields, time()))
    else:
        logger.log(level, message, extra={"fields": fields})


def _alone(logger: logging.Logger) -> Lines | None:
    """Our handler, where it is the only one, and nothing filters what it is handed."""
    last = logger
    while not last.handlers and last.propagate and last.parent is not None:
        last = last.parent
    if len(last.handlers) != 1 or logger.filters or (last.propagate and last.parent is not None):
        return None
    [found] = last.handlers
    return found if isinstance(found, Lines) and not found.filters else None


FORMATTERS: dict[str, type[_Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def configure(settings: LogSettings, *, verbose: bool) -> None:
    """Log to stderr, for the whole process."""
    # What no line of ours says, and is looked up for every record (logging's HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handlers = [Lines(FORMATTERS[settings.form]())]
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=handlers, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _fields(record: logging.LogRecord) -> Fields:
    found = getattr(record, "fields", None)
    return found if isinstance(found, dict) else {}
