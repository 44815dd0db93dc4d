"""The rules do what their examples say."""

from vedette.detectors.signatures.check import check_rules
from vedette.detectors.signatures.database import compile_rules
from vedette.detectors.signatures.rules import load_rules, rule_sources


def test_every_rule_hits_its_attacks_and_none_of_its_lookalikes():
    rules = load_rules(rule_sources())
    assert check_rules(compile_rules(rules)) == []
