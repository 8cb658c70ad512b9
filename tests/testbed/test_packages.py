"""What the guests are made of."""

from pathlib import Path

from testbed.kind import INSTANCE, STORAGE
from testbed.packages import dependencies

CONTROL = """\
Source: x
Build-Depends: debhelper

Package: one
Depends: other

Package: two
Architecture: all
Depends:
 python3-a,
 python3-b (>= 2),
 python3-c | c,
 ${misc:Depends}
Recommends: lvm2
"""


def test_dependencies_are_names():
    assert dependencies(CONTROL, "two") == ("python3-a", "python3-b", "python3-c")
    assert dependencies(CONTROL, "one") == ("other",)


def test_a_storage_guest_has_what_the_server_needs_and_storage_is_made_of():
    packages = STORAGE.packages()
    assert len(packages) == len(set(packages))
    assert {"lvm2", "python3-rtslib-fb", "python3-fastapi", "tgt"} <= set(packages)
    assert "cloud-init" not in packages


def test_every_dependency_of_ours_is_in_the_guest_that_gets_it():
    control = (Path(__file__).parents[2] / "debian/control").read_text()
    for kind, package in ((INSTANCE, "cloud-init-blockstore"), (STORAGE, "blockstore-server")):
        assert set(dependencies(control, package)) <= set(kind.packages())
