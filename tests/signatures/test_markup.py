"""Markup that only says what text is does not count; markup that runs, loads or breaks out does."""

from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.evidence import decode
from vedette.detectors.signatures.rules import DECISIVE
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.kernels.compile import kernel
from vedette.kernels.requests.markup import ATTRIBUTES, DEEPEST, ELEMENTS, SIGNS, harmless_markup


@kernel
def judged(text, begin, end, elements, attributes, signs, opened):
    return harmless_markup(text, begin, end, elements, attributes, signs, opened)


def is_harmless(markup: str) -> bool:
    ((_, query),) = decode([b"/?q=" + quote(markup, safe="").encode()], split=True)
    text = np.frombuffer(query + b"\0\n", dtype=np.uint8).copy()
    opened = np.zeros(DEEPEST + 1, dtype=np.int64)
    return bool(judged(text, 0, len(query), ELEMENTS, ATTRIBUTES, SIGNS, opened))


HARMLESS = [
    "<p>It's <b>here</b>, today</p>",
    '<a href="https://example.org/?a=1&amp;b=2" target="_blank">more</a>',
    '<a href="mailto:ann@example.org?subject=Hi">mail</a><br><hr/>',
    '<img src="/a.png" srcset="/a-2x.png 2x" alt="a (small) cat">',
    '<img src="data:image/png;base64,iVBORw0KGgo=">',
    '<svg viewBox="0 0 8 8"><g transform="rotate(45)"><path d="M0 0h8v8z"/></g><use xlink:href="#a"/></svg>',
    '<iframe width="560" height="315" src="https://video.example/embed/1" allowfullscreen></iframe>',
    '<!DOCTYPE html><html lang="en"><head><title>a</title></head><body><p>b</body></html>',
    '<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body/></soap:Envelope>',
    "<!-- a note --><ul><li>one<li>two</ul>",
    '<form action="/search"><input name="q"><button type="submit">go</button></form>',
]
HOSTILE = [
    "<script>a</script>",
    "<svg:script>a</svg:script>",
    "<p onclick=a>b</p>",
    '<p on:click="a">b</p><x:y x:onload="a"></x:y>',
    "<svg/onload=a>",
    '<a href="javascript:a">b</a>',
    '<a href="//evil.example">b</a>',
    '<a href="http://1113982867/">b</a>',
    "<a href=https://evil.example>b</a>",
    '<a href="data:text/html,a">b</a>',
    '<img src="data:image/svg+xml,a">',
    '<p style="a:expression(b)">c</p>',
    '<iframe src="https://evil.example"></iframe>',
    '<iframe src="/a" width="1"></iframe>',
    '<iframe srcdoc="a" src="https://a.example" width="1"></iframe>',
    '<link rel="stylesheet" href="https://evil.example/a.css">',
    '<form action="https://evil.example"><input></form>',
    '<use href="https://evil.example/a.svg#b"/>',
    "<style>a</style>",
    '"><b>a</b>',
    "</title><b>a</b>",
    "<b>a</i>",
    "<b>a",
    "<b>a</b",
    "<b a='c>d</b>",
    "<b>{{7*7}}</b>",
    "<b>`id`</b>",
    "<b>$(id)</b>",
    "<b>xss</b>",
    "<!--#exec cmd='id'--><b>a</b>",
    '<!DOCTYPE a SYSTEM "http://evil.example/a.dtd"><a></a>',
    '<!DOCTYPE html [<!ENTITY a "b">]><a></a>',
    "<?php a ?><b>c</b>",
    '<meta http-equiv="refresh" content="0">',
    "a < b > c",
    "a <b",
    "no markup",
    "<b>" * (DEEPEST + 1) + "</b>" * (DEEPEST + 1),
]


@pytest.mark.parametrize("markup", HARMLESS)
def test_markup_that_only_says_what_text_is_is_harmless(markup: str):
    assert is_harmless(markup)


@pytest.mark.parametrize("markup", HOSTILE)
def test_markup_that_runs_loads_or_breaks_out_is_not(markup: str):
    assert not is_harmless(markup)


@given(st.text(alphabet="<>/ab\"'= -!?&;:#(", max_size=60))
def test_any_text_is_judged(markup: str):
    assert is_harmless(markup) in (True, False)


@pytest.fixture(scope="module")
def scanner() -> SignatureScanner:
    return SignatureScanner.cached()


def accused(scanner: SignatureScanner, target: str) -> bool:
    return bool(scanner.judge(batch({"target": [target.encode()]})).confidence[0] >= DECISIVE)


def test_harmless_markup_accuses_nobody_and_hides_nothing(scanner: SignatureScanner):
    harmless = quote(
        '<svg viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg><form action="/a"><input name="q"></form>'
    )
    assert not accused(scanner, f"/page?q={harmless}")
    for attack in ("%22%3E%3Csvg+onload=alert(1)%3E", "1'+union+select+1,2--", ";cat+/etc/passwd", "{{7*7}}"):
        assert accused(scanner, f"/page?q={harmless}&p={attack}")
        assert accused(scanner, f"/page?q={attack}&p={harmless}")
    assert accused(scanner, f"/..%2f..%2f..%2fetc/passwd?q={harmless}")


def test_a_score_that_harmless_markup_had_is_taken_back(scanner: SignatureScanner):
    markup = quote("<math><mi>x</mi><mo>=</mo><mn>1</mn></math>")
    hits = scanner.judge(batch({"target": [f"/page?q={markup}".encode(), b"/page?q=it's"]}))
    assert hits.rules(0) == []
    assert hits.scores()[0] < 0.5
