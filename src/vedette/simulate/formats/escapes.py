"""How servers escape what clients send before they log it."""

import json
import re
from typing import Final
from urllib.parse import quote_from_bytes

_UNPRINTABLE_OR_QUOTE: Final = re.compile(rb'[\x00-\x1f"\\\x7f-\xff]')
_APACHE_NAMED: Final = {b'"': rb"\"", b"\\": rb"\\", b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t"}


def apache(text: bytes) -> bytes:
    r"""`\"`, `\\`, `\n` and the like, `\xhh` for other bytes that do not print (mod_log_config)."""
    return _UNPRINTABLE_OR_QUOTE.sub(lambda m: _APACHE_NAMED.get(m[0]) or b"\\x%02x" % m[0][0], text)


def nginx(text: bytes) -> bytes:
    r"""`\xHH` for quotes, backslashes and bytes that do not print (`escape=default`)."""
    return _UNPRINTABLE_OR_QUOTE.sub(lambda m: b"\\x%02X" % m[0][0], text)


def json_string(text: bytes) -> bytes:
    """The inside of a JSON string; bytes that are not UTF-8 become the replacement character."""
    return json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False)[1:-1].encode()


def percent(text: bytes, *, keep: str = "") -> bytes:
    """Percent-encode spaces, quotes and what does not print; leave `keep` and what is encoded already."""
    return quote_from_bytes(text, safe="!#$%&'()*+,-./:;<=>?@[]^_`{|}~" + keep).encode()


def plus(text: bytes) -> bytes:
    """A plus for each space, and nothing that does not print (IIS)."""
    return re.sub(rb"[\x00-\x1f\x7f-\xff]", b"?", text).replace(b" ", b"+")
