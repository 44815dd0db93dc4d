import io
import re
import unicodedata
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from tests.report.made import MINUTE, START, anomaly, attack, calm, coverage, findings, incident, odd

from vedette.report.shown import shown
from vedette.report.story import story_of
from vedette.report.terminal import render
from vedette.schema.anomaly import Contribution, Earlier, Entity, EntityKind, Evidence, Severity
from vedette.schema.findings import Findings, Silenced, SourceCoverage, Spending

HOSTILE = "\x1b[31mred\x1b]0;title\x07\u202egnp\u200b\x00\r\n\t[bold]markup[/bold] [/] :boom: \x9b2J\udcff"


def printed(
    found: Findings,
    *,
    top: int = 10,
    width: int = 100,
    encoding: str = "utf-8",
    terminal: bool = False,
    zone: tzinfo | None = None,
) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=stream,
        width=width,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        legacy_windows=False,
        _environ={},
    )
    if zone is None:
        render(found, console, top=top)
    else:
        render(found, console, top=top, zone=zone)
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(encoding)


def folded(text: str) -> str:
    """Without line breaks and columns."""
    return " ".join(text.split())


def test_the_first_lines_say_how_bad_how_much_and_when(found: Findings) -> None:
    lines = printed(found).splitlines()
    assert lines[0] == "2 incidents, the worst critical."
    assert "3,997 requests, 2026-03-02 08:00 to 10:00 UTC (2 h)" in lines


def test_an_incident_says_what_when_to_what_from_whom_how_sure_and_what_next(found: Findings) -> None:
    told = folded(printed(found, top=1))
    for part in (
        "CRITICAL Error spike on shop /login",
        "what 61 % of 420 requests to shop /login failed with 5xx (258 errors), expected 0.40 %.",
        "when 2026-03-02 09:10 to 09:15 UTC (5 min)",
        "to shop /login",
        "from 192.0.2.7 (22 % of it), 192.0.2.8",
        "how sure almost certain (score 0.97 of 1)",
        "do next Look at the failing route's application log. Then at the database.",
        "route /login 83 % ████",
        'access.log:1234 192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "POST /login HTTP/1.1" 503 12',
        "and 256 more requests behind this incident",
    ):
        assert part in told


def test_senders_have_their_shares_of_what_is_shown_and_of_no_other_anomaly() -> None:
    minor = anomaly(
        2,
        score=0.5,
        clients=("192.0.2.9",),
        contributions=(Contribution("route", "/a", 0.5), Contribution("client", "192.0.2.9", 0.67)),
    )
    both = [anomaly(), minor]
    ids = tuple(each.id for each in both)
    told = folded(printed(findings(anomalies=both, incidents=[incident(anomaly_ids=ids)])))
    assert "from 192.0.2.7 (22 % of it), 192.0.2.8, 192.0.2.9 how sure" in told


def test_shares_of_a_last_window_are_none_of_all_of_it() -> None:
    several = anomaly(details={**anomaly().details, "windows": 3})
    told = folded(printed(findings(anomalies=[several], incidents=[incident(anomaly_ids=(several.id,))])))
    assert "from 192.0.2.7, 192.0.2.8 how sure" in told


def test_what_a_lesser_anomaly_is_made_of_is_not_drawn_for_the_worst() -> None:
    plain, lesser = anomaly(contributions=()), anomaly(2, score=0.5)
    ids = (plain.id, lesser.id)
    told = folded(printed(findings(anomalies=[plain, lesser], incidents=[incident(anomaly_ids=ids)])))
    assert "from 192.0.2.7, 192.0.2.8 how sure" in told
    assert "████" not in told


def test_the_like_of_an_incident_that_was_there_before_is_told_with_how_much_it_was() -> None:
    again = anomaly(earlier=Earlier("a0", START, START + 5 * MINUTE, 0.31))
    text = printed(findings(anomalies=[again], incidents=[incident(anomaly_ids=(again.id,))]))
    assert "before    2026-03-02 08:00 to 08:05 UTC (5 min), 31 % at most" in text
    assert "before  " not in printed(findings(anomalies=[anomaly()], incidents=[incident()]))


def test_incidents_come_worst_first_whatever_their_order(found: Findings) -> None:
    found.incidents.reverse()
    told = printed(found)
    assert told.index("CRITICAL") < told.index("MEDIUM")


