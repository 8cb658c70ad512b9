"""Every error of the project, drawn as a tree.

::

    BlockstoreError              what failed, and what to do about it
    +-- DocumentInvalid          a document has faults; all of them, each with its path
    +-- CommandFailed            a program ended with a code that its caller does not accept
    |   +-- CommandTimedOut      a program did not end within its time
    +-- DeadlineExceeded         a condition did not come true in time; says what was last seen
    +-- Refused                  in doubt about somebody's data: nothing was done
    +-- LoginFailed              a transport could not connect the volume
    +-- DeviceMissing            the volume is connected, but no device appeared
    +-- ServiceError             the metadata service did not give what was asked
        +-- ServiceUnreachable   no answer at all
        +-- ServiceDenied        an answer that says no (status code and message)

No message of these may hold a secret: what they quote is masked where it is made (`blockstore.run.Command`).
"""

from __future__ import annotations

from collections.abc import Iterable

from blockstore.values import dataclass


class BlockstoreError(Exception):
    """Base of all errors that a user may see: one sentence of what failed, and a hint of what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


# Of what a program said, this much is told in a sentence; all of it stays in the error's attributes.
LONGEST_OUTPUT = 400


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a document: where (``volumes.data.mount``) and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentInvalid(BlockstoreError):
    """A document was read and has faults; raised once, with all of them."""

    def __init__(self, faults: Iterable[Fault], *, hint: str = "") -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults), hint=hint)


class CommandFailed(BlockstoreError):
    """A program ended with an exit code that its caller does not accept.

    ``command`` is the masked rendering; ``code`` the exit code (negative: the signal); ``stdout`` and ``stderr``
    what it said, masked as well.
    """

    def __init__(self, command: str, code: int, stdout: str, stderr: str) -> None:
        self.command, self.code, self.stdout, self.stderr = command, code, stdout, stderr
        # All lines: mount(8) says what is wrong first and where to read on last, others the other way round.
        said = "; ".join(line.strip() for line in (stderr.strip() or stdout.strip()).splitlines() if line.strip())
        super().__init__(f"{command} ended with {code}" + (f": {said[:LONGEST_OUTPUT]}" if said else ""))


class CommandTimedOut(CommandFailed):
    """A program did not end within its time and was terminated."""

    def __init__(self, command: str, seconds: float, stdout: str, stderr: str) -> None:
        super().__init__(command, -15, stdout, stderr)
        self.message = f"{command} did not end within {seconds:.0f} s"


class DeadlineExceeded(BlockstoreError):
    """A condition did not come true in time; ``last`` says what was seen last."""

    def __init__(self, waited_for: str, seconds: float, last: str = "") -> None:
        self.waited_for, self.seconds, self.last = waited_for, seconds, last
        # Steps share one deadline: the one that finds it passed is seldom the one that was slow.
        waited = f"waited {seconds:.{0 if seconds >= 0.5 else 1}f} s for" if seconds else "the deadline had passed before"
        super().__init__(f"{waited} {waited_for}" + (f", last saw {last}" if last else ""))


class Refused(BlockstoreError):
    """Doing what was wished could touch data that nobody told us to touch; nothing was done."""


class LoginFailed(BlockstoreError):
    """The transport could not connect the volume: authentication, no answer, no such target."""


class DeviceMissing(BlockstoreError):
    """The volume is connected, but the kernel shows no device for it."""


class ServiceError(BlockstoreError):
    """The metadata service did not give what was asked."""


class ServiceUnreachable(ServiceError):
    """No answer from the metadata service: refused, timed out, not resolved."""


class ServiceDenied(ServiceError):
    """The metadata service answered that it will not; ``status`` is the HTTP status code."""

    def __init__(self, status: int, message: str, *, hint: str = "") -> None:
        self.status = status
        super().__init__(message, hint=hint)
