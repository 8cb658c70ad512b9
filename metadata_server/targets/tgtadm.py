"""The fallback, for a tgt whose control socket speaks another struct: the same requests through tgtadm(8).

It is chosen in the configuration (``control = "tgtadm"``) and never by itself: tgtadm takes a password on its argv
alone, where every user of the machine can read it while the call lasts.
"""

from __future__ import annotations

import re

from blockstore.errors import CommandFailed
from blockstore.run import Command, Runner, run
from blockstore.secret import Secret
from metadata_server.targets.tgt_request import Fault, Mode, Operation, Request, TgtError

TIMEOUT = 10.0

# Parameters of these names have an option of their own; the rest travels in --params.
_OPTIONS = {
    "targetname": "--targetname", "path": "--backing-store", "bstype": "--bstype", "user": "--user", "password": "--password",
    "initiator-name": "--initiator-name", "initiator-address": "--initiator-address",
}  # fmt: skip
_MESSAGES = (
    (re.compile("can't find the target"), Fault.NO_TARGET),
    (re.compile("this target already exists"), Fault.TARGET_EXIST),
    (re.compile("can't find the logical unit"), Fault.NO_LUN),
    (re.compile("can't find the session"), Fault.NO_SESSION),
    (re.compile("can't find the connection"), Fault.NO_CONNECTION),
    (re.compile("this account already exists"), Fault.USER_EXIST),
    (re.compile("can't find the account"), Fault.NO_USER),
    (re.compile("this access control rule does not exist"), Fault.ACL_NOEXIST),
    (re.compile("this logical unit is still active"), Fault.LUN_ACTIVE),
)


class TgtadmControl:
    """Requests through tgtadm; ``socket`` is the base path that it is told in TGT_IPC_SOCKET."""

    def __init__(self, socket: str, control: int, *, runner: Runner = run) -> None:
        self._socket, self._control, self._run = socket, control, runner

    def send(self, request: Request) -> str:
        """See `Control.send`."""
        secrets = tuple(value for _, value in request.parameters if isinstance(value, Secret))
        command = Command(arguments(request, self._control), secrets=secrets, environment={"TGT_IPC_SOCKET": self._socket})
        try:
            return self._run(command, timeout=TIMEOUT).stdout
        except CommandFailed as error:
            code = next((fault for pattern, fault in _MESSAGES if pattern.search(error.stderr)), 0)
            raise TgtError(request, code, error.stderr.strip()) from None


def arguments(request: Request, control: int) -> tuple[str, ...]:
    """tgtadm's argv. Holds the secrets in the clear: the `Command` that carries it masks them."""
    argv = ["tgtadm", "-C", str(control)]
    if request.mode is not Mode.SYSTEM:
        argv += ["--lld", "iscsi"]
    operation = request.operation
    argv += ["--op", operation.name.lower(), "--mode", request.mode.name.lower()]
    if request.tid > 0:
        argv += ["--tid", str(request.tid)]
    if request.mode is Mode.LOGICALUNIT:
        argv += ["--lun", str(request.lun)]
    if request.mode is Mode.CONNECTION:
        argv += ["--sid", str(request.session), "--cid", str(request.connection)]
    if request.outgoing:
        argv += ["--outgoing"]
    if request.force and operation is Operation.DELETE:
        argv += ["--force"]
    return (*argv, *_parameters(request))


def _parameters(request: Request) -> list[str]:
    argv, rest = [], []
    for key, value in request.parameters:
        text = value.reveal() if isinstance(value, Secret) else value
        if request.mode is Mode.TARGET and request.operation is Operation.UPDATE:
            argv += ["--name", key, "--value", text]
        elif key in _OPTIONS and request.operation is not Operation.UPDATE:
            argv += [_OPTIONS[key], text]
        else:
            rest.append(f"{key}={text}")
    return [*argv, "--params", ",".join(rest)] if rest else argv
