"""The metadata service, as an instance asks it: one keep-alive connection, every answer bounded and parsed at this door."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import TYPE_CHECKING, TypeVar

from blockstore import attachment, connection_info
from blockstore.attachment import Attachment
from blockstore.connection_info import Connection
from blockstore.connector import Connector
from blockstore.endpoint import token_fault
from blockstore.errors import Fault, ServiceDenied, ServiceError, ServiceUnreachable
from blockstore.reader import Faults, Reader
from blockstore.report import Report, line
from blockstore.secret import Secret, masked
from blockstore.waiting import Deadline
from cc_blockstore.exchange import SILENT, Talk

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

# The longest that one answer may take; a list of 10,000 attachments needs a fraction of it.
ANSWER_SECONDS = 15.0
# Bytes of one answer: 10,000 attachments need a third of it.
LONGEST = 16 << 20
CHUNK = 1 << 16
# As EC2's instance metadata service version 2 has it (EC2 User Guide); six hours is the longest that it gives.
TOKEN_PATH, TOKEN_SECONDS, SESSION_HEADER = (
    "/latest/api/token",
    "X-aws-ec2-metadata-token-ttl-seconds",
    "X-aws-ec2-metadata-token",
)
SESSION_SECONDS, LONGEST_TOKEN = 21600, 4096
REPORT = "/v1/report"
# The status of the usual answer, by method and whether it is the report; of all others 200.
_USUAL = {("POST", False): "204", ("PUT", True): "204"}
# A connection that is refused is tried again: the service may be starting. Together about a second and a half.
RETRIES, BACKOFF = 2, 0.5


class MetadataClient:
    """``endpoint`` without a slash at its end; ``token`` of this instance; ``ca_cert`` a path ("" for the system's).

    Without a token the service may know this machine by its address: to the first 401 a session token is asked for, as of
    EC2's IMDSv2, and once more when that has expired. It is kept here and nowhere else.

    Every call takes the deadline that it must keep. All raise `ServiceUnreachable` (no answer) and `ServiceDenied` (an
    answer that says no); their texts hold no secret.

    Once the deadline has passed, a call has half a second, and where the service was silent already no further one is made:
    else 10,000 volumes would wait for it one after the other.
    """

    def __init__(self, endpoint: str, token: Secret | None, *, ca_cert: str = "", connect_timeout: float = 3.0) -> None:
        self._endpoint, self._token, self._ca_cert, self._connect = endpoint, token, ca_cert, connect_timeout
        self._opened: requests.Session | None = None
        self._talk = Talk(endpoint, token.reveal(), ca_cert) if token is not None and _is_plain(endpoint) else None
        self._silent = False
        self._session_token: Secret | None = None

    def document(self, name: str, deadline: Deadline) -> bytes:
        """One of the documents that a NoCloud seed would hold (``meta-data`` …); b"" where the service has none."""
        try:
            return self._ask("GET", f"/v1/{name}", deadline)
        except ServiceDenied as denied:
            if denied.status == 404:
                return b""
            raise

    def attachments(self, deadline: Deadline) -> tuple[tuple[Attachment, ...], tuple[Fault, ...]]:
        """The attachments of this instance; those that cannot be understood come as faults and do not hold up the others."""
        faults = Faults()
        reader = Reader(self._json("GET", "/v1/attachments", deadline), faults)
        if "attachments" not in reader:
            raise ServiceError(f"{self._endpoint} answered no list of attachments", hint="is this a blockstore metadata service?")
        found = tuple(one for one in map(attachment.parse, reader.each("attachments")) if one is not None)
        return found, tuple(faults)

    def connect(self, attachment_id: str, connector: Connector, deadline: Deadline) -> Connection:
        """Tell who we are and get connection_info, secrets included; the same connector gives the same answer."""
        body = {"attachment": {"connector": connector.to_wire()}}
        faults = Faults()
        answer = Reader(self._json("PUT", f"/v1/attachments/{_quoted(attachment_id)}", deadline, body), faults)
        connection = connection_info.parse(answer.inner("attachment").inner("connection_info"))
        faults.raise_any()
        if connection is None:
            raise ServiceError(f"{self._endpoint} gave no connection_info for attachment {attachment_id}")
        return connection

    def complete(self, attachment_id: str, deadline: Deadline) -> None:
        """The volume is connected: ``os-complete``."""
        self._ask("POST", f"/v1/attachments/{_quoted(attachment_id)}/action", deadline, {"os-complete": {}})

    def detach(self, attachment_id: str, deadline: Deadline) -> None:
        """The volume is no longer in use here; what is gone already is no error."""
        try:
            self._ask("DELETE", f"/v1/attachments/{_quoted(attachment_id)}", deadline)
        except ServiceDenied as denied:
            if denied.status != 404:
                raise

    def report(self, report: Report, deadline: Deadline) -> None:
        """Hand in what was done."""
        self._ask("PUT", REPORT, deadline, report.to_wire())

    def _json(self, method: str, path: str, deadline: Deadline, body: object = None) -> object:
        try:
            return json.loads(self._ask(method, path, deadline, body))
        except (ValueError, RecursionError):
            raise ServiceError(f"{self._endpoint} answered {method} {path} with something that is not JSON") from None

    def _ask(self, method: str, path: str, deadline: Deadline, body: object = None) -> bytes:
        plain = self._plain(method, path, deadline, body)
        return self._fully(method, path, deadline, body) if plain is None else plain

    def _plain(self, method: str, path: str, deadline: Deadline, body: object) -> bytes | None:
        """The usual answer in the usual form, at a fraction of the cost; None for all else, and from then on."""
        if self._talk is None or self._silent:
            return None
        text = "" if body is None else json.dumps(body)
        try:
            return self._talk.ask(method, path, text, _USUAL.get((method, path == REPORT), "200"), self._seconds(deadline))
        except TimeoutError:
            raise self._unreachable(SILENT) from None
        except (OSError, ValueError):
            self._talk = None
            return None

    def _fully(self, method: str, path: str, deadline: Deadline, body: object) -> bytes:
        answer, data = self._answer(method, path, deadline, body)
        if answer.status_code == 401 and self._token is None and self._renew(deadline):
            answer, data = self._answer(method, path, deadline, body)
        if not 200 <= answer.status_code < 300:
            # A service that quotes the request back would quote the token.
            refusal = masked(_refusal(answer, data), tuple(filter(None, (self._token, self._session_token))))
            raise ServiceDenied(answer.status_code, f"{self._endpoint} answered {method} {path} with {refusal}")
        if len(data) > LONGEST:
            raise ServiceError(f"{self._endpoint} answered {method} {path} with more than {LONGEST >> 20} MiB")
        return data

    def _renew(self, deadline: Deadline) -> bool:
        """Get a session token; False where this service gives none."""
        answer, data = self._answer("PUT", TOKEN_PATH, deadline, headers={TOKEN_SECONDS: str(SESSION_SECONDS)})
        text = data[: LONGEST_TOKEN + 1].decode("ascii", "replace").strip()
        if answer.status_code != 200 or not text or token_fault(text):
            return False
        self._session_token = Secret(text)
        return True

    def _answer(
        self, method: str, path: str, deadline: Deadline, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[requests.Response, bytes]:
        import requests  # late: an instance without a document never needs it
        from urllib3.exceptions import HTTPError

        if self._silent and deadline.passed():
            raise self._unreachable("no time was left to ask again")
        seconds = self._seconds(deadline)
        try:
            answer, data = _within(seconds, lambda: self._exchange(method, path, body, seconds, headers or {}))
        except NotYet:
            self._opened = None  # its thread still holds the connection
            raise self._unreachable(SILENT) from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            from cc_blockstore import trust

            raise self._unreachable(*trust.kind(error, self._ca_cert)) from None
        self._silent = False
        return answer, data

    def _seconds(self, deadline: Deadline) -> float:
        return max(0.5, min(ANSWER_SECONDS, deadline.remaining()))

    def _exchange(
        self, method: str, path: str, body: object, seconds: float, headers: Mapping[str, str]
    ) -> tuple[requests.Response, bytes]:
        """One request and its whole answer, as far as it is not too long. No redirect is followed: the token is for this host."""
        with self._send(method, path, None if body is None else json.dumps(body).encode(), headers, seconds) as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise ServiceError(f"{self._endpoint} answered {method} {path} with compressed data, which nobody asked for")
            data = bytearray()
            for chunk in answer.iter_content(CHUNK):
                data += chunk
                if len(data) > LONGEST:
                    break
            return answer, bytes(data)

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], seconds: float) -> requests.Response:
        """By the session's adapter itself: what `Session.request` does beside that (cookies, redirects, proxies, the environment)
        is not wanted here, and is a third of a call's time."""
        from requests import PreparedRequest
        from requests.structures import CaseInsensitiveDict

        session, request = self._session(), PreparedRequest()
        typed = {} if body is None else {"Content-Type": "application/json", "Content-Length": str(len(body))}
        request.method, request.url, request.body = method, self._endpoint + path, body
        request.headers = CaseInsensitiveDict({name: str(value) for name, value in session.headers.items()})
        request.headers.update({**headers, **self._proof(), **typed})
        timeout, verify = (min(self._connect, seconds), seconds), self._ca_cert or True
        return session.get_adapter(request.url).send(request, stream=True, timeout=timeout, verify=verify, proxies={})

    def _proof(self) -> dict[str, str]:
        return {SESSION_HEADER: self._session_token.reveal()} if self._session_token else {}

    def _unreachable(self, kind: str, hint: str = "is the metadata service up?") -> ServiceUnreachable:
        self._silent = True
        return ServiceUnreachable(f"no answer from {self._endpoint}: {kind}", hint=hint)

    def _session(self) -> requests.Session:
        if self._opened is None:
            import requests
            from requests.adapters import HTTPAdapter
            from urllib3.util.retry import Retry

            session = requests.Session()
            session.trust_env = False  # no proxy and no .netrc stands between an instance and its metadata service
            session.headers["Accept-Encoding"] = "identity"
            adapter = HTTPAdapter(
                max_retries=Retry(total=None, connect=RETRIES, read=0, status=0, other=0, backoff_factor=BACKOFF)
            )
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            if self._token is not None:
                session.headers["Authorization"] = f"Bearer {self._token.reveal()}"
            self._opened = session
        return self._opened


def _within(seconds: float, do: Callable[[], T]) -> T:
    """What ``do`` gives, or NotYet (which is what TimeoutError is called here). In a thread: the timeouts of a socket are those
    of one read, so a service that sends a byte now and then would hold us for ever, and resolving a name has no timeout."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(do())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="metadata", daemon=True).start()
    return future.result(seconds)


def _is_plain(endpoint: str) -> bool:
    """Whether nothing has to be resolved, for which there is no timeout, and no certificate is looked at."""
    place = urllib.parse.urlsplit(endpoint)
    host = place.hostname or ""
    return place.scheme == "http" and (":" in host or host.replace(".", "").isdecimal())


def _quoted(identifier: str) -> str:
    return urllib.parse.quote(identifier, safe="")


def _refusal(answer: requests.Response, data: bytes) -> str:
    """Status and the service's own word, cut: a Cinder behind it may answer with a whole traceback."""
    try:
        body = json.loads(data)
        inner = next((each for each in body.values() if isinstance(each, dict)), body)
        message = inner.get("message")
    except (ValueError, AttributeError, RecursionError):
        message = None
    first = line(message.splitlines()[0][:200]) if isinstance(message, str) and message else ""
    return f"{answer.status_code}" + (f": {first}" if first else f" {line(str(answer.reason)[:200])}")