def test_evidence_of_an_attack_says_what_matched_and_by_which_rule(found: Findings) -> None:
    assert "access.log:77 matched 1 union select (sqli.union)" in printed(found)


def test_the_one_sender_of_an_attack_is_not_drawn_as_a_bar_of_100_percent() -> None:
    found = findings(anomalies=[attack()], incidents=[incident(2, severity=Severity.MEDIUM)])
    assert "100 %" not in printed(found).partition("What this rests on")[0]


def test_incidents_that_are_not_told_are_counted(found: Findings) -> None:
    told = printed(found, top=1)
    assert "SQL injection" not in told
    assert "1 more incident, the worst medium: --top 2 tells all" in told


def test_of_many_clients_a_few_are_named_and_the_rest_counted() -> None:
    def one(clients: int) -> str:
        entities = tuple(Entity(EntityKind.CLIENT, f"192.0.2.{i}") for i in range(clients))
        return folded(printed(findings(incidents=[incident(entities=entities)])))

    assert "from 192.0.2.0, 192.0.2.1, 192.0.2.2 and 4 more clients" in one(7)
    assert "from 192.0.2.0, 192.0.2.1, 192.0.2.2 and at least 97 more clients" in one(100)


def test_times_are_told_in_the_zone_asked_for_by_name(found: Findings) -> None:
    assert "2026-03-02 10:10 to 10:15 CET (5 min)" in printed(found, zone=ZoneInfo("Europe/Berlin"))


def test_coverage_tells_what_was_lost_and_why(found: Findings) -> None:
    told = folded(printed(found, width=200))
    for part in (
        "lines 4,012 read, 4,000 parsed (99.7 %), 12 skipped, 3 filtered out",
        "skipped 10 not this format, the first access.log:17: total rubbish 2 blank",
        "windows 240 judged, 60 with too little data (errors.ratio 40, latency.p95 20)",
        "late 1 request",
        "capped clients: 12 beyond the memory cap",
        "access.log: combined (fits 99 % of its sample), 3,990 of 4,000 lines, 1 MB",
        "truncated: damaged gzip member at byte 2999",
    ):
        assert part in told
    assert "Not everything could be read: see 1 truncated source below." in told


def test_a_share_that_is_nearly_all_is_not_told_as_all() -> None:
    assert "99.9 %" in printed(calm(lines=1_000_000, parsed=999_999))


def test_every_truncated_source_is_named_however_many_there_are() -> None:
    sources = [SourceCoverage(f"{i}.log", "combined", 1.0) for i in range(30)]
    sources[25].truncated = "damaged"
    told = printed(calm(sources=sources), width=200)
    assert "25.log" in told
    assert "19 more, none truncated" in told


def test_fields_that_nobody_named_are_told_once_for_each_format() -> None:
    sources = [
        SourceCoverage(f"{i}.log", form, 1.0, beyond="[b]4711")
        for i, form in enumerate(("combined", "common") * 2)
    ]
    told = folded(printed(calm(sources=sources), width=200))
    assert (
        "fields at the end of lines that combined has no names for, such as [b]4711 in 0.log: if a duration"
        in told
    )
    assert told.count("has no names for") == 2


def test_keys_that_nobody_named_are_told_with_how_to_name_them() -> None:
    sources = [SourceCoverage("app.log", "app-json", 1.0, beyond="[b]reply_code, took")]
    told = folded(printed(calm(sources=sources), width=200))
    assert "keys that app-json has no names for, such as [b]reply_code, took in app.log: if a status" in told
    assert "--field time=KEY --field target=KEY" in told
    sources = [SourceCoverage("app.log", "logfmt", 1.0, beyond="duration")]
    told = folded(printed(calm(sources=sources), width=200))
    assert (
        "such as duration in app.log: if a duration is among them, log it with its unit (duration=12ms)"
        in told
    )


def test_a_route_that_fails_besides_its_service_is_not_told_for_all_that_fails() -> None:
    whole = anomaly(1, route=None)
    route = anomaly(2, route="/login", entity=Entity(EntityKind.ROUTE, "shop /login"), score=0.7)
    assert story_of(incident(), [route, whole]).target == "shop as a whole, and of it /login"
    assert story_of(incident(), [route]).target == "shop /login"
    assert story_of(incident(), [whole]).target == "shop"


