"""The metadata service, as an instance asks it: one keep-alive connection, every answer parsed at this door."""

from __future__ import annotations

import json
import urllib.parse
from typing import TYPE_CHECKING

from blockstore import attachment, connection_info
from blockstore.attachment import Attachment
from blockstore.connection_info import Connection
from blockstore.connector import Connector
from blockstore.errors import Fault, ServiceDenied, ServiceError, ServiceUnreachable
from blockstore.reader import Faults, Reader
from blockstore.report import Report, line
from blockstore.secret import Secret, masked
from blockstore.waiting import Deadline

if TYPE_CHECKING:
    import requests

# The longest that one answer may take; a list of 10,000 attachments needs a fraction of it.
ANSWER_SECONDS = 15.0
# A connection that is refused is tried again: the service may be starting. Together about a second and a half.
RETRIES, BACKOFF = 2, 0.5


class MetadataClient:
    """``endpoint`` without a slash at its end; ``token`` of this instance; ``ca_cert`` a path ("" for the system's).

    Every call takes the deadline that it must keep. All raise `ServiceUnreachable` (no answer) and `ServiceDenied` (an
    answer that says no); their texts hold no secret.
    """

    def __init__(self, endpoint: str, token: Secret | None, *, ca_cert: str = "", connect_timeout: float = 3.0) -> None:
        self._endpoint, self._token, self._ca_cert, self._connect = endpoint, token, ca_cert, connect_timeout
        self._opened: requests.Session | None = None

    def document(self, name: str, deadline: Deadline) -> str:
        """One of the documents that a NoCloud seed would hold (``meta-data`` …); "" where the service has none."""
        try:
            return self._ask("GET", f"/v1/{name}", deadline).text
        except ServiceDenied as denied:
            if denied.status == 404:
                return ""
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
        self._ask("PUT", "/v1/report", deadline, report.to_wire())

    def _json(self, method: str, path: str, deadline: Deadline, body: object = None) -> object:
        try:
            return self._ask(method, path, deadline, body).json()
        except ValueError:
            raise ServiceError(f"{self._endpoint} answered {method} {path} with something that is not JSON") from None

    def _ask(self, method: str, path: str, deadline: Deadline, body: object = None) -> requests.Response:
        import requests  # late: an instance without a document never needs it

        seconds = max(0.5, min(ANSWER_SECONDS, deadline.remaining()))
        try:
            answer = self._session().request(
                method, self._endpoint + path, data=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json"} if body is not None else None,
                timeout=(min(self._connect, seconds), seconds), allow_redirects=False,
            )  # fmt: skip
        except (requests.RequestException, OSError, ValueError) as error:
            raise ServiceUnreachable(
                f"no answer from {self._endpoint}: {_kind(error)}", hint="is the metadata service up?"
            ) from None
        if not answer.ok or answer.is_redirect:
            # A service that quotes the request back would quote the token.
            refusal = masked(_refusal(answer), (self._token,) if self._token else ())
            raise ServiceDenied(answer.status_code, f"{self._endpoint} answered {method} {path} with {refusal}")
        return answer

    def _session(self) -> requests.Session:
        if self._opened is None:
            import requests
            from requests.adapters import HTTPAdapter
            from urllib3.util.retry import Retry

            session = requests.Session()
            session.trust_env = False  # no proxy and no .netrc stands between an instance and its metadata service
            session.verify = self._ca_cert or True
            adapter = HTTPAdapter(
                max_retries=Retry(total=None, connect=RETRIES, read=0, status=0, other=0, backoff_factor=BACKOFF)
            )
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            if self._token is not None:
                session.headers["Authorization"] = f"Bearer {self._token.reveal()}"
            self._opened = session
        return self._opened


def _quoted(identifier: str) -> str:
    return urllib.parse.quote(identifier, safe="")


_KINDS = {
    "ConnectTimeout": "connecting timed out",
    "ReadTimeout": "it did not answer in time",
    "SSLError": "its certificate is not trusted",
    "ConnectionError": "the connection was refused or broken",
}


def _kind(error: Exception) -> str:
    """What kind of failure, without the text that quotes the request."""
    return _KINDS.get(type(error).__name__, type(error).__name__)


def _refusal(answer: requests.Response) -> str:
    """Status and the service's own word, cut: a Cinder behind it may answer with a whole traceback."""
    try:
        body = answer.json()
        inner = next((each for each in body.values() if isinstance(each, dict)), body)
        message = str(inner.get("message", ""))
    except (ValueError, AttributeError):
        message = ""
    first = line(message.splitlines()[0][:200]) if message else ""
    return f"{answer.status_code}" + (f": {first}" if first else f" {answer.reason}")
