"""tgt's words: a request to tgtd, whatever way it goes, and its errors by name (tgt: usr/tgtadm.h, usr/tgtadm_error.h)."""

from __future__ import annotations

import enum
from typing import NamedTuple, Protocol

from blockstore.secret import Secret
from metadata_server.domain.errors import Unavailable


class Operation(enum.IntEnum):
    """``enum tgtadm_op``."""

    NEW = 0
    DELETE = 1
    SHOW = 2
    BIND = 3
    UNBIND = 4
    UPDATE = 5


class Mode(enum.IntEnum):
    """``enum tgtadm_mode``."""

    SYSTEM = 0
    TARGET = 1
    LOGICALUNIT = 2
    PORTAL = 3
    CONNECTION = 6
    ACCOUNT = 7


class Fault(enum.IntEnum):
    """``enum tgtadm_errno``, those that we tell apart."""

    NO_TARGET = 4
    NO_LUN = 5
    NO_SESSION = 6
    NO_CONNECTION = 7
    TARGET_EXIST = 9
    ACL_NOEXIST = 13
    USER_EXIST = 14
    NO_USER = 15
    LUN_ACTIVE = 20


class Request(NamedTuple):
    """One request. ``parameters`` are ``key=value``; a `Secret` among the values is revealed by the sender alone."""

    mode: Mode
    operation: Operation
    tid: int = 0
    lun: int = 0
    session: int = 0
    connection: int = 0
    outgoing: bool = False
    force: bool = False
    parameters: tuple[tuple[str, str | Secret], ...] = ()

    def __str__(self) -> str:
        words = [self.operation.name.lower(), self.mode.name.lower(), f"tid={self.tid}"]
        return " ".join([*words, *(f"{key}={value}" for key, value in self.parameters)])

    def payload(self) -> str:
        """The parameters as tgtd reads them. Holds the secrets in the clear."""
        told = [f"{key}={value.reveal() if isinstance(value, Secret) else value}" for key, value in self.parameters]
        return ",".join(told)


class TgtError(Unavailable):
    """tgtd refused a request; ``code`` is its ``enum tgtadm_errno`` (0 where it gave none)."""

    def __init__(self, request: Request, code: int, reason: str = "") -> None:
        self.code = code
        named = code in Fault._value2member_map_
        super().__init__(f"tgtd refused {request}: {reason or (Fault(code).name.lower() if named else f'error {code}')}")


class Control(Protocol):
    """A way to tgtd."""

    def send(self, request: Request) -> str:
        """The answer's text. Raises `TgtError` when tgtd refuses, `Unavailable` when there is no tgtd."""
