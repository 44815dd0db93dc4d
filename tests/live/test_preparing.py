"""A service that starts keeps what is sent to it, and tells how far it is."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import wait_until
from vedette.live.compiling import prepare
from vedette.live.events import Events
from vedette.live.opened import Kept, opened
from vedette.live.preparing import Preparing
from vedette.live.reception import Reception
from vedette.live.reload import Settings
from vedette.live.view import NotReadyError, Preparation
from vedette.live.watch import Watch
from vedette.schema.errors import VedetteError

LINE = b'192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET / HTTP/1.1" 200 12'


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    config = tmp_path / "vedette.yaml"
    config.write_text(
        f"live: {{directory: {tmp_path}}}\nsources: {{syslog: [{{listen: ['udp://127.0.0.1:0']}}]}}\n"
    )
    with opened(Settings(config, {}, {}), {}) as found:
        yield found


def test_what_is_pushed_or_sent_before_there_is_an_engine_is_judged_by_it(kept: Kept) -> None:
    reception = Reception(kept)
    preparing = Preparing(kept.settings.config, reception, Events())
    reception.listen()
    (listener,) = reception.sources
    ((host, port),) = listener.addresses  # type: ignore[attr-defined] # a listener's
    assert preparing.push("edge", LINE + b"\n" + LINE).taken == 2
    waits = preparing.counters().queue_bytes
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"<134>Mar  2 09:10:00 web nginx: " + LINE, (host, port))
    wait_until(lambda: preparing.counters().queue_bytes > waits)
    prepare(kept.settings.config)
    watch = Watch(kept, reception)
    watch.start()
    watch.stop()
    assert watch.running.counters().lines == 3
    assert watch.service.failure is None


def test_until_then_it_says_what_it_is_about_and_judges_nothing(kept: Kept) -> None:
    reception = Reception(kept)
    preparing = Preparing(kept.settings.config, reception, Events())
    told: list[Preparation] = []
    prepare(kept.settings.config, told.append)
    assert [each.step for each in told if not each.total] == ["rules", "state"]
    preparing.tell(Preparation("kernels", 3, 60))
    health = preparing.health()
    assert (health.status, health.preparation) == ("starting", Preparation("kernels", 3, 60))
    assert [source.name for source in health.sources] == ["syslog", "journal"]
    assert preparing.status()["preparation"] == health.preparation
    with pytest.raises(NotReadyError, match="3 of 60 kernels"):
        preparing.detect([LINE], [None])
    reception.close()


def test_what_no_engine_could_follow_is_refused_before_anything_takes_long(kept: Kept) -> None:
    told: list[Preparation] = []
    config = Settings(None, {}, {"input.format": "nonsense"}).config
    with pytest.raises(VedetteError, match="nonsense"):
        prepare(config, told.append)
    assert not told


def test_a_stop_leaves_out_what_is_not_begun(kept: Kept) -> None:
    told: list[Preparation] = []
    prepare(kept.settings.config, told.append, lambda: True)
    assert not [each for each in told if each.step != "kernels"]
