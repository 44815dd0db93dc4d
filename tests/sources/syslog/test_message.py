"""What of a syslog message is the log line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.sources.syslog.message import Message, parse

ACCESS = b'192.0.2.1 - - [01/May/2024:00:00:00 +0000] "GET /a[b] HTTP/1.1" 200 5 "-" "curl: 8"'
HAPROXY = b'10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"'  # noqa: E501


@pytest.mark.parametrize(
    ("frame", "priority", "host", "tag", "line"),
    [
        # nginx: `access_log syslog:server=...`, and with `nohostname` and a tag of its own
        (b"<190>May  1 00:00:00 web-1 nginx: " + ACCESS, 190, "web-1", "nginx", ACCESS),
        (b"<190>May  1 00:00:00 shop_front: " + ACCESS + b"\n", 190, "", "shop_front", ACCESS),
        # HAProxy: `log ... local0`, `format rfc5424`, `format raw`
        (b"<134>Feb  6 12:14:14 haproxy[14389]: " + HAPROXY + b"\n", 134, "", "haproxy", HAPROXY),
        (b"<134>1 2009-02-06T12:14:14.655+01:00 lb1 haproxy 14389 - - " + HAPROXY, 134, "lb1", "haproxy", HAPROXY),
        (HAPROXY, None, "", "", HAPROXY),
        # rsyslog's forwarding format
        (b"<134>2024-05-01T00:00:00.123456+02:00 web-1 nginx: " + ACCESS, 134, "web-1", "nginx", ACCESS),
        (b"<134>May  1 00:00:00 2001:db8::1 httpd[7]: " + ACCESS, 134, "2001:db8::1", "httpd", ACCESS),
        # RFC 5424, its own examples
        (b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf'su root' failed",
         34, "mymachine.example.com", "su", b"'su root' failed"),
        (b'<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [a@1 x="3" y="A\\"]B"][b@1 c="d"] \xef\xbb\xbfAn event',
         165, "host", "evntslog", b"An event"),
        (b'<165>1 2003-10-11T22:14:15.003Z host app - ID47 [a@1 x="3"]', 165, "host", "app", b""),
        (b"<0>1 - - - - - - x", 0, "", "", b"x"),
        # What does not read as syslog is all line.
        (b"<192>x", None, "", "", b"<192>x"),
        (b"<13>no time, no tag", 13, "", "", b"no time, no tag"),
        (b"<13>May  1 00:00:00 ", 13, "", "", b"May  1 00:00:00"),
        (b"a\nb\r\nc\0d\0", None, "", "", b"a b c d"),
        (b"", None, "", "", b""),
    ],
)  # fmt: skip
def test_a_message_is_read(frame, priority, host, tag, line):
    assert parse(frame) == Message(priority, host, tag, line)


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda rest: b"<13>1 - h t - - [" + rest))
def test_any_bytes_give_one_line(frame):
    message = parse(frame)
    assert b"\n" not in message.line
    assert len(message.line) <= len(frame)
    assert message.host.isprintable()
    assert message.tag.isprintable()
