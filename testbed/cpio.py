"""A cpio archive in the "newc" form, which is what the kernel unpacks as an initrd; written here since it is twenty lines and
needs no root for owners and modes."""

from collections.abc import Iterable
from dataclasses import dataclass
from stat import S_IFDIR, S_IFLNK, S_IFREG


@dataclass(frozen=True)
class Entry:
    """One member: `mode` holds the type bits too, all belong to root."""

    name: str
    mode: int
    content: bytes = b""


def directory(name: str) -> Entry:
    """A folder, 0755."""
    return Entry(name, S_IFDIR | 0o755)


def file(name: str, content: bytes, mode: int = 0o644) -> Entry:
    """A regular file."""
    return Entry(name, S_IFREG | mode, content)


def link(name: str, destination: str) -> Entry:
    """A symbolic link to `destination`."""
    return Entry(name, S_IFLNK | 0o777, destination.encode())


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _member(entry: Entry, inode: int) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if entry.mode & S_IFDIR == S_IFDIR else 1
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.content), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(entry.content)


def archive(entries: Iterable[Entry]) -> bytes:
    """The archive of `entries` in their order: a directory goes before what is in it."""
    members = [_member(entry, inode) for inode, entry in enumerate(entries, start=1)]
    data = b"".join([*members, _member(Entry("TRAILER!!!", 0), 0)])
    # Several archives may follow one another in one initrd if each fills whole 512-byte blocks.
    return data + b"\0" * (-len(data) % 512)


def parents(path: str) -> list[str]:
    """The folders above a relative `path`, outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
