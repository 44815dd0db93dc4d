"""The signatures as the configuration wants them, with the rule files that it names."""

from pathlib import Path

from vedette.config.detectors import Signatures
from vedette.detectors.signatures.check import check_rules
from vedette.detectors.signatures.database import RuleSet, load_rule_set, load_rules_at_once
from vedette.detectors.signatures.exceptions import PathException
from vedette.detectors.signatures.payload_model import PACKAGED
from vedette.detectors.signatures.rules import RuleError, load_rules
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.kernels.cache import cache_directory

LARGEST = 1 << 20
"""Bytes of the largest rule file that is read."""


def signature_scanner(config: Signatures, *, at_once: bool = False) -> SignatureScanner:
    """A scanner with the package's rules and the site's own; compiled ones are kept in the user's cache.

    Args:
        config: The signatures' keys.
        at_once: Compile the package's rules only once it has seen more text than a small log has.

    Raises:
        RuleError: A rule file cannot be read, a rule does not do what its examples say, or a key names a rule
            that does not exist.
    """
    added = {path: _read(path) for path in config.rule_files}
    own = {rule.id for rule in load_rules(added)}

    def check(rule_set: RuleSet) -> list[str]:
        return check_rules(rule_set, own)

    # Whether a site's own rules do what they should is found out with compiled ones.
    rules = (
        load_rules_at_once(cache_directory())
        if at_once and not own
        else load_rule_set(cache_directory(), added, check if own else None)
    )
    return SignatureScanner(
        rules,
        disabled=frozenset(config.disabled_rules),
        least=config.min_confidence,
        model=PACKAGED if config.payload_model else None,
        exceptions=[PathException(entry.path, entry.rules) for entry in config.exceptions],
    )


def _read(path: str) -> bytes:
    key = "detectors.signatures.rule_files"
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise RuleError(f"{key}: {path}: cannot be read: {error.strerror}") from error
    if len(content) > LARGEST:
        raise RuleError(f"{key}: {path}: more than {LARGEST} bytes; rules are shorter")
    return content
