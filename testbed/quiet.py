"""What a guest does without: units, generators and udev rules that cost seconds under emulation and touch nothing that is tested.

cloud-init's, open-iscsi's, networkd's, lvm2's, the storage rules and remote-fs stay as Debian packages them.
"""

from pathlib import Path

UNITS = (
    "apt-daily-upgrade.timer", "apt-daily.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "ssh.service", "ssh.socket", "fstrim.timer", "xfs_scrub_all.timer", "systemd-tmpfiles-clean.timer",
    "getty.target", "getty@tty1.service", "serial-getty@ttyS0.service", "systemd-logind.service",
    "systemd-user-sessions.service", "systemd-ask-password-wall.path", "systemd-ask-password-console.path",
    "systemd-pstore.service", "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount", "systemd-firstboot.service",
    "systemd-hwdb-update.service", "systemd-hibernate-clear.service", "systemd-repart.service",
    "systemd-pcrmachine.service", "systemd-pcrphase-sysinit.service", "systemd-pcrphase.service",
    "systemd-tpm2-setup-early.service", "systemd-tpm2-setup.service", "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service", "systemd-journal-catalog-update.service", "systemd-hostnamed.socket",
    "systemd-creds.socket", "systemd-pcrextend.socket", "systemd-pcrlock.socket", "systemd-sysext.socket",
    "systemd-initctl.socket", "systemd-journald-audit.socket",
    "dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "integritysetup.target", "veritysetup.target",
    "modprobe@drm.service", "modprobe@efi_pstore.service", "modprobe@fuse.service", "systemd-timesyncd.service",
    "systemd-udev-load-credentials.service", "systemd-network-generator.service", "systemd-random-seed.service",
    "systemd-networkd-persistent-storage.service", "systemd-sysctl.service", "systemd-journal-flush.service",
)  # fmt: skip

GENERATORS = (
    "systemd-debug-generator", "systemd-getty-generator", "systemd-gpt-auto-generator",
    "systemd-hibernate-resume-generator", "systemd-integritysetup-generator", "systemd-rc-local-generator",
    "systemd-ssh-generator", "systemd-system-update-generator", "systemd-tpm2-generator",
    "systemd-veritysetup-generator", "systemd-cryptsetup-generator",
)  # fmt: skip

RULES = (
    "50-firmware.rules", "60-autosuspend.rules", "60-drm.rules", "60-evdev.rules", "60-fido-id.rules",
    "60-infiniband.rules", "60-input-id.rules", "60-persistent-alsa.rules", "60-persistent-input.rules",
    "60-persistent-v4l.rules", "60-sensor.rules", "70-camera.rules", "70-joystick.rules", "70-memory.rules",
    "70-mouse.rules", "70-power-switch.rules", "70-touchpad.rules", "70-uaccess.rules", "71-seat.rules",
    "73-seat-late.rules", "78-sound-card.rules", "90-iocost.rules", "66-azure-ephemeral.rules", "85-hwclock.rules",
)  # fmt: skip


def mask(tree: Path) -> None:
    """Mask all of them in the guest at `tree`: a link to /dev/null in /etc hides the packaged file of the same name."""
    for folder, names in (
        ("systemd/system", UNITS),
        ("systemd/system-generators", GENERATORS),
        ("udev/rules.d", RULES),
    ):
        (tree / "etc" / folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            masked = tree / "etc" / folder / name
            masked.unlink(missing_ok=True)
            masked.symlink_to("/dev/null")
