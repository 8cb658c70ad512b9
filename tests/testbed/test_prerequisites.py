"""The list of Debian packages: for the system's plain Python, and nothing twice."""

import subprocess

from testbed import prerequisites


def test_the_system_s_python_prints_the_list():
    command = ["/usr/bin/python3", "-m", "testbed.prerequisites"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == list(prerequisites.HOST_PACKAGES)


def test_the_list_says_nothing_twice():
    assert len(prerequisites.HOST_PACKAGES) == len(set(prerequisites.HOST_PACKAGES))


def test_where_nothing_is_missing_nothing_is_printed_so_that_apt_is_left_alone():
    assert prerequisites.missing() == ()
    done = subprocess.run(["/usr/bin/python3", "-m", "testbed.prerequisites", "--missing"], capture_output=True, check=True)
    assert done.stdout == b""
