from testbed.accelerator import choose, parse_version

INTEL = "processor\t: 0\nflags\t\t: fpu vmx sse2\n"
AMD = "processor\t: 0\nflags\t\t: fpu sse2 svm\n"
PLAIN = "processor\t: 0\nflags\t\t: fpu sse2 hypervisor\nbugs\t\t: vmx\n"


def test_kvm_needs_both_the_processor_and_the_device():
    assert "kvm" in choose(INTEL, True, (7, 2)).arguments
    assert "kvm" in choose(AMD, True, (10, 0)).arguments
    assert "kvm" not in choose(INTEL, False, (7, 2)).arguments


def test_a_device_without_the_processor_is_no_kvm():
    assert "kvm" not in choose(PLAIN, True, (10, 0)).arguments


def test_emulation_is_single_threaded_before_qemu_8():
    assert "thread=single" in choose(PLAIN, False, (7, 2)).arguments[1]
    assert "thread=multi" in choose(PLAIN, False, (8, 0)).arguments[1]
    assert choose(PLAIN, False, (7, 2)).arguments[-1] == "1"


def test_version_is_read_from_qemu_s_first_line():
    assert parse_version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg)\nCopyright") == (7, 2)
    assert parse_version("QEMU emulator version 10.0.2") == (10, 0)
