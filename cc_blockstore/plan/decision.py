"""What a step may decide: leave it, do it, wait, or refuse."""

from __future__ import annotations

import enum

from blockstore.values import dataclass


class Verb(str, enum.Enum):
    """What is done, in the words of docs/reuse-rules.md. The last four write to the volume itself."""

    DO = "do"
    CREATE = "create"
    FINISH = "finish"
    GROW = "grow"
    OVERWRITE = "overwrite"


@dataclass(frozen=True)
class Keep:
    """As wished already; nothing is done."""

    why: str


@dataclass(frozen=True)
class Do:
    """Something is to be done; ``what`` says it in words for ``blockstore plan``."""

    what: str
    verb: Verb = Verb.DO


@dataclass(frozen=True)
class Wait:
    """Not yet to be decided: the kernel is still at work on ``what``."""

    what: str


@dataclass(frozen=True)
class Refuse:
    """Not done, because it might touch data that nobody told us to touch: found and wished, and what the user can do."""

    why: str
    hint: str = ""


Decision = Keep | Do | Wait | Refuse
