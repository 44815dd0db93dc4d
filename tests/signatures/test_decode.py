"""What rules see of a text."""

import os
import subprocess
import sys
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.signatures.evidence import decode
from vedette.kernels.requests.decode import HEAD, TAIL, decode_texts, scan_bytes, scan_bytes_of_one
from vedette.kernels.requests.text_classes import CLASSES, LOWER
from vedette.kernels.requests.text_flags import TextFlag
from vedette.schema.requests import Vocabulary

FRAGMENTS = [
    b"%",
    b"%2",
    b"%41",
    b"%2541",
    b"%252541",
    b"%00",
    b"%0a",
    b"%0d%0a",
    b"%u0041",
    b"%uff1c",
    b"%zz",
    b"+",
    b"?",
    b"/",
    b"/*",
    b"*/",
    b"/**/",
    b"/*!50000",
    b"&lt;",
    b"&#60",
    b"&#x3c;",
    b"&#99999999999;",
    b"&amp;",
    b"\\x41",
    b"\\u0041",
    b"\xc0\xaf",
    b"%c0%ae",
    b"%e0%80%af",
    b"\xf0\x80\x80\xaf",
    b"\xef\xbc\x9c",
    b"\xef\xbc",
    b"\xc2\xa0",
    b"\xa0",
    b"\x00",
    b"\n",
    b"\r",
    b"\t",
    b" ",
    b"A",
    b"union",
    b"/./",
    b"\xff",
    b"JyBvciAxPTEgLS0gYWJj",
    b"PHN2Zy9vbmxvYWQ9YWxlcnQoMSk%2B",
    b"ICAgCQkNCiAgICANCiAg",
]
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=6)), max_size=40).map(b"".join)


def flags_of(text: bytes, *, split: bool = True) -> TextFlag:
    vocabulary = Vocabulary.of([text])
    out = np.empty(scan_bytes(vocabulary.length, split=split), dtype=np.uint8)
    ends, flags, only = np.zeros(2, dtype=np.int64), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    decode_texts(
        vocabulary.buffer,
        vocabulary.start,
        vocabulary.length,
        only,
        int(split),
        CLASSES,
        LOWER,
        out,
        0,
        ends,
        0,
        flags,
        0,
    )
    return TextFlag(int(flags[0]))


@pytest.mark.parametrize(
    ("logged", "read"),
    [
        (b"/A/b?Q=1", [b"/a/b", b"q=1"]),
        (b"/a+b?c+d=%2B", [b"/a+b", b"c d=+"]),
        (b"/x?a?b", [b"/x", b"a?b"]),
        (b"/%41%2541%252541%25252541", [b"/aaa%41", b""]),
        (b"/%u0041&#65;&#x41;&#65&lt;&LPAR;", [b"/aaaa<(", b""]),
        (b"/x?a=1&lt=2&amp;b", [b"/x", b"a=1&lt=2&b"]),
        (b"/\\x3cscript\\u003e", [b"/<script>", b""]),
        (b"/..%c0%af..\xe0\x80\xaf.%f0%80%80%ae/", [b"/../../../", b""]),
        (b"/%EF%BC%9Cb%uff1e", [b"/<b>", b""]),
        (b"/a%00b%2500c", [b"/abc", b""]),
        (b"/a%20%09+%0b%0cb", [b"/a + b", b""]),
        (b"/?a%20%0d%0a%20b", [b"/", b"a\rb"]),
        (b"/?a\nb", [b"/", b"a\rb"]),
        (b"/?union/**/select/*x y*/1", [b"/", b"union select 1"]),
        (b"/?/*!50000union*/%20select", [b"/", b" union select"]),
        (b"/?/*<script>*/", [b"/", b"/*<script>*/"]),
        (b"/etc/./././passwd", [b"/etc/passwd", b""]),
        (b"/etc/%2e/passwd", [b"/etc/passwd", b""]),
        (b"/caf%C3%A9", [b"/caf\xc3\xa9", b""]),
        (b"/x?q=JyBvciAxPTEgLS0gYWJj", [b"/x", b"q=jybvciaxptegls0gywjj&=' or 1=1 -- abc"]),
        (
            b"/x?q=PHN2Zy9vbmxvYWQ9YWxlcnQoMSk%2B&b=1",
            [b"/x", b"q=phn2zy9vbmxvywq9ywxlcnqomsk+&b=1&=<svg/onload=alert(1)>"],
        ),
        (b"/a/L2V0Yy8uLi9wYXNzd2Q/b", [b"/a/l2v0yy8uli9wyxnzd2q/b&=/etc/../passwd", b""]),
        (b"/x?q=JTI3JTIwb3IlMjAxPTE", [b"/x", b"q=jti3jtiwb3ilmjaxpte&=' or 1=1"]),
        (b"/x?q=AAECAwQFBgcICQoLDA0ODw", [b"/x", b"q=aaecawqfbgcicqolda0odw"]),
        (b"/x?q=DQpRVUlUDQo=", [b"/x", b"q=dqprvuludqo=&=\rquit\r"]),
        (b"/CkRBVEEK", [b"/ckrbveek&=\rdata\r", b""]),
        (b"/x?q=SGVsbG8gYWw", [b"/x", b"q=sgvsbg8gyww"]),
        (b"/x?q=abcdefghijklmnopqrstuvwx", [b"/x", b"q=abcdefghijklmnopqrstuvwx"]),
        (b"", [b"", b""]),
        (b"%", [b"%", b""]),
    ],
)
def test_a_target_is_read_as_an_application_would_read_it(logged: bytes, read: list[bytes]):
    assert decode([logged], split=True) == [read]


