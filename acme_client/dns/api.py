"""API: requests to a provider over HTTP, each of which brings JSON or a Failure in plain words."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from acme_client.dns.provider import failed
from acme_client.failure import Failure
from acme_client.frozen import frozen
from acme_client.retry import retry_after

CONNECTING = 10.0
LONGEST = 30.0
"""Seconds for one request, its answer included."""

MOST = 1 << 20
"""Octets of an answer."""

WORTH_WAITING = 15.0
"""Seconds of a Retry-After that are waited for on the spot."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Answer:
    status: int
    text: str
    wait: float | None = None

    def json(self) -> Any:
        try:
            return json.loads(self.text) if self.text else None
        except ValueError:
            return None


@frozen
class API:
    """Where a provider's interface is and how it knows us.

    `variables` are those to look at when it does not; `secrets` never stand in
    what is said of a failure.
    """

    provider: str
    base: str
    variables: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Collection[str] = field(default=(), repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        fine: Collection[int] = (),
    ) -> Answer:
        """The answer, when its status is good or one of `fine`; `body` is sent as JSON, bytes as they are."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = (
            {"Content-Type": "application/json"} if data is not None and not isinstance(body, bytes) else {}
        )
        sent = {"User-Agent": "tidegate", **kind, **self.headers, **(headers or {})}
        answer = self._send(method, path, data, query or {}, sent)
        if answer.status == 429 and answer.wait is not None and answer.wait <= WORTH_WAITING:
            time.sleep(answer.wait)
            answer = self._send(method, path, data, query or {}, sent)
        if 200 <= answer.status < 300 or answer.status in fine:
            return answer
        raise self.refused(answer)

    def refused(self, answer: Answer) -> Failure:
        """What an answer that is no good means to the owner."""
        said = self._hide(_words(answer))
        match answer.status:
            case 401 | 403:
                cause = f"{self.provider} refuses us, or we lack a right: look at {self.variables}."
            case 404:
                cause = f"{self.provider} does not know the zone. Is it in the account of {self.variables}?"
            case 429:
                return failed(f"{self.provider} wants fewer requests.", said, answer.wait)
            case status if status >= 500:
                cause = f"{self.provider} is out of order for the moment (HTTP status {status})."
            case status:
                cause = f"{self.provider} did not accept the record (HTTP status {status})."
        return failed(cause, said, answer.wait)

    def odd(self, what: str) -> Failure:
        return failed(f"{self.provider} answered with something else than {what}.")

    def _send(
        self, method: str, path: str, data: bytes | None, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        deadline = time.monotonic() + LONGEST
        try:
            with requests.request(
                method,
                self.base + path,
                params=dict(query),
                data=data,
                headers=dict(headers),
                auth=self._auth,
                timeout=(CONNECTING, LONGEST),
                allow_redirects=False,  # a token is for one address only
                stream=True,
            ) as response:
                text = _read(response, deadline)
                return Answer(response.status_code, text, _wait(response))
        except (requests.Timeout, TimeoutError) as error:
            raise failed(f"{self.provider} did not answer within {LONGEST:.0f} s.") from error
        except (requests.RequestException, OSError) as error:
            where = urlsplit(self.base).netloc.rpartition("@")[2]
            raise failed(
                f"{self.provider} cannot be reached at {where}.", self._hide(_reason(error))
            ) from error

    @property
    def _auth(self) -> Any:
        """Never what ~/.netrc has for the host: without an `auth` it would replace our header."""
        return self.auth or (lambda request: request)

    def _hide(self, text: str) -> str:
        for secret in self.secrets:
            for spelling in {secret, quote(secret, safe=""), quote(secret)} - {""}:
                text = text.replace(spelling, "[hidden]")
        return text


def _read(response: requests.Response, deadline: float) -> str:
    """The body, which may not drip in for ever."""
    read = bytearray()
    for chunk in response.iter_content(8192):
        read += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(read) > MOST:
            raise requests.ConnectionError("the answer is endless")
    return read.decode("utf-8", "replace")


def _wait(response: requests.Response) -> float | None:
    """Retry-After in seconds, counted from the answer's own Date; a date without one is no help."""
    try:
        now = parsedate_to_datetime(response.headers["Date"])
        now.utcoffset()
        return retry_after(response.headers.get("Retry-After"), now)
    except (KeyError, ValueError, TypeError):
        value = response.headers.get("Retry-After", "").strip()
        return retry_after(value, EPOCH) if value.isdigit() else None


def _words(answer: Answer) -> str:
    """What the provider says, out of whatever JSON it says it in; not the page of some load balancer."""
    document = answer.json()
    if document is None:
        return "" if answer.text.lstrip().startswith("<") else answer.text.strip()[:300]
    return "; ".join(dict.fromkeys(_texts(document)))[:300]


def _texts(document: Any) -> list[str]:
    match document:
        case str():
            return [document] if " " in document.strip() else []
        case dict():
            return [text for value in document.values() for text in _texts(value)]
        case list():
            return [text for value in document for text in _texts(value)]
    return []


def _reason(error: BaseException) -> str:
    """The reason below the wrappings, without object addresses."""
    reason: Any = error.args[0] if error.args else error
    while (inner := getattr(reason, "reason", None)) is not None and inner is not reason:
        reason = inner
    return re.sub(r"<[^>]*>(: )?|\S*\(host=.*?\): ", "", str(reason))[:300]
