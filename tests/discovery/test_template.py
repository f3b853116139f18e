"""Templates of default rules."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.template import Scope, Template
from discovery.template_action import FIELDS
from discovery.template_functions import FUNCTIONS, TemplateError

SCOPE = Scope("my_blog", "demo-blog-1", {"host": "blog.lan", "empty": ""})


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("Host(`a.test`)", "Host(`a.test`)"),
        ("Host(`{{ normalize .Name }}.lan`)", "Host(`my-blog.lan`)"),
        ('Host("{{.ContainerName}}.{{ index .Labels "host" }}")', 'Host("demo-blog-1.blog.lan")'),
        ('{{ index .Labels "none" }}', ""),
        ("{{ .Labels.host }}", "blog.lan"),
        ('{{ index .Labels "empty" | default .Name }}', "my_blog"),
        ('{{ or (index .Labels "none") .Name | upper }}', "MY_BLOG"),
        ('{{ trimPrefix "my_" .Name }} {{ .Name | trimSuffix "blog" }}', "blog my_"),
        ('{{ replace "_" "-" .Name }}', "my-blog"),
        (
            '{{ splitList "_" .Name | last }} {{ splitList "-" .ContainerName | join "." }}',
            "blog demo.blog.1",
        ),
        ('{{ if hasPrefix "my" .Name }}yes{{ else }}no{{ end }}', "yes"),
        ('{{ if eq .Name "x" }}a{{ else if contains "blog" .Name }}b{{ else }}c{{ end }}', "b"),
        ("a {{- /* a comment */ -}} b", "ab"),
        ("a {{- .Name -}} b", "amy_blogb"),
        ('{{ "}}" }}{{ `{{` }}', "}}{{"),
        ("{{ trunc 2 .Name }}{{ trunc -2 .Name }}", "myog"),
    ],
)
def test_a_template_is_rendered_as_in_go(text: str, rendered: str) -> None:
    assert Template.parse(text).render(SCOPE) == rendered


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ .Nam }}", 'There is no ".Nam" here. Did you mean ".Name"?'),
        ("{{ .Toto }}", 'There is no ".Toto" here. Known: .Name, .ContainerName, .Labels.'),
        ("{{ normalise .Name }}", 'There is no function "normalise" here. Did you mean "normalize"?'),
        ("{{ .Name", "This is not closed with }}: {{ .Name"),
        ("{{ if .Name }}x", "An if has no {{ end }}."),
        ("x{{ end }}", "There is no if before {{ end }}."),
        ("{{ }}", "Something is missing here, such as {{ .Name }}."),
        ("{{ .Name | }}", "Behind a | stands a function, such as normalize."),
        ("{{ (.Name }}", "A parenthesis is not closed."),
        ("{{ .Name .Name }}", "This is one too many: .Name"),
        ("{{ trimPrefix .Name }}", 'trimPrefix is written so: {{ trimPrefix "x" .Name }}.'),
        ("{{ $x }}", "This cannot be read in a template: $x"),
        ("x" * 5000, "A template has at most 4096 characters."),
    ],
)
def test_a_mistake_in_a_template_is_said_when_it_is_read(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text", ["{{ .Labels }}", "{{ index .Name 1 }}", "{{ first .Name }}", '{{ trunc "a" .Name }}']
)
def test_a_value_of_the_wrong_kind_is_said_when_it_is_rendered(text: str) -> None:
    with pytest.raises(TemplateError):
        Template.parse(text).render(SCOPE)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_example_can_be_rendered(name: str) -> None:
    Template.parse(f"{{{{ {FUNCTIONS[name].example} }}}}").render(SCOPE)


WORDS = st.sampled_from(
    ["{{", "}}", "{{-", "-}}", "if", "else", "end", "|", "(", ")", '"', "`", " ", "\\", "1", "$", *FUNCTIONS]
    + [f".{each}" for each in FIELDS]
)


@given(
    st.lists(WORDS, max_size=30).map("".join)
    | st.lists(WORDS, max_size=30).map(lambda all_: f"{{{{{' '.join(all_)}}}}}")
)
def test_any_text_is_a_template_or_a_mistake(text: str) -> None:
    try:
        Template.parse(text).render(SCOPE)
    except TemplateError as error:
        assert str(error)


@pytest.mark.parametrize(
    "piece", ["{{", "{{if .Name}}", "{{(", "((", '{{"', "{{`", "}}", "{{ .Name | lower", "-"]
)
def test_hostile_templates_are_read_or_refused_at_once(piece: str) -> None:
    before = time.process_time()
    for text in (piece * (4096 // len(piece)), "{{" + piece * 1000 + "}}"):
        with suppress(TemplateError):
            Template.parse(text[:4096]).render(SCOPE)
    assert time.process_time() - before < 0.5
