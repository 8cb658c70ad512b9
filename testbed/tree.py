"""From the package layer's files to a guest: our package installed, what makes a machine unique removed, the rest quiet."""

import shutil
from pathlib import Path

from testbed import quiet
from testbed.command import run
from testbed.kind import Kind

FILES = Path(__file__).with_name("files") / "guest"
_ENABLED = ("systemd-networkd.service", "testbed-booted.service")


def customise(tree: Path, packages: tuple[Path, ...], kind: Kind) -> None:
    """Turn the unpacked layer at `tree` into the guest that tests boot, with the .debs `packages` installed."""
    # The layer's path-excludes would also thin out our own package.
    (tree / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").unlink(missing_ok=True)
    _install(tree, packages)
    shutil.copytree(FILES, tree, dirs_exist_ok=True)
    run(["systemctl", f"--root={tree}", "enable", *_ENABLED])
    run(["systemctl", f"--root={tree}", "disable", *kind.disabled])
    quiet.mask(tree)
    _forget(tree)
    _settle(tree)


def _install(tree: Path, packages: tuple[Path, ...]) -> None:
    if not packages:
        return
    inside = tree / "packages"
    inside.mkdir()
    for package in packages:
        shutil.copy(package, inside)
    names = [f"/packages/{package.name}" for package in packages]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    run(["chroot", tree, "dpkg", "--force-unsafe-io", "--install", *names], environment=environment)
    shutil.rmtree(inside)


def _forget(tree: Path) -> None:
    """Remove what a cloud's image has not either: the machine's id and the initiator's name, which must not be shared."""
    (tree / "etc/machine-id").write_text("")
    (tree / "etc/iscsi/initiatorname.iscsi").unlink(missing_ok=True)
    (tree / "etc/hostname").write_text("localhost\n")


def _settle(tree: Path) -> None:
    """Do at build time what a first boot would do when /etc and /usr look newer than their stamps."""
    run(["chroot", tree, "ldconfig"])
    for stamp in ("etc/.updated", "var/.updated"):
        (tree / stamp).touch()
