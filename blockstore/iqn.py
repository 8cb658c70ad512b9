"""iSCSI names (RFC 3720 section 3.2.6, RFC 3722): which ones are valid, and one derived from an instance id."""

from __future__ import annotations

import hashlib
import re

# The naming authority of this project; date and reversed domain as RFC 3720 wants them.
AUTHORITY = "iqn.2018-12.com.leftasexercise"

# Patterns as texts: they are compiled where they are used, which an import is too early for.
# 223 bytes is the limit of the standard. The character set is the one that survives everywhere: tgt refuses the underscore.
LONGEST = 223
_IQN = r"iqn\.[0-9]{4}-[0-9]{2}\.[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[a-z0-9.:-]+)?"
_DIGEST = r".*-[0-9a-f]{16}"
_OTHER = r"(?:eui\.[0-9a-f]{16}|naa\.(?:[0-9a-f]{16}|[0-9a-f]{32}))"


def fault(name: str) -> str | None:
    """Why this is no iSCSI name, or None. Upper case is refused: initiators fold it, targets compare it."""
    if len(name) > LONGEST:
        return f"an iSCSI name has at most {LONGEST} characters, this one has {len(name)}"
    if not (re.fullmatch(_IQN, name) or re.fullmatch(_OTHER, name)):
        return f"{name!r} is not an iSCSI name such as {AUTHORITY}:web-1 (lower case letters, digits, '.', '-' and ':')"
    return None


def derived(instance_id: str) -> str:
    """The initiator name of an instance that nobody gave one.

    The same id gives the same name for ever, and two ids never share one: what an IQN cannot spell is replaced, and
    then a hash of the whole id follows (also after an id that could be taken for one with a hash).
    """
    spelled = re.sub(r"[^a-z0-9.-]+", "-", instance_id.lower()).strip("-.")
    if spelled != instance_id or len(spelled) > 120 or not spelled or re.fullmatch(_DIGEST, spelled):
        digest = hashlib.sha256(instance_id.encode(errors="surrogatepass")).hexdigest()[:16]
        spelled = f"{spelled[:120]}-{digest}".lstrip("-")
    return f"{AUTHORITY}:{spelled}"
