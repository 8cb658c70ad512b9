"""Sizes as people write them: ``20GiB``, ``512MiB``, a number of bytes."""

from __future__ import annotations

import re

from blockstore.reader import shown

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
_FACTORS = {"": 1, "B": 1, "K": KIB, "KIB": KIB, "M": MIB, "MIB": MIB, "G": GIB, "GIB": GIB, "T": TIB, "TIB": TIB,
            "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}  # fmt: skip
# Digits: more than this is no size of anything, and Python refuses to make a number of very many.
LONGEST = 30
_SIZE = r"([0-9]+)\s*([A-Za-z]*)"


def parse_size(text: str) -> int:
    """Bytes of a size. Powers of two (``GiB``, and ``G`` alone), powers of ten (``GB``). Raises ValueError."""
    match = re.fullmatch(_SIZE, text.strip())
    factor = _FACTORS.get(match.group(2).upper()) if match else None
    if match is None or factor is None or len(match.group(1)) > LONGEST:
        raise ValueError(f"{shown(text)} is not a size such as 20GiB")
    return int(match.group(1)) * factor


def format_size(size: int) -> str:
    """The shortest exact form: ``20 GiB``, ``1536 MiB``, ``1000 bytes``."""
    for factor, unit in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} bytes"
