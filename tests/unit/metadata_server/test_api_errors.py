import pytest

from blockstore.errors import BlockstoreError, DocumentInvalid, Fault
from metadata_server.api.errors import STATUS, WORDS, Denied, Forbidden, NotAcceptable, TooMany, fault
from metadata_server.domain.errors import Conflict, Invalid, NotFound, ServerError, Unavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DocumentInvalid([Fault("a", "b")]), 400), (Invalid("x"), 400), (Denied("x"), 401), (NotFound("x"), 404),
        (NotAcceptable("x"), 406), (Conflict("x"), 409), (Forbidden("x"), 403), (TooMany("x"), 429),
        (Unavailable("x"), 503), (BlockstoreError("x"), 500),
    ],
)  # fmt: skip
def test_the_table(error, code):
    assert next(status for kind, status in STATUS if isinstance(error, kind)) == code


def test_every_refusal_has_a_line_of_its_own():
    listed = {kind for kind, _ in STATUS}
    assert set(ServerError.__subclasses__()) <= listed


def test_the_form_is_cinders():
    assert fault(404, "no").body == b'{"itemNotFound":{"code":404,"message":"no"}}'
    assert fault(401, "no").headers["www-authenticate"] == "Bearer"
    assert WORDS[409] == "conflictingRequest"
