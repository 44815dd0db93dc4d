"""Referers and targets that name their host are judged as a target is: by path and query, each by itself."""

import pytest
from tests.signatures.packaged import rule_set

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.evidence import decode
from vedette.detectors.signatures.exceptions import PathException
from vedette.detectors.signatures.rules import DECISIVE, Place
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.kernels.requests.decode import ADDRESS, MENTIONED

SITE = "https://shop.example"


@pytest.fixture(scope="module")
def scanner() -> SignatureScanner:
    return SignatureScanner.cached()


def accused(scanner: SignatureScanner, **texts: str) -> bool:
    hits = scanner.judge(batch({name: [text.encode()] for name, text in texts.items()}))
    return bool(hits.confidence[0] >= DECISIVE)


@pytest.mark.parametrize(
    ("logged", "read"),
    [
        (b"HTTPS://Shop.example:8080/A?b+c", [b"https://shop.example:8080", b"/a", b"b c"]),
        (b"http://u@[::1]?x", [b"http://u@[::1]", b"", b"x"]),
        (b"http://caf\xc3\xa9.example", [b"http://caf\xc3\xa9.example", b"", b""]),
        (b'https://a.example"><b>/c', [b"https://a.example", b'"><b>/c', b""]),
        (b"https://a.example%22/c", [b"https://a.example", b'"/c', b""]),
        (b"/a?http://b.example", [b"", b"/a", b"http://b.example"]),
    ],
)
@pytest.mark.parametrize("split", [ADDRESS, MENTIONED])
def test_an_address_is_read_in_three_parts(logged: bytes, read: list[bytes], split: int):
    assert decode([logged], split=split) == [read]


@pytest.mark.parametrize("logged", [b"' or+1", b"httpx://a", b"http:/", b"http", b"android-app://a.b/"])
def test_what_is_no_address_of_the_web_is_a_path_if_asked_for_and_a_query_if_only_mentioned(logged: bytes):
    assert decode([logged], split=ADDRESS) == [[b"", logged, b""]]
    assert decode([logged], split=MENTIONED) == [[b"", b"", logged.replace(b"+", b" ")]]


def test_nothing_is_read_of_nothing():
    assert decode([b""], split=MENTIONED) == decode([b""], split=ADDRESS) == [[b"", b"", b""]]


@pytest.mark.parametrize(
    "target",
    [
        "/p?user[$ne]=1",
        "/login'+or+'1'='1",
        "/p?q=%3Cimg%20src=x%20onerror=alert(1)%3E",
        "/p?id=1;cat%20/etc/hosts",
        "/p?x={{config.items()}}",
        "/a?f=..%2f..%2f..%2fetc/passwd",
        "/p?d=MScgT1IgJzEnPScx",
    ],
)
def test_an_attack_in_a_target_is_one_in_a_referer_and_behind_a_host(scanner: SignatureScanner, target: str):
    assert accused(scanner, target=target)
    assert accused(scanner, target=SITE + target)
    assert accused(scanner, target="/", referer=SITE + target)


@pytest.mark.parametrize("path", ["/.env", "/.git/config", "/actuator/env"])
def test_a_file_that_nobody_should_ask_for_is_no_sign_where_it_is_only_mentioned(
    scanner: SignatureScanner, path: str
):
    assert accused(scanner, target=SITE + path)
    assert not accused(scanner, target="/", referer=SITE + path)


@pytest.mark.parametrize(
    "referer", ["<?php eval($_POST['x']);?>", "() { _; } >_[$($())] { id; }", "1' or 1=1-- "]
)
def test_what_stands_in_place_of_a_referer_is_judged_as_a_value(scanner: SignatureScanner, referer: str):
    assert accused(scanner, target="/", referer=referer)


@pytest.mark.parametrize(
    "referer",
    [
        "https://www.google.co.uk/search?q=select+*+from+users+where+1%3D1&oq=select",
        "https://duckduckgo.com/?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E+explained&ia=web",
        "https://stackoverflow.com/search?q=__class__.__mro__",
        "http://topics.example/269270-temperature-through-powershell-scripting",
        SITE + "/phpmyadmin/index.php?route=/sql&db=shop&sql_query=SELECT+*+FROM+%60orders%60",
        SITE + "/search?q=o'neil&sort=price",
        "android-app://com.google.android.gm",
        "http://localhost:3000/",
    ],
)
def test_who_comes_from_a_search_or_an_application_is_not_accused(scanner: SignatureScanner, referer: str):
    assert not accused(scanner, target="/", referer=referer)


def test_a_search_engine_named_by_an_attacker_hides_no_probe(scanner: SignatureScanner):
    assert accused(scanner, target="/", referer="https://www.google.com/search?q=1'+AND+SLEEP(5)--+")
    assert accused(scanner, target="/", referer="https://www.google.com/${jndi:ldap://e.example/a}")
    assert accused(
        scanner, target="/", referer="https://www.google.com.e.example/?q=<script>alert(1)</script>"
    )


@pytest.mark.parametrize(
    "target", ["http://api.ipify.org/", "http://203.0.113.5/judge.php", "http://x.oast.fun/"]
)
def test_a_foreign_host_by_which_open_proxies_are_tried_is_found(scanner: SignatureScanner, target: str):
    assert accused(scanner, target=target)


@pytest.mark.parametrize("target", ["http://shop.example/", "https://shop.example/p?id=7", "/judge.php"])
def test_a_target_that_names_its_host_is_no_attack_by_itself(scanner: SignatureScanner, target: str):
    assert not accused(scanner, target=target)


def test_it_is_said_that_a_match_stands_in_the_referer(scanner: SignatureScanner):
    hits = scanner.judge(
        batch(
            {
                "target": [b"/"] * 2,
                "referer": [b"http://a.example/?q=1'+or+'1'='1", b"http://a.example/%3Csvg/onload=x"],
            }
        )
    )
    for row in range(2):
        told = hits.evidence(row)
        assert told
        assert {match.place for match in told} == {Place.REFERER}


def test_a_path_on_which_rules_are_switched_off_is_that_of_referers_too():
    judge = SignatureScanner(
        rule_set(),
        exceptions=(PathException("/query/*", ("sql-*", "model-sql-*", "abnormal-*", "scanner-*")),),
    )
    where = "/query/run?q=1+union+select+login,pass+from+users"
    assert not accused(judge, target="/", referer=SITE + where)
    assert accused(judge, target="/", referer=SITE + where.replace("query", "item"))
