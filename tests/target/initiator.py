"""A second initiator, not ours: libiscsi's tools. Its words for a login that is refused are kept with the answer."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

SECONDS = 20


@dataclass(frozen=True)
class Login:
    """What an initiator needs; ``portal`` as this machine reaches it."""

    portal: str
    iqn: str
    initiator: str
    user: str = ""
    password: str = ""
    user_in: str = ""
    password_in: str = ""

    @classmethod
    def of(cls, connection: Mapping[str, Any], *, portal: str, initiator: str) -> Login:
        """From a connection_info."""
        return cls(
            portal, connection["target_iqn"], initiator, connection["auth_username"], connection["auth_password"],
            connection.get("auth_username_in", ""), connection.get("auth_password_in", ""),
        )  # fmt: skip

    def but(self, **words: str) -> Login:
        """The same, but for these."""
        return replace(self, **words)

    @property
    def url(self) -> str:
        """libiscsi's URL."""
        account = f"{self.user}%{self.password}@" if self.user else ""
        mutual = f"?target_user={self.user_in}&target_password={self.password_in}" if self.user_in else ""
        return f"iscsi://{account}{self.portal}/{self.iqn}/1{mutual}"


@dataclass(frozen=True)
class Said:
    """How a tool ended."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        return self.code == 0


def inquiry(login: Login, *options: str) -> Said:
    """``iscsi-inq``: logs in and asks the LUN what it is."""
    return _run("iscsi-inq", "-i", login.initiator, *options, login.url)


def serial(login: Login) -> str:
    """The unit serial number page, without its label."""
    said = inquiry(login, "-e", "1", "-c", "128")
    found = re.search(r"Unit Serial Number:\[?(.*?)\]?$", said.text, re.MULTILINE)
    assert found, said
    return found.group(1).strip()


def targets(login: Login) -> Said:
    """``iscsi-ls``: what SendTargets shows to this initiator."""
    account = f"{login.user}%{login.password}@" if login.user else ""
    return _run("iscsi-ls", "-i", login.initiator, f"iscsi://{account}{login.portal}")


def image(login: Login) -> str:
    """The same for qemu-io; QEMU has no way to say the target's own secret."""
    return (
        f"driver=iscsi,transport=tcp,portal={login.portal},target={login.iqn},lun=1,user={login.user},password={login.password},"
        f"initiator-name={login.initiator}"
    )


def io(login: Login, *commands: str, readonly: bool = False) -> Said:
    """``qemu-io``: reads and writes."""
    wanted = [word for command in commands for word in ("-c", command)]
    return _run("qemu-io", *(("-r",) if readonly else ()), "--image-opts", *wanted, image(login))


class Session:
    """A login that stays: qemu-io that is told one command after the other."""

    def __init__(self, login: Login) -> None:
        self._process = subprocess.Popen(
            ["qemu-io", "--image-opts", image(login)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
        )  # fmt: skip

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        # Killed, not asked: without its target it tries to log in again for ever.
        self._process.kill()
        self._process.communicate()

    def say(self, command: str) -> None:
        """Give a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def hear(self, pattern: str) -> str:
        """The next line that matches; fails when the tool ends before."""
        assert self._process.stdout is not None
        heard = []
        for line in self._process.stdout:
            heard.append(line)
            if re.search(pattern, line):
                return line
        raise AssertionError(f"qemu-io ended without {pattern!r}: {''.join(heard)}")

    def do(self, command: str, pattern: str) -> str:
        """Give a command and hear its answer."""
        self.say(command)
        return self.hear(pattern)


def _run(*argv: str) -> Said:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
    return Said(done.returncode, done.stdout + done.stderr)
