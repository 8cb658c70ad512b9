"""Who is asking: every way of identity, rightly used, wrongly used, and several at once."""

import ipaddress
from dataclasses import dataclass, field

import pytest

from blockstore.errors import BlockstoreError, DocumentInvalid
from metadata_server.api.access import Access
from metadata_server.api.errors import STATUS
from metadata_server.api.identity import asked, identify
from metadata_server.api.proxy import Proxies, Trusted, signature, trusted
from metadata_server.api.session_token import LONGEST, TTL, Tokens, seconds
from metadata_server.domain.errors import NotFound
from metadata_server.domain.instance import Instance
from metadata_server.listening.settings import Proxy

A, B = "instance-a", "instance-b"
SECRET, KEY = b"neutron's secret", b"k" * 32
PROXY, BALANCER, STRANGER, AT_A, AT_B = "10.0.0.1", "10.0.0.2", "192.0.2.9", "10.1.0.1", "10.1.0.2"


class Instances:
    """Two of them."""

    def by_token(self, token):
        return {"token-a": A, "token-b": B}.get(token)

    def by_address(self, address):
        return {AT_A: A, AT_B: B, "2001:db8::a": A}.get(address)

    def get(self, identifier):
        if identifier not in (A, B):
            raise NotFound(f"Instance {identifier} could not be found.")
        return Instance(identifier, "web", "iqn", "now", project_id="p" if identifier == A else "")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self):
        return self.now


@dataclass
class Door:
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self):
        networks = {name: (ipaddress.ip_network(name),) for name in (PROXY, BALANCER)}
        proxies = Proxies((Trusted(networks[PROXY], SECRET), Trusted(networks[BALANCER])))
        self.tokens = Tokens(KEY, self.clock)
        self.access = Access(proxies, self.tokens)

    def ask(self, address, *headers, access=None, to_a_token=False):
        """The instance, or the status of the refusal."""
        access = access or self.access
        ways = access.ways_to_a_token(Instances()) if to_a_token else access.ways(Instances())
        raw = [(name.lower().encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers]
        try:
            return identify(asked({"headers": raw, "client": (address, 1)}), ways)
        except BlockstoreError as error:
            return next(code for kind, code in STATUS if isinstance(error, kind))


@pytest.fixture
def door():
    return Door()


def nova(identifier, *, tenant="p", signed=None):
    sign = signature(SECRET, (signed or identifier).encode())
    return [("X-Instance-ID", identifier), ("X-Tenant-ID", tenant), ("X-Instance-ID-Signature", sign)]


def session(token):
    return ("X-aws-ec2-metadata-token", token)


def bearer(token):
    return ("Authorization", f"Bearer {token}")


def test_a_bearer_token(door):
    assert door.ask(STRANGER, bearer("token-a")) == A
    assert door.ask(STRANGER, ("authorization", "bEaReR  token-a ")) == A
    for wrong in (bearer("x"), bearer(""), ("Authorization", "Bearer \xff")):
        assert door.ask(STRANGER, wrong) == 401
    assert door.ask(STRANGER, ("Authorization", "Basic dG9rZW4tYQ==")) == 401
    assert door.ask(STRANGER) == 401


def test_novas_proxy_is_believed_by_its_signature(door):
    assert door.ask(PROXY, *nova(A)) == A
    assert door.ask(PROXY, *nova(B, tenant="any")) == B
    # printf x | openssl dgst -sha256 -hmac secret
    assert signature(b"secret", b"x") == b"117eca332f7e13ccb8e4574e4f33daa212a9231353670c2b8b4797df0bb77afa"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 400),
        (nova(A)[1:], 400),
        (nova(A)[:1] + nova(A)[2:], 400),
        (nova(A)[:2], 403),
        (nova(A, signed=B), 403),
        ([*nova(A)[:2], ("X-Instance-ID-Signature", b"\xff" * 64)], 403),
        ([*nova(A)[:2], ("X-Instance-ID-Signature", "")], 403),
        (nova("unknown"), 404),
        (nova(A, tenant="another"), 404),
        ([*nova(A), ("X-Instance-ID", B)], 400),
        ([("X-Instance-ID", B), *nova(A)], 400),
    ],
)
def test_what_is_missing_or_wrong_is_refused_as_nova_refuses_it(door, headers, status):
    assert door.ask(PROXY, *headers) == status


def test_from_any_other_address_the_signature_is_worth_nothing(door):
    for address in (STRANGER, AT_A, BALANCER, ""):
        assert door.ask(address, *nova(A)) == 403


