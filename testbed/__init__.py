"""Virtual machines for the tests: Debian guests with cloud-init and open-iscsi under QEMU, and a foreign iSCSI target.

Read in this order: `image` (a bootable disk, cached by content), `guest` (one virtual machine on a disposable copy of it),
`seed` (what cloud-init is told), `target` (a tgtd that our server did not make).
"""
