import struct

import pytest

from testbed.kernel import UnknownKernel, module_files, payload, vmlinux


def bzimage(packed: bytes) -> bytes:
    header = bytearray(0x400)
    header[0x1F1] = 1  # setup sectors: the kernel starts at 0x400
    struct.pack_into("<II", header, 0x248, 0x10, len(packed))
    return bytes(header) + b"\0" * 0x10 + packed


def test_payload_is_where_the_boot_protocol_says():
    assert payload(bzimage(b"packed") + b"more") == b"packed"


def test_an_unknown_packing_is_named(tmp_path):
    with pytest.raises(UnknownKernel, match="1f8b0808"):
        vmlinux(bzimage(b"\x1f\x8b\x08\x08rest"), tmp_path)


def test_modules_come_after_what_they_need(tmp_path):
    base = tmp_path / "usr/lib/modules/6.1"
    base.mkdir(parents=True)
    (base / "modules.dep").write_text("fs/ext4.ko: fs/jbd2.ko lib/crc.ko\nfs/jbd2.ko: lib/crc.ko\nlib/crc.ko:\n")
    names = [path.name for path in module_files(tmp_path, ("jbd2", "built_in", "ext4"))]
    assert names == ["crc.ko", "jbd2.ko", "ext4.ko"]