def test_a_session_token_counts_with_the_address_of_its_instance(door):
    token = door.tokens.make(A, 60)
    assert door.ask(AT_A, session(token)) == A
    assert door.ask(f"::ffff:{AT_A}", session(token)) == A
    assert door.ask("2001:db8::a", session(token)) == A
    assert door.ask(AT_B, session(token)) == 401
    assert door.ask(STRANGER, session(token)) == 401
    assert door.ask(AT_A) == 401


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: "", lambda t: t[::-1], lambda t: "é" + t, lambda t: "=" * 54, lambda t: "A"]
)
def test_a_spoilt_one_does_not(door, spoil):
    assert door.ask(AT_A, session(spoil(door.tokens.make(A, 60)))) == 401


def test_every_bit_of_it_counts(door):
    token = door.tokens.make(A, 60)
    for index in range(len(token) - 1):
        other = "A" if token[index] != "A" else "B"
        assert door.ask(AT_A, session(token[:index] + other + token[index + 1 :])) == 401


def test_it_expires_and_another_servers_key_makes_no_right_one(door):
    token = door.tokens.make(A, 60)
    door.clock.now += 59
    assert door.ask(AT_A, session(token)) == A
    door.clock.now += 1
    assert door.ask(AT_A, session(token)) == 401
    assert door.ask(AT_A, session(Tokens(b"x" * 32, door.clock).make(A, 60))) == 401
    same = Tokens(KEY, door.clock).make(A, 60)
    assert door.ask(AT_A, session(same)) == A


def test_what_was_forwarded_by_nobody_we_know_is_refused(door):
    token = door.tokens.make(A, 60)
    for name in ("X-Forwarded-For", "Forwarded"):
        assert door.ask(AT_A, session(token), (name, AT_A)) == 403
        assert door.ask(AT_A, (name, AT_A), to_a_token=True) == 403


def test_a_balancer_names_the_address_and_only_its_own_word_counts(door):
    token = door.tokens.make(A, 60)
    assert door.ask(BALANCER, session(token), ("X-Forwarded-For", AT_A)) == A
    assert door.ask(BALANCER, session(token), ("X-Forwarded-For", f"{AT_B}, {AT_A}")) == A
    # What the instance itself wrote stands in front.
    assert door.ask(BALANCER, session(token), ("X-Forwarded-For", f"{AT_A}, {AT_B}")) == 401
    assert door.ask(BALANCER, session(token), ("X-Forwarded-For", AT_A), ("X-Forwarded-For", AT_B)) == 401
    assert door.ask(BALANCER, session(token)) == 401


def test_who_gets_a_session_token(door):
    assert door.ask(AT_A, to_a_token=True) == A
    assert door.ask(PROXY, *nova(B), to_a_token=True) == B
    assert door.ask(BALANCER, ("X-Forwarded-For", AT_B), to_a_token=True) == B
    assert door.ask(STRANGER, to_a_token=True) == 401
    assert door.ask(AT_A, *nova(B), to_a_token=True) == 403


def test_switched_off_nobody_does(door):
    off = Access(door.access.proxies, None)
    assert door.ask(AT_A, access=off, to_a_token=True) == 403
    assert door.ask(AT_A, session(door.tokens.make(A, 60)), access=off) == 401


def test_of_several_ways_the_first_decides_rightly_or_wrongly(door):
    token = door.tokens.make(A, 60)
    assert door.ask(PROXY, bearer("token-b"), *nova(A)) == B
    assert door.ask(AT_A, bearer("token-b"), session(token)) == B
    assert door.ask(AT_A, bearer("wrong"), session(token)) == 401
    assert door.ask(PROXY, bearer("wrong"), *nova(A)) == 401
    assert door.ask(AT_A, *nova(B), session(token)) == 403
    assert door.ask(AT_A, bearer("token-a"), bearer("token-b")) == 400
    assert door.ask(AT_A, session(token), session(token)) == 400


@pytest.mark.parametrize("text", ["0", "-1", "21601", "1.5", "", "x", "99999999999999999999", "٣", "+5", " 5"])
def test_the_time_to_live_has_bounds(text):
    request = asked({"headers": [(TTL.lower().encode(), text.encode())], "client": None})
    with pytest.raises(BlockstoreError, match="from 1 to 21600"):
        seconds(request)


def test_within_them_it_is_as_asked():
    for good in (1, 60, LONGEST):
        assert seconds(asked({"headers": [(TTL.lower().encode(), str(good).encode())], "client": None})) == good


def test_a_proxys_secret_is_in_a_file_of_its_own(tmp_path):
    file, other = tmp_path / "secret", tmp_path / "other"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    other.write_text("s3cret")
    other.chmod(0o640)
    (found,) = trusted([Proxy((), file)])
    assert found.secret == b"s3cret"
    with pytest.raises(DocumentInvalid) as caught:
        trusted([Proxy((), other), Proxy((), tmp_path / "none"), Proxy((), None)])
    assert "instance.proxies[0].secret_file" in str(caught.value)
    assert "chmod 600" in str(caught.value)
    assert "instance.proxies[1].secret_file" in str(caught.value)
    assert "s3cret" not in str(caught.value)
