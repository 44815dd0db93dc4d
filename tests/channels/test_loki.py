"""Incidents as lines in Loki."""

import json
from typing import Any

from tests.channels.made import HOUR, START, alerts
from tests.channels.payloads import ONE, SEVERAL, item
from tests.channels.receiver import Receiver
from vedette.channels.build import build_channels
from vedette.channels.channel import Sent
from vedette.channels.loki import payload
from vedette.channels.message import Message
from vedette.sources.loki_push import decode_loki_push


def built(url: str, **keys: Any) -> Any:
    (channel,) = build_channels(alerts(channels={"loki": [{"name": "it", "url": url, **keys}]}))
    return channel


def test_a_push_is_one_that_lokis_receivers_read(hook: Receiver) -> None:
    assert built(hook.url, tenant="shop", token="t").send(ONE) == Sent()
    (got,) = hook.got
    assert got.headers["x-scope-orgid"] == "shop"
    assert got.headers["authorization"] == "Bearer t"
    ((stream, service, lines),) = decode_loki_push(got.body, got.headers["content-type"])
    assert service == "shop"
    assert stream == '{job="vedette", service="shop", severity="high", vedette_type="error_spike"}'
    assert json.loads(lines)["id"] == ONE.items[0].notice.id


def test_labels_have_few_values_whatever_is_told() -> None:
    names = {name for stream in payload(SEVERAL)["streams"] for name in stream["stream"]}
    assert names == {"job", "vedette_type", "severity", "service"}


def test_a_repetition_is_the_same_entry_unless_loki_would_refuse_it_as_old() -> None:
    again = Message("another", ONE.items, ONE.at + 1_000_000)
    assert payload(again) == payload(ONE)
    late = Message("late", ONE.items, ONE.at + 2 * HOUR)
    ((time, _),) = payload(late)["streams"][0]["values"]
    assert int(time) == late.at * 1000


def test_entries_of_a_stream_are_in_order_of_time() -> None:
    message = Message("m", (item(name="b"), item(name="a")), START)
    for stream in payload(message)["streams"]:
        times = [int(time) for time, _ in stream["values"]]
        assert times == sorted(times)
