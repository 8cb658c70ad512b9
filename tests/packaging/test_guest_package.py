"""Installing, upgrading, removing and purging cloud-init-blockstore leaves cloud-init working every time."""

from __future__ import annotations

from pathlib import Path

from tree import Tree

NAME = "cloud-init-blockstore"
DROP_IN = "etc/cloud/cloud.cfg.d/95_blockstore.cfg"
OURS = {"local": ["DataSourceBlockStore"], "network": ["DataSourceBlockStoreNet"]}
Packages = dict[str, Path]


def test_life(tree: Tree, packages: Packages, newer: Packages) -> None:
    before = tree.health()
    assert before["missing"] == [] or before["warnings"]
    with_ours = {
        **before,
        "modules": [["blockstore", "always"], *before["modules"]],
        "sources": {stage: [names[0], *OURS[stage], *names[1:]] for stage, names in before["sources"].items()},
        "warnings": [line for line in before["warnings"] if "BlockStore" not in line],
    }
    without = {**before, "warnings": before["warnings"]}

    tree.dpkg("-i", packages[NAME])
    assert tree.health() == with_ours
    tree.commands()
    assert "0.1.0" in tree.run("dpkg-query", "-W", NAME).stdout

    tree.dpkg("-i", newer[NAME])
    assert tree.health() == with_ours
    assert "99.0" in tree.run("dpkg-query", "-W", NAME).stdout

    tree.dpkg("-r", NAME)
    assert tree.health() == without
    tree.commands()
    assert tree.run("/etc/cloud/clean.d/50-blockstore").stdout == "", "the hook stays and has nothing to do"

    tree.dpkg("-i", packages[NAME])
    assert tree.health() == with_ours

    (tree.path / "var/lib/blockstore/user-data.yaml").write_text("token: planted")
    tree.dpkg("-P", NAME)
    assert tree.health() == without
    assert tree.ours() == []


def test_nothing_about_datasources_is_configured(tree: Tree, packages: Packages) -> None:
    tree.dpkg("-i", packages[NAME])
    for path in (tree.path / "etc/cloud").rglob("*blockstore*"):
        assert "datasource" not in path.read_text(), "an existing machine keeps its datasource"
    assert (tree.path / "usr/share/doc" / NAME).exists()


def test_list_follows_other_packages(tree: Tree, packages: Packages) -> None:
    tree.dpkg("-i", packages[NAME])
    vendor = tree.conffile_package("vendor", "/etc/cloud/cloud.cfg.d/50_vendor.cfg", "cloud_config_modules: [locale, runcmd]\n")
    tree.dpkg("-i", vendor)
    assert tree.modules() == [["blockstore", "always"], "locale", "runcmd"], "by dpkg's trigger"
    tree.dpkg("-P", "vendor")
    assert len(tree.modules()) > 10

    both = tree.conffile_package(
        "both", "/etc/cloud/cloud.cfg.d/60_both.cfg", "cloud_config_modules: [locale, [blockstore, always]]\n"
    )
    tree.dpkg("-i", both)
    assert not (tree.path / DROP_IN).exists(), "somebody else lists it: no second time"
    assert tree.modules() == ["locale", ["blockstore", "always"]]
    tree.dpkg("-P", "both")
    assert tree.modules()[0] == ["blockstore", "always"]

    later = tree.conffile_package("later", "/etc/cloud/cloud.cfg.d/99_later.cfg", "cloud_config_modules: [locale]\n")
    assert "99_later.cfg overrides the module list" in tree.dpkg("-i", later)
    tree.dpkg("-P", "later")


def test_administrator_decides(tree: Tree, packages: Packages, newer: Packages) -> None:
    tree.dpkg("-i", packages[NAME])
    (tree.path / DROP_IN).write_text("")
    tree.dpkg("-i", newer[NAME])
    assert (tree.path / DROP_IN).read_text() == ""
    assert "blockstore" not in tree.modules()
    tree.dpkg("-r", NAME)
    assert (tree.path / DROP_IN).read_text() == ""
    tree.dpkg("-P", NAME)
    assert not (tree.path / DROP_IN).exists()


def test_scripts_survive_a_broken_cloud_init(tree: Tree, packages: Packages, newer: Packages) -> None:
    cloudinit, aside = tree.path / "usr/lib/python3/dist-packages/cloudinit", tree.path / "tmp/aside"
    cloudinit.rename(aside)
    assert "stays as it is" in tree.dpkg("-i", packages[NAME])
    aside.rename(cloudinit)
    tree.dpkg("-i", newer[NAME])
    assert tree.modules()[0] == ["blockstore", "always"]

    (tree.path / "etc/cloud/cloud.cfg.d/10_broken.cfg").write_text("a: [\n")
    tree.dpkg("-i", packages[NAME])
    assert "- blockstore\n" in (tree.path / DROP_IN).read_text(), "the list that is there stays"
    cloudinit.rename(aside)
    tree.dpkg("-r", NAME)
    tree.dpkg("-P", NAME)
    aside.rename(cloudinit)
    (tree.path / "etc/cloud/cloud.cfg.d/10_broken.cfg").unlink()
    assert "blockstore" not in tree.modules()
    assert tree.ours() == []


def test_clean_hook_forgets_this_instance_only(tree: Tree, packages: Packages) -> None:
    tree.dpkg("-i", packages[NAME])
    root = tree.path
    nodes = root / ("var/lib/iscsi" if (root / "var/lib/iscsi").is_dir() else "etc/iscsi") / "nodes"
    ours, theirs = nodes / "iqn.a/10.0.0.1,3260,1/default", nodes / "iqn.b/10.0.0.1,3260,1/default"
    for record, text in ((ours, "# BEGIN RECORD, written by blockstore\n"), (theirs, "# BEGIN RECORD 2.1.11\n")):
        record.parent.mkdir(parents=True)
        record.write_text(text)
    (root / "etc/iscsi/initiatorname.iscsi").write_text("## Written by blockstore: x\nInitiatorName=iqn.2018-12.a:b\n")
    kept = "UUID=1 / ext4 defaults 0 1\n# a comment on x-blockstore.volume=v\n"
    (root / "etc/fstab").write_text(kept + "UUID=2 /srv/data ext4 _netdev,nofail,x-blockstore.volume=v 0 0\n")
    (root / "var/lib/blockstore/volumes").mkdir()
    (root / "var/lib/blockstore/volumes/v.json").write_text("{}")

    (root / "var/lib/cloud/instances").mkdir(parents=True)  # as after a boot; else it has nothing to clean and stops there
    tree.run("cloud-init", "clean")

    assert not ours.parent.parent.exists()
    assert theirs.exists()
    assert not (root / "etc/iscsi/initiatorname.iscsi").exists()
    assert (root / "etc/fstab").read_text() == kept
    assert list((root / "var/lib/blockstore").iterdir()) == []
    (root / "etc/iscsi/initiatorname.iscsi").write_text("InitiatorName=iqn.2004-10.com.example:theirs\n")
    tree.run("/etc/cloud/clean.d/50-blockstore")
    assert (root / "etc/iscsi/initiatorname.iscsi").exists(), "a name that we did not write stays"
