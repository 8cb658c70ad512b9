"""What iscsiadm says: its exit codes by name (iscsiadm(8), EXIT STATUS) and its words about one target of a batch."""

from __future__ import annotations

import enum
import re

from blockstore.errors import LoginFailed
from blockstore.iscsi import IscsiPath


class Exit(int, enum.Enum):
    """Exit codes that a login may give. A batch ends with the first error's code; the other targets are tried all the same."""

    OK = 0
    GENERIC = 1
    LOGIN = 5
    DATABASE = 6
    TIMEOUT = 8
    TRANSPORT_TIMEOUT = 11
    TRANSPORT_MODULE = 12
    SESSION_EXISTS = 15
    LOGIN_TRANSPORT = 4
    FATAL_LOGIN = 19
    NO_DAEMON = 20
    NO_RECORDS = 21
    AUTHENTICATION = 24


# In the words of the report; what is not here is told with iscsiadm's own.
_MEANING = {
    Exit.AUTHENTICATION: ("authentication refused by {portal}", "the CHAP secret or the initiator name is not the target's"),
    Exit.LOGIN_TRANSPORT: ("no answer from {portal}", "is the portal up, and does the network lead there?"),
    Exit.TIMEOUT: ("no answer from {portal}", "is the portal up, and does the network lead there?"),
    Exit.TRANSPORT_TIMEOUT: ("no answer from {portal}", "is the portal up, and does the network lead there?"),
    Exit.NO_DAEMON: ("iscsid does not run, so {portal} cannot be reached", "systemctl status iscsid"),
    Exit.TRANSPORT_MODULE: ("the kernel has no module iscsi_tcp, so {portal} cannot be reached", "modprobe iscsi_tcp"),
    Exit.FATAL_LOGIN: ("{portal} refused the login", "does the target still exist there?"),
}

# Compiled where something went wrong.
_FAILED = r"Could not login to \[iface: [^,]*, target: (?P<iqn>[^,]*), portal: (?P<host>[^,\]]*),(?P<port>\d+)\]"
_ERROR = r"initiator reported error \((?P<code>\d+) - (?P<text>.*)\)"
_CODE = r"(?m)^exit code (?P<code>\d+)$"


def reason(output: str, path: IscsiPath) -> LoginFailed:
    """Why this path has no session after a batch: from the two lines that iscsiadm prints for each failed target, else
    from its exit code."""
    lines = output.splitlines()
    for line, following in zip(lines, [*lines[1:], ""]):
        failed, error = re.search(_FAILED, line), re.search(_ERROR, following)
        if failed and error and _same(failed, path):
            return _explained(int(error["code"]), error["text"], path)
    # The exit code is that of the first target that failed: where iscsiadm names others, it is theirs.
    code = None if re.search(_FAILED, output) else re.search(_CODE, output)
    return _explained(int(code["code"]) if code else 1, "iscsiadm said nothing of this target", path)


def _same(failed: re.Match[str], path: IscsiPath) -> bool:
    host = failed["host"].strip("[]")
    return (failed["iqn"], host, int(failed["port"])) == (path.iqn, path.portal.host, path.portal.port)


def _explained(code: int, text: str, path: IscsiPath) -> LoginFailed:
    known = next((_MEANING[each] for each in _MEANING if each == code), None)
    if known is None:
        return LoginFailed(f"login to {path.portal} failed: {text} (iscsiadm code {code})")
    return LoginFailed(known[0].format(portal=path.portal), hint=known[1])
