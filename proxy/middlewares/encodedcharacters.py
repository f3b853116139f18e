"""encodedcharacters: refuse paths with escapes that servers read differently."""

from __future__ import annotations

from proxy.exchange import RequestHead, Response
from proxy.pages import page
from proxy.schema import option, options


@options
class EncodedCharacters:
    """Answer 400 to every path with one of these escapes that is not allowed here."""

    allow_encoded_slash: bool = option(doc="Let %2F pass.", example="true", default=False)
    allow_encoded_back_slash: bool = option(doc="Let %5C pass.", example="true", default=False)
    allow_encoded_null_character: bool = option(doc="Let %00 pass.", example="true", default=False)
    allow_encoded_semicolon: bool = option(doc="Let %3B pass.", example="true", default=False)
    allow_encoded_percent: bool = option(doc="Let %25 pass.", example="true", default=False)
    allow_encoded_question_mark: bool = option(doc="Let %3F pass.", example="true", default=False)
    allow_encoded_hash: bool = option(doc="Let %23 pass.", example="true", default=False)

    steady = True

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        path = request.path
        if "%" in path and any(escape in path.upper() for escape in self._refused):
            return page(400, request)
        return request

    @property
    def _refused(self) -> list[str]:
        allowed = {
            "%2F": self.allow_encoded_slash,
            "%5C": self.allow_encoded_back_slash,
            "%00": self.allow_encoded_null_character,
            "%3B": self.allow_encoded_semicolon,
            "%25": self.allow_encoded_percent,
            "%3F": self.allow_encoded_question_mark,
            "%23": self.allow_encoded_hash,
        }
        return [escape for escape, passes in allowed.items() if not passes]
