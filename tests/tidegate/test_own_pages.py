from __future__ import annotations

import pytest

from tests.program import Program, by_all, eventually
from tests.tidegate.apps import visit
from tidegate.own_pages import LARGEST, Shelf


def test_pages_are_read_by_their_names_and_again_when_they_change(tmp_path):
    shelf = Shelf(tmp_path)
    (tmp_path / "404.html").write_text("not here")
    (tmp_path / "5XX.htm").write_bytes(b"\xef\xbb\xbfbroken")
    (tmp_path / "readme.txt").write_text("nobody looks at this")
    assert shelf.look() and shelf.pages == {"404": "not here", "5xx": "broken"}
    assert not shelf.look()
    (tmp_path / "404.html").write_text("gone")
    (tmp_path / "5XX.htm").unlink()
    assert shelf.look() and shelf.pages == {"404": "gone"}
    assert shelf.problems == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff", "no UTF-8"), (b" \n", "empty"), (b"a" * (LARGEST + 1), "more than 256 KiB")],
)
def test_a_page_that_cannot_be_used_is_a_problem_and_its_last_version_stays(tmp_path, content, reason):
    shelf = Shelf(tmp_path)
    (tmp_path / "404.html").write_bytes(content)
    assert shelf.look() and shelf.pages == {}
    assert reason in shelf.problems[0].what and shelf.problems[0].consequence == "It is not shown."
    (tmp_path / "404.html").write_text("good")
    assert shelf.look() and (shelf.pages, shelf.problems) == ({"404": "good"}, ())
    (tmp_path / "404.html").write_bytes(content)
    assert shelf.look() and shelf.pages == {"404": "good"}
    assert "last version" in shelf.problems[0].consequence
    (tmp_path / "404.html").unlink()
    assert shelf.look() and (shelf.pages, shelf.problems) == ({}, ())


def test_other_names_and_a_missing_directory_are_told(tmp_path):
    (tmp_path / "fourohfour.html").write_text("x")
    shelf = Shelf(tmp_path)
    assert shelf.look() and shelf.problems[0].severity == "warning"
    assert "called after a status" in shelf.problems[0].what
    nowhere = Shelf(tmp_path / "nowhere")
    assert nowhere.look() and nowhere.problems[0].what == "There is no such directory."


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_name_that_no_site_has_gets_the_owners_page(tmp_path, workers):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "404.html").write_text("<p>Nothing at {{status}}</p>")
    flags = ("--docker", "off", "--acme-ca", "off", "--pages", str(pages), "--workers", workers)
    with Program(tmp_path / "data", *flags) as program:
        html = "text/html"
        by_all(lambda: visit(program, "a.test", Accept=html).text == "<p>Nothing at 404</p>")
        assert visit(program, "a.test").text == "No site has this name here.\n"
        (pages / "404.html").write_bytes(b"\xff")
        [problem] = eventually(lambda: program.api("problems"))
        assert problem["where"] == str(pages / "404.html")
        assert visit(program, "a.test", Accept=html).text == "<p>Nothing at 404</p>"
        (pages / "404.html").write_text("<p>again</p>")
        by_all(lambda: visit(program, "a.test", Accept=html).text == "<p>again</p>")
        assert eventually(lambda: not program.api("problems"))