def test_times_without_a_zone_are_told_to_be_taken_for_utc() -> None:
    sources = [
        SourceCoverage("a.log", "haproxy", 1.0, parsed=3, assumed_utc=True),
        SourceCoverage("b.log", "haproxy", 1.0, parsed=3, assumed_utc=True),
        SourceCoverage("c.log", "combined", 1.0, parsed=3),
    ]
    told = folded(printed(calm(sources=sources), width=200))
    assert "times in a.log and 1 more source say no zone and are taken for UTC" in told
    assert "--log-timezone (Europe/Berlin, +02:00)" in told
    assert "no zone" not in folded(printed(calm(sources=sources[2:]), width=200))


def test_calm_traffic_is_told_in_one_calm_line() -> None:
    told = printed(calm(sources=[]))
    assert told.startswith("Nothing out of the ordinary was found.\n3,997 requests, ")


def test_traffic_that_no_baseline_could_judge_is_not_called_healthy() -> None:
    told = folded(printed(calm(windows=0, insufficient_data=40)))
    assert "Whether errors, latency and volume are normal is not known." in told
    assert "40 of 40 windows had too little history" in told
    assert "Nothing out of the ordinary" not in told


@pytest.mark.parametrize(
    ("more", "older"),
    [
        ({}, "Older logs help: --baseline-from 'access.log.*'."),
        (
            {"lines": 0, "parsed": 0, "filtered": 0, "flows": 9},
            "Older captures or flow logs help: --baseline-from 'yesterday.pcap'.",
        ),
    ],
)
def test_what_would_help_is_of_the_kind_that_was_scanned(more: dict[str, Any], older: str) -> None:
    assert older in folded(printed(calm(windows=0, insufficient_data=40, **more)))


def test_traffic_that_was_mostly_not_judged_is_said_so() -> None:
    assert "Not enough data: 60 of 70 windows" in folded(printed(calm(windows=10, insufficient_data=60)))


def test_exceptions_that_are_over_are_named_or_counted() -> None:
    over = [Silenced(f"x{n:08}", "a rule", "2026-01-01", True, False, 0, 0) for n in range(13)]
    told = folded(printed(calm(silenced=over)))
    assert "expired within this log or before: x00000000, " in told
    assert "x00000009 and 3 more (--json names them all)" in told


def test_no_request_at_all_is_not_called_calm() -> None:
    told = printed(calm(lines=5, parsed=0, filtered=0, start=None, end=None))
    assert told.startswith("Nothing could be judged: no request was read.")


def test_a_filter_that_leaves_nothing_is_named() -> None:
    assert "the filter left none of 10 requests" in printed(calm(parsed=10, filtered=10))


def test_a_skipped_line_of_control_bytes_takes_no_more_room_than_one_of_text() -> None:
    lengths = []
    for text in ("\0" * 500, "x" * 500):
        found = calm(skipped={"binary": 1}, skipped_samples=[("binary", "a.log", 7, text)])
        (line,) = re.findall(r"the first a\.log:7:(.*?) windows ", folded(printed(found)))
        lengths.append(len(line.replace(" ", "")))
    assert lengths == [160, 160]


@pytest.mark.parametrize(
    ("allowed", "told"),
    [(0.0119, "0.012"), (3.46, "3.5"), (370.4, "370"), (12_345.0, "12,345"), (3e-5, "under 0.0001")],
)
def test_a_budget_over_a_long_log_is_told_in_plain_figures(allowed: float, told: str) -> None:
    spending = [Spending(service="shop", per_week=1.0, weeks=allowed, allowed=allowed, spent=0)]
    assert f"accepted for each service, {told} over this log" in folded(printed(calm(spending=spending)))


def test_a_log_of_mostly_unreadable_lines_is_said_to_be_one() -> None:
    assert "only 100 of 4,012 could be parsed" in printed(calm(parsed=100, filtered=0))


def test_an_interrupted_run_says_so(found: Findings) -> None:
    found.coverage.interrupted = True
    assert "Interrupted: this is what was found until then." in printed(found)


