"""Wire: HTTPS to a CA, where everything that can go wrong has a name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from acme_client.authority import Authority
from acme_client.failure import Failure, Kind, from_problem
from acme_client.retry import retry_after

TIMEOUT = (10, 15)


class Wire:
    """Requests to one CA, each of which brings a good answer or raises `Failure`."""

    def __init__(self, authority: Authority, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._trust: str | bool = str(authority.bundle) if authority.bundle else True
        self._http = requests.Session()
        self._http.headers["User-Agent"] = "tidegate"

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, url: str, data: str | None = None) -> requests.Response:
        headers = {"Content-Type": "application/jose+json"} if data is not None else {}
        try:
            return self._http.request(
                method,
                url,
                data=data,
                headers=headers,
                verify=self._trust,
                timeout=TIMEOUT,
                allow_redirects=method == "GET",
            )
        except (requests.RequestException, OSError) as error:  # OSError: the bundle's file is missing
            raise _unreachable(error) from error

    def wait(self, response: requests.Response) -> float | None:
        """Retry-After in seconds, counted from the answer's own Date: our clock may be wrong."""
        try:
            now = parsedate_to_datetime(response.headers["Date"])
            now.utcoffset()
            return retry_after(response.headers.get("Retry-After"), now)
        except (KeyError, ValueError, TypeError):
            return retry_after(response.headers.get("Retry-After"), self._clock())

    def check(self, response: requests.Response, host: str = "") -> requests.Response:
        if response.ok:
            return response
        wait, status = self.wait(response), response.status_code
        try:
            document = response.json()
        except ValueError:
            document = None
        if isinstance(document, dict):
            raise from_problem(document, host, status=status, retry_after=wait)
        # Not the ACME server but something before it, such as a load balancer.
        kind: Kind = "rate" if status == 429 else "authority"
        raise Failure(
            kind,
            f"The CA answered with HTTP status {status} and no explanation.",
            status=status,
            retry_after=wait,
            wide=True,
        )


def was_cut(failure: Failure) -> bool:
    """Whether the connection broke in the middle, so that the request may or may not have been obeyed."""
    error = failure.__cause__
    refused = requests.exceptions.SSLError | requests.Timeout
    return isinstance(error, requests.ConnectionError) and not isinstance(error, refused)


def _unreachable(error: Exception) -> Failure:
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        cause = (
            "The certificate of the CA's own endpoint is not trusted."
            " Give its root certificate with the setting acme-ca-bundle."
        )
        return Failure("unreachable", cause, detail=_innermost(error))
    if isinstance(error, requests.exceptions.Timeout):
        return Failure("unreachable", "The CA did not answer in time.", detail=_innermost(error))
    if isinstance(error, OSError) and "TLS CA certificate bundle" in text:
        return Failure(
            "configuration", "The file of the setting acme-ca-bundle cannot be read.", wide=True, detail=text
        )
    return Failure("unreachable", "The CA cannot be reached from this machine.", detail=_innermost(error))


def _innermost(error: BaseException) -> str:
    """The reason below urllib3's wrappings, without object addresses."""
    reason: Any = error.args[0] if error.args else error
    while (inner := getattr(reason, "reason", None)) is not None and inner is not reason:
        reason = inner
    return re.sub(r"<[^>]*>(: )?", "", str(reason))[:300]
