"""What an engine keeps of its memory under another configuration, and what begins anew."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.test_snapshot import RULES, Service, log
from vedette import __version__
from vedette.config import Config
from vedette.engine import sealed
from vedette.engine.build import build_engine
from vedette.engine.memory import settings_of
from vedette.engine.sealed import SnapshotError
from vedette.engine.snapshot import RefusedPartError, parts_of, restore
from vedette.schema.anomaly import AnomalyType
from vedette.schema.state import PackedArray, StateError, decode, encode, pack, unpack

HALF = 7000


@cache
def state() -> bytes:
    """The state of a service amid traffic."""
    service = Service()
    service.feed(log()[:HALF])
    service.engine.take_stated()
    return service.state()


def under(changes: dict[str, Any]) -> tuple[Service, dict[str, str]]:
    """A service under another configuration that took the state over, and what began anew."""
    service = Service(Config.model_validate({**RULES, **changes}, strict=False))
    restored = restore(service.engine, service.enricher, state())
    service.parser.from_state(restored.extra["parser"])
    service.line = int(restored.extra["line"])
    return service, {anew.part: anew.reason for anew in restored.anew}


OPEN = {"open windows", "evidence", "hostile rows", "history of clients"}


@pytest.mark.parametrize(
    ("changes", "anew", "reason"),
    [
        ({"detectors": {"errors": {"min_requests": 50}}}, set(), ""),
        ({"alarm": {"budget": "2/day"}}, set(), ""),
        ({"limits": {"routes": 8192, "clients": 300_000}}, set(), ""),
        (
            {"limits": {"routes": 100}},
            {"open windows", "entities", "baselines", "detectors", "habits"},
            "most_entities was 4352 and is 356",
        ),
        (
            {"windows": {"span_s": 30}},
            {*OPEN, "place in time", "baselines", "detectors", "thresholds", "sampling"},
            "span was 60000000 and is 30000000",
        ),
        (
            {"input": {"services": [{"name": "one", "files": ["*"]}]}},
            {*OPEN, "services"},
            "services was ",
        ),
        ({"alarm": {"mode": "threshold"}}, {"thresholds"}, "alarm was Budget and is ZScore"),
        ({"baselines": {"min_windows": 40}}, {"baselines"}, "min_windows=30 and is min_windows=40"),
        (
            {"baselines": {"timezone": "Europe/Berlin"}},
            {"baselines"},
            "timezone was UTC and is Europe/Berlin",
        ),
        ({"routes": {"slug_values": 20}}, {"routes"}, "slug_values was 50 and is 20"),
    ],
)
def test_only_what_rests_on_the_change_begins_anew_and_says_why(
    changes: dict[str, Any], anew: set[str], reason: str
) -> None:
    service, found = under(changes)
    assert set(found) == anew
    assert all(text and "\n" not in text for text in found.values())
    assert not reason or any(reason in text for text in found.values())
    # It goes on, and has another memory from then on.
    service.feed(log()[HALF:])
    again = Service(service.config)
    assert restore(again.engine, again.enricher, service.state()).anew == []
    service.engine.finish()


def test_baselines_outlive_a_change_of_services_limits_and_detectors() -> None:
    service, anew = under({"limits": {"routes": 8192}, "detectors": {"errors": {"min_requests": 5}}})
    assert anew == {}
    before = Service()
    restore(before.engine, before.enricher, state())
    assert service.engine.baseline_records() == before.engine.baseline_records() != []


def test_a_rule_that_changes_forgets_for_how_long_it_has_held_and_the_others_do_not() -> None:
    def begun(rules: list[dict[str, Any]]) -> Service:
        service = Service(Config.model_validate({"rules": rules}, strict=False))
        service.feed(log()[:HALF])
        return service

    def rule(name: str, when: str) -> dict[str, Any]:
        return {"name": name, "when": when}

    long, other = rule("long", "requests > 0 for 3 windows"), rule("other", "requests > 0 for 3 windows")
    first = begun([long, other])
    changed = Config.model_validate(
        {"rules": [long, rule("other", "requests > 1 for 3 windows")]}, strict=False
    )
    second = Service(changed)
    assert restore(second.engine, second.enricher, first.state()).anew == []
    second.line = first.line
    second.engine.take_stated()
    second.feed(log()[HALF : HALF + 250])
    stated = [a.details["rule"] for a in second.engine.take_stated() if a.type is AnomalyType.UNUSUAL_PATTERN]
    assert "long" in stated
    assert "other" not in stated


def test_more_lateness_does_not_open_closed_windows_again() -> None:
    service = Service()
    service.feed(log()[:HALF])
    closed = service.engine.windower.event_time.open_from
    patient = Service()
    patient.engine = build_engine(patient.config, lateness_us=6 * 3600_000_000)
    restore(patient.engine, patient.enricher, service.state())
    patient.line = service.line
    assert patient.engine.windower.event_time.open_from == closed
    late = patient.engine.windower.late
    patient.feed(log()[:100])
    assert patient.engine.windower.late == late + 100


def test_an_engine_that_others_follow_has_no_snapshot() -> None:
    service = Service()
    build_engine(service.config, lateness_us=0, leader=service.engine)
    with pytest.raises(ValueError, match="others follow"):
        service.state()


def test_a_later_format_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    monkeypatch.setattr(sealed, "FORMAT", 7)
    later = service.state()
    monkeypatch.undo()
    with pytest.raises(SnapshotError, match=r"format 7, of Vedette .* this program reads format 2"):
        restore(service.engine, service.enricher, later)


def test_a_state_that_claims_to_be_small_is_not_unpacked_further(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()
    packed = sealed.packed

    def with_more(pieces: Iterable[bytes]) -> tuple[bytes, int]:
        whole = list(pieces)
        body, _ = packed([*whole, bytes(50_000_000)])
        return body, sum(map(len, whole))

    monkeypatch.setattr(sealed, "packed", with_more)
    bomb = service.state()
    assert len(bomb) < 100_000
    with pytest.raises(SnapshotError, match="its parts are"):
        restore(service.engine, service.enricher, bomb)


def mutated(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The state with its parts changed by somebody who can seal it."""
    service = Service()
    restore(service.engine, service.enricher, state())
    parts = parts_of(service.engine, service.enricher)
    change(parts)
    whole = msgspec.msgpack.encode({"parts": parts, "extra": {}})
    return sealed.seal([whole], settings_of(service.engine, service.enricher))


