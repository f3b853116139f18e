"""The demo without a terminal: every claim is tried over verified HTTPS and printed with what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from compose.demo import visit
from compose.demo.apps import Site
from compose.demo.stage import Stage
from tests.program import eventually

CERTIFICATE_WAIT = 90  # seconds; Pebble sleeps before it validates, on purpose
ROUTE_WAIT = 10
NEXT = """\
The demo cleans up after itself. Next, with apps of your own:
  make image                                    # builds the image that README.md's compose file starts
  .venv/bin/tidegate check YOUR/compose.yaml    # says what is wrong in it, before anything runs
  docker compose up -d                          # and your first site is there: README.md, "Labels"
What stays is in this folder: rm -rf .venv .cache .demo removes it.
"""


def prove(stage: Stage, say: Callable[[str], None]) -> int:
    """0 when everything held, 1 with the first thing that did not."""
    try:
        for line in claims(stage):
            say(f"  proved: {line}")
    except (AssertionError, OSError) as failure:
        say(f"  FAILED: {failure}\n\nTidegate's log:\n{stage.tidegate.log}")
        return 1
    say("demo: everything held")
    say(f"\n{NEXT}")
    return 0


def claims(stage: Stage) -> Iterator[str]:
    for site in stage.sites:
        yield f"{stage.url(site)}  {served(stage, site)}"
    page, talker, streamer = stage.sites
    status, location = visit.redirect_of(page.host, stage.tidegate.web)
    assert (status, location) == (308, stage.url(page)), f"plain HTTP answered {status} {location}"
    yield f"http://{page.host}:{stage.tidegate.web}/ is redirected to {location}"
    heard = visit.echo(talker.host, stage.tidegate.websecure, stage.trust, "high tide")
    assert heard == "high tide", f"the WebSocket answered {heard!r}"
    yield f"a WebSocket to {talker.host} echoes"
    times = visit.arrivals(streamer.host, stage.tidegate.websecure, stage.trust, "/stream")
    assert len(times) == 5 and times[-1] - times[0] > 1, f"the stream arrived at {times}"
    yield f"a stream from {streamer.host} arrives as it is sent: {', '.join(f'{at:.1f} s' for at in times)}"
    yield follows(stage, page)


def served(stage: Stage, site: Site) -> str:
    """Wait for the certificate, then say who issued it and what the app answered."""

    def trusted() -> visit.Visit | None:
        seen = stage.look(site)
        return seen if seen.status == 200 else None

    seen: visit.Visit = eventually(trusted, within=CERTIFICATE_WAIT, every=0.25)
    stage.seen[site.host] = seen
    return f"{site.container.short_id}  issued by {seen.issuer}  {seen.summary}"


def follows(stage: Stage, site: Site) -> str:
    """The route goes with its container and comes back with it; other sites keep answering."""
    site.container.stop(timeout=1)
    stopped = time.monotonic()
    eventually(lambda: stage.look(site).status in (404, 503), within=ROUTE_WAIT)
    closed = time.monotonic() - stopped
    others = [stage.look(other).status for other in stage.sites if other is not site]
    assert all(status == 200 for status in others), f"other sites answered {others}"
    site.container.start()
    started = time.monotonic()
    # Routed is before answered: Docker says "started" before the app listens, and until then it is 502.
    eventually(lambda: stage.look(site).status not in (404, 503), within=ROUTE_WAIT)
    opened = time.monotonic() - started
    eventually(lambda: stage.look(site).status == 200, within=ROUTE_WAIT)
    answered = time.monotonic() - started
    after = [f"{seconds * 1000:.0f} ms" for seconds in (closed, opened, answered)]
    return (
        f"{site.host} closed {after[0]} after its container stopped, opened {after[1]} after it started, "
        f"and the app answered after {after[2]}"
    )
