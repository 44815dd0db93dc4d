"""The format of a source is chosen from a sample, the same way every time."""

import lzma
from pathlib import Path

import pytest
from tests.parsers.lines import chunk, parse_all

from vedette.parsers.registry import ALIASES, NoSuchFormatError, by_name, formats
from vedette.parsers.sniff import UnknownFormatError, fit, sniff

COMBINED = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "ua"'
REAL = Path(__file__).parents[3] / "shared" / "data"


def chosen(text: bytes) -> str:
    return sniff(chunk(text), formats()).format.name


def test_a_log_of_which_six_lines_in_ten_fit_is_still_recognised() -> None:
    choice = sniff(chunk((COMBINED + b"\n") * 60 + b"something else\n" * 40), formats())
    assert (choice.format.name, round(choice.share, 2)) == ("combined", 0.6)


def test_the_more_specific_of_two_equally_fitting_formats_is_chosen() -> None:
    assert chosen(COMBINED + b' "-"\n') == "nginx-main"
    assert chosen(COMBINED + b' "JSESSIONID=0a1b"\n') == "combined"
    assert chosen(b"www.example.com " + COMBINED) == "vhost_combined"


def test_the_virtual_host_after_the_client_is_not_taken_for_the_client() -> None:
    line = b'192.0.2.1 shop.example:8443 - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "ua"\n'
    choice = sniff(chunk(line), formats())
    rows, _, _ = parse_all(choice.open("x"), [line])
    assert choice.format.name == "lighttpd"
    assert (rows[0]["peer"], rows[0]["service"]) == ("192.0.2.1", "shop.example")


def test_common_with_fields_of_one_s_own_after_it_is_read_without_them() -> None:
    line = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 http-nio-1 12\n'
    rows, skips, _ = parse_all(sniff(chunk(line), formats()).open("x"), [line])
    assert (rows[0]["bytes_out"], "duration" in rows[0], skips) == (5, False, {})


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (b'INFO:     192.0.2.1:34712 - "GET /login HTTP/1.1" 200 OK', "kubectl logs --timestamps"),
        (b"GET /health 200 2 - 2.232 ms", "write its access log with the time"),
        (b"\x1b[0mGET /health \x1b[32m200\x1b[0m 2.232 ms - 2\x1b[0m", "write its access log with the time"),
        (b"08:00:00 | 200 | 1.2ms | 192.0.2.1 | GET | /path | -", "write its access log with the time"),
    ],
)
def test_requests_without_a_time_are_told_from_formats_that_are_not_known(line: bytes, remedy: str) -> None:
    with pytest.raises(UnknownFormatError, match=f"logged without a date and time.*{remedy}"):
        sniff(chunk((line + b"\n") * 3), formats())


def test_attacks_in_a_forwarded_header_do_not_change_the_format() -> None:
    lines = (COMBINED + b' "203.0.113.9"\n') * 97 + (COMBINED + b' "${jndi:ldap://x}"\n') * 3
    assert chosen(lines) == "nginx-main"


def test_a_named_format_is_taken_however_little_fits_and_is_unwrapped() -> None:
    wrapped = b"2024-05-01T10:00:00Z stdout F "
    text = (wrapped + b"hello\n") * 9 + wrapped + COMBINED + b"\n"
    choice = fit(chunk(text), by_name("combined"))
    assert choice.wrapper is not None
    assert (choice.wrapper.name, choice.share) == ("cri", 0.1)
    rows, skips, _ = parse_all(choice.open("x"), [text])
    assert (len(rows), skips) == (1, {"not_this_format": 9})


def test_blank_lines_and_comments_do_not_count_against_a_format() -> None:
    assert sniff(chunk(b"# head\n\n" + COMBINED + b"\n\n"), formats()).share == 1.0


def test_the_sample_is_left_as_it_was() -> None:
    sample = chunk(b'{"log":"a\\n","stream":"stdout"}\n' + COMBINED + b"\n" + COMBINED + b"\n")
    before = sample.buffer[: sample.length].tobytes()
    sniff(sample, formats())
    assert sample.buffer[: sample.length].tobytes() == before


def test_an_unknown_format_is_an_error_that_shows_the_line_and_the_remedy() -> None:
    with pytest.raises(UnknownFormatError) as caught:
        sniff(chunk(b"\n\x1b[31mhello\xff " + b"x" * 200), formats())
    assert str(caught.value) == (
        "test.log: no known log format (none fits any line; 40% are needed): first line: "
        "\\x1b[31mhello\\xff " + "x" * 108 + "...: name the format with --format, "
        "or describe it with --log-format '...'"
    )


