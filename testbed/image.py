"""A bootable disk for guests, made without mounting anything and cached by content."""

import os
from dataclasses import dataclass
from pathlib import Path

from testbed import cache, initrd, kernel, layer, quiet, tree
from testbed.command import Progress, run
from testbed.kind import INSTANCE, Kind

SUITES = ("bookworm", "trixie")
_SIZE = "3G"
_KEPT_PER_NAME = 4
_SOURCES = tuple(Path(module.__file__ or "") for module in (cache, initrd, kernel, layer, tree, quiet))


@dataclass(frozen=True)
class Image:
    """What a guest starts from: `root` is only ever read, guests write to overlays of their own."""

    suite: str
    root: Path
    kernel: Path
    initrd: Path


def build(suite: str, packages: tuple[Path, ...] = (), kind: Kind = INSTANCE) -> Image:
    """The image of the Debian release `suite` with the .debs `packages` installed.

    A minute the first time for a suite, some seconds for new packages, nothing for the same ones again. Needs root (owners
    and chroot). Long steps are announced on standard error. Raises command.CommandFailed with the output of what failed.
    """
    package_layer = layer.package_layer(suite, kind)
    name = f"image-{kind.prefix}{suite}"
    folder = cache.folder() / f"{name}-{_key(package_layer, packages)}"
    image = Image(suite, folder / "root.img", folder / "vmlinux", folder / "initrd")
    with cache.locked(cache.folder() / f"{name}.lock"):
        if not folder.exists():
            with Progress(f"{kind.prefix}{suite}: building the image"):
                _make(package_layer, packages, kind, folder)
            _prune(name)
    os.utime(folder)
    return image


def _key(package_layer: Path, packages: tuple[Path, ...]) -> str:
    ours = [path for path in sorted(tree.FILES.parent.rglob("*")) if path.is_file()]
    contents = [path.read_bytes() for path in (*_SOURCES, *ours, *packages)]
    return cache.key(package_layer.name, *contents)


def _make(package_layer: Path, packages: tuple[Path, ...], kind: Kind, folder: Path) -> None:
    with cache.scratch() as scratch:
        guest = scratch / "tree"
        layer.unpack(package_layer, guest)
        tree.customise(guest, packages, kind)
        made = folder.with_suffix(".partial")
        run(["rm", "-rf", made])
        made.mkdir()
        (made / "initrd").write_bytes(initrd.base(guest))
        (guest / "boot/vmlinux").rename(scratch / "vmlinux")
        run(["cp", scratch / "vmlinux", made / "vmlinux"])
        _make_filesystem(guest, made / "root.img")
        made.rename(folder)


def _make_filesystem(guest: Path, root: Path) -> None:
    # With a journal, mke2fs writes all of it while it copies the tree: it is added, small, afterwards.
    options = ["-O", "^has_journal", "-E", "lazy_itable_init=0", "-m", "0", "-L", "root"]
    run(["mke2fs", "-q", "-t", "ext4", *options, "-d", guest, root, _SIZE])
    run(["tune2fs", "-O", "has_journal", "-J", "size=16", root])


def _prune(name: str) -> None:
    """Remove images not used for longest. One in use by a running guest stays readable to it: files live while open."""
    images = sorted(cache.folder().glob(f"{name}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in images[_KEPT_PER_NAME:]:
        run(["rm", "-rf", old])
