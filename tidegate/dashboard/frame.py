"""Frame: what the page looks like, and the one style that its policy allows."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

FRAME = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
_STYLE = FRAME.partition("<style>")[2].partition("</style>")[0]
STYLE_HASH = f"sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}"
