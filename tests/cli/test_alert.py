"""`vedette alert` does what it says to a store and a channel that are real."""

import json
from pathlib import Path

import pytest
from tests.channels.made import START, notice
from tests.channels.receiver import receiver, status

from vedette.channels.plan import PLEDGED
from vedette.cli.main import run
from vedette.schema.live import Commit
from vedette.storage.live import Outcome, Telling
from vedette.storage.open import open_live_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path / 'v.db'}"
    with open_live_store(made) as store:
        store.commit(Commit(time=START, state=b"", positions={}, notices=(notice(),)))
    return made


def config(tmp_path: Path, hook: str) -> str:
    path = tmp_path / "vedette.yaml"
    path.write_text(f"alerts:\n  channels:\n    webhook: [{{name: ops, url: '{hook}'}}]\n")
    return str(path)


def test_a_test_message_arrives_and_says_that_it_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as hook:
        assert run(["alert", "test", "ops", "--config", config(tmp_path, hook.url)]) == 0
        (got,) = hook.got
    assert json.loads(got.body)["title"] == "Test message from Vedette"
    assert capsys.readouterr().out == "ops: took the test message\n"


def test_a_channel_that_does_not_take_it_is_named_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as hook:
        hook.answers.append(status(403, b"wrong \x1b[31mtoken"))
        assert run(["alert", "test", "ops", "--config", config(tmp_path, hook.url)]) == 2
    assert capsys.readouterr().err == "vedette: channel ops: HTTP 403: wrong [31mtoken\n"


def test_a_name_that_is_none_lists_those_that_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alert", "test", "opps", "--config", config(tmp_path, "https://h.example/")]) == 2
    assert capsys.readouterr().err == "vedette: opps: there is no such channel; there are: ops\n"


def test_silences_are_made_listed_and_ended(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    about = ["--service", "shop*", "--type", "error_spike", "--for", "2h", "--reason", "release \x1b[31m"]
    assert run(["alert", "silence", *about, "--store", url]) == 0
    told = capsys.readouterr()
    made = told.out.strip()
    assert run(["alert", "silences", "--store", url]) == 0
    listed = capsys.readouterr().out
    assert told.err == listed, "whoever names no service sees that everything is silent"
    assert listed.startswith(f"{made}  until ")
    assert listed.endswith("shop*, error_spike: release \\x1b[31m (by command line)\n")
    assert run(["alert", "unsilence", made, "--store", url]) == 0
    assert run(["alert", "unsilence", made, "--store", url]) == 2
    capsys.readouterr()
    assert run(["alert", "silences", "--store", url]) == 0
    assert capsys.readouterr().out == "there are no silences\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--for", "2 hours"], "--for 2 hours: must be a number and a unit, like 30m, 2h or 1d"),
        (["--until", "2020-01-01"], "a silence until 2020-01-01 00:00 UTC would be over already"),
        ([], "either --for AGE or --until TIME"),
    ],
)
def test_a_silence_without_a_usable_end_is_refused(
    url: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["alert", "silence", *arguments, "--store", url]) == 2
    assert said in capsys.readouterr().err


def test_the_log_says_what_was_told_and_what_waits(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with open_live_store(url) as store:
        store.tell(
            Telling(
                notice_id="i1.opened.high",
                channel="ops",
                outcome=Outcome.FAILED,
                at=START,
                tries=2,
                next_try=START + 5_000_000,
                reason=PLEDGED,
            )
        )
    assert run(["alert", "log", "--store", url]) == 0
    assert capsys.readouterr().out == (
        "2026-05-01 10:00:00 UTC  failed    ops  i1.opened.high  the service stopped while it was being told; "
        "next at 2026-05-01 10:00:05 UTC; 2 tries\n"
    )


def test_without_a_store_that_of_the_service_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "vedette.yaml"
    path.write_text(f"live: {{directory: {tmp_path}}}\n")
    assert run(["alert", "silence", "--for", "2h", "--config", str(path)]) == 2
    assert str(tmp_path / "vedette.db") in capsys.readouterr().err
    open_live_store(f"sqlite:///{tmp_path / 'vedette.db'}").close()
    assert run(["alert", "silence", "--for", "2h", "--config", str(path)]) == 0
    made = capsys.readouterr().out.strip()
    assert run(["alert", "silences", "--config", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{made}  until ")
