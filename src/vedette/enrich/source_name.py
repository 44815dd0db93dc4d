"""The service that a source's name suggests: `/var/log/nginx/shop-access.log.2.gz` is `shop`."""

import re
from collections.abc import Iterable

STANDARD_INPUT = "-"
MAX_NAME = 100

_PACKED = re.compile(r"\.(?:gz|bz2|xz|zst|zstd|z|zip|lz4)$", re.IGNORECASE)
_ENDING = re.compile(r"[._-]?(?:log|txt|jsonl?|ndjson|csv|out)$", re.IGNORECASE)
_ROTATION = re.compile(r"[._-](?:\d{1,5}|\d{4}[-_.]?\d{2}(?:[-_.]?\d{2})?(?:[-_.T]?\d{2,6})?Z?)$")
_MONTH = re.compile(r"-(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-\d{4}$", re.IGNORECASE)
"""cPanel's archives: `shop.example-ssl_log-May-2024.gz`."""
_ACCESS = re.compile(r"(?:^|[._-])(?:access|requests?)(?:$|(?=[._-]))", re.IGNORECASE)
_SEPARATORS = "._- "

_PRODUCTS = (
    # AWS: <account>_elasticloadbalancing_<region>_app.<name>.<id>_<end>_<address>_<random>.log.gz
    re.compile(r"_elasticloadbalancing_[a-z0-9-]+_(?:app|net|gateway)\.([^._]+)\."),
    # AWS: <account>_elasticloadbalancing_<region>_<name>_<end>_<address>_<random>.log (classic)
    re.compile(r"_elasticloadbalancing_[a-z0-9-]+_([^._]+)_\d{8}T"),
    # AWS CloudFront: <distribution>.YYYY-MM-DD-HH.<random>.gz
    re.compile(r"^(E[0-9A-Z]{8,20})\.\d{4}-\d\d-\d\d-\d\d\."),
    # Kubernetes node: <pod>_<namespace>_<container>-<64 hexadecimal digits>.log
    re.compile(r"^[^_]+_[^_]+_(.+)-[0-9a-f]{64}\.log$"),
)
_NAMELESS = re.compile(r"^(?:u_)?(?:ex|nc|in)\d{4,10}(?:_x)?$|^\d*$", re.IGNORECASE)
"""IIS's dated files, and Kubernetes' `0.log`: there the directory has the name."""


def service_of_source(source: str) -> str:
    """Name the service of a source whose rows name none.

    The file's name without packing, rotation, ending and the word `access`; `access` if nothing is left;
    the directory for files that are only numbered; `stdin` for standard input.
    """
    if source == STANDARD_INPUT:
        return "stdin"
    directory, _, file = source.rpartition("/")
    name = _PACKED.sub("", file)
    for product in _PRODUCTS:
        found = product.search(name)
        if found:
            return found[1][:MAX_NAME]
    name = _bare(_MONTH.sub("", name))
    if _NAMELESS.match(name):
        name = directory.rpartition("/")[2]
    return name.strip(_SEPARATORS)[:MAX_NAME] or "access"


def names_of_past(scanned: Iterable[str], past: Iterable[str]) -> dict[str, str]:
    """What services of older sources are called now: the past of a single log is that log's, whatever its name.

    `normal.log`, learned from before `today.log` is scanned, tells of the service `today`. With several logs on
    either side, or one that both sides have, names mean what they say.

    Args:
        scanned, past: Names of sources.
    """
    now, then = ({service_of_source(name) for name in names} for names in (scanned, past))
    return {then.pop(): now.pop()} if len(now) == len(then) == 1 and now != then else {}


def _bare(name: str) -> str:
    """Take rotation marks, endings and `access` off, wherever they stand."""
    for pattern in (_ROTATION, _ENDING, _ROTATION):
        shorter = pattern.sub("", name)
        while shorter not in (name, ""):
            name, shorter = shorter, pattern.sub("", shorter)
    return _ACCESS.sub("", name).strip(_SEPARATORS) or ("access" if _ACCESS.search(name) else name)
