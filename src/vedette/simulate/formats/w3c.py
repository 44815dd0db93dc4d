"""Formats whose first lines name their columns (W3C extended log format)."""

from datetime import datetime
from typing import Final

from vedette.simulate.draws import mix
from vedette.simulate.formats import escapes
from vedette.simulate.formats.json_lines import duration_ms
from vedette.simulate.view import View

_POPS: Final = (b"FRA56-P3", b"LHR62-C2", b"AMS58-P1", b"IAD89-C1")


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"


class CloudFront:
    """CloudFront's standard log: tab-separated, percent-encoded, time-taken in seconds."""

    name = "cloudfront"
    names_service = True
    timestamp = "end"
    fields = (
        b"date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status "
        b"cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type "
        b"x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for "
        b"ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
        b"fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type "
        b"sc-content-type sc-content-len sc-range-start sc-range-end"
    )

    def header(self, start: datetime) -> list[bytes]:  # noqa: ARG002 - the same whenever
        """Version and columns."""
        return [b"#Version: 1.0", b"#Fields: " + self.fields]

    def escape(self, text: bytes) -> bytes:
        """Percent-encoded where it does not print."""
        return escapes.percent(text)

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = (
            b"%b\t%b\t%b\t%d\t%b\t%b\td111111abcdef8.cloudfront.net\t%b\t%d\t%b\t%b\t%b\t-\t%b\t%b\t%b\thttps\t%d\t%b\t-\tTLSv1.3\t"
            b"TLS_AES_128_GCM_SHA256\t%b\t%b\t-\t-\t%d\t%b\t%b\t-\t%d\t-\t-"
        )
        status = view.numbers("status")
        results = [b"Error" if s >= 400 else b"RefreshHit" if s == 304 else b"Miss" for s in status]
        taken = [b"%d.%03d" % divmod(ms, 1000) for ms in duration_ms(view)]
        stems, queries = view.split_targets
        pops = [_POPS[i] for i in (mix(view.rows["client"], 62) % 4).astype(int).tolist()]
        sizes = view.numbers("size")
        columns = (
            view.per_second(view.ends, _date),
            view.per_second(view.ends, _time),
            pops,
            [s + 420 for s in sizes],
            view.clients,
            view.methods,
            stems,
            status,
            view.referers,
            view.agents,
            [q or b"-" for q in queries],
            results,
            [i.replace(b"-", b"") + b"==" for i in view.request_ids],
            view.services,
            [b + 310 for b in view.numbers("bytes_in")],
            taken,
            results,
            view.protocols,
            view.ports,
            taken,
            results,
            sizes,
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))


class Iis:
    """IIS with byte counts switched on: spaces become plus signs, time-taken in milliseconds."""

    name = "iis"
    names_service = False
    timestamp = "end"
    fields = (
        b"date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
        b"cs(Referer) sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken"
    )

    def header(self, start: datetime) -> list[bytes]:
        """Software, version, date and columns."""
        date = f"#Date: {start:%Y-%m-%d %H:%M:%S}".encode()
        return [
            b"#Software: Microsoft Internet Information Services 10.0",
            b"#Version: 1.0",
            date,
            b"#Fields: " + self.fields,
        ]

    def escape(self, text: bytes) -> bytes:
        """Spaces to plus signs."""
        return escapes.plus(text)

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = b"%b %b 10.0.1.12 %b %b %b 443 - %b %b %b %d 0 0 %d %d %d"
        stems, queries = view.split_targets
        columns = (
            view.per_second(view.ends, _date),
            view.per_second(view.ends, _time),
            view.methods,
            stems,
            [q or b"-" for q in queries],
            view.clients,
            view.agents,
            view.referers,
            view.numbers("status"),
            view.numbers("size"),
            [b + 310 for b in view.numbers("bytes_in")],
            duration_ms(view),
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))
