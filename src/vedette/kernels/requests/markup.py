"""Markup that only says what text is: whether all tags of a decoded text are of that kind.

What makes markup an attack is a script, a handler, an element or an address that runs or loads something of the
attacker's, a sheet of styles, or an end that fits no beginning, by which a text breaks out of where a page shows it.
Text in which every tag is closed as it must be, and none of this stands, is what editors, feeds and mails are made of.
Source of the elements and attributes: WHATWG HTML, SVG 2.
"""

from collections.abc import Mapping

import numpy as np

from vedette.kernels.arrays import Bitmaps, Bytes, Ints
from vedette.kernels.compile import kernel, subkernel

DEEPEST = 32
"""Elements within each other, at most; what is nested deeper is not looked through."""

ACTIVE, OPEN, OWN, FRAME, USE = 1, 2, 4, 8, 16
"""Of an element: it runs, loads or changes something; its end may be left out; it may point to the own site only; it
shows another page; it shows a part of this one."""
NEVER, ADDRESS, SHAPE, CALLS = 1, 2, 4, 8
"""Of an attribute: it runs or loads something; it holds an address; it says how large a thing is or how it looks; its
value may hold brackets."""
_PRIME = 131
_MASK = 0xFFFFFFFF


def _code(name: str) -> int:
    code = 0
    for byte in name.encode():
        code = (code * _PRIME + byte) & _MASK
    return code


def _table(kinds: Mapping[int, str]) -> Ints:
    """int64 (n, 2): codes of names and their kinds, sorted by code."""
    found: dict[int, int] = {}
    for kind, names in kinds.items():
        for name in names.split():
            found[_code(name)] = found.get(_code(name), 0) | kind
    return np.array(sorted(found.items()), dtype=np.int64)


ELEMENTS = _table(
    {
        ACTIVE: "script object embed applet base frameset frame animate set animatetransform animatemotion "
        "foreignobject feimage xml import handler listener maction marquee isindex bgsound layer ilayer keygen portal "
        "xss x plaintext xmp listing noembed noframes noscript style template textarea include stylesheet copy-of "
        "value-of dialog",
        OPEN: "br hr img input meta link source path circle rect line polygon polyline ellipse stop use col wbr area "
        "param track p li dt dd td th tr option",
        OWN: "form link input button meta",
        FRAME: "iframe",
        USE: "use",
    }
)
ATTRIBUTES = _table(
    {
        NEVER: "srcdoc formaction dynsrc lowsrc http-equiv ping attributename from to begin code classid codebase "
        "implementation datasrc datafld dataformatas manifest profile archive",
        ADDRESS: "href src action data poster background cite longdesc usemap srcset",
        SHAPE: "width height title allow allowfullscreen loading frameborder scrolling style",
        CALLS: "transform gradienttransform patterntransform sizes media alt title",
    }
)
_SIGNS = (b"xss", b"crosssite", b"data:text", b"\r<html>")
SIGNS = np.frombuffer(b"".join(sign.ljust(12, b"\0") for sign in _SIGNS), dtype=np.uint8).reshape(-1, 12)
"""Words by which testers find their own markup again, the beginning of a page in an address, and that of one after a
line break, as in a split answer; each padded with NUL."""


@subkernel
def _kind(table: Ints, code: int) -> int:
    """The kinds of a name, 0 if it has none."""
    low = 0
    high = table.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if table[middle, 0] < code:
            low = middle + 1
        else:
            high = middle
    if low < table.shape[0] and table[low, 0] == code:
        return int(table[low, 1])
    return 0


@subkernel
def _is_space(byte: int) -> bool:
    return byte == 32 or byte == 13


@subkernel
def _of_name(byte: int) -> bool:
    """Whether a byte may stand in a name: letters, digits, `-`, `_`, `.` and `:`."""
    return 97 <= byte <= 122 or 48 <= byte <= 57 or byte == 45 or byte == 95 or byte == 46 or byte == 58


@subkernel
def _name_code(text: Bytes, begin: int, end: int) -> int:
    """The code of a name, without what stands before its last `:`."""
    code = 0
    for i in range(begin, end):
        code = 0 if text[i] == 58 else (code * _PRIME + text[i]) & _MASK
    return code


