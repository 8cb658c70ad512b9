"""Virtual machines for the tests: Debian guests with cloud-init and open-iscsi under QEMU, and a foreign iSCSI target.

Read in this order: `image` (a bootable disk, cached by content), `guest` (one virtual machine on a disposable copy of it),
`seed` (what cloud-init is told), `target` (a tgtd that our server did not make).

What a boot costs under emulation (QEMU 7.2, one thread; processor seconds from power-on to the end of cloud-init's final stage,
which are wall seconds on an idle machine): untuned trixie 66; a processor without AVX, svm and aes (`accelerator`) 59; fewer
udev events, units and filters (`quiet`, files/guest) 46-51; no address space randomisation (`qemu`) 36-37. bookworm, where each
stage of cloud-init is a Python of its own, 48. Two guests at once cost each other little on two processors; anything else that
runs there costs them in full. A quarter of what is left is QEMU looking up translated code after context switches.
"""
