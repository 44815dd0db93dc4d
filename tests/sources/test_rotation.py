"""The order of rotated files, by their names alone."""

import random

import pytest

from vedette.sources.rotation import rotation_of

OLDEST_FIRST = {
    "logrotate": ["access.log.10.gz", "access.log.9.gz", "access.log.2.gz", "access.log.1", "access.log"],
    "logrotate with extension": ["access.3.log.gz", "access.2.log.gz", "access.1.log", "access.log"],
    "other compressions": ["a.log.4.zst", "a.log.3.xz", "a.log.2.bz2", "a.log.1", "a.log"],
    "dateext": ["access.log-20231231.gz", "access.log-20240101.gz", "access.log-20240102", "access.log"],
    "dateext hourly": ["access.log-2024050109.gz", "access.log-2024050110.gz", "access.log"],
    "dateext with seconds": [
        "access.log-20240501-1714521600",
        "access.log-20240501-1714525200",
        "access.log",
    ],
    "several a day": ["access.log-20240501.2", "access.log-20240501.1", "access.log-20240502"],
    "dotted dates": ["access.2024-04-30.log", "access.2024-05-01.log.gz", "access.log"],
    "rotatelogs": ["access_log.1714521600", "access_log.1714608000", "access_log"],
    "lumberjack": [
        "access-2024-05-01T09-59-59.999.log.gz",
        "access-2024-05-01T10-00-00.000.log.gz",
        "access-2024-05-01T10-00-00.001.log",
        "access.log",
    ],
    "kubelet": ["0.log.20240501-100000.gz", "0.log.20240501-110000", "0.log"],
    "IIS": ["u_ex231231.log", "u_ex240101.log", "u_ex240102.log"],
    "IIS hourly": ["u_ex24010109.log", "u_ex24010110.log"],
    "cPanel": [
        "shop.example-ssl_log-Dec-2023.gz",
        "shop.example-ssl_log-Feb-2024.gz",
        "shop.example-ssl_log-Apr-2024.gz",
        "shop.example-ssl_log",
    ],
    "vhosts keep their name": ["shop.example.com-access.log.2", "shop.example.com-access.log"],
}


@pytest.mark.parametrize("names", OLDEST_FIRST.values(), ids=OLDEST_FIRST)
def test_rotated_siblings_sort_oldest_first(names: list[str]) -> None:
    shuffled = names[:]
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=lambda name: rotation_of(name).order) == names


@pytest.mark.parametrize("names", OLDEST_FIRST.values(), ids=OLDEST_FIRST)
def test_rotated_siblings_share_one_group(names: list[str]) -> None:
    assert len({rotation_of(name).group for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("access.log", "error.log"),
        ("shop.log.1", "blog.log.1"),
        ("access.log", "access.json"),
        ("api1.log", "api2.log"),
        ("10.0.0.1.log", "10.0.0.2.log"),
    ],
)
def test_different_logs_are_different_groups(one: str, other: str) -> None:
    assert rotation_of(one).group != rotation_of(other).group