def test_a_user_agent_is_one_row():
    assert decode([b"A?b+C"], split=False) == [[b"a?b+c"]]


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        (b"/%00", TextFlag.NUL),
        (b"/\x00", TextFlag.NUL),
        (b"/%01", TextFlag.CONTROL),
        (b"/%0a", TextFlag.LINE_BREAK),
        (b"/%c0%af", TextFlag.OVERLONG),
        (b"/%2541", TextFlag.DOUBLE),
        (b"/%252541", TextFlag.DOUBLE | TextFlag.TRIPLE),
        (b"/%4", TextFlag.BAD_ESCAPE),
        (b"/%u0041", TextFlag.WIDE_ESCAPE),
        (b"/%ef%bc%9c", TextFlag.FULL_WIDTH),
        (b"/\xe9", TextFlag.RAW_HIGH),
        (b"/&#65;", TextFlag.ENTITY),
        (b"/" + b"a" * (HEAD + TAIL), TextFlag.CUT),
        (b"/a%20b?c=100%25&d=%C3%A9", TextFlag(0)),
    ],
)
def test_odd_writing_is_noted(text: bytes, flag: TextFlag):
    assert flags_of(text) == flag


@pytest.mark.parametrize(
    ("path", "stepped"),
    [
        (b"/files/..%2f..%2fa", True),
        (b"/%2e%2e/x", True),
        (b"/.%2E%5Cx", True),
        (b"/a%2f../b", True),
        (b"/x/%25252e./y", True),
        (b"/x/%2e%2e", True),
        (b"/x/../y", False),
        (b"/x%2fy", False),
        (b"/v1..%2fx", False),
        (b"/%2e/x", False),
        (b"/%2e%2e%2e/x", False),
        (b"/x?f=..%2f..%2fy", False),
    ],
)
def test_a_step_up_that_is_escaped_is_noted_in_a_path(path: bytes, stepped: bool):
    assert (TextFlag.ESCAPED_STEP in flags_of(path)) == stepped


@pytest.mark.parametrize("nul", [b"", b"%00", b"%25%30%30", b"\\u0000", b"\x00"])
def test_a_nul_in_what_base64_stands_for_is_none_of_the_address(nul: bytes):
    page_mark = b"eyJ2IjoibWV0YSIsInN0YXJ0Ijoid2ViXHUwMDAwIn0"  # {"v":"meta","start":"web\\u0000"}
    assert (TextFlag.NUL in flags_of(b"/pods?continue=" + page_mark + b"&a=" + nul)) == bool(nul)
    assert (TextFlag.NUL in flags_of(b"/pods" + nul + b"?continue=" + page_mark)) == bool(nul)


