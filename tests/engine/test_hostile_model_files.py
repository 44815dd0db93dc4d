"""Whatever lies among models, it is refused in a sentence that names the file; nothing waits, or is mixed."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.detectors.learned import walked
from tests.detectors.learned.made import SPAN, job
from vedette.detectors.learned.kinds import train
from vedette.detectors.learned.pair_training import fit_pair_model
from vedette.engine.model_files import ModelFileError, kept_models, load_models, save_model
from vedette.engine.model_record import uses_of


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    save_model(directory, "forest", train(job()))  # type: ignore[arg-type]
    save_model(directory, "markov", fit_pair_model(walked.job()))  # type: ignore[arg-type]
    return directory


@pytest.fixture
def directory(tmp_path: Path, written: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "models"))


def says(**lies: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "0001.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | lies))

    return change


def holds(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def pipe(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def link(name: str, to: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(to)

    return change


def short(folder: Path) -> None:
    path = folder / "0001.model"
    path.write_bytes(path.read_bytes()[:1000])


def of_another_member(folder: Path) -> None:
    for name in ("0001.json", "0001.model"):
        shutil.copy(folder.parents[1] / "markov" / "shop" / name, folder / name)


def twice(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("other"))


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "nested": (holds("0001.json", b'{"card":{"a":' + b"[" * 200_000), r"0001\.json: no manifest of a model: maximum"),
    "not a number": (holds("0001.json", b'{"member":NaN}'), r"0001\.json: no manifest of a model: JSON is malformed"),
    "empty": (holds("0001.json", b""), r"0001\.json: no manifest of a model: Input data was truncated"),
    "huge": (holds("0001.json", b" " * (2 << 20)), r"0001\.json: more than 1048576 bytes"),
    "a way out": (holds("current", b"../../../etc/passwd"), r"current: holds no number"),
    "a long number": (holds("current", b"9" * 33), r"current: more than 32 bytes"),
    "a member elsewhere": (says(member="../../x"), r"0001\.json: says that it is of a model '\.\./\.\./x'"),
    "a service elsewhere": (says(service="/etc"), r"of service '/etc', and its card that of 'shop'"),
    "another member": (says(member="markov"), r"says that it is of a model 'markov'"),
    "another member's files": (of_another_member, r"says that it is of a model 'markov'"),
    "one service twice": (twice, r"other/0001\.json: says that it is of a model 'forest' of service 'shop'"),
    "more bytes": (says(bytes=10**18), r"0001\.model: has \d+ bytes, its manifest says 1000000000000000000: roll back"),
    "fewer than none": (says(bytes=-1), r"0001\.model: has \d+ bytes, its manifest says -1: roll back"),
    "another hash": (says(sha256="../"), r"0001\.model: its bytes are not those that were written"),
    "no card": (says(card={}), r"0001\.json: no manifest of a model: Object missing required field"),
    "another card": (says(card={"minutes": "x"}), r"0001\.json: no manifest of a model: Expected `float`"),
    "a pipe for a model": (pipe("0001.model"), r"0001\.model: is no regular file"),
    "a pipe for a manifest": (pipe("0001.json"), r"0001\.json: is no regular file"),
    "a pipe for the number": (pipe("current"), r"current: is no regular file"),
    "a device": (link("0001.model", "/dev/zero"), r"0001\.model: is no regular file"),
    "another file": (link("0001.model", "/etc/passwd"), r"0001\.model: has \d+ bytes, its manifest says \d+"),
    "a ring of links": (link("0001.model", "0001.model"), r"0001\.model: cannot be read: Too many levels"),
    "a part": (short, r"0001\.model: has 1000 bytes, its manifest says \d+: roll back"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_do_harm_is_refused_by_name(name: str, directory: Path) -> None:
    change, said = HOSTILE[name]
    assert set(load_models(directory, "forest", SPAN)) == {"shop"}
    change(directory / "forest" / "shop")
    with pytest.raises(ModelFileError, match=said) as refused:
        load_models(directory, "forest", SPAN)
    assert "\n" not in str(refused.value)
    try:
        kept_models(directory)
    except ModelFileError as error:
        assert str(directory) in str(error)  # noqa: PT017 - a list need not look into each model


def test_a_file_that_only_looks_numbered_is_passed_over(directory: Path) -> None:
    (directory / "forest" / "shop" / "\N{SUPERSCRIPT TWO}.json").write_bytes(b"{}")
    assert [kept.number for kept in kept_models(directory)["shop", "forest"]] == [1]


def test_a_record_nested_too_deep_is_refused(directory: Path) -> None:
    (directory / "forest" / "shop" / "uses.json").write_bytes(b'{"more":' + b"[" * 200_000)
    with pytest.raises(ModelFileError, match=r"uses\.json: no record of models at work"):
        uses_of(directory, "forest", "shop")