@subkernel
def _stands_at(text: Bytes, at: int, end: int, words: Bitmaps, row: int) -> bool:
    """Whether a word of `words` stands at `at`."""
    for i in range(words.shape[1]):
        if words[row, i] == 0:
            return True
        if at + i >= end or text[at + i] != words[row, i]:
            return False
    return True


@subkernel
def _harmless_address(text: Bytes, begin: int, end: int, own: bool) -> bool:
    """Whether a quoted address is of the web, of mail or telephone, or of the same site, or a picture itself."""
    at = begin
    while at < end and text[at] == 32:
        at += 1
    if at + 1 < end and (text[at] == 47 or text[at] == 92) and (text[at + 1] == 47 or text[at + 1] == 92):
        return False
    colon = -1
    for i in range(at, end):
        byte = text[i]
        if byte == 47 or byte == 63 or byte == 35:
            break
        if byte == 58:
            colon = i
            break
    if colon < 0:
        return True
    long = colon - at
    if long == 4 and text[at] == 100 and text[at + 1] == 97 and text[at + 2] == 116 and text[at + 3] == 97:
        # data:, or data:image/ of pixels
        if colon + 1 < end and text[colon + 1] == 44:
            return colon + 2 == end
        picture = 0
        for i in range(colon + 1, min(colon + 7, end)):
            picture = (picture * _PRIME + text[i]) & _MASK
        return picture == _IMAGE and colon + 7 < end and text[colon + 7] != 115
    scheme = 0
    for i in range(at, colon):
        scheme = (scheme * _PRIME + text[i]) & _MASK
    if scheme == _MAILTO or scheme == _TEL:
        return True
    if own or (scheme != _HTTP and scheme != _HTTPS):
        return False
    # A host that begins with no letter is a number, as one writes it who hides where he leads to.
    host = colon + 3
    return host < end and text[colon + 1] == 47 and text[colon + 2] == 47 and not 48 <= text[host] <= 57


_IMAGE, _MAILTO, _TEL, _HTTP, _HTTPS = (_code(name) for name in ("image/", "mailto", "tel", "http", "https"))


@subkernel
def _harmless_value(text: Bytes, begin: int, end: int, brackets: bool, style: bool) -> bool:
    """Whether an attribute's value holds nothing that runs: no tag, no escape, no call."""
    for i in range(begin, end):
        byte = text[i]
        if byte == 60 or byte == 62 or byte == 92 or byte == 96 or byte == 123 or byte == 125:
            return False
        if byte == 40 and not brackets:
            return False
        if style and (byte == 91 or byte == 38 or byte == 13):
            return False
    return True


