"""The package layer: a suite's packages and kernel as one tar.zst, kept by suite and package list; the slow, networked part.

A minute the first time. It grows old with the archive: remove the file (or the cache) to get today's packages.
"""

import shutil
from pathlib import Path

from testbed import cache, kernel, mirror
from testbed.command import Progress, run
from testbed.kind import INSTANCE, Kind
from testbed.packages import KERNEL

_FILES = Path(__file__).with_name("files")
_HOOK = _FILES / "fetch-kernel"
# Raised when what `_make` does with the same packages changes.
_RECIPE = "2"
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
_SPARED = "/usr/share/doc/*/copyright"


def package_layer(suite: str, kind: Kind = INSTANCE) -> Path:
    """The layer of `suite` (a Debian code name), made if it is not in the cache."""
    folder = cache.folder()
    packages = kind.packages()
    name = cache.key(_RECIPE, suite, KERNEL, *packages, _HOOK.read_bytes())
    layer = folder / f"layer-{kind.prefix}{suite}-{name}.tar.zst"
    with cache.locked(folder / f"layer-{kind.prefix}{suite}.lock"):
        if not layer.exists():
            with Progress(f"{kind.prefix}{suite}: installing Debian's packages (once)"):
                _make(suite, packages, layer)
    return layer


def unpack(layer: Path, tree: Path) -> None:
    """Lay the guest's files out at `tree`, with their owners, modes and capabilities."""
    tree.mkdir()
    run(["tar", "--extract", "--zstd", "--numeric-owner", "--same-permissions", "--xattrs", "--xattrs-include=*",
         "--file", layer, "--directory", tree])  # fmt: skip


def _make(suite: str, packages: tuple[str, ...], layer: Path) -> None:
    with cache.scratch() as scratch:
        tree = scratch / "tree"
        sources = scratch / "sources.list"
        sources.write_text(mirror.host_sources(suite))
        run(mmdebstrap(suite, packages, tree, sources), environment=_environment(scratch))
        kernel.install(tree / "kernel.deb", tree, scratch)
        (tree / "kernel.deb").unlink()
        partial = layer.with_suffix(".partial")
        run(["tar", "--create", "--zstd", "--numeric-owner", "--xattrs", "--xattrs-include=*",
             "--file", partial, "--directory", tree, "."])  # fmt: skip
        partial.replace(layer)


def mmdebstrap(suite: str, packages: tuple[str, ...], tree: Path, sources: Path) -> list[str | Path]:
    """The command that installs the guest's packages below `tree`."""
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    return [
        "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory",
        "--aptopt=Acquire::Languages \"none\"", "--dpkgopt=force-unsafe-io",
        *excluded, f"--dpkgopt=path-include={_SPARED}",
        f"--include={','.join(packages)}",
        f"--customize-hook=sh {_HOOK} \"$1\" {KERNEL}",
        suite, tree, sources,
    ]  # fmt: skip


def _environment(scratch: Path) -> dict[str, str]:
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    assert shutil.which("mmdebstrap", path=path), "mmdebstrap is missing (see testbed.prerequisites)"
    return {"PATH": path, "LC_ALL": "C.UTF-8", "TMPDIR": str(scratch)}
