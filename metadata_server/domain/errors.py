"""What the server refuses, drawn as a tree; ``api/errors.py`` holds the one table from these to HTTP.

::

    ServerError                 base: one sentence, and a hint
    +-- NotFound                no such volume, instance or attachment (for the one who asks)
    +-- Invalid                 the request can never be right
    +-- Conflict                the request is right, the state is not: another instance, another initiator, wrong order
    +-- OverLimit                   a quota would be exceeded
    +-- Unavailable             something that the server needs does not work now (the target daemon, the disk)
"""

from __future__ import annotations

from blockstore.errors import BlockstoreError


class ServerError(BlockstoreError):
    """Base of what the server refuses."""


class NotFound(ServerError):
    """There is no such thing, or it is none of the caller's business: both sound the same."""


class Invalid(ServerError):
    """The request can never be right."""


class Conflict(ServerError):
    """The request is right, but what it is about is not in a state for it."""


class OverLimit(ServerError):
    """A quota that the operator set would be exceeded."""


class Unavailable(ServerError):
    """The target daemon or the disk did not do what was needed; nothing was changed, and a retry may succeed."""
