"""Pasted `log_format` and `LogFormat` directives become parsers, or errors that say what to change."""

import pytest
from tests.parsers.lines import parse_all

from vedette.parsers.apache_format import apache_format
from vedette.parsers.directive import LogDirectiveError
from vedette.parsers.log_format import log_format


def one(form, line: str) -> dict[str, object]:
    rows, skips, _ = parse_all(form.open("x"), [line.encode() + b"\n"])
    assert not skips
    (row,) = rows
    assert "flags" not in row or "REPAIRED" not in row["flags"]
    return row


def test_a_whole_log_format_directive_of_several_strings_is_read() -> None:
    form = log_format(
        """log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                            '$status $body_bytes_sent "$http_referer" '
                            '"$http_user_agent" "$http_x_forwarded_for" rt=$request_time';"""
    )
    row = one(
        form,
        '192.0.2.1 - - [17/May/2015:10:05:03 +0200] "GET /a HTTP/1.1" 200 5 "-" '
        '"u\\x22a" "203.0.113.9" rt=0.250',
    )
    assert form.name == "main"
    assert row == {
        "line": 1,
        "time": "2015-05-17T08:05:03.000000",
        "peer": "192.0.2.1",
        "forwarded": "203.0.113.9",
        "method": "GET",
        "target": "/a",
        "protocol": "HTTP/1.1",
        "user_agent": 'u"a',
        "status": 200,
        "bytes_out": 5,
        "duration": 0.25,
    }


def test_the_text_of_a_log_format_is_enough() -> None:
    row = one(log_format("$remote_addr [$time_iso8601] $request_method $request_uri $status"),
              "192.0.2.1 [2024-05-01T10:00:00+02:00] GET /a?b 404")  # fmt: skip
    assert (row["time"], row["target"], row["status"]) == ("2024-05-01T08:00:00.000000", "/a?b", 404)


def test_a_log_format_that_writes_json_is_read_as_text() -> None:
    form = log_format(
        """log_format j escape=json '{"t":"$msec","ip":"$remote_addr",'
        '"r":"$request","ua":"$http_user_agent"}';"""
    )
    row = one(form, r'{"t":"1714557600.125","ip":"2001:db8::1","r":"GET /\"x HTTP/1.1","ua":"\u0001é\\"}')
    assert (row["target"], row["user_agent"].encode("latin-1").decode()) == ('/"x', "\x01é\\")
    assert row["time"] == "2024-05-01T10:00:00.125000"


def test_without_escaping_a_backslash_is_a_backslash() -> None:
    form = log_format("""log_format n escape=none '$remote_addr [$time_local] "$request" $status';""")
    row = one(form, '192.0.2.1 [17/May/2015:10:05:03 +0000] "GET /\\x41"b HTTP/1.1" 200')
    assert row["target"] == '/\\x41"b'


def test_path_and_query_logged_side_by_side_are_one_target() -> None:
    nginx = log_format("$time_local $uri$is_args$args $status")
    apache = apache_format("%t %U%q %>s")
    assert one(nginx, "17/May/2015:10:05:03 +0000 /a?b=c 200")["target"] == "/a?b=c"
    assert one(apache, "[17/May/2015:10:05:03 +0000] /a?b=c 200")["target"] == "/a?b=c"


def test_path_and_query_logged_apart_are_joined() -> None:
    row = one(log_format("$time_local $uri q=$args $status"), "17/May/2015:10:05:03 +0000 /a q=b=c 200")
    assert row["target"] == "/a?b=c"


def test_a_host_before_the_path_is_the_service() -> None:
    row = one(
        log_format("$time_local $scheme://$host$request_uri"),
        "17/May/2015:10:05:03 +0000 https://a.example/b",
    )
    assert (row["service"], row["target"]) == ("a.example", "/b")


def test_the_port_is_taken_off_an_address_even_of_ipv6() -> None:
    form = log_format('$remote_addr:$remote_port [$time_local] "$request"')
    assert one(form, '2001:db8::1:443 [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1"')["peer"] == "2001:db8::1"


