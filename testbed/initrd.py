"""The initial file system: one static busybox, the few modules that reach the disk, and files for one boot.

The kernel unpacks archives that follow one another as one tree, so whatever a boot should find in place goes into a second
archive behind the image's own: no image is built for it and nothing is mounted on the host.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import cpio, kernel

BUSYBOX = Path("/bin/busybox")  # package busybox-static
_INIT = Path(__file__).with_name("files") / "init"
_APPLETS = ("sh", "mount", "insmod", "find", "mkdir", "cp", "sleep", "switch_root")
_MODULES = ("virtio_pci", "virtio_blk", "ext4")


@dataclass(frozen=True)
class File:
    """A file to put into a guest before it boots; it belongs to root."""

    content: bytes
    mode: int = 0o644


def base(tree: Path) -> bytes:
    """The archive that mounts /dev/vda of a guest made from `tree` and goes on there."""
    modules = kernel.module_files(tree, _MODULES)
    entries = [cpio.directory(name) for name in ("bin", "dev", "modules", "root")]
    entries.append(cpio.file("bin/busybox", BUSYBOX.read_bytes(), 0o755))
    entries += [cpio.link(f"bin/{applet}", "busybox") for applet in _APPLETS]
    entries += [cpio.file(f"modules/{module.name}", module.read_bytes()) for module in modules]
    entries.append(cpio.file("modules.list", "".join(f"{module.name}\n" for module in modules).encode()))
    entries.append(cpio.file("init", _INIT.read_bytes(), 0o755))
    return cpio.archive(entries)


def injection(files: Mapping[str, bytes | File]) -> bytes:
    """The archive that makes `init` copy `files` (absolute path to content) onto the root; empty for none.

    Missing folders are made with mode 0755; those that are there keep theirs.
    """
    if not files:
        return b""
    folders: dict[str, None] = {}
    members = []
    for path, given in files.items():
        if not path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"an injected file needs an absolute path, not {path!r}")
        file = given if isinstance(given, File) else File(given)
        name = f"overlay{path}"
        folders.update(dict.fromkeys(cpio.parents(name)))
        members.append(cpio.file(name, file.content, file.mode))
    return cpio.archive([*(cpio.directory(folder) for folder in folders), *members])
