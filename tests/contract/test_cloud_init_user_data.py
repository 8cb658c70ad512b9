"""A ``blockstore:`` block in user-data: taken out before cloud-init's own validation, and nothing else changed."""

from __future__ import annotations

from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import pytest

BLOCK = "blockstore:\n  volumes:\n    data: {mount: /srv/data}\n"
KEPT = {"user-data.yaml": ["volumes:\n  data:\n    mount: /srv/data\n", "0o600"]}
INVALID = "failed schema validation"


def multipart(*parts: tuple[str, str]) -> str:
    message = MIMEMultipart()
    for kind, text in parts:
        message.attach(MIMEText(text, kind, "utf-8"))
    return message.as_string()


@pytest.mark.parametrize(
    ("text", "config"),
    [
        (f"#cloud-config\nlocale: C.UTF-8\n{BLOCK}runcmd: [ls]\n", {"locale": "C.UTF-8", "runcmd": ["ls"]}),
        (f"#cloud-config\n{BLOCK}", {}),
        (
            multipart(("cloud-config", f"#cloud-config\nruncmd: [ls]\n{BLOCK}"), ("x-shellscript", "#!/bin/sh\n")),
            {"runcmd": ["ls"]},
        ),
        (multipart(("cloud-config", f"#cloud-config\n{BLOCK}"), ("cloud-config", "#cloud-config\nlocale: é\n")), {"locale": "é"}),
    ],
    ids=["plain", "nothing else", "multipart", "two parts"],
)
def test_lifted(inside: Any, text: str, config: dict[str, Any]) -> None:
    done = inside("userdata", text=text)
    assert done["warnings"] == []
    assert done["boot"] == []
    assert done["config"] == config
    assert done["kept"] == KEPT
    assert done["modules"][0] == ["blockstore", "always"]


def test_this_test_can_fail(inside: Any, cloud_init: Any) -> None:
    done = inside("userdata", text=f"#cloud-config\n{BLOCK}", lifting=False)
    # The closed schema came with 23.4; before it nothing is said, and nothing needs lifting.
    assert any(INVALID in line for line in done["warnings"]) == (cloud_init.number >= (23, 4))
    assert "blockstore" in done["config"]


def test_jinja_is_left_alone(inside: Any, cloud_init: Any) -> None:
    done = inside("userdata", text=f"## template: jinja\n#cloud-config\n{BLOCK}hostname: '{{{{ v1.instance_id }}}}'\n")
    assert done["config"]["hostname"] == "i-1"
    assert "blockstore" in done["config"], "the module reads it there"
    assert any(INVALID in line for line in done["warnings"]) == (cloud_init.number >= (23, 4))


def test_broken_cloud_config_is_cloud_inits_to_report(inside: Any) -> None:
    done = inside("userdata", text=f"#cloud-config\n{BLOCK}a: [\n")
    assert done["kept"] == {}
    assert done["boot"]
