"""What a store keeps of closed windows."""

from vedette.schema.records import WindowRecord
from vedette.windows.entities import EntityBook
from vedette.windows.layout import Group
from vedette.windows.summary import Groups, distinct_count, quantile


def window_records(book: EntityBook, groups: Groups, start: int, span_s: int) -> list[WindowRecord]:
    """Records of a window's services and routes, keyed by slot."""
    p50, p95, p99 = (quantile(groups.latency, q).tolist() for q in (0.5, 0.95, 0.99))
    distinct = distinct_count(groups.distinct)
    records = []
    for row, slot in enumerate(groups.key.tolist()):
        entry = book[slot]
        sums = groups.sums[row]
        timed = int(sums[Group.TIMED])
        records.append(
            WindowRecord(
                service=entry.service,
                route=entry.route,
                start=start,
                span_s=span_s,
                requests=int(sums[Group.REQUESTS]),
                errors_4xx=int(sums[Group.STATUS_4XX]),
                errors_5xx=int(sums[Group.STATUS_5XX]),
                bytes_in=int(sums[Group.BYTES_IN]),
                bytes_out=int(sums[Group.BYTES_OUT]),
                timed=timed,
                latency_p50_s=p50[row] if timed else None,
                latency_p95_s=p95[row] if timed else None,
                latency_p99_s=p99[row] if timed else None,
                distinct_clients=round(float(distinct[row])),
            )
        )
    return records
