# mypy: ignore-errors
"""Makes instances in Nova's database, through Nova's own objects. ``instances.py nova.conf PROJECT ID…``"""

from __future__ import annotations

import sys

from nova import config, context, objects
from nova.network import model

ADDRESS = "10.0.0.5"


def main(file, project, identifiers):
    """One instance, its network and its root disk for each id."""
    config.parse_args(["instances", "--config-file", file])
    objects.register_all()
    admin = context.get_admin_context()
    flavor = objects.Flavor(
        id=1, name="small", memory_mb=512, vcpus=1, root_gb=1, ephemeral_gb=0, flavorid="1", swap=0, rxtx_factor=1.0,
        disabled=False, is_public=True, extra_specs={}, vcpu_weight=0,
    )  # fmt: skip
    for number, identifier in enumerate(identifiers):
        _make(admin, flavor, project, identifier, f"web-{number}")


def _make(admin, flavor, project, identifier, name):
    instance = objects.Instance(
        context=admin, uuid=identifier, project_id=project, user_id="user", display_name=name, hostname=name, host="one",
        node="one", compute_id=1,
        image_ref="", vm_state="active", task_state=None, power_state=1, memory_mb=512, vcpus=1, root_gb=1, ephemeral_gb=0,
        instance_type_id=1, launch_index=0, availability_zone="nova", reservation_id="r-1", key_name=None, locked=False,
        user_data=None, metadata={}, system_metadata={}, flavor=flavor, old_flavor=None, new_flavor=None,
        root_device_name="/dev/vda", config_drive="", access_ip_v4=None,
    )  # fmt: skip
    instance.create()
    instance.info_cache.network_info = model.NetworkInfo([_interface()])
    instance.info_cache.save()
    objects.BlockDeviceMapping(
        context=admin, instance_uuid=identifier, source_type="blank", destination_type="local", device_name="/dev/vda",
        boot_index=0, volume_size=1, delete_on_termination=True, guest_format=None, device_type="disk", disk_bus="virtio",
    ).create()  # fmt: skip


def _interface():
    subnet = model.Subnet(
        cidr="10.0.0.0/24",
        gateway=model.IP(address="10.0.0.1"),
        ips=[model.FixedIP(address=ADDRESS)],
        version=4,
        dns=[],
        routes=[],
    )
    network = model.Network(id="net", bridge="br", label="private", subnets=[subnet])
    return model.VIF(id="vif", address="fa:16:3e:00:00:01", network=network, type="ovs", active=True)


main(sys.argv[1], sys.argv[2], sys.argv[3:])
