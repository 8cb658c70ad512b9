from testbed import layer, quiet
from testbed.packages import GUEST_PACKAGES

# What this project's own behaviour depends on: as Debian packages it, or a test proves nothing.
PACKAGED = ("cloud-", "open-iscsi", "iscsi", "systemd-networkd.", "systemd-networkd-wait", "remote-fs", "lvm2", "dm-event",
            "blk-availability", "systemd-udevd", "dbus")  # fmt: skip
STORAGE_RULES = ("persistent-storage.rules", "block.rules", "-dm.rules", "lvm.rules", "btrfs.rules", "xfs.rules", "iscsi")


def test_nothing_that_is_tested_is_masked():
    assert not [unit for unit in quiet.UNITS if unit.startswith(PACKAGED)]
    assert not [rule for rule in quiet.RULES if rule.endswith(STORAGE_RULES)]
    assert not [name for name in quiet.GENERATORS if "cloud" in name or "fstab" in name]


def test_a_mask_is_a_link_to_nothing(tmp_path):
    quiet.mask(tmp_path)
    quiet.mask(tmp_path)
    assert (tmp_path / "etc/systemd/system/getty.target").readlink().as_posix() == "/dev/null"


def test_mmdebstrap_gets_the_whole_list(tmp_path):
    words = [str(word) for word in layer.mmdebstrap("trixie", GUEST_PACKAGES, tmp_path / "tree", tmp_path / "sources.list")]
    assert f"--include={','.join(GUEST_PACKAGES)}" in words
    assert words[-3] == "trixie"
