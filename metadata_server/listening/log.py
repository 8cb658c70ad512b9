"""Logs: one line an event, as text for people or as JSON for programs, each with the id of the request that it belongs to."""

from __future__ import annotations

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

from metadata_server.listening.settings import LogSettings

# The id of the request that is being answered; "" outside of one.
REQUEST: ContextVar[str] = ContextVar("request", default="")

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


class TextFormatter(_Formatter):
    """``LEVEL logger: message key=value [request id]``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        caught = f": {self.formatException(record.exc_info)}" if record.exc_info else ""
        request = REQUEST.get()
        text = f"{record.name}: {record.getMessage()}{caught}{fields}{f' [{request}]' if request else ''}"
        return f"{record.levelname} {text.translate(_ESCAPED)}"


class JsonFormatter(_Formatter):
    """One JSON object a line: time, level, logger, message, request_id, and the event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        words: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage(),
        }  # fmt: skip
        if request := REQUEST.get():
            words["request_id"] = request
        if record.exc_info:
            words["exception"] = self.formatException(record.exc_info)
        return json.dumps({**words, **_fields(record)}, default=str)


FORMATTERS: dict[str, type[_Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def configure(settings: LogSettings, *, verbose: bool) -> None:
    """Log to stderr, for the whole process."""
    # What no line of ours says, and is looked up for every record (logging's HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[settings.form]())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    found = getattr(record, "fields", None)
    return found if isinstance(found, dict) else {}
