"""The small templates of a boot without Jinja2: values, and lines that stand under a condition.

Jinja2 takes a tenth of a second on a small machine to understand the first of its templates, in the middle of a first use. These
are written in the part of its language that needs none of that, and a test renders them both ways. Whatever else a template
has is an error here.
"""

from __future__ import annotations

import re
from functools import lru_cache

from blockstore import render as templates

# {{ a.b.c }} and {{ a.b.c() }}; {% if a.b %}, {% else %} and {% endif %}, each alone on its line.
_VALUE = re.compile(r"\{\{ ([a-z_.]+)(\(\))? \}\}")
_CONTROL = re.compile(r"\{% (if|else|endif) ?([a-z_.]*) %\}\n")


def render(template: str, **values: object) -> str:
    """The text of a template (``node-record.j2``) with these values. Raises KeyError and AttributeError for one that is missing,
    ValueError where a template has more than is understood here."""
    lines, shown = [], [True]
    for line in _lines(template):
        control = _CONTROL.fullmatch(line)
        if control is None:
            lines += [_VALUE.sub(lambda found: _text(found, values), line)] if all(shown) else []
        elif control[1] == "if":
            shown.append(all(shown) and bool(_value(control[2], values)))
        elif control[1] == "else":
            shown[-1] = not shown[-1]
        else:
            shown.pop()
    return "".join(lines)


@lru_cache(maxsize=8)
def _lines(template: str) -> tuple[str, ...]:
    found = next((folder / template for folder in templates.FOLDERS if (folder / template).exists()), None)
    if found is None:
        raise FileNotFoundError(f"no template {template}")
    lines = tuple(found.read_text().splitlines(keepends=True))
    for line in lines:
        if not _CONTROL.fullmatch(line) and re.search(r"\{[{%#]|[}%#]\}", _VALUE.sub("", line)):
            raise ValueError(f"{template} needs Jinja2: {line.strip()}")
    return lines


def _text(found: re.Match[str], values: dict[str, object]) -> str:
    value = _value(found[1], values)
    return str(value() if found[2] and callable(value) else value)


def _value(path: str, values: dict[str, object]) -> object:
    name, *rest = path.split(".")
    value = values[name]
    for attribute in rest:
        value = getattr(value, attribute)
    return value
