"""What was measured, in its place on a page of documentation. Pure."""

from __future__ import annotations

END = "<!-- end -->"


def placed(page: str, name: str, said: str) -> str:
    """The page with this between ``<!-- measured: NAME -->`` and ``<!-- end -->``. Raises ValueError where that is not there."""
    begin = f"<!-- measured: {name} -->"
    before, found, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    if not (found and end):
        raise ValueError(f"there is no place between {begin} and {END}")
    return f"{before}{begin}\n\n{said}\n{END}{after}"
