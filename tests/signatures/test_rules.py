"""The rules do what their examples say."""

from tests.signatures.packaged import rule_set

from vedette.detectors.signatures.check import check_rules


def test_every_rule_hits_its_attacks_and_none_of_its_lookalikes():
    assert check_rules(rule_set()) == []
