"""Rendering the files of ``templates/`` with Jinja2; a value that is missing is an error, never an empty text."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

# Installed, the templates lie inside this package; in a source tree they are the folder beside it.
_HERE = Path(__file__).resolve().parent
FOLDERS = (_HERE / "templates", _HERE.parent / "templates")


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    import jinja2  # late: a healthy re-run renders nothing, and importing it is a good part of such a run's time

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in FOLDERS]),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(("html.j2",)),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: object) -> str:
    """The text of a template (``node-record.j2``) with these values."""
    return _environment().get_template(template).render(**values)
