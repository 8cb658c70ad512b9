"""Templates: a value that is missing is an error, never an empty text."""

from __future__ import annotations

import jinja2
import pytest

from blockstore.render import render


def test_a_template_with_its_values():
    assert render("initiatorname.iscsi.j2", name="iqn.x").endswith("\nInitiatorName=iqn.x\n")


def test_what_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        render("initiatorname.iscsi.j2")
    with pytest.raises(jinja2.TemplateNotFound):
        render("no-such-template.j2")
