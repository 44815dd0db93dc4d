"""The package's rules, compiled once for all tests: that takes five seconds of a processor."""

from functools import cache

from vedette.detectors.signatures.database import RuleSet, load_rule_set
from vedette.kernels.cache import cache_directory


@cache
def rule_set() -> RuleSet:
    """Compiled, from the cache that every process of the tests shares; what they are made of is its key."""
    return load_rule_set(cache_directory())
