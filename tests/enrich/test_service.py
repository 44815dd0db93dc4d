from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.enrich.batches import Row, batch

from vedette.enrich.service import (
    CANDIDATES,
    FREE_NAMES,
    OTHER_SERVICE,
    ROWS_TO_EARN,
    ServiceNamer,
    ServicePattern,
)
from vedette.enrich.source_name import service_of_source


def assigned(namer: ServiceNamer, names: list[bytes | None], source: str = "access.log") -> list[str]:
    ids = namer.assign(batch([Row(service=name) for name in names], source))
    return [namer.names[i] for i in ids.tolist()]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("-", "stdin"),
        ("access.log", "access"),
        ("/var/log/nginx/access.log.2.gz", "access"),
        ("/var/log/httpd/access_log-20240501", "access"),
        ("access.log.2024-05-01.zst", "access"),
        ("access.log.2024-05-01-10", "access"),
        ("shop-access.log", "shop"),
        ("shop.example.com.access.log.1", "shop.example.com"),
        ("access-shop.log", "shop"),
        ("other_vhosts_access.log", "other_vhosts"),
        ("nginx.json", "nginx"),
        ("logs/W3SVC1/u_ex240501.log", "W3SVC1"),
        ("logs/shop.example-ssl_log-May-2024.gz", "shop.example-ssl"),
        ("logs/shop.example-May-2024.gz", "shop.example"),
        ("/var/log/pods/default_web_1/nginx/0.log", "nginx"),
        (f"/var/log/containers/web_default_nginx-{'a1' * 32}.log", "nginx"),
        (
            "123456789012_elasticloadbalancing_us-east-1_app.my-lb.50dc6c_20240501T0000Z_192.0.2.1_x.log.gz",
            "my-lb",
        ),
        ("123456789012_elasticloadbalancing_us-east-1_my-lb_20240501T0000Z_192.0.2.1_x.log", "my-lb"),
        ("E2EXAMPLE1234.2024-05-01-10.a1b2c3d4.gz", "E2EXAMPLE1234"),
        ("", "access"),
        (".log", "log"),
        ("2024.log", "access"),
        ("x" * 300, "x" * 100),
    ],
)
def test_names_a_source(source: str, name: str) -> None:
    assert service_of_source(source) == name


@given(st.text(max_size=60))
def test_every_source_has_a_short_name(source: str) -> None:
    assert 0 < len(service_of_source(source)) <= 100


def test_the_logged_host_comes_before_the_files_name() -> None:
    names = [b"Shop.Example.com:443", b"shop.example.com", b"shop.example.com.", None, b"_", b"", b"-"]
    assert assigned(ServiceNamer(), names) == ["shop.example.com"] * 3 + ["access"] * 4


def test_addresses_and_cluster_names_are_names_too() -> None:
    names = [b"[2001:db8::1]:443", b"192.0.2.1:80", b"outbound|8080||cart.shop.svc"]
    assert assigned(ServiceNamer(), names) == ["2001:db8::1", "192.0.2.1", "outbound|8080||cart.shop.svc"]


@pytest.mark.parametrize(
    "name", [b"a b", b"<script>", b"\xff", b"a" * 101, b"${jndi:ldap://x}", b"a\x00", b"."]
)
def test_what_is_no_name_is_other(name: bytes) -> None:
    expected = "access" if name == b"." else OTHER_SERVICE
    assert assigned(ServiceNamer(), [name]) == [expected]


def test_configured_patterns_come_first_and_the_first_counts() -> None:
    patterns = [
        ServicePattern("api", hosts=("api.*",)),
        ServicePattern("shop", files=("*shop*",), hosts=("*.Example.com",)),
        ServicePattern("rest", files=("*.log",)),
    ]
    names = [b"api.example.com", b"www.example.com", b"elsewhere.org", None]
    assert assigned(ServiceNamer(patterns), names, "shop.log") == ["api", "shop", "shop", "shop"]
    assert assigned(ServiceNamer(patterns), names, "x.log") == ["api", "shop", "rest", "rest"]
    assert assigned(ServiceNamer(patterns), names, "x.txt") == ["api", "shop", "elsewhere.org", "x"]


