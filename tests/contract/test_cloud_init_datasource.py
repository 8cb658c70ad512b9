"""The datasource in each cloud-init: found, kept, pickled, refreshed, without a secret anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from inside import CHAP, SERVICE, TOKEN

META = f"instance-id: i-1\nlocal-hostname: web\nblockstore: {{endpoint: 'http://192.0.2.9:8775', token: {TOKEN}}}\n"
USER = f"#cloud-config\nruncmd: [ls]\nblockstore:\n  attachments: [{{secret: {CHAP}}}]\n"
VENDOR = f"#cloud-config\nblockstore: {{token: {TOKEN}}}\n"
NETWORK = "network:\n  version: 2\n  ethernets: {eth0: {dhcp4: true}}\n"
SEED = {"meta-data": META, "user-data": USER, "vendor-data": VENDOR, "network-config": NETWORK}
AMONG_OTHERS = ["NoCloud", "BlockStore", "None"]
WITHOUT_SECRETS = {TOKEN: [], CHAP: []}


@pytest.mark.parametrize("where", ["cloud/seed/blockstore", "cloud/seed/nocloud", "disk"])
def test_seed_is_found_in_the_local_stage(inside: Any, where: str) -> None:
    found = inside("find", texts=SEED, where=where)
    assert found["class"] == "DataSourceBlockStore"
    assert (found["id"], found["host"], found["platform"]) == ("i-1", "web", "blockstore")
    assert found["network"] == {"version": 2, "ethernets": {"eth0": {"dhcp4": True}}}
    assert found["subplatform"].startswith("config-disk (" if where == "disk" else "seed-dir (")
    assert found["initiator"] == "iqn.2018-12.com.leftasexercise:i-1"
    assert found["modules"] == [["blockstore", "always"], "locale", "runcmd"]
    assert found["warnings"] == []


def test_no_secret_is_left_with_cloud_init(inside: Any) -> None:
    found = inside("find", texts=SEED)
    assert found["secrets"] == WITHOUT_SECRETS
    assert found["logged"] == []
    assert found["metadata"]["blockstore"] == {"endpoint": "http://192.0.2.9:8775"}
    datasource, lifted = found["kept"]["datasource.yaml"], found["kept"]["user-data.yaml"]
    assert TOKEN in datasource[0]
    assert CHAP in lifted[0]
    assert TOKEN in lifted[0], "of vendor-data"
    assert datasource[1] == lifted[1] == "0o600"


def test_metadata_service(inside: Any) -> None:
    net = {**SEED, "meta-data": "instance-id: i-2\nblockstore: {initiator_name: 'iqn.2018-12.com.leftasexercise:two'}\n"}
    found = inside("find", texts={}, net=net, datasource=SERVICE)
    assert (found["class"], found["id"]) == ("DataSourceBlockStoreNet", "i-2")
    assert found["asked"][0] == {"endpoint": "http://192.0.2.1:8775", "token": TOKEN, "ca_cert": ""}
    assert len(found["asked"]) == 1
    assert found["initiator"] == "iqn.2018-12.com.leftasexercise:two"
    assert found["subplatform"] == "metadata (http://192.0.2.1:8775)"
    assert found["modules"][0] == ["blockstore", "always"]
    assert found["secrets"] == {CHAP: [], TOKEN: ["run/instance-data-sensitive.json 0o600"]} or found["secrets"] == {
        CHAP: [],
        TOKEN: ["run/combined-cloud-config.json 0o600", "run/instance-data-sensitive.json 0o600"],
    }, "the administrator's own cloud.cfg.d is there, root's alone"
    assert found["logged"] == []


def test_seed_that_points_at_the_service(inside: Any) -> None:
    pointer = {"meta-data": f"blockstore: {{endpoint: 'http://192.0.2.3:1', token: {TOKEN}}}\n"}
    found = inside("find", texts=pointer, net={"meta-data": "instance-id: i-3\n"}, datasource_list=AMONG_OTHERS)
    assert (found["class"], found["id"]) == ("DataSourceBlockStoreNet", "i-3")
    assert found["asked"][0]["endpoint"] == "http://192.0.2.3:1"
    assert found["secrets"] == WITHOUT_SECRETS


def test_usual_address_only_where_it_was_said(inside: Any) -> None:
    named = inside("find", texts={}, net={"meta-data": "instance-id: i-4\n"})
    assert named["asked"][0] == {"endpoint": "http://169.254.169.254:8775", "token": None, "ca_cert": ""}


def test_nothing_is_asked_on_a_machine_of_others(inside: Any) -> None:
    found = inside("find", texts={}, net={"meta-data": "instance-id: i-4\n"}, datasource_list=AMONG_OTHERS)
    assert found["class"] == "DataSourceNone"
    assert found["asked"] == []


def test_service_that_does_not_answer(inside: Any) -> None:
    found = inside("find", texts={}, datasource=SERVICE)
    assert found["class"] == "DataSourceNone"
    assert "WARNING BlockStore: cannot read metadata: no answer from 192.0.2.1:8775" in found["warnings"]
    assert found["logged"] == []


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "", "instance-id: 7\n"])
def test_odd_metadata(inside: Any, text: str) -> None:
    found = inside("find", texts={"meta-data": text})
    if text == "a: [":
        assert found["class"] == "DataSourceNone"
        told = [each for each in found["warnings"] if "BlockStore: cannot read metadata" in each]
        assert told
        assert all("meta-data: is not YAML: line 1, column 5" in each for each in told)
    else:
        assert found["id"] == ("7" if text.startswith("instance-id") else "8a5b3c1e-0000-4000-8000-00000000abcd")


def test_vendor_data_refused_by_the_user(inside: Any) -> None:
    user = "#cloud-config\nvendor_data: {enabled: false}\n"
    found = inside("find", texts={"meta-data": "instance-id: i-1", "user-data": user, "vendor-data": VENDOR})
    assert found["kept"] == {}


@pytest.mark.parametrize("net", [False, True])
def test_pickle(inside: Any, net: bool) -> None:
    kept = inside("round_trip", texts={**SEED, "user-data": "#cloud-config\nruncmd: [ls]\n" if net else USER}, net=net)
    assert kept["secret"] == []
    assert kept["module"] == "DataSourceBlockStore", "importable by every cloud-init command"
    assert kept["id"] == "i-1"
    assert "runcmd" in kept["userdata"]
    assert kept["network"]["version"] == 2


def test_pickle_of_an_older_version(inside: Any) -> None:
    assert inside("old_pickle") == {"id": "i-old", "network": None, "same": False, "subplatform": "unknown"}


@pytest.mark.parametrize("net", [False, True])
def test_failed_refresh_keeps_everything(inside: Any, net: bool) -> None:
    done = inside("refresh", texts=SEED, net=net)
    assert done["updated"] is True
    assert done["after"] == done["before"]
    assert done["after"][1]["instance-id"] == "i-1"
    assert done["first"] is False, "with nothing known, another datasource has its turn"


def test_same_instance(inside: Any) -> None:
    assert inside("same_instance", texts=SEED) == {
        "as before": True,
        "another seed": False,
        "a seed that cannot be read": True,
        "seed gone": True,
        "another machine": False,
        "no uuid": False,
    }


def test_same_instance_with_the_service_down(inside: Any) -> None:
    assert inside("same_instance", texts=SEED, net=True) == {"as before": True, "another machine": False, "no uuid": False}


@pytest.mark.parametrize(
    ("conf", "initiator"),
    [
        ("deadline: 90\n", "iqn.2018-12.com.leftasexercise:i-1"),
        ("initiator_name: iqn.2018-12.com.leftasexercise:mine\n", "iqn.2018-12.com.leftasexercise:mine"),
        ("a: [\n", ""),
    ],
    ids=["derived", "wished", "broken"],
)
def test_reboot_with_the_service_down(inside: Any, conf: str, initiator: str) -> None:
    done = inside("reboot", token="another", conf=conf)
    assert done["id"] == "i-1"
    assert "token: another" in done["kept"]["datasource.yaml"][0], "the administrator changed it"
    assert done["initiator"] == initiator
    assert done["warnings"] == [], "the module tells of a broken file, once"


def test_module_list_follows_cloud_cfg(inside: Any) -> None:
    assert inside("list_changes") == [
        [["blockstore", "always"], "locale", "runcmd"],
        [["blockstore", "always"], "locale", "ntp"],
        ["blockstore", "ntp"],
        [["cc_blockstore", "always"], "ntp"],
        [],
    ]


def test_planted_secrets_are_what_is_searched_for() -> None:
    assert TOKEN in META
    assert CHAP in USER
    assert TOKEN in json.dumps(SERVICE)
