"""Requests of public sets, each with what it is said to be.

The sets stand in `$VEDETTE_DATA`, or in `../shared/data` beside the checkout; none is part of this repository.
A set whose files are missing is left out with a sentence. A value is put where the set says it belongs (query,
path, header); what stands in a body is put in the query, because access logs hold no bodies and the value is
what is judged.
"""

import base64
import csv
import hashlib
import io
import lzma
import os
import re
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote_plus

import yaml

DATA = Path(os.environ.get("VEDETTE_DATA") or Path(__file__).parents[3] / "shared" / "data")


class Label(StrEnum):
    """What a set says of a request."""

    ATTACK = "attack"
    BENIGN = "benign"
    LOOKALIKE = "look-alike"
    """Benign, and collected because filters take it for an attack."""
    ODD = "odd"
    """Not normal for its site; half of them are not hostile."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request.

    Attributes:
        group: The set.
        kind: Class within the set.
        label: What it is said to be.
        columns: The columns of the request that the set gives.
        value: What is judged, as it is told apart from others: duplicates are counted once.
    """

    group: str
    kind: str
    label: Label
    columns: dict[str, bytes]
    value: bytes

    @property
    def tuning(self) -> bool:
        """Whether it is of the half that rules and model may be fitted to; the other half only measures."""
        return hashlib.sha256(self.value).digest()[0] & 1 == 0


def text(name: str) -> str:
    """A packed file of the data directory."""
    return lzma.open(DATA / name).read().decode("utf-8", "replace")


def members(name: str) -> Iterator[tuple[str, str]]:
    """Files of a packed archive of the data directory."""
    with tarfile.open(DATA / name) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read().decode("utf-8", "replace")


def in_query(group: str, kind: str, label: Label, value: str, *, written: str | None = None) -> Sample:
    """A value as a query parameter of a plain request, as a browser would send it, or as `written`."""
    wire = quote(value, safe="") if written is None else written
    return Sample(
        group,
        kind,
        label,
        {"target": b"/page?q=" + wire.encode("utf-8", "replace")},
        value.encode("utf-8", "replace"),
    )


def httpparams() -> Iterator[Sample]:
    """Values of parameters (MIT). The normal ones come from CSIC 2010."""
    for row in csv.DictReader(io.StringIO(text("httpparams/payload_full.csv.xz"))):
        kind = row["attack_type"]
        label = Label.BENIGN if kind == "norm" else Label.ATTACK
        yield in_query("httpparams", "benign" if kind == "norm" else kind, label, row["payload"])


def grananqvist() -> Iterator[Sample]:
    """Strings collected from several projects (MIT)."""
    for row in csv.reader(io.StringIO(text("waf-payloads-grananqvist/payloads.csv.xz"))):
        if len(row) == 4 and row[0] != "index" and row[0]:
            benign = row[3] == "LEGAL"
            label = Label.BENIGN if benign else Label.ATTACK
            yield in_query("grananqvist", "benign" if benign else row[3].lower(), label, row[1])


def libinjection() -> Iterator[Sample]:
    """The corpus of a parser of SQL and HTML (BSD-3). Some files are percent-encoded, others are not."""
    kinds = {"sqli": Label.ATTACK, "xss-": Label.ATTACK, "fals": Label.LOOKALIKE}
    for name, content in members("libinjection-corpus/libinjection-data.tar.xz"):
        stem = Path(name).name[:4]
        if stem not in kinds:
            continue
        kind = {"sqli": "sqli", "xss-": "xss", "fals": "look-alikes"}[stem]
        for line in sorted(set(content.splitlines())):
            if line.strip() and not line.startswith("#"):
                encoded = re.search(r"%[0-9a-fA-F]{2}", line) is not None
                written = quote(line, safe="%+&=") if encoded else None
                value = unquote_plus(line, errors="replace") if encoded else line
                yield in_query("libinjection", kind, kinds[stem], value, written=written)


