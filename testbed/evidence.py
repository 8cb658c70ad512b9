"""What is left of a guest: its collected files and the ends of its logs."""

import io
import tarfile
from pathlib import Path


def members(data: bytes) -> dict[str, bytes]:
    """The regular files of a tar stream by absolute path; its blocks of zeros may be followed by nothing else."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None:
                found["/" + member.name] = content.read()
    return found


def content(path: Path) -> bytes:
    """All of a log; nothing where there is none yet."""
    return path.read_bytes() if path.exists() else b""


def tail(text: str, lines: int) -> str:
    """The last `lines` lines."""
    return "\n".join(text.splitlines()[-lines:])


def report(guest: str, parts: dict[str, str]) -> str:
    """The named texts one below the other, each under a heading."""
    return "".join(f"\n--- {guest}: {name} ---\n{text or '(nothing)'}\n" for name, text in parts.items())
