"""What a request is for explains what other rules hit; nothing that an attacker adds hides an attack elsewhere."""

from itertools import cycle

import numpy as np
import pytest

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.rules import DECISIVE, RuleError, load_rules, rule_sources
from vedette.detectors.signatures.scan import SignatureScanner


@pytest.fixture(scope="module")
def scanner() -> SignatureScanner:
    return SignatureScanner.cached()


def accused(scanner: SignatureScanner, target: str) -> bool:
    return bool(scanner.judge(batch({"target": [target.encode()]})).confidence[0] >= DECISIVE)


EXPLAINED = [
    "/services/data/v60.0/query?q=SELECT+Id+FROM+Account+WHERE+Name='a'",
    "/?query=SELECT+name+FROM+t+WHERE+a=1+LIMIT+5&default_format=JSON",
    "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb",
    '/loki/api/v1/query_range?query={app="web"}+|=+"/etc/passwd"',
    "/api/articles?filters[status][$ne]=draft",
    '/parse/classes/Game?where={"score":{"$gte":10},"cheat":{"$ne":true}}',
    "/people?filter=(%26(objectClass=person)(|(cn=Smith*)(mail=smith*)))",
    '/rest/api/2/search?jql=text ~ "union select" ORDER BY created',
    "/Search/Results.html?Query=(Subject LIKE 'pipe') AND (Status = 'new' OR Status = 'open')",
    "/group/proj/-/raw/main/config/database.yml",
    "/jserror?m=Uncaught SyntaxError: Unexpected token '<'&f=https://a.example/x.js",
    "/adminer/index.php?username=app",
]
UNEXPLAINED = [
    "/page?q=SELECT+Id+FROM+Account+WHERE+Name='a'",
    "/query?q=select+1+union+select+1,2,3--",
    "/query?id=1+union+select+1,2&q=select+a+from+b",
    "/api/v1/namespaces/default/pods",
    "/page?query={app=%22web%22}&f=/etc/passwd",
    "/login?user[$ne]=a&filters[a][$where]=1",
    "/x?f=../../../etc/passwd&labelSelector=a",
    '/parse/classes/Game?where={"password":{"$ne":""}}',
    "/people?filter=*)(uid=*))(|(uid=*",
    "/rest/api/2/search?jql=1' or '1'='1' --",
    "/Search/Results.html?Query=Subject LIKE 'x' union select 1,2 from users--",
    "/Search/Results.html?Query=id = 5&Format=<script>alert(1)</script>",
    "/group/proj/-/raw/main/..%2f..%2f..%2fetc/passwd",
    "/config/database.yml",
    "/jserror?m=TypeError: a&f=<script>alert(1)</script>",
]


@pytest.mark.parametrize("target", EXPLAINED)
def test_what_an_interface_is_for_accuses_nobody(scanner: SignatureScanner, target: str):
    assert not accused(scanner, target)


@pytest.mark.parametrize("target", UNEXPLAINED)
def test_a_context_excuses_only_what_belongs_to_it(scanner: SignatureScanner, target: str):
    assert accused(scanner, target)


def test_contexts_are_of_the_targets_that_they_stand_in_however_many_are_judged_together(
    scanner: SignatureScanner,
):
    quiet = [f"/shop/item/{number}?q=shoes+{number}" for number in range(50)]
    mixed = [
        text for three in zip(quiet, cycle(EXPLAINED), cycle(UNEXPLAINED), strict=False) for text in three
    ]
    hits = scanner.judge(batch({"target": [text.encode() for text in mixed]}))
    found = [mixed[row] for row in np.flatnonzero(hits.confidence >= DECISIVE)]
    assert found == mixed[2::3]


def test_a_context_is_never_seen_itself(scanner: SignatureScanner):
    hits = scanner.judge(batch({"target": [b"/services/data/v60.0/query?q=SELECT+a+FROM+b"]}))
    assert hits.rules(0) == []
    assert hits.confidence[0] == 0


def test_a_context_names_rules_that_exist():
    sources = rule_sources()
    text = sources["contexts.yaml"]
    with pytest.raises(RuleError, match="excuses sql-nosuch: there is no such rule"):
        load_rules(sources | {"contexts.yaml": text.replace(b"sql-nosql-operator", b"sql-nosuch")})
    with pytest.raises(RuleError, match="beside sql-subselect: must be a rule with `context: true`"):
        load_rules(
            sources
            | {"contexts.yaml": text.replace(b"beside: context-query-interface", b"beside: sql-subselect")}
        )