def gotestwaf() -> Iterator[Sample]:
    """Test cases for application firewalls (MIT), expanded: each payload in each encoding and each place."""
    for name, content in members("gotestwaf-testcases/testcases.tar.xz"):
        if not name.endswith((".yml", ".yaml")):
            continue
        # The project's own reader lets \' pass in double quotes; YAML does not.
        case = yaml.safe_load(content.replace("\\'", "'"))
        kind = re.sub(r"^community-(?:\d+kb-)?", "", Path(name).stem)
        label = Label.BENIGN if "false-pos" in name else Label.ATTACK
        for payload in case.get("payload") or []:
            if not isinstance(payload, str):
                continue
            for encoder in case.get("encoder") or ["URL"]:
                for placeholder in case.get("placeholder") or ["URLParam"]:
                    place = placeholder if isinstance(placeholder, str) else next(iter(placeholder))
                    yield _gotestwaf(kind, label, payload, encoder, place)


def _gotestwaf(kind: str, label: Label, payload: str, encoder: str, place: str) -> Sample:
    value = base64.b64encode(payload.encode()).decode() if encoder == "Base64Flat" else payload
    key = f"{encoder} {place} {payload}".encode()
    kind = "benign" if label is Label.BENIGN else kind
    if place in ("UserAgent", "Header"):
        columns = {"target": b"/", "user_agent": value.encode()}
    elif place == "URLPath":
        columns = {"target": b"/" + quote(value, safe="").encode()}
    else:
        columns = {"target": b"/page?q=" + quote(value, safe="").encode()}
        key = f"{encoder} {payload}".encode()
    return Sample("gotestwaf", kind, label, columns, key)


def csic() -> Iterator[Sample]:
    """A web shop (research): body parameters stand in the target after a `?`."""
    for kind, name in (("normal", "normal"), ("anomalous", "anomalous")):
        label = Label.BENIGN if kind == "normal" else Label.ODD
        for line in text(f"csic2010/{name}_decoded.txt.xz").splitlines():
            method, _, target = line.partition(" ")
            target = target.removeprefix("http://localhost:8080")
            columns = {"target": target.encode(), "method": method.upper().encode()}
            yield Sample("csic2010", kind, label, columns, line.encode())


def fwaf() -> Iterator[Sample]:
    """Paths and queries of an old project (no licence stated); some are labelled wrongly."""
    for kind, name in (("attack", "badqueries"), ("benign", "goodqueries_firebricks_subset")):
        for line in text(f"fwaf/{name}.txt.xz").splitlines():
            yield Sample("fwaf", kind, Label(kind), {"target": line.encode()}, line.encode())


_COMBINED = re.compile(
    r'^"?(?:\S+ ){2,3}\[[^]]*\] "((?:[^"\\]|\\.)*)" (?:\d+|-) \S+'
    r'(?: "((?:[^"\\]|\\.)*)")?(?: (\S+))?(?:.*?"((?:[^"\\]|\\.)*)")?'
)


_ESCAPED = re.compile(r'\\(["\\])')
"""Apache writes `\"` for a quote and two backslashes for one."""


def _lines(content: str) -> Iterator[tuple[dict[str, bytes], str]]:
    """The columns of each log line, and what stands in a session field before the agent, if there is one."""
    for line in content.splitlines():
        match = _COMBINED.match(line)
        if match:
            request, referer, session, agent = match.groups()
            method, _, rest = request.partition(" ")
            target, _, protocol = rest.rpartition(" ")
            parts = {
                "method": method,
                "target": target or rest,
                "protocol": protocol,
                "referer": referer,
                "user_agent": agent,
            }
            columns = {
                k: _ESCAPED.sub(r"\1", v).encode("utf-8", "replace")
                for k, v in parts.items()
                if v and v != "-"
            }
            yield columns, session or "-"


def _logged(group: str, kind: str, label: Label, columns: dict[str, bytes], number: int) -> Sample:
    # Requests of a log are counted each, because the rate asked for is one of requests.
    return Sample(group, kind, label, columns, f"{number} {columns.get('target', b'')!r}".encode())


def people() -> Iterator[Sample]:
    """Visits of people to a real site (open access). Lines without a session are robots' that came between."""
    number = 0
    for _, content in members("access-logs-real/human_sessions_27.tar.xz"):
        for columns, session in _lines(content):
            number += 1
            human = session != "-"
            kind = "requests with a session" if human else "requests without one"
            yield _logged("human_sessions_27", kind, Label.BENIGN if human else Label.ODD, columns, number)


