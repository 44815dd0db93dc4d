"""Readers of each format, written apart from the simulator: regular expressions and `json`."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Request:
    """What a reader makes of a line; None where the format does not tell."""

    time: datetime
    client: str | None
    method: str
    target: str
    status: int
    size: int | None
    seconds: float | None = None
    agent: str | None = None
    referer: str | None = None
    service: str | None = None


Reader = Callable[[str], Request]

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_REQUEST = r'"([A-Z]+) (\S+) HTTP/[\d.]+"'
_COMMON = rf"(\S+) - - \[([^]]+)\] {_REQUEST} (\d{{3}}) (\d+|-)"
_CLF_TIME = "%d/%b/%Y:%H:%M:%S +0000"


def _clf(line: str, pattern: str) -> tuple[Request, tuple[str, ...]]:
    match = re.fullmatch(pattern, line)
    assert match, line
    client, time, method, target, status, size, *rest = match.groups()
    when = datetime.strptime(time, _CLF_TIME).replace(tzinfo=UTC)
    length = 0 if size == "-" else int(size)
    return Request(when, client, method, target, int(status), length), tuple(rest)


def common(line: str) -> Request:
    return _clf(line, _COMMON)[0]


def combined(line: str) -> Request:
    request, (referer, agent) = _clf(line, rf"{_COMMON} {_QUOTED} {_QUOTED}")
    return _with(request, referer=referer, agent=agent)


def vhost_combined(line: str) -> Request:
    service, _, rest = line.partition(" ")
    assert service.endswith(":443")
    return _with(combined(rest), service=service[:-4])


def nginx(line: str) -> Request:
    request, (referer, agent, seconds) = _clf(line, rf"{_COMMON} {_QUOTED} {_QUOTED} (\d+\.\d{{3}})")
    return _with(request, referer=referer, agent=agent, seconds=float(seconds))


def traefik_clf(line: str) -> Request:
    tail = rf'{_QUOTED} {_QUOTED} \d+ "(\S+)@docker" "http://[\d.:]+" (\d+)ms'
    request, (referer, agent, service, milliseconds) = _clf(line, f"{_COMMON} {tail}")
    return _with(request, referer=referer, agent=agent, service=service, seconds=int(milliseconds) / 1000)


def envoy(line: str) -> Request:
    pattern = (
        rf'\[([^]]+)Z\] {_REQUEST} (\d+) (\S+) (\d+) (\d+) (\d+) (\d+) "([^"]*)" "([^"]*)" '
        r'"([0-9a-f-]{36})" "([^"]*)" "[\d.:]+"'
    )
    match = re.fullmatch(pattern, line)
    assert match, line
    time, method, target, status, _, _, sent, took, _, client, agent, _, authority = match.groups()
    return Request(
        _iso(time), client, method, target, int(status), int(sent), int(took) / 1000, agent, None, authority
    )


def haproxy(line: str) -> Request:
    pattern = (
        r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ haproxy\[\d+\]: (\S+):(\d+) "
        r"\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] \S+ (\S+)/\S+ "
        rf"-?\d+/-?\d+/-?\d+/-?\d+/(\d+) (\d+) (\d+) - - \S{{4}} \d+/\d+/\d+/\d+/\d+ \d+/\d+ {_REQUEST}"
    )
    match = re.fullmatch(pattern, line)
    assert match, line
    client, _, time, service, took, status, size, method, target = match.groups()
    when = datetime.strptime(time, "%d/%b/%Y:%H:%M:%S.%f").replace(tzinfo=UTC)
    return Request(when, client, method, target, int(status), int(size), int(took) / 1000, service=service)


def alb(line: str) -> Request:
    fields = re.findall(r'"[^"]*"|\S+', line)
    assert len(fields) == 30, line
    client = fields[3].rpartition(":")[0].strip("[]")
    method, url, _ = fields[12].strip('"').split(" ")
    host, _, target = url.removeprefix("https://").partition(":443")
    return Request(
        _iso(fields[1].removesuffix("Z")), client, method, target, int(fields[8]), int(fields[11]),
        sum(float(f) for f in fields[5:8]), fields[13].strip('"'), None, host,
    )  # fmt: skip


def envoy_json(line: str) -> Request:
    o = json.loads(line)
    return Request(
        _iso(o["start_time"].removesuffix("Z")), o["client_ip"], o["method"], o["path"], o["response_code"],
        o["bytes_sent"], o["duration"] / 1000, o["user_agent"], None, o["service_name"],
    )  # fmt: skip


def istio_json(line: str) -> Request:
    o = json.loads(line)
    return Request(
        _iso(o["start_time"].removesuffix("Z")), o["x_forwarded_for"], o["method"], o["path"],
        o["response_code"], o["bytes_sent"], o["duration"] / 1000, o["user_agent"], None, o["authority"],
    )  # fmt: skip


def traefik_json(line: str) -> Request:
    o = json.loads(line)
    when = _iso(o["StartUTC"][:-4])
    return Request(
        when, o["ClientHost"], o["RequestMethod"], o["RequestPath"], o["DownstreamStatus"],
        o["DownstreamContentSize"],
        o["Duration"] / 1e9, o["request_User-Agent"], o["request_Referer"], o["RequestHost"],
    )  # fmt: skip


def caddy(line: str) -> Request:
    o = json.loads(line)
    r = o["request"]
    return Request(
        datetime.fromtimestamp(o["ts"], UTC), r["client_ip"], r["method"], r["uri"], o["status"], o["size"],
        o["duration"], r["headers"]["User-Agent"][0], r["headers"]["Referer"][0], r["host"],
    )  # fmt: skip


def plain_json(line: str) -> Request:
    o = json.loads(line)
    return Request(
        _iso(o["timestamp"].removesuffix("Z")), o["remote_addr"], o["request_method"], o["request_uri"],
        o["status"], o["body_bytes_sent"], o["request_time"], o["http_user_agent"], o["http_referer"],
        o["host"],
    )  # fmt: skip


def _pairs(text: str) -> dict[str, str]:
    found = re.findall(r'(\S+?)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', text)
    return {key: re.sub(r"\\(.)", r"\1", quoted) or plain for key, quoted, plain in found}


def heroku(line: str) -> Request:
    time, router, rest = line.split(" ", 2)
    assert router == "heroku[router]:"
    p = _pairs(rest)
    return Request(
        _iso(time.removesuffix("+00:00")), p["fwd"], p["method"], p["path"], int(p["status"]), int(p["bytes"]),
        int(p["service"].removesuffix("ms")) / 1e3, service=p["host"],
    )  # fmt: skip


def logfmt(line: str) -> Request:
    p = _pairs(line)
    return Request(
        _iso(p["time"].removesuffix("Z")), p["remote_addr"], p["method"], p["path"], int(p["status"]),
        int(p["bytes"]), float(p["duration"].removesuffix("ms")) / 1e3, p["user_agent"], p["referer"], p["service"],
    )  # fmt: skip


def w3c(lines: list[str]) -> Iterator[Request]:
    """Header-driven: CloudFront (tabs) and IIS (spaces)."""
    names: list[str] = []
    tabs = False
    for line in lines:
        if line.startswith("#"):
            if line.startswith("#Fields: "):
                names = line.removeprefix("#Fields: ").split(" ")
                tabs = "x-edge-location" in names
            continue
        values = dict(zip(names, line.split("\t" if tabs else " "), strict=True))
        query = values["cs-uri-query"]
        seconds = float(values["time-taken"]) / (1 if tabs else 1000)
        agent = unquote(values["cs(User-Agent)"]) if tabs else values["cs(User-Agent)"].replace("+", " ")
        yield Request(
            _iso(f"{values['date']}T{values['time']}"), values["c-ip"], values["cs-method"],
            values["cs-uri-stem"] + ("" if query == "-" else f"?{query}"), int(values["sc-status"]),
            int(values["sc-bytes"]), seconds, agent, values["cs(Referer)"], values.get("x-host-header"),
        )  # fmt: skip


READERS: dict[str, Reader] = {
    "common": common,
    "combined": combined,
    "vhost_combined": vhost_combined,
    "nginx-timed": nginx,
    "traefik-clf": traefik_clf,
    "envoy": envoy,
    "haproxy": haproxy,
    "aws-alb": alb,
    "envoy-json": envoy_json,
    "istio-json": istio_json,
    "traefik-json": traefik_json,
    "caddy-json": caddy,
    "nginx-json": plain_json,
    "heroku": heroku,
    "logfmt": logfmt,
}


def read(name: str, log: bytes) -> list[Request]:
    """Every request of a log of a format."""
    lines = log.decode().split("\n")
    assert lines.pop() == ""
    if name in ("cloudfront", "iis"):
        return list(w3c(lines))
    return [READERS[name](line) for line in lines]


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _with(request: Request, **changes: object) -> Request:
    from dataclasses import replace

    return replace(request, **changes)  # type: ignore[arg-type]
