"""The shell script that people put into ``runcmd``: iscsiadm new, updates, login, then sfdisk, mkfs, mount, volume by volume."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from job import Job, Volume

SCRIPT = Path("/run/benchmark/runcmd.sh")
# Kinder than most: it waits for udev and for the link in short steps, where many say `sleep 5`.
FUNCTION = r"""
set -e
attach() {
    iqn=$1 portal=$2 user=$3 password=$4 lun=$5 point=$6
    disk=/dev/disk/by-path/ip-$portal-iscsi-$iqn-lun-$lun
    if [ ! -e "$disk" ]; then
        iscsiadm -m node -o new -T "$iqn" -p "$portal"
        iscsiadm -m node -T "$iqn" -p "$portal" -o update -n node.startup -v automatic
        iscsiadm -m node -T "$iqn" -p "$portal" -o update -n node.session.auth.authmethod -v CHAP
        iscsiadm -m node -T "$iqn" -p "$portal" -o update -n node.session.auth.username -v "$user"
        iscsiadm -m node -T "$iqn" -p "$portal" -o update -n node.session.auth.password -v "$password"
        iscsiadm -m node -T "$iqn" -p "$portal" --login
        udevadm settle
        until [ -e "$disk" ]; do sleep 0.1; done
    fi
    if ! blkid "$disk-part1" >/dev/null; then
        printf 'label: gpt\ntype=linux\n' | sfdisk --quiet "$disk"
        udevadm settle
        mkfs.ext4 -q "$disk-part1"
    fi
    mkdir -p "$point"
    if ! mountpoint -q "$point"; then
        echo "$disk-part1 $point ext4 defaults,_netdev,nofail 0 2" >>/etc/fstab
        mount "$point"
    fi
}
"""


def prepare(job: Job) -> None:
    """The script, as cloud-init would have written it."""
    SCRIPT.parent.mkdir(exist_ok=True)
    SCRIPT.write_text(FUNCTION + "".join(f"{_call(volume)}\n" for volume in job.volumes))


def _call(volume: Volume) -> str:
    words = (volume.iqn, volume.portal, volume.user, volume.password, str(volume.lun), volume.mount)
    return f"attach {shlex.join(words)}"


def bring_up(job: Job) -> None:
    """Run it."""
    done = subprocess.run(["/bin/sh", SCRIPT], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
