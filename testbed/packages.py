"""What is installed in every guest, our own package apart: its dependencies must all be here, since installing it uses no
network."""

KERNEL = "linux-image-cloud-amd64"

GUEST_PACKAGES = (
    # the machine
    "systemd", "systemd-sysv", "udev", "dbus", "iproute2", "kmod", "netbase", "ca-certificates", "qemu-guest-agent",
    # what cloud-init-blockstore depends on
    "cloud-init", "open-iscsi", "util-linux", "fdisk", "e2fsprogs", "xfsprogs", "btrfs-progs", "dosfstools",
    "python3-yaml", "python3-jinja2", "python3-requests", "python3-netifaces",
    # what the tests look with
    "lvm2", "strace", "psmisc",
)  # fmt: skip