@subkernel
def _after_tag(
    text: Bytes, begin: int, end: int, elements: Ints, attributes: Ints, opened: Ints, depth: int
) -> int:
    """Where a tag ends whose name begins at `begin`, -1 if it is not harmless; `opened[DEEPEST]` receives the depth."""
    i = begin
    while i < end and _of_name(text[i]):
        i += 1
    if i == begin or not 97 <= text[begin] <= 122:
        return -1
    code = _name_code(text, begin, i)
    element = _kind(elements, code)
    if element & ACTIVE != 0:
        return -1
    shaped = False
    sourced = False
    opened[DEEPEST] = depth
    while True:
        spaced = False
        while i < end and _is_space(text[i]):
            i += 1
            spaced = True
        if i >= end:
            return -1
        if text[i] == 62:
            break
        if text[i] == 47:
            if i + 1 < end and text[i + 1] == 62:
                ready = (element & (FRAME | USE) == 0) or (sourced and (shaped or element & USE != 0))
                return i + 2 if ready else -1
            return -1
        name = i
        while i < end and _of_name(text[i]):
            i += 1
        if not spaced or i == name or not 97 <= text[name] <= 122:
            return -1
        local = name
        for k in range(name, i):
            if text[k] == 58:
                local = k + 1
        if i - local > 3 and text[local] == 111 and text[local + 1] == 110:  # on...
            return -1
        attribute = _kind(attributes, _name_code(text, name, i))
        if attribute & NEVER != 0:
            return -1
        if attribute & SHAPE != 0:
            shaped = True
        while i + 1 < end and _is_space(text[i]) and text[i + 1] == 61:
            i += 1
        if i >= end or text[i] != 61:
            continue
        i += 1
        while i < end and _is_space(text[i]):
            i += 1
        if i >= end:
            return -1
        quote = text[i]
        if quote == 34 or quote == 39:
            first = i + 1
            i = first
            while i < end and text[i] != quote:
                i += 1
            if i >= end:
                return -1
            past = i
            i += 1
            style = text[name] == 115 and attribute & SHAPE != 0 and i > name + 5 and text[name + 1] == 116
            if not _harmless_value(text, first, past, attribute & CALLS != 0, style):
                return -1
            if attribute & ADDRESS != 0:
                if not _harmless_address(text, first, past, element & OWN != 0):
                    return -1
                # A frame shows a page of another's by its whole address, a picture's part one of this page.
                far = past - first > 8 and text[first + 4] == 115 and text[first + 5] == 58
                sourced = far if element & FRAME != 0 else past > first and text[first] == 35
        else:
            if attribute & ADDRESS != 0:
                return -1
            while i < end and (
                _of_name(text[i]) or text[i] == 35 or text[i] == 37 or text[i] == 43 or text[i] >= 128
            ):
                i += 1
            if text[i - 1] == 61:
                return -1
    if element & FRAME != 0 and not (sourced and shaped):
        return -1
    if element & USE != 0 and not sourced:
        return -1
    if element & OPEN == 0:
        if depth >= DEEPEST:
            return -1
        opened[depth] = code
        opened[DEEPEST] = depth + 1
    return i + 1


@subkernel
def _after_close(text: Bytes, begin: int, end: int, elements: Ints, opened: Ints, depth: int) -> int:
    """Where a closing tag ends, -1 if it closes nothing; `opened[DEEPEST]` receives the depth."""
    i = begin
    while i < end and _of_name(text[i]):
        i += 1
    if i == begin:
        return -1
    code = _name_code(text, begin, i)
    while i < end and _is_space(text[i]):
        i += 1
    if i >= end or text[i] != 62:
        return -1
    if _kind(elements, code) & OPEN == 0:
        if depth == 0 or opened[depth - 1] != code:
            return -1
        depth -= 1
    opened[DEEPEST] = depth
    return i + 1


@subkernel
def _after_declaration(text: Bytes, begin: int, end: int) -> int:
    """Where a comment, `<!doctype ...>` or `<?xml ...?>` that begins at `begin` ends, -1 if it is anything else."""
    if begin + 2 < end and text[begin] == 33 and text[begin + 1] == 45 and text[begin + 2] == 45:
        i = begin + 3
        if i < end and (text[i] == 35 or text[i] == 91 or text[i] == 62 or text[i] == 45):
            return -1
        while i + 2 < end and not (text[i] == 45 and text[i + 1] == 45):
            if text[i] == 60 or text[i] == 62:
                return -1
            i += 1
        return i + 3 if i + 2 < end and text[i + 2] == 62 else -1
    word = 0
    i = begin + 1
    while i < end and 97 <= text[i] <= 122:
        word = (word * _PRIME + text[i]) & _MASK
        i += 1
    mark = 33 if word == _DOCTYPE else 63 if word == _XML else 0
    if text[begin] != mark or i >= end or not _is_space(text[i]):
        return -1
    if mark == 33:
        i += 1
        word = 0
        while i < end and 97 <= text[i] <= 122:
            word = (word * _PRIME + text[i]) & _MASK
            i += 1
        # The types of other documents are fetched from where they say.
        if word != _HTML and word != _SVG:
            return -1
    while i < end and text[i] != 62:
        if text[i] == 60 or text[i] == 91:
            return -1
        i += 1
    if i >= end or (mark == 63 and text[i - 1] != 63):
        return -1
    return i + 1


_DOCTYPE, _XML, _HTML, _SVG = (_code(name) for name in ("doctype", "xml", "html", "svg"))


