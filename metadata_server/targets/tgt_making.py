"""What tgtd is told to complete a new target, in an order that is safe at every instant (see `targets.tgt`). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from blockstore.secret import Secret
from metadata_server.domain.export import Export
from metadata_server.targets.tgt_request import Fault, Mode, Operation, Request

LUN = 1
VENDOR, PRODUCT = "BLOCKSTR", "VOLUME"


class Step(NamedTuple):
    """One request; ``name`` is what an observer hears before it, ``ignored`` the refusal that is as good as success."""

    name: str
    request: Request
    ignored: Fault | None = None


def steps(export: Export, tid: int) -> Iterator[Step]:
    """Accounts, the LUN, and the access list last."""
    chap = export.chap
    yield from _account(tid, chap.username, chap.password, outgoing=False)
    if chap.password_in is not None:
        yield from _account(tid, chap.username_in, chap.password_in, outgoing=True)
    # Few threads a LUN and no asynchronous I/O: that one cannot take a new size, and ends at 512 LUNs.
    opened = (("path", export.path), ("bstype", "rdwr"))
    yield Step("target: LUN", Request(Mode.LOGICALUNIT, Operation.NEW, tid=tid, lun=LUN, parameters=opened))
    described = (
        ("scsi_sn", export.serial), ("scsi_id", export.serial), ("vendor_id", VENDOR), ("product_id", PRODUCT),
        ("thin_provisioning", "1"), ("readonly", str(int(export.readonly))),
    )  # fmt: skip
    yield Step("target: LUN parameters", Request(Mode.LOGICALUNIT, Operation.UPDATE, tid=tid, lun=LUN, parameters=described))
    access = (("initiator-name", export.initiator),)
    yield Step("target: access list", Request(Mode.TARGET, Operation.BIND, tid=tid, parameters=access))


def forget_account(user: str) -> Step:
    """An account is no more, whether it was there or not."""
    request = Request(Mode.ACCOUNT, Operation.DELETE, parameters=(("user", user),))
    return Step("target: delete account", request, ignored=Fault.NO_USER)


def _account(tid: int, user: str, password: Secret, *, outgoing: bool) -> Iterator[Step]:
    # One of this name was left by a kill: a name is as new as its secret, so that it has the same one.
    new = (("user", user), ("password", password))
    yield Step("target: account", Request(Mode.ACCOUNT, Operation.NEW, parameters=new), ignored=Fault.USER_EXIST)
    bound = Request(Mode.ACCOUNT, Operation.BIND, tid=tid, outgoing=outgoing, parameters=(("user", user),))
    yield Step("target: bind account", bound)
