"""What surrounds every command: finding it, and what becomes of errors."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from tests.network.packets import BEGIN, ethernet, pcap, udp

from vedette import __version__
from vedette.cli import main as shell
from vedette.cli.lazy import Deferred
from vedette.schema.errors import VedetteError


class _WrongThingError(VedetteError):
    pass


def _refuse() -> None:
    raise _WrongThingError("config.yaml:3: top = 0:\n  must be at least 1")


def _break() -> None:
    raise ZeroDivisionError("by zero")


def _interrupt() -> None:
    raise KeyboardInterrupt


def _find() -> None:
    raise typer.Exit(1)


def _count() -> int:
    return 1


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("refuse", "break", "interrupt", "find", "count")
    monkeypatch.setattr(
        shell.Commands, "deferred", {n: Deferred(f"{__name__}:_{n}", f"To {n}.") for n in names}
    )
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.delenv("VEDETTE_DEBUG", raising=False)


def _python(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )


@pytest.mark.usefixtures("command")
def test_an_expected_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run(["refuse"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "vedette: config.yaml:3: top = 0: must be at least 1\n"


@pytest.mark.usefixtures("command")
def test_a_defect_is_an_apology_without_a_traceback_and_not_status_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shell.run(["break"]) == 70
    err = capsys.readouterr().err
    assert "ZeroDivisionError: by zero" in err
    assert "report it" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("by_option", [True, False])
def test_debug_shows_where_a_defect_is(
    by_option: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEDETTE_DEBUG", "" if by_option else "1")
    assert shell.run(["--debug", "break"] if by_option else ["break"]) == 70
    assert "in _break" in capsys.readouterr().err


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize(("name", "status"), [("find", 1), ("count", 1), ("interrupt", 130)])
def test_a_command_ends_with_its_own_status(name: str, status: int) -> None:
    assert shell.run([name]) == status


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fnid"], "Did you mean 'find'"),
        (["find", "--nothing"], "--nothing"),
        (["--nothing"], "--nothing"),
        (["find", "extra"], "extra"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.run(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("vedette: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_file_whose_name_begins_like_an_option_is_shown_how_to_be_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-x.log").touch()
    assert shell.run(["scan", "-x.log"]) == 2
    assert capsys.readouterr().err == (
        "vedette: No such option: -x (vedette scan --help); a file whose name begins so is given as ./-x.log\n"
    )


def test_no_arguments_print_the_help_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run([]) == 2
    told = capsys.readouterr()
    assert "scan" in told.out + told.err
    assert "vedette: " not in told.err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run(["--version"]) == 0
    assert capsys.readouterr().out == f"vedette {__version__}\n"


@pytest.mark.parametrize("name", sorted(shell.COMMANDS))
def test_a_listed_command_exists_and_has_help(name: str) -> None:
    assert shell.COMMANDS[name].load(name).help
    assert shell.COMMANDS[name].help.endswith(".")


def test_listing_the_commands_imports_none_of_them_nor_numpy_nor_numba() -> None:
    code = (
        "import sys; from vedette.cli.main import run; assert run(['--help']) == 0;"
        "print([m for m in sys.modules if m in ('numpy', 'numba', 'vedette.config') "
        "or m.startswith('vedette.cli.') and m[12:] not in ('main', 'lazy', 'collecting')], file=sys.stderr)"
    )
    ended = _python("-c", code)
    assert ended.stderr.strip() == "[]"
    assert "simulate" in ended.stdout


def test_a_scan_imports_nothing_of_the_service() -> None:
    """What only `vedette serve` needs takes half a second to import."""
    code = (
        "import sys; from vedette.cli.main import run; run(['scan', '--sample']);"
        "print([m for m in sys.modules if m in ('litestar', 'uvicorn', 'prometheus_client', 'httptools', 'uvloop') "
        "or m.startswith('vedette.server')], file=sys.stderr)"
    )
    assert _python("-c", code).stderr.strip().endswith("[]")


def test_a_small_scan_imports_no_compiler() -> None:
    """LLVM takes 40 MB, and nothing of it is needed where kernels are interpreted."""
    code = (
        "import sys; from vedette.cli.main import run; run(['scan', '--sample', '-q']);"
        "print([m for m in ('llvmlite', 'numba') if m in sys.modules], file=sys.stderr)"
    )
    assert _python("-c", code, env={"VEDETTE_KERNELS": "interpret"}).stderr.strip().endswith("[]")


def test_a_capture_without_requests_imports_nothing_of_requests(tmp_path: Path) -> None:
    """What judges requests takes a tenth of a second to import."""
    capture = tmp_path / "quiet.pcap"
    capture.write_bytes(pcap([(BEGIN, ethernet(udp("10.0.0.1:4000", "10.0.0.2:4001", b"x")))]))
    code = (
        f"import sys; from vedette.cli.main import run; assert run(['scan', {str(capture)!r}]) == 0;"
        "print([m for m in sys.modules if m in ('hyperscan', 're2', 'yaml', 'numpy.random', 'vedette.engine.engine', "
        "'vedette.detectors.learned.flood_model', 'vedette.detectors.learned.sequence_model') "
        "or m.startswith(('vedette.detectors.signatures', 'vedette.detectors.parameters'))], file=sys.stderr)"
    )
    assert _python("-c", code).stderr.strip().endswith("[]")


def test_the_command_line_needs_no_click_of_its_own() -> None:
    """typer no longer brings click along: an import of it would work only where something else did."""
    ended = _python(
        "-c", "import sys; sys.modules['click'] = None; from vedette.cli.main import run; run(['--help'])"
    )
    assert ended.returncode == 0, ended.stderr


def test_a_reader_that_goes_away_is_no_finding_and_no_complaint() -> None:
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1); from vedette.cli.main import run;"
        "sys.exit(run(['formats']))"
    )
    ended = _python("-c", code)
    assert ended.returncode == 141
    assert ended.stderr == ""


def test_a_report_that_nobody_reads_to_its_end_is_no_finding(tmp_path: Path) -> None:
    calm = tmp_path / "calm.log"
    calm.write_text('192.0.2.7 - - [02/Mar/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"\n' * 9)
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1); from vedette.cli.main import run;"
        f"sys.exit(run(['scan', {str(calm)!r}]))"
    )
    ended = _python("-c", code)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("arguments", ["scan --sample -q --json -", "simulate --minutes 1"])
def test_output_asked_for_by_name_is_not_lost_where_standard_output_is_closed(arguments: str) -> None:
    ended = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m vedette {arguments} >&-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == "vedette: -: standard output is closed: give a file, or leave it open\n"


def test_a_report_is_read_on_a_terminal_that_calls_itself_0_wide() -> None:
    ended = _python("-m", "vedette", "scan", "--sample", env={"COLUMNS": "0"})
    assert "What this rests on" in ended.stdout


def test_a_directory_that_is_gone_is_no_defect(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    (tmp_path / "access.log").touch()
    ended = subprocess.run(
        ["sh", "-c", f"rmdir {gone}; exec {sys.executable} -m vedette scan ../access.log"],
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        "vedette: the directory that this runs in is gone: change to one that exists (cd), and run it again\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "scan --sample -q --json {}/x",
        "scan --sample -q --html {}/x",
        "simulate -o {}/x",
        "key list --store sqlite:///{}/x",
        "feedback --exceptions {}/x",
    ],
)
def test_a_path_that_the_system_refuses_is_no_defect(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "n" * 300
    assert shell.run(arguments.format(name).split()) == 2
    said = capsys.readouterr().err
    assert f"{name}/x: cannot be used (File name too long): give a shorter name" in said
    assert said.count("\n") == 1


def test_help_flows_over_the_width_of_the_terminal() -> None:
    ended = _python("-m", "vedette", "serve", "--help", env={"COLUMNS": "200"})
    assert "a later start goes on from there. SIGHUP reads the configuration again." in ended.stdout
    assert "Usage: vedette serve [OPTIONS] [PATH]... " in ended.stdout


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_offers_commands(shell_name: str) -> None:
    words = {"COMP_WORDS": "vedette s", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "vedette s"}
    extra = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell_name == "fish" else {}
    ended = _python(
        "-c",
        "from vedette.cli.main import run; import sys; sys.exit(run([]))",
        env={"_VEDETTE_COMPLETE": f"complete_{shell_name}", **words, **extra},
    )
    assert "scan" in ended.stdout
    assert "simulate" in ended.stdout