def test_after_the_first_names_a_name_must_earn_its_service() -> None:
    namer = ServiceNamer()
    assigned(namer, [b"host%d" % i for i in range(FREE_NAMES)])
    rows = assigned(namer, [b"late"] * (ROWS_TO_EARN + 5))
    assert rows == [OTHER_SERVICE] * (ROWS_TO_EARN - 1) + ["late"] * 6
    assert namer.folded == ROWS_TO_EARN - 1


def test_made_up_hosts_take_bounded_memory_and_do_not_displace_real_ones() -> None:
    namer = ServiceNamer(limit=100)
    assigned(namer, [b"real.example"])
    for start in range(0, 3 * CANDIDATES, 1000):
        assigned(namer, [b"made-up-%d" % i for i in range(start, start + 1000)])
    assert len(namer.names) == 1 + FREE_NAMES
    assert len(namer._counts) <= CANDIDATES
    assert assigned(namer, [b"real.example"]) == ["real.example"]


def test_the_limit_holds_for_names_that_carry_traffic_too() -> None:
    namer = ServiceNamer(limit=FREE_NAMES + 1)
    for i in range(FREE_NAMES + 3):
        assigned(namer, [b"host%d" % i] * ROWS_TO_EARN * 2)
    assert len(namer.names) == 1 + FREE_NAMES + 1
    assert assigned(namer, [b"host%d" % (FREE_NAMES + 2)]) == [OTHER_SERVICE]


def test_numbers_stay_what_they_are() -> None:
    namer = ServiceNamer([ServicePattern("api", hosts=("api",))])
    assigned(namer, [b"a", b"b"])
    before = list(namer.names)
    assigned(namer, [b"c", None, b"api", b"a"])
    assert namer.names[: len(before)] == before
    assert before[:2] == [OTHER_SERVICE, "api"]


hosts = st.one_of(st.none(), st.sampled_from([b"h1", b"H1:80", b"!", *(b"late%d" % i for i in range(5))]))


@given(st.lists(hosts, max_size=40), st.lists(st.integers(0, 1600), max_size=5))
def test_how_rows_are_cut_into_batches_makes_no_difference(
    names: list[bytes | None], cuts: list[int]
) -> None:
    # All but two of the free names are taken, and most of the late ones come often enough to earn theirs.
    names = [b"h%d" % i for i in range(FREE_NAMES - 2)] + names * 40
    whole = assigned(ServiceNamer(), names)
    namer = ServiceNamer()
    parts: list[str] = []
    edges = [0, *sorted(min(cut, len(names)) for cut in cuts), len(names)]
    for begin, end in pairwise(edges):
        parts += assigned(namer, names[begin:end])
    assert parts == whole


@given(st.lists(st.sampled_from([b"shop.example", b"Shop.Example:443", b"-", b"a b", b"", None]), max_size=6))
def test_a_settled_name_is_the_one_that_is_assigned_once_it_is_earned(names: list[bytes | None]) -> None:
    patterns = (ServicePattern("api", files=("api*",), hosts=("*.internal",)),)
    for source in ("shop.log", "api.log"):
        namer = ServiceNamer(patterns)
        told = [namer.settled(source, name) for name in names]
        assert namer.names == ServiceNamer(patterns).names
        assert told == assigned(namer, names, source)


def test_a_name_is_settled_before_it_is_earned() -> None:
    namer = ServiceNamer()
    assigned(namer, [b"host-%d" % number for number in range(FREE_NAMES)])
    assert assigned(namer, [b"later"]) == [OTHER_SERVICE]
    assert namer.settled("access.log", b"later") == "later"
