"""What is installed in the guests: Debian's packages, and our own as they were last built.

Our package's dependencies must all be in the list, since installing it uses no network.
"""

import re
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_DEBS = _ROOT / "build/debs"

KERNEL = "linux-image-cloud-amd64"

GUEST_PACKAGES = (
    # the machine
    "systemd", "systemd-sysv", "udev", "dbus", "iproute2", "kmod", "netbase", "ca-certificates", "qemu-guest-agent",
    "systemd-resolved",  # cloud-init restarts it with networkd; only then does it run
    "openssh-server",  # cloud-init 22.4 warns where it is missing; it does not run
    # what cloud-init-blockstore depends on
    "cloud-init", "open-iscsi", "util-linux", "fdisk", "e2fsprogs", "xfsprogs", "btrfs-progs", "dosfstools",
    "python3-yaml", "python3-jinja2", "python3-requests",
    # what the tests look with
    "lvm2", "strace", "psmisc",
)  # fmt: skip


# A guest that serves volumes: the machine, and what the storage is made of.
_STORAGE_PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "iproute2", "kmod", "netbase", "qemu-guest-agent",
    "lvm2", "thin-provisioning-tools", "python3-rtslib-fb",
    # what the tests look with: a second initiator, and the login on the wire
    "libiscsi-bin", "tcpdump",
)  # fmt: skip


def storage_packages() -> tuple[str, ...]:
    """What a storage guest has: that, and whatever our server's package depends on today."""
    control = (_ROOT / "debian/control").read_text()
    return tuple(dict.fromkeys((*_STORAGE_PACKAGES, *dependencies(control, "blockstore-server"))))


def dependencies(control: str, package: str) -> tuple[str, ...]:
    """What a binary package depends on, from the text of debian/control: without versions, the first of alternatives."""
    paragraph = next(each for each in control.split("\n\n") if each.startswith(f"Package: {package}\n"))
    field = re.search(r"^Depends:((?:\n? .*)+)", paragraph, re.MULTILINE)
    words = field.group(1).split(",") if field else []
    return tuple(name for name in (re.split(r"[|(]", word)[0].strip() for word in words) if name and not name.startswith("${"))


def newest_packages(name: str = "cloud-init-blockstore") -> tuple[Path, ...]:
    """The newest .deb of this package that was built here; none when none was."""
    built = sorted(_DEBS.glob(f"{name}_*_all.deb"), key=lambda path: path.stat().st_mtime)
    return tuple(built[-1:])