def test_a_state_that_is_whole_but_cannot_be_taken_is_told_to_be_another_builds() -> None:
    message = refused(Service(), mutated(lambda parts: parts.update(entities=b"\xc1")))
    assert message is not None
    assert message.startswith(
        f"state of the engine: written by a build of Vedette {__version__!r} that kept it otherwise ("
    )
    assert "go on with that build, or begin anew in another store (--store URL)" in message


def _without_detector(parts: dict[str, bytes]) -> None:
    memories = decode(parts["detectors"], dict[str, bytes], "detectors")
    parts["detectors"] = encode({**memories, "errors.ratio": b"\xc1"})


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda parts: parts.update(habits=b"\xc1"), "habits"),
        (lambda parts: parts.update(baselines=b"\xc1"), "baselines"),
        (_without_detector, "errors.ratio"),
    ],
)
def test_what_another_build_kept_otherwise_begins_anew_alone_where_that_is_possible(
    change: Callable[[dict[str, bytes]], None], part: str
) -> None:
    content = mutated(change)
    first = Service()
    with pytest.raises(RefusedPartError) as error:
        restore(first.engine, first.enricher, content)
    assert error.value.anew.part == part
    assert error.value.anew.reason.startswith(f"Vedette {__version__} wrote it otherwise (")
    second, whole = Service(), Service()
    assert restore(second.engine, second.enricher, content, [error.value.anew]).anew == [error.value.anew]
    restore(whole.engine, whole.enricher, state())
    kept, expected = (parts_of(each.engine, each.enricher) for each in (second, whole))
    changed = {name for name in expected if kept[name] != expected[name]}
    assert changed == {"detectors" if part == "errors.ratio" else part}
    second.line = HALF + 1
    second.feed(log()[HALF:])
    second.engine.finish()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_forged_state_is_refused_in_one_line_or_harmless(data: st.DataObject) -> None:
    def change(parts: dict[str, bytes]) -> None:
        name = data.draw(st.sampled_from(sorted(parts)))
        content = bytearray(parts[name])
        for _ in range(data.draw(st.integers(1, 3))):
            if content:
                # The beginnings hold lengths, types and shapes.
                place = data.draw(
                    st.one_of(st.integers(0, min(60, len(content) - 1)), st.integers(0, len(content) - 1))
                )
                content[place] = data.draw(st.integers(0, 255))
        parts[name] = bytes(content)

    service = Service()
    refusal = refused(service, mutated(change))
    if refusal is not None:
        assert "\n" not in refusal
        return
    # What passes is no state of ours, but it must not take the process down.
    service.line = HALF + 1
    with suppress(ValueError, ArithmeticError, LookupError):
        service.feed(log()[HALF : HALF + 600])
        service.engine.finish()


def refused(service: Service, content: bytes) -> str | None:
    """Why a service cannot take a state over; None if it can."""
    try:
        restore(service.engine, service.enricher, content)
    except SnapshotError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "array",
    [
        PackedArray("float64", (3,), bytes(16)),
        PackedArray("float64", (-1,), b""),
        PackedArray("float64", (1 << 62,), b""),
        PackedArray("object", (1,), bytes(8)),
        PackedArray("int64", (2,), bytes(16)),
        PackedArray("float64", (1, 2), bytes(16)),
    ],
)
def test_arrays_are_what_they_must_be(array: PackedArray) -> None:
    with pytest.raises(StateError):
        unpack(array, np.float64, (None,), "numbers")


def test_texts_that_are_no_unicode_survive() -> None:
    odd = ["/caf\udce9", "plain", "\ud800"]
    assert decode(encode(odd), list[str], "texts") == odd
    assert decode(encode({"a": odd}), dict[str, list[str]], "texts") == {"a": odd}
    with pytest.raises(StateError):
        decode(encode(odd), list[int], "texts")
    with pytest.raises(StateError):
        decode(b"\2" + encode(["plain"])[1:], list[str], "texts")


@given(st.sampled_from(["<i4", ">i4", "<f8", "u1", "?"]), st.lists(st.integers(0, 1), max_size=20))
def test_arrays_survive(dtype: str, values: list[int]) -> None:
    array = np.array(values, dtype=dtype)
    again = unpack(pack(array), array.dtype.name, (None,), "numbers")
    assert again.tolist() == array.tolist()
    assert again.flags.writeable
