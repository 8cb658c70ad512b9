"""How a boot went: its times, or what went wrong."""

from dataclasses import dataclass

from testbed.agent import Completed


class GuestFailed(Exception):
    """A guest did not do what was waited for. The text ends with its console's and its cloud-init log's last lines."""


class GuestCommandFailed(Exception):
    """A command in the guest ended with a code other than 0; it is in `completed`."""

    def __init__(self, command: str, completed: Completed) -> None:
        super().__init__(f"exit {completed.code} in the guest: {command}\n{completed.stdout}{completed.stderr}")
        self.completed = completed


@dataclass(frozen=True)
class Boot:
    """One finished boot, in seconds. `uptime` is the guest's clock when cloud-init's final stage was over, `seconds` the same
    moment counted from power-on; `seconds - uptime` turns any uptime of this boot into seconds from power-on."""

    uptime: float
    seconds: float