def test_an_unknown_json_log_is_to_be_mapped_by_its_keys() -> None:
    with pytest.raises(UnknownFormatError, match=r"or say which keys hold what: --field time=KEY"):
        sniff(chunk(b'{"when":"2026-03-02T08:00:00Z","what":"/a"}\n'), formats())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'[{"time":"2026-03-02T08:00:00Z"},{"time":"2026-03-02T08:00:01Z"}]', "jq -c '.[]'"),
        (b'[\n  {"time":"2026-03-02T08:00:00Z"},\n  {"time":"2026-03-02T08:00:01Z"}\n]\n', "jq -c '.[]'"),
        (b'{\n  "time": "2026-03-02T08:00:00Z",\n  "status": 200\n}\n', "jq -c .`"),
    ],
)
def test_json_that_is_not_an_object_a_line_is_refused_with_how_to_make_it_so(text: bytes, said: str) -> None:
    with pytest.raises(UnknownFormatError) as caught:
        sniff(chunk(text), formats())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n", "is an HTML page, and no log"),
        (
            b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1772438400000000\nMESSAGE=x\n",
            "write it with `journalctl -o cat`",
        ),
        (b'2026/11/23 12:09:05 [error] 7#7: *1 open() "/p/1" failed\n', "is a server's error log"),
        (
            b"[Mon Nov 23 12:09:12.679823 2026] [mpm_event:notice] [pid 2] AH00489: x\n",
            "is a server's error log",
        ),
        (b"[Mon Nov 23 12:09:12 2026] [error] [client 192.0.2.1] x\n", "is a server's error log"),
        (
            b"time,client,method,path,status\nyesterday,192.0.2.1,GET,/,200\n",
            "is a table whose rows do not read",
        ),
        (b'"Date";"Client IP";"URL"\nyesterday;192.0.2.1;/\n', "and the first is yesterday;192.0.2.1;/"),
        (b"time,client_ip,status\n1714557600,192.0.2.1,200\n", "names no column of paths"),
        (
            b'Started GET "/a?b=1" for 192.0.2.1 at 2024-05-01 10:00:00 +0000\nCompleted 200 OK in 9ms\n',
            "the gem lograge",
        ),
        (
            b'I, [2024-05-01T10:00:00.123456 #1]  INFO -- : [id] Started GET "/" for ::1 at 2024-05-01 10:00:00 +0000',
            "the gem lograge",
        ),
        (b"client_ip|status|bytes\n192.0.2.1|200|7\n", "names no column of times or paths"),
    ],
)
def test_what_is_no_log_of_requests_is_called_by_its_name(text: bytes, said: str) -> None:
    with pytest.raises(UnknownFormatError, match=said):
        sniff(chunk(text), formats())


def test_formats_have_names_of_their_own_and_aliases_lead_to_them() -> None:
    names = [form.name for form in formats()]
    assert len(set(names)) == len(names)
    for alias, name in ALIASES.items():
        assert by_name(alias).name == name


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("kubernetes", "did you mean kubernetes-audit-json? `vedette"),
        ("cloudfornt", "did you mean cloudfront or cloudfront-json? `vedette"),
        ("HAProxy-tcp", "did you mean haproxy? `vedette"),
        ("apache3", "did you mean apache? `vedette"),
        ("json", "did you mean app-json or ecs-json or gcp-json? `vedette"),
        ("qqqqq", "`vedette formats` lists all there are"),
        ("", "`vedette formats` lists all there are"),
    ],
)
def test_a_name_that_is_none_is_answered_with_what_is_like_it(name: str, guess: str) -> None:
    with pytest.raises(NoSuchFormatError) as caught:
        by_name(name)
    assert str(caught.value).startswith(f"--format {name}: no format of that name: {guess}")


@pytest.mark.parametrize(
    ("file", "form", "least"),
    [
        ("access-logs-real/elastic_apache_logs.log.xz", "combined", 0.999),
        ("access-logs-real/nasa_jul95_head.log.xz", "common", 0.99),
        ("access-logs-real/nasa_aug95_head.log.xz", "common", 0.99),
        ("access-logs-real/kit0415_dirbuster_lab_2019.log.xz", "combined", 0.99),
        ("apache-scan-logs/acunetix.txt.xz", "combined-wrapped", 0.99),
    ],
)
def test_real_logs_are_recognised_and_read(file: str, form: str, least: float) -> None:
    path = REAL / file
    if not path.exists():
        pytest.skip(f"{path.name} is not here: the real logs are measured with, but not shipped")
    text = lzma.decompress(path.read_bytes())
    choice = sniff(chunk(text[:100_000].rsplit(b"\n", 1)[0]), formats())
    rows, _, lines = parse_all(choice.open("x"), [text])
    assert choice.format.name == form
    assert sum("REPAIRED" not in row.get("flags", ()) for row in rows) >= least * lines
