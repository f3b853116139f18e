from dataclasses import replace
from datetime import timedelta

from tests.tidegate.test_dashboard import ANY_PORT, data, get
from tests.tidegate.test_status import NOW, Host, status
from tidegate.dashboard.serve import open_dashboard
from tidegate.metrics import metrics_text
from tidegate.rows import AuthorityRow

__all__ = ["data"]

FAILED = Host(
    "shop.example.com", "failed", next_try=NOW + timedelta(hours=1), last_error="No.", renew_at=None
)


def test_certificates_and_authorities_are_measured():
    now = status(
        hosts=[Host("blog.example.com"), FAILED],
        authorities=[AuthorityRow("https://a/dir", NOW, "Down."), AuthorityRow("https://b/dir", None, "")],
    )
    lines = metrics_text(now).splitlines()
    assert "tidegate_up 1" in lines
    end = int((NOW + timedelta(days=60)).timestamp())
    assert f'tidegate_certificate_expiry_timestamp_seconds{{host="blog.example.com"}} {end}' in lines
    assert 'tidegate_certificate_error{host="blog.example.com",state="active"} 0' in lines
    assert 'tidegate_certificate_error{host="shop.example.com",state="failed"} 1' in lines
    retry = int((NOW + timedelta(hours=1)).timestamp())
    assert f'tidegate_certificate_next_try_timestamp_seconds{{host="shop.example.com"}} {retry}' in lines
    assert 'tidegate_authority_up{directory="https://a/dir"} 0' in lines
    assert 'tidegate_authority_up{directory="https://b/dir"} 1' in lines
    assert not [line for line in lines if line.startswith("tidegate_certificate_renewal") and "shop" in line]


def test_each_family_is_declared_once_before_its_samples():
    lines = metrics_text(status(hosts=[Host("a.test"), Host("b.test")])).splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    seen = set()
    for line in lines:
        if line.startswith("# TYPE"):
            seen.add(line.split()[2])
        elif not line.startswith("#"):
            assert line.partition("{")[0].partition(" ")[0] in seen


def test_what_stands_in_a_label_cannot_end_it():
    text = metrics_text(status(hosts=[replace(Host("a"), host='a"} 1\nevil\\')]))
    assert '{host="a\\"} 1\\nevil\\\\"}' in text


async def test_the_dashboard_has_them(data):
    async with open_dashboard(status, data, ANY_PORT) as (address,):
        code, headers, text = await get(address, "/metrics")
    assert (code, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert text.startswith("# HELP tidegate_up ")
