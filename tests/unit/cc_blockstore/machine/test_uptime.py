"""How long the kernel has run, from /proc/uptime."""

from __future__ import annotations

import pytest

from cc_blockstore.machine import uptime


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("14.27 21.70\n", 14270), ("350735.47 234388.90\n", 350735470), ("0.05 0.0\n", 50)]
)
def test_it_is_the_first_number_in_milliseconds(fake, text, milliseconds):
    fake.write("proc/uptime", text)
    assert uptime.milliseconds(fake.machine) == milliseconds


@pytest.mark.parametrize("text", [None, "", "x", "12", "-1.00 2.00", "1e3.00 0", "²²²"])
def test_what_cannot_be_read_is_not_known(fake, text):
    if text is not None:
        fake.write("proc/uptime", text)
    assert uptime.milliseconds(fake.machine) == 0
