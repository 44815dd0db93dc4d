"""Commands that are imported when they are run take what typer makes of their options, and no longer for it."""

import pytest
import typer

from vedette.cli.lazy import Deferred
from vedette.cli.main import COMMANDS, run
from vedette.cli.metric import metric
from vedette.cli.scan import scan

SCAN = Deferred("vedette.cli.scan:scan", "Read logs.")
METRIC = Deferred("vedette.cli.metric:metric", "Score series.")


def plain(function: object) -> object:
    app = typer.Typer(add_completion=False)
    app.command("name")(function)  # type: ignore[arg-type]  # any function
    return typer.main.get_command(app)


def taken(command: object, arguments: list[str]) -> dict[str, object]:
    context = command.make_context("name", list(arguments))  # type: ignore[attr-defined]  # click's, untyped
    return dict(context.params)


@pytest.mark.parametrize(
    ("deferred", "function", "arguments"),
    [
        (SCAN, scan, []),
        (SCAN, scan, ["a.log", "b.log", "--top", "3", "--service", "shop", "--service", "api", "-q"]),
        (METRIC, metric, ["a.csv"]),
        (METRIC, metric, ["a.csv", "--kind", "count"]),
    ],
)
def test_options_are_taken_as_typer_takes_them(
    deferred: Deferred, function: object, arguments: list[str]
) -> None:
    assert taken(deferred.load("name"), arguments) == taken(plain(function), arguments)


def test_a_wrong_value_is_refused_all_the_same() -> None:
    with pytest.raises(Exception, match="valid int"):
        taken(SCAN.load("name"), ["a.log", "--top", "many"])


def test_no_validator_is_made_for_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = pytest.importorskip("typer._adapters", reason="this typer makes no validators")
    made: list[object] = []
    build = adapters.build_adapter

    def counting(annotation: object, info: object) -> object:
        made.append(annotation)
        return build(annotation, info)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(adapters, "build_adapter", counting)
    taken(SCAN.load("name"), ["a.log"])
    few = len(made)
    taken(plain(scan), ["a.log"])
    assert few < 5 < len(made) - few


HELPS = [
    ("--help",),
    *((name, "--help") for name in COMMANDS),
    ("rules", "test", "--help"),
    ("alert", "silence", "--help"),
]


@pytest.mark.parametrize("width", [50, 80, 100])
@pytest.mark.parametrize("arguments", HELPS, ids=" ".join)
def test_help_cuts_nothing_however_narrow_the_terminal(
    arguments: tuple[str, ...],
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    assert "Usage: vedette" in shown
    assert "…" not in shown
    assert not [line for line in shown.splitlines() if line.endswith("...") and "Usage:" not in line]