def test_a_whole_logformat_directive_with_backslashes_is_read() -> None:
    form = apache_format(
        r'LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D" vhost_combined'
    )
    row = one(
        form,
        r'a.example:80 192.0.2.1 - jane [17/May/2015:10:05:03 +0000] "GET /\"b\" HTTP/1.1" 200 7 "-" "x" '
        "1500",
    )
    assert (row["service"], row["target"], row["duration"], row["bytes_out"]) == (
        "a.example",
        '/"b"',
        0.0015,
        7,
    )


@pytest.mark.parametrize(
    ("directive", "text", "seconds"),
    [
        ("%D", "1500000", 1.5),
        ("%T", "2", 2.0),
        ("%{ms}T", "1500", 1.5),
        ("%{us}T", "1500000", 1.5),
        ("%{s}T", "3", 3.0),
        ("%T/%D", "1/1500000", 1.5),
    ],
)
def test_each_duration_has_its_own_unit(directive: str, text: str, seconds: float) -> None:
    row = one(
        apache_format(f'%h %t "%r" {directive}'),
        f'h.example [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" {text}',
    )
    assert row["duration"] == seconds


@pytest.mark.parametrize(
    ("directive", "text", "time"),
    [
        ("%t", "[17/May/2015:10:05:03 +0100]", "2015-05-17T09:05:03.000000"),
        ("%{%Y-%m-%dT%H:%M:%S%z}t", "2015-05-17T10:05:03+0100", "2015-05-17T09:05:03.000000"),
        ("%{%F %T}t", "2015-05-17 10:05:03", "2015-05-17T10:05:03.000000"),
        (
            "[%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t]",
            "[17/May/2015:10:05:03.250 +0100]",
            "2015-05-17T09:05:03.250000",
        ),
        ("%{sec}t", "1431857103", "2015-05-17T10:05:03.000000"),
        ("%{msec}t", "1431857103250", "2015-05-17T10:05:03.250000"),
        ("%{begin:usec}t", "1431857103250001", "2015-05-17T10:05:03.250001"),
    ],
)
def test_times_are_read_as_the_directive_writes_them(directive: str, text: str, time: str) -> None:
    assert one(apache_format(f'%h {directive} "%r"'), f'192.0.2.1 {text} "GET / HTTP/1.1"')["time"] == time


@pytest.mark.parametrize(
    ("compile_", "directive", "message"),
    [
        (
            log_format,
            "$remote_addr $request",
            (
                "log format '$remote_addr $request': it logs no time, which every request needs: "
                "add one of $msec, $time_iso8601, $time_local"
            ),
        ),
        (
            log_format,
            "$remote_addr $time_local",
            (
                "log format '$remote_addr $time_local': it logs neither the request line nor a path, "
                "so nothing can be judged: log the request"
            ),
        ),
        (
            log_format,
            "$remote_addr$time_local $request",
            (
                "log format '$remote_addr$time_local $request': $remote_addr and $time_local stand side "
                "by side, so where one ends cannot be known: put a space or another character between them"
            ),
        ),
        (
            log_format,
            "log_format a escape=xml '$request';",
            "log_format a: escape=xml: nginx knows escape=default, escape=json and escape=none",
        ),
        (
            log_format,
            "log_format a '$request",
            'log_format: "\'$request" does not read: each string needs its closing quote, and `;` ends all',
        ),
        (
            log_format,
            "combined",
            (
                "log_format log_format: 'combined' has no $variable: paste the directive, such as "
                "'$remote_addr - $remote_user [$time_local] \"$request\" $status'"
            ),
        ),
        (
            apache_format,
            "%h %t %Z",
            "LogFormat: %Z is no directive that Apache 2.4 has: check it, or write %% for a percent sign",
        ),
        (
            apache_format,
            '%{%A}t "%r"',
            (
                "LogFormat '%{%A}t \"%r\"': times written as '%A' are not understood: use one of %t, "
                "%{%d/%b/%Y:%H:%M:%S %z}t, %{%Y-%m-%dT%H:%M:%S%z}t, %{sec}t, %{msec}t, %{usec}t"
            ),
        ),
    ],
)
def test_an_unusable_directive_says_what_to_change(compile_, directive: str, message: str) -> None:
    with pytest.raises(LogDirectiveError) as caught:
        compile_(directive)
    assert str(caught.value) == message
