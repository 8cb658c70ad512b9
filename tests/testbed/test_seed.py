import json
import os
import stat

import pycdlib
import pytest
import yaml

from metadata_server.seed.iso import placed, write_iso
from testbed.seed import StaticSeed

BLOCK = {"attachments": [{"id": "a"}], "volumes": {"data": {"mount": "/srv/data"}}}


def test_the_block_is_in_vendor_data_only():
    files = StaticSeed(blockstore=BLOCK).files()
    assert files["vendor-data"].startswith(b"#cloud-config\n")
    assert yaml.safe_load(files["vendor-data"]) == {"blockstore": BLOCK}
    assert b"blockstore" not in files["user-data"]


def test_the_documents_are_yaml_and_name_the_instance():
    files = StaticSeed(instance_id="i-1", hostname="web", user_config={"runcmd": ["true"]}).files()
    assert yaml.safe_load(files["meta-data"]) == {"instance-id": "i-1", "local-hostname": "web"}
    assert yaml.safe_load(files["user-data"]) == {"runcmd": ["true"]}
    network = json.loads(files["network-config"])
    assert network["ethernets"]["eth0"]["addresses"] == ["10.0.2.15/24"]


def test_the_image_has_the_names_as_given_and_is_private(tmp_path):
    image = StaticSeed().write(tmp_path / "seed.iso")
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    iso = pycdlib.PyCdlib()
    iso.open(str(image))
    rock_ridge = {child.rock_ridge.name().decode() for child in iso.list_children(rr_path="/") if child.is_file()}
    joliet = {child.file_identifier().decode("utf-16-be") for child in iso.list_children(joliet_path="/") if child.is_file()}
    label = iso.pvd.volume_identifier.decode().strip()
    iso.close()
    assert rock_ridge == joliet == {"meta-data", "user-data", "vendor-data", "network-config"}
    assert label == "cidata"


def test_a_failed_write_leaves_nothing(tmp_path):
    (tmp_path / "seed.iso").mkdir()
    with pytest.raises(OSError):
        write_iso(tmp_path / "seed.iso", {"meta-data": b""})
    assert [path.name for path in tmp_path.iterdir()] == ["seed.iso"]
    before = StaticSeed().write(tmp_path / "other.iso").read_bytes()
    with pytest.raises(KeyError), placed(tmp_path / "other.iso") as image:
        raise KeyError(image.write(b"half"))
    assert (tmp_path / "other.iso").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"seed.iso", "other.iso"}


def test_what_is_no_plain_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(FileExistsError, match="no plain file"):
            write_iso(tmp_path / name, {"meta-data": b""})
    assert stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link"}


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "seed.iso").symlink_to("images/web.iso")
    for _ in range(2):
        StaticSeed().write(tmp_path / "seed.iso")
        assert (tmp_path / "seed.iso").is_symlink()
        assert (tmp_path / "images/web.iso").stat().st_size > 0
