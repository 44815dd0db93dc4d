r"""What a log file's name tells about its place among its rotated siblings.

Names understood, oldest first within a line:

| writer | names |
|---|---|
| logrotate | `access.log.10.gz`, `access.log.2.gz`, `access.log.1`, `access.log` |
| logrotate, `extension .log` | `access.2.log.gz`, `access.1.log`, `access.log` |
| logrotate, `dateext` | `access.log-20240501.gz`, `access.log-20240502`, `access.log` |
| kubelet | `0.log.20240501-100000.gz`, `0.log` |
| Apache rotatelogs | `access_log.1714521600`, `access_log.1714608000` |
| lumberjack (Caddy, Traefik) | `access-2024-05-01T10-00-00.000.log.gz`, `access.log` |
| IIS | `u_ex240501.log`, `u_ex240502.log` |
| cPanel | `shop.example-ssl_log-Apr-2024.gz`, `shop.example-ssl_log-May-2024.gz`, `shop.example-ssl_log` |
"""

import re
from functools import lru_cache

import msgspec

COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zstd")

# Not the last part of an IPv4 address: `10.0.0.1.log`.
_NUMBER = re.compile(r"(?<!\.\d)(?<!\.\d\d)(?<!\.\d\d\d)\.(\d{1,5})(?=\.log$|$)")
_DATE = re.compile(
    r"[-._]?(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>[-._]?)(?P<month>0[1-9]|1[0-2])(?P=dash)(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:[-._T]?(?P<clock>[0-2]\d(?:[-._:]?[0-5]\d(?:[-._:]?[0-5]\d(?:\.\d{1,9})?)?)?))?Z?(?!\d)"
)
_IIS_DATE = re.compile(r"(?<=^u_ex)\d{6}(?:\d\d)?(?=(?:_x)?\.log$)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(rf"-({'|'.join(_MONTHS)})-((?:19|20)\d\d)$", re.IGNORECASE)
_EPOCH = re.compile(r"[-._](1\d{9})(?!\d)")


class Rotation(msgspec.Struct, frozen=True, order=True):
    """A file's place in its group. Sorting a group by `order` puts the oldest file first.

    Attributes:
        group: The name of the live file, as far as the name tells: `access.log` for `access.log.2.gz`.
        order: (dated before numbered before live, the date's digits, minus the number).
    """

    group: str
    order: tuple[int, str, int]


@lru_cache(maxsize=16_384)  # A directory that is followed is listed again and again.
def rotation_of(name: str) -> Rotation:
    """Read a file name (without its directory).

    >>> rotation_of("access.log.2.gz") < rotation_of("access.log.1") < rotation_of("access.log")
    True
    """
    for suffix in COMPRESSED_SUFFIXES:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    stamp = ""
    if (month := _MONTH.search(name)) is not None:
        stamp = f"{month[2]}{_MONTHS.index(month[1].lower()) + 1:02d}"
        name = name[: month.start()]
    for pattern in (_IIS_DATE, _DATE, _EPOCH):
        if (found := _last(pattern, name)) is not None:
            stamp += "".join(re.findall(r"\d", found.group()))
            name = name[: found.start()] + name[found.end() :]
    number = 0
    if (numbered := _NUMBER.search(name)) is not None:
        number = int(numbered.group(1))
        name = name[: numbered.start()] + name[numbered.end() :]
    rank = 0 if stamp else 1 if numbered else 2
    return Rotation(name, (rank, stamp, -number))


def is_of_month(name: str) -> bool:
    """Whether a name without its compression is that of an archived month (`shop.example-May-2024`)."""
    return _MONTH.search(name) is not None


def _last(pattern: re.Pattern[str], name: str) -> re.Match[str] | None:
    return max(pattern.finditer(name), key=lambda found: found.start(), default=None)