def hostile_findings(text: str) -> Findings:
    one = anomaly(
        service=text,
        route=text,
        entity=Entity(EntityKind.CLIENT, text),
        clients=(text,),
        contributions=(Contribution("route", text, 0.6), Contribution("client", f"x{text}", 0.3)),
        evidence=(Evidence(text, 1, text, text, text), Evidence(text, 2, text)),
    )
    told = incident(
        title=text,
        summary=text,
        services=(text,),
        entities=(Entity(EntityKind.CLIENT, text),),
        advice=(text,),
    )
    return findings(
        anomalies=[one],
        incidents=[told],
        coverage=coverage(
            skipped_samples=[("not_this_format", text, 17, text)],
            sources=[SourceCoverage(text, text, 1.0, truncated=text)],
        ),
    )


def assert_harmless(told: str) -> None:
    for character in told:
        assert character == "\n" or character.isprintable(), f"{character!r} reached the terminal"
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") or character == "\n"


def test_hostile_text_cannot_steer_the_terminal() -> None:
    told = printed(hostile_findings(HOSTILE), width=200)
    assert_harmless(told)
    assert "\\x1b[31mred\\x1b]0;title\\x07\\u202egnp\\u200b\\x00\\r\\n\\t" in told


def test_rich_markup_and_emoji_codes_in_log_text_stand_as_they_are() -> None:
    assert "[bold]markup[/bold] [/] :boom:" in printed(hostile_findings(HOSTILE), width=200)


def test_on_a_coloured_terminal_only_our_own_escapes_are_written() -> None:
    told = printed(hostile_findings(HOSTILE), terminal=True, width=200)
    assert "\x1b[" in told
    assert_harmless(re.sub(r"\x1b\[[0-9;]*m", "", told))