@subkernel
def harmless_markup(
    text: Bytes, begin: int, end: int, elements: Ints, attributes: Ints, signs: Bitmaps, opened: Ints
) -> bool:
    """Whether a decoded text (lower case, white space folded) holds tags, and none but harmless ones.

    What stands between them may hold no marks that mean something to a shell or a template: only what markup explains
    is taken back.
    """
    i = begin
    depth = 0
    tags = 0
    quoted = False
    while i < end:
        byte = text[i]
        if byte == 62 or byte == 96 or byte == 123 or byte == 125 or byte == 124 or byte == 92:
            return False
        if byte == 36 and i + 1 < end and text[i + 1] == 40:  # $(
            return False
        for row in range(signs.shape[0]):
            if byte == signs[row, 0] and _stands_at(text, i, end, signs, row):
                return False
        if byte != 60:
            if byte == 34 or byte == 39:
                quoted = True
            elif not _is_space(byte) and byte != 47:
                quoted = False
            i += 1
            continue
        if i + 1 >= end or (quoted and tags == 0):
            return False
        following = text[i + 1]
        opened[DEEPEST] = depth
        if following == 47:
            i = _after_close(text, i + 2, end, elements, opened, depth)
        elif following == 33 or following == 63:
            i = _after_declaration(text, i + 1, end)
        else:
            i = _after_tag(text, i + 1, end, elements, attributes, opened, depth)
        if i < 0:
            return False
        depth = opened[DEEPEST]
        tags += 1
    return tags > 0 and depth == 0


@subkernel
def _plain_path(text: Bytes, begin: int, end: int) -> bool:
    """Whether a path holds nothing but letters, digits, spaces and the marks of ordinary paths."""
    for i in range(begin, end):
        byte = text[i]
        # % + , / @ ~
        mark = byte == 37 or byte == 43 or byte == 44 or byte == 47 or byte == 64 or byte == 126
        if not (_of_name(byte) or byte == 32 or mark or byte >= 128):
            return False
    return True


@kernel
def take_back_markup(
    text: Bytes,
    row_end: Ints,
    rows: int,
    row_text: Ints,
    row_place: Ints,
    query_places: int,
    markup_rules: Bytes,
    band_rules: Bytes,
    elements: Ints,
    attributes: Ints,
    signs: Bitmaps,
    opened: Ints,
    bits: Bitmaps,
    dirty: Bytes,
) -> None:
    """Take back the rules that markup hits from each text whose query holds harmless markup, if no other rule hit it.

    The path must be a plain one, since the payload model judged that too.

    Args:
        text: uint8, the scan buffer.
        row_end: int64, where each row ends, past its NUL and line feed; the first begins at 0.
        rows: How many rows to look at, the first ones.
        row_text: int64, the text of each row. row_place: int64, its place, one bit.
        query_places: The bits of queries.
        markup_rules: uint8 (w,), bitmap of the rules that harmless markup hits too.
        band_rules: uint8 (w,), bitmap of those that stand for what the payload model says.
        elements: `ELEMENTS`. attributes: `ATTRIBUTES`. signs: `SIGNS`.
        opened: int64 (DEEPEST + 1,), scratch space.
        bits: uint8 (texts, w), the rules that each text hit.
        dirty: uint8 (texts,), whether it hit any.
    """
    width = markup_rules.shape[0]
    for row in range(rows):
        of = row_text[row]
        if dirty[of] == 0 or row_place[row] & query_places == 0:
            continue
        some = 0
        other = 0
        for j in range(width):
            some |= bits[of, j] & markup_rules[j]
            other |= bits[of, j] & ~(markup_rules[j] | band_rules[j])
        if some == 0 or other != 0:
            continue
        begin = row_end[row - 1] if row > 0 else 0
        if row > 0 and row_text[row - 1] == of:
            before = row_end[row - 2] if row > 1 else 0
            if not _plain_path(text, before, begin - 2):
                continue
        if harmless_markup(text, begin, row_end[row] - 2, elements, attributes, signs, opened):
            for j in range(width):
                bits[of, j] = 0
            dirty[of] = 0
