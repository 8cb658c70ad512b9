"""What is installed in every guest: Debian's packages, and our own as it was last built.

Our package's dependencies must all be in the list, since installing it uses no network.
"""

from pathlib import Path

_DEBS = Path(__file__).resolve().parent.parent / "build/debs"

KERNEL = "linux-image-cloud-amd64"

GUEST_PACKAGES = (
    # the machine
    "systemd", "systemd-sysv", "udev", "dbus", "iproute2", "kmod", "netbase", "ca-certificates", "qemu-guest-agent",
    "systemd-resolved",  # cloud-init restarts it with networkd; only then does it run
    "openssh-server",  # cloud-init 22.4 warns where it is missing; it does not run
    # what cloud-init-blockstore depends on
    "cloud-init", "open-iscsi", "util-linux", "fdisk", "e2fsprogs", "xfsprogs", "btrfs-progs", "dosfstools",
    "python3-yaml", "python3-jinja2", "python3-requests", "python3-netifaces",
    # what the tests look with
    "lvm2", "strace", "psmisc",
)  # fmt: skip


def newest_packages() -> tuple[Path, ...]:
    """The newest .deb of the instance's package that was built here; none when none was."""
    built = sorted(_DEBS.glob("cloud-init-blockstore_*_all.deb"), key=lambda path: path.stat().st_mtime)
    return tuple(built[-1:])