@settings(max_examples=60)
@given(st.text(max_size=300), st.integers(60, 200), st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252"]))
def test_any_text_is_harmless_and_fits_the_width(text: str, width: int, encoding: str) -> None:
    told = printed(hostile_findings(text), width=width, encoding=encoding)
    assert_harmless(told)
    assert max(cell_len(line) for line in told.splitlines()) <= width


@given(st.text(), st.integers(1, 50))
def test_shown_text_is_printable_and_cut_text_is_marked(text: str, limit: int) -> None:
    assert shown(text).isprintable()
    cut = shown(text, limit)
    assert len(cut) <= limit
    assert cut == shown(text) or cut.endswith("…")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_lines_fit_the_width(found: Findings, width: int) -> None:
    found.incidents[0] = incident(title="x" * 300, summary="y" * 1000)
    assert max(cell_len(line) for line in printed(found, width=width).splitlines()) <= width


@pytest.mark.parametrize("width", [12, 20, 30, 40])
def test_a_narrow_terminal_loses_no_letter_of_a_sentence(found: Findings, width: int) -> None:
    told = "".join(printed(found, width=width).split())
    for story in found.incidents:
        assert "".join(story.summary.split()) in told


def test_text_without_width_is_cut_too() -> None:
    zalgo = "a" + "\u0301" * 100_000
    assert len(printed(hostile_findings(zalgo[:490]), width=60)) < 20_000
    found = findings(anomalies=[anomaly(evidence=(Evidence("l", 1, zalgo),))])
    assert len(printed(found, width=60)) < 10_000


def test_an_ascii_terminal_gets_ascii(found: Findings) -> None:
    found.incidents[0] = incident(title="Späte Fehler", summary="Took 12 µs.")
    told = printed(found, encoding="ascii")
    assert told.isascii()
    for part in ("* CRITICAL  Sp\\xe4te Fehler", "Took 12 us.", "83 % #####"):
        assert part in told


def test_colour_is_for_terminals_only(found: Findings) -> None:
    assert "\x1b" not in printed(found)
    assert "\x1b[" in printed(found, terminal=True)


def test_cut_evidence_is_marked() -> None:
    found = findings(anomalies=[anomaly(evidence=(Evidence("access.log", 1, "x" * 500),))])
    assert re.search(r"^ +x+…$", printed(found), re.MULTILINE)


def test_anomalies_that_lost_their_incident_are_not_passed_over() -> None:
    assert "Anomalies that belong to no incident: 2." in printed(findings(incidents=[]))


def test_an_incident_whose_anomalies_are_not_at_hand_is_told_all_the_same() -> None:
    told = printed(findings(anomalies=[]))
    assert "Error spike on shop /login" in told


def test_an_incident_that_spans_midnight_names_both_days() -> None:
    late = incident(start=START + 15 * 3_600_000_000, end=START + 17 * 3_600_000_000)
    assert "2026-03-02 23:00 to 2026-03-03 01:00 UTC (2 h)" in printed(findings(incidents=[late]))


def test_a_long_line_is_shown_from_its_request_on() -> None:
    agent = "Agent" * 9
    line = (
        f'192.0.2.7 - {"someone" * 5} [02/Mar/2026:09:10:00 +0000] "GET /login HTTP/1.1" 401 77 "-" "{agent}"'
    )
    found = findings(anomalies=[anomaly(evidence=(Evidence("access.log", 1, line),))])
    assert '\n      …"GET /login HTTP/1.1" 401' in printed(found, width=60)
    assert line in printed(found, width=200)


def test_a_match_beside_the_request_does_not_hide_the_request() -> None:
    line = (
        '192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET /login HTTP/1.1" 401 77 "-" "' + "x" * 90 + 'Nuclei"'
    )
    found = findings(anomalies=[anomaly(evidence=(Evidence("access.log", 1, line, "nuclei", "tool"),))])
    told = printed(found, width=60)
    assert '…"GET /login HTTP/1.1" 401' in told
    assert "access.log:1 matched nuclei (tool)" in told


def test_what_matched_has_a_line_of_its_own_where_there_is_no_room_beside_the_source() -> None:
    evidence = Evidence("var/log/" * 5 + "access.log", 1, "x", "union select", "sqli.union")
    told = printed(findings(anomalies=[anomaly(evidence=(evidence,))]), width=60)
    assert "access.log:1\n      matched union select (sqli.union)\n" in told


def test_lines_that_were_cut_are_not_said_to_be_counted_as_other() -> None:
    told = printed(findings(coverage=coverage(capped={"cut_lines": 2, "cut_bytes": 51_737})), width=120)
    assert "lines: 2 longer than limits.line_bytes" in told
    assert "bytes: 51,737 left out of lines that are too long" in told
    assert "'other'" not in told


def test_findings_beyond_the_most_of_a_window_are_named_by_their_detector() -> None:
    told = printed(findings(coverage=coverage(capped={"network.syn_flood.unstated": 3})), width=120)
    assert (
        "network.syn_flood: 3 findings beyond the most severe of their windows are not told one by one"
        in told
    )


def test_a_long_path_is_cut_at_its_start_so_that_file_and_line_are_seen() -> None:
    evidence = Evidence("/var/log/" + "deep/" * 30 + "access.log", 1234, "x")
    told = printed(findings(anomalies=[anomaly(evidence=(evidence,))]), width=60)
    assert "/access.log:1234\n" in told
    assert "    …" in told


def test_a_long_line_is_shown_so_that_the_match_is_seen() -> None:
    line = '192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET /?' + "a" * 200 + "=<script>" + "b" * 200
    found = findings(anomalies=[anomaly(evidence=(Evidence("access.log", 1, line, "<script>"),))])
    shown_line = printed(found, width=60).partition("matched <script>")[2].splitlines()[1]
    assert "<script>" in shown_line
    assert shown_line.endswith("…")


def test_no_line_ends_in_blanks(found: Findings) -> None:
    assert not [line for line in printed(found, width=70).splitlines() if line != line.rstrip()]


@given(st.floats(), st.floats(), st.integers())
def test_odd_numbers_are_shown_all_the_same(value: float, share: float, time: int) -> None:
    assert printed(odd(value, share, time))


def test_requests_that_anomalies_of_one_time_share_are_told_as_a_most() -> None:
    both = (anomaly(1), attack(2, start=START + 71 * MINUTE, end=START + 72 * MINUTE))
    one = incident(anomaly_ids=tuple(a.id for a in both), requests=12)
    told = printed(findings(anomalies=list(both), incidents=[one]))
    assert "and up to 10 more requests behind this incident" in told
    later = attack(2, start=START + 75 * MINUTE, end=START + 76 * MINUTE)
    assert "and 10 more requests behind" in printed(findings(anomalies=[both[0], later], incidents=[one]))