@pytest.mark.parametrize(
    ("symbols", "read"),
    [
        (b"O2xzIC1sYQ==", b";ls -la"),
        (b"e3s3Kjd9fQ", b"{{7*7}}"),
        (b"JyBvciAxPTE", b"' or 1=1"),
        (b"CklEOwpJRDs", b"\rid;\rid;"),
        (b"MSBvciAxPTE", None),  # begins with a digit
        (b"aGVsbG8gYWxs", None),  # with a letter
        (b"O2lkO", None),  # too short
        (b"O/8gIC1sYQ==", None),  # is not printable
        (b"aGVsbG8gYWxsIG9mIHlvdQ==", b"hello all of you"),
    ],
)
def test_short_base64_is_read_where_it_begins_as_what_is_injected_does(symbols: bytes, read: bytes | None):
    ((_, query),) = decode([b"/x?q=" + symbols], split=True)
    assert query == b"q=" + symbols.lower() + (b"" if read is None else b"&=" + read)


def test_a_long_text_is_judged_by_its_two_ends():
    ((row,),) = decode([b"begin" + b"-" * 100_000 + b"END"], split=False)
    assert row.startswith(b"begin")
    assert row.endswith(b"end")
    assert len(row) == HEAD + 1 + TAIL


@given(st.integers(0, 1 << 20) | st.integers(HEAD, 2 * (HEAD + TAIL) + 4), st.booleans())
def test_a_single_text_is_given_the_room_that_it_has_among_others(length: int, split: bool):
    assert scan_bytes_of_one(length, split=split) == scan_bytes(
        np.array([length], dtype=np.int32), split=split
    )


@given(st.lists(texts, max_size=8), st.booleans())
def test_rows_stay_apart_and_in_the_room_that_is_said_to_be_enough(batch: list[bytes], split: bool):
    vocabulary = Vocabulary.of(batch)
    room = scan_bytes(vocabulary.length, split=split)
    out = np.full(room, 255, dtype=np.uint8)
    parts = 2 if split else 1
    ends = np.zeros(parts * len(batch), dtype=np.int64)
    flags = np.zeros(len(batch), dtype=np.int64)
    chosen = np.arange(len(batch), dtype=np.int64)
    end = decode_texts(
        vocabulary.buffer,
        vocabulary.start,
        vocabulary.length,
        chosen,
        int(split),
        CLASSES,
        LOWER,
        out,
        0,
        ends,
        0,
        flags,
        0,
    )
    assert end <= room
    rows = out[:end].tobytes().split(b"\0\n")
    assert rows.pop() == b""
    assert len(rows) == len(ends)
    assert np.cumsum([len(row) + 2 for row in rows]).tolist() == ends.tolist()
    for row in rows:
        assert b"\n" not in row
        assert b"\0" not in row
        assert row == row.lower()
        assert b"  " not in row
    together = [rows[at : at + parts] for at in range(0, len(rows), parts)]
    assert together == [decode([text], split=split)[0] for text in batch]
    assert together == (decode(batch, split=split) if batch else [])


CHECKED = """
import random, sys
from vedette.detectors.signatures.evidence import decode
fragments = eval(sys.stdin.read())
draw = random.Random(7)
for _ in range(400):
    text = b"".join(draw.choice(fragments) for _ in range(draw.randrange(30)))
    print(decode([text], split=True), decode([text], split=False))
"""


@pytest.mark.own_mode
def test_compiled_and_interpreted_kernels_read_alike_and_stay_in_bounds(kernel_modes):
    outputs = []
    for mode in ("interpreted", "checked"):
        ran = subprocess.run(
            [sys.executable, "-c", CHECKED],
            input=repr(FRAGMENTS), env=os.environ | kernel_modes[mode],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        outputs.append(ran.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") == 400


@pytest.mark.parametrize(
    ("query", "added"),
    [
        ('q={"host":"a;id","page":2}', ["a;id"]),
        ('q={"a":{"b":["x|y", "<p>"]}}&z=1', ["x|y", "<p>"]),
        (r'q={"u":"http:\/\/169.254.169.254\/"}', ["http://169.254.169.254/"]),
        (r'q={"n":"say \"no\";"}', ['say "no";']),
        ('q={"name":"anna-maria o.","$ne":1}', []),
        ('q={"a;b":1}', []),
        ('q=["k"="v;w"]', []),
        ('q=say "a;b", "c;d"', []),
    ],
)
def test_strings_of_json_with_a_mark_are_values_of_their_own(query: str, added: list[str]):
    ((path, text),) = decode([b"/x?" + quote(query, safe="=&").encode()], split=True)
    assert path == b"/x"
    assert text.decode().split("&.=")[1:] == added
