import pytest

from testbed.mirror import NoDebianArchive, sources

HOST = "Debian|Debian|http://mirror.invalid/debian/\nother|other|http://other.invalid/\n"
SECURITY = "Debian|Debian-Security|http://mirror.invalid/security/\n"


def releases(text: str) -> list[str]:
    return [" ".join(line.split()[2:]) for line in text.splitlines()]


def test_the_guest_s_suite_comes_from_the_host_s_archive():
    assert releases(sources("trixie", HOST)) == [
        "http://mirror.invalid/debian/ trixie main",
        "http://mirror.invalid/debian/ trixie-updates main",
    ]


def test_security_updates_where_the_host_has_them():
    assert releases(sources("bookworm", HOST + SECURITY))[-1] == "http://mirror.invalid/security/ bookworm-security main"


def test_a_host_without_debian_is_told_so():
    with pytest.raises(NoDebianArchive):
        sources("trixie", "other|other|http://other.invalid/\n")