def elastic() -> Iterator[Sample]:
    """A real blog (Apache-2.0)."""
    content = text("access-logs-real/elastic_apache_logs.log.xz")
    for number, (columns, _) in enumerate(_lines(content)):
        yield _logged("elastic", "requests", Label.BENIGN, columns, number)


_MARKED = re.compile(rb"['\"<>;|`\\(){}$]|\.\.[/\\]|\xef\xbc|\xca[\xb0-\xbf]|%0[ad0]", re.IGNORECASE)


def acunetix() -> Iterator[Sample]:
    """A scan (no licence stated). Most of its requests hold their payload in the body, which no log shows.

    *with a mark* are those whose target or referer, decoded, holds a character that the site's own addresses
    never hold.
    """
    for number, (columns, _) in enumerate(_lines(text("apache-scan-logs/acunetix.txt.xz"))):
        shown = columns.get("target", b"") + b" " + columns.get("referer", b"")
        decoded = unquote_plus(unquote_plus(shown.decode("utf-8", "replace"))).encode("utf-8", "replace")
        marked = _MARKED.search(shown) or _MARKED.search(decoded)
        if marked:
            value = shown
            yield Sample("acunetix", "with a mark", Label.ATTACK, columns, value)
        else:
            yield _logged("acunetix", "without a mark", Label.ODD, columns, number)


_PROBE = re.compile(
    r"nessus|acunetix|\.nasl|asteridex|rfiurl|inexistent|nonexistent_|vulnweb|cirt\.net|wvs_|tamper"
    r"|(?:^|\\x0[ad]|[|;&`{(])\s?(?:/usr)?(?:/?s?bin/)?(?:id|ls|uname|ipconfig|type|rm|ping|sleep|dir|net)"
    r"(?:\\x[0-9a-f]{2}|[\s|`#;)&/-]|$)|\bnc [\d.]+ \d+ -e"
    r"|[c-e]:\\+(?:xampp|inetpub|windows|winnt|users|boot\.ini)|boot\.ini|win\.ini|\bnet user\b"
    r"|(?:posstr|vsize|ltrim|benchmark|system|passthru)\((?:chr|char|id|md5|\d)|select null from|order by \d+"
    r"|kernel\.fail|print `|\bdir[ +]c:|/etc/\*|\\x00|phpe9568f3|web-infclasses|sys\.dba_users|_log$|\{@print",
    re.IGNORECASE,
)


def is_probe(sample: Sample) -> bool:
    """Whether a value that its set calls legal is a scanner's or an intruder's all the same.

    grananqvist's legal values come from logs of a contest in breaking in. These patterns were written after
    reading every legal value that was accused: probes that name their scanner, commands, and the paths that somebody
    walked through with a web shell.
    """
    return (
        sample.group == "grananqvist" and _PROBE.search(sample.value.decode("utf-8", "replace")) is not None
    )


READERS: dict[str, Callable[[], Iterator[Sample]]] = {
    "httpparams": httpparams,
    "libinjection": libinjection,
    "gotestwaf": gotestwaf,
    "grananqvist": grananqvist,
    "acunetix": acunetix,
    "fwaf": fwaf,
    "csic2010": csic,
    "human_sessions_27": people,
    "elastic": elastic,
}
"""Every set, in the order of the table."""

PERMITTED = ("httpparams", "libinjection", "gotestwaf", "grananqvist", "elastic")
"""Sets whose licence allows that what ships rests on them."""


def read(names: tuple[str, ...] = tuple(READERS)) -> Iterator[Sample]:
    """Distinct samples of the named sets; a set that is missing is named on standard error."""
    for name in names:
        seen: set[tuple[str, bytes]] = set()
        try:
            for sample in READERS[name]():
                if (sample.kind, sample.value) not in seen:
                    seen.add((sample.kind, sample.value))
                    yield sample
        except FileNotFoundError as error:
            print(f"{name} is left out: {error.filename} is missing (set VEDETTE_DATA)", file=sys.stderr)
