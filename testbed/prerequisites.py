"""The Debian packages that the tests and the demo need, one list in one place; standard library only.

`python3 -m testbed.prerequisites` prints all of them, `--missing` those that are not installed.
"""

import subprocess
import sys

HOST_PACKAGES = (
    # guests
    "busybox-static",  # the initrd's only program
    "debian-archive-keyring",  # the keys of the guests' suites
    "e2fsprogs",  # mke2fs -d, debugfs
    "kmod",  # depmod for the guest's modules
    "lz4",  # bookworm's kernel is packed with it
    "mmdebstrap",
    "qemu-system-x86",
    "qemu-utils",
    "systemd",  # systemd-analyze
    "util-linux",  # setpriv
    "xz-utils",  # the guest kernel's modules are packed with it
    "zstd",  # trixie's kernel, and our package layer
    # targets, and a second initiator
    "libiscsi-bin",  # iscsi-inq, iscsi-ls
    "qemu-block-extra",  # qemu-io and qemu-img speak iscsi://
    "tgt",
    # the other database
    "postgresql",  # initdb, postgres, pg_dump: run by the tests as their own
    # what is on disks, ours and other people's
    "btrfs-progs",
    "cryptsetup-bin",
    "dmsetup",
    "dosfstools",
    "fdisk",
    "fuse3",  # libfuse for the logging disk of tests/crash
    "lvm2",
    "mount",
    "mtools",  # files on vfat where the kernel has none
    "xfsprogs",
    # the operators' page, as people see it
    "chromium",
    "chromium-driver",
    "wrk",  # the load of the server's benchmark
    # our own packages
    "debhelper",
    "dh-python",
    "dpkg-dev",
    "fakeroot",
    "python3-setuptools",
    # the virtual environments; some libraries come as source
    "gcc",
    "libc6-dev",
    "python3-dev",
    "python3-venv",
)


def installed() -> frozenset[str]:
    """Names of the packages that dpkg calls installed."""
    listing = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n"],
        check=True,
        capture_output=True,
        text=True,
    )
    words = (line.split() for line in listing.stdout.splitlines())
    return frozenset(word[1] for word in words if word[0] == "installed")


def missing() -> tuple[str, ...]:
    """What is still to be installed, in the list's order."""
    present = installed()
    return tuple(package for package in HOST_PACKAGES if package not in present)


if __name__ == "__main__":
    for name in missing() if "--missing" in sys.argv[1:] else HOST_PACKAGES:
        print(name)  # no line at all where nothing is missing: make would ask apt for it
