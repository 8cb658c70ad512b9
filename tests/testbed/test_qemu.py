from itertools import pairwise
from pathlib import Path
from uuid import UUID

from testbed.accelerator import Accelerator
from testbed.link import Link
from testbed.qemu import KERNEL_ARGUMENTS, Channels, Disk, Machine, command

CHANNELS = Channels(monitor=5, agent=6, events=7)
TCG = Accelerator(("-accel", "tcg"), 8.0)


def argv(**changes):
    given = {
        "name": "web",
        "uuid": UUID(int=7),
        "kernel": Path("/i/vmlinux"),
        "initrd": Path("/g/initrd"),
        "disks": (Disk(Path("/g/disk.qcow2"), "root", format="qcow2"),),
        "memory": 768,
        "console": Path("/g/console.log"),
        "results": Path("/g/results"),
    }
    return command(Machine(**(given | changes)), CHANNELS, TCG)


def values(words, option):
    return [value for name, value in pairwise(words) if name == option]


def test_options_go_in_pairs_and_nothing_is_empty():
    assert all(argv())


def test_memory_and_accelerator():
    assert values(argv(), "-m") == ["768M"]
    assert values(argv(), "-accel") == ["tcg"]


def test_sockets_are_handed_down_by_number():
    chardevs = " ".join(values(argv(), "-chardev"))
    assert "id=monitor,fd=5" in chardevs
    assert "id=agent,fd=6" in chardevs
    assert "id=events,fd=7" in chardevs


def test_the_root_is_the_first_disk_and_a_seed_is_read_only():
    words = argv(disks=(Disk(Path("/g/disk.qcow2"), "root", format="qcow2"), Disk(Path("/s.iso"), "seed", readonly=True)))
    root, seed = values(words, "-drive")
    assert "file=/g/disk.qcow2,format=qcow2,cache=unsafe" in root
    assert "file=/s.iso,format=raw,readonly=on" in seed
    assert "cache" not in seed


def test_a_comma_in_a_path_is_doubled():
    assert "path=/a,,b/console.log" in " ".join(argv(console=Path("/a,b/console.log")))


def test_kernel_arguments_are_ours_then_the_guest_s():
    (append,) = values(argv(kernel_arguments=("ds=nocloud",)), "-append")
    assert append == " ".join((*KERNEL_ARGUMENTS, "ds=nocloud"))


def test_a_reset_ends_qemu():
    assert "-no-reboot" in argv()


def test_a_cable_is_one_open_socket_for_each_of_its_two_guests():
    with Link() as link:
        first, second = (argv(plug=plug) for plug in link.plugs)
        networks = [values(words, "-netdev")[1] for words in (first, second)]
        assert networks == [f"dgram,id=link,local.type=fd,local.str={plug.descriptor}" for plug in link.plugs]
        macs = {values(words, "-device")[-2].partition("mac=")[2] for words in (first, second)}
        assert len(macs) == 2
    assert len(values(argv(), "-netdev")) == 1


def test_what_the_command_line_names_is_inherited():
    with Link() as link:
        plug = link.plugs[0]
        given = {"uuid": UUID(int=7), "kernel": Path("/k"), "initrd": Path("/i"), "disks": (), "memory": 1}
        logs = {"console": Path("/c"), "results": Path("/r")}
        assert Machine(name="web", **given, **logs, plug=plug).inherited == (plug.descriptor,)
        assert Machine(name="web", **given, **logs).inherited == ()
