"""From Debian's kernel package to what QEMU boots fastest: an uncompressed vmlinux, plain modules and their index."""

import struct
from pathlib import Path

from testbed.command import run

_ELF = b"\x7fELF"
# How Debian packs the kernel changes with the release: bookworm lz4 (its "legacy" frame), trixie zstd; earlier ones xz.
_UNPACKERS = {b"\x02\x21\x4c\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zX": "xz"}


class UnknownKernel(Exception):
    """The kernel image is not packed in a way that we know."""


def payload(bzimage: bytes) -> bytes:
    """The compressed kernel inside a bzImage, by the offsets of the x86 boot protocol (2.08 and later)."""
    sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (sectors + 1) * 512 + offset
    return bzimage[start : start + length]


def vmlinux(bzimage: bytes, scratch: Path) -> bytes:
    """The uncompressed kernel, which QEMU starts through PVH: a second of unpacking less under emulation."""
    packed = payload(bzimage)
    unpacker = _UNPACKERS.get(packed[:4])
    if unpacker is None:
        raise UnknownKernel(f"the kernel's payload starts with {packed[:4].hex()}: none of {', '.join(_UNPACKERS.values())}")
    # The unpacked size, four bytes, follows the stream; the programs would call them garbage.
    stream = scratch / "vmlinux.packed"
    stream.write_bytes(packed[:-4])
    image = run([unpacker, "-d", "-c", "-q", stream])
    if not image.startswith(_ELF):
        raise UnknownKernel("what the kernel image holds is no ELF file")
    return image


def install(package: Path, tree: Path, scratch: Path) -> None:
    """Put the kernel of the .deb at `package` into `tree`: /boot/vmlinux, the modules unpacked, depmod run.

    It is not configured: its scripts would want an initramfs generator, and our initrd is made of two files.
    """
    unpacked = scratch / "kernel"
    run(["dpkg-deb", "-x", package, unpacked])
    (image,) = (unpacked / "boot").glob("vmlinuz-*")
    (tree / "boot").mkdir(exist_ok=True)
    (tree / "boot/vmlinux").write_bytes(vmlinux(image.read_bytes(), scratch))
    # trixie ships /usr/lib/modules, bookworm /lib/modules; the guest's /lib is a link into /usr in both.
    (modules,) = [*(unpacked / "lib/modules").glob("*"), *(unpacked / "usr/lib/modules").glob("*")]
    release = modules.name
    destination = tree / "usr/lib/modules" / release
    destination.parent.mkdir(parents=True, exist_ok=True)
    modules.rename(destination)
    packed = list(destination.rglob("*.ko.xz"))
    if packed:
        run(["xz", "--decompress", "--threads=0", *packed])
    run(["depmod", "--basedir", tree, release])
    run(["rm", "-rf", unpacked])


def release(tree: Path) -> str:
    """The version of the one kernel that is in `tree`."""
    (modules,) = (tree / "usr/lib/modules").iterdir()
    return modules.name


def module_files(tree: Path, names: tuple[str, ...]) -> list[Path]:
    """The files to insert, in order, so that the modules `names` work; those built into the kernel need none."""
    base = tree / "usr/lib/modules" / release(tree)
    needs: dict[str, list[str]] = {}
    for line in (base / "modules.dep").read_text().splitlines():
        module, _, dependencies = line.partition(":")
        # modules.dep lists a module's needs with the deepest last: they go in from the end.
        needs[Path(module).name.removesuffix(".ko")] = [*reversed(dependencies.split()), module]
    ordered: dict[str, None] = {}
    for name in names:
        ordered.update(dict.fromkeys(needs.get(name, [])))
    return [base / path for path in ordered]
