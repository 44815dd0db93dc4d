"""Models of floods are fitted to labelled windows, or refused with the reason; the shipped one tells floods apart."""

import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.cli.main import run
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.flood_features import (
    DOUBTED_EVERY,
    FLOOD_FEATURES,
    LEVELS,
    MEMORY,
    Pasts,
    Slices,
    against,
    matrix,
)
from vedette.detectors.learned.flood_model import FloodModel, read_flood_model, shipped_model
from vedette.detectors.learned.flood_training import fit_flood_model, parts
from vedette.detectors.learned.flood_windows import LabelledWindows, WindowsError, read_windows
from vedette.detectors.learned.training import Refused
from vedette.engine.model_files import ModelFileError, load_models

HEAD = (
    "timestamp,pod_shortname,total_requests,unique_ips,max_requests_per_ip,avg_requests_per_ip,error_rate,"
    "avg_response_time,label"
)
ONE = np.zeros(1, dtype=np.int64)


def table(recordings: str = "0101", windows: int = 40, *, flat: bool = False, seed: int = 1) -> str:
    """Recordings an hour apart, of two services; a 1 is a flood: many more requests, slower answers."""
    draw = np.random.default_rng(seed)
    lines = [HEAD]
    for number, label in enumerate(recordings):
        for window in range(windows):
            second = window * 20
            for service in ("cart", "web"):
                flood = label == "1"
                requests = 100 if flat else int(draw.poisson(900 if flood else 100))
                clients = 10 if flat else int(draw.integers(5, 15))
                time = 50.0 if flat else float(draw.lognormal(7 if flood else 4, 0.3))
                lines.append(
                    f"2026-03-02T{number:02}:{second // 60:02}:{second % 60:02}Z,{service},{requests},{clients},"
                    f"{requests // 3},{requests / clients},{0 if flat else 5 * flood},{time:.2f},{label}"
                )
    return "\n".join(lines)


def read(text: str) -> LabelledWindows:
    return read_windows(text.splitlines(), "windows.csv")


def fitted(text: str) -> FloodModel:
    model = fit_flood_model(read(text))
    assert isinstance(model, FloodModel)
    return model


def slices(requests: float, *, time: float = 0.1, clients: float = 10.0) -> Slices:
    """One service."""
    return Slices(*(np.array([value]) for value in (requests, clients, requests / 5, 0.0, time)))


def test_a_model_fitted_to_recordings_tells_others_of_the_kind() -> None:
    model, others = fitted(table()), read(table("10", seed=7))
    # The first recording has no past before it.
    later = others.session == 1
    probability = model.forest.probability(others.features(others.positive))
    assert (probability[later] < 0.5).all()
    assert model.card.checked.f1 > 0.8
    assert model.card.minutes == 1.0
    assert "160 of them floods, in 4 recordings" in model.summary()


def test_the_same_table_gives_the_same_bytes_in_any_order_of_lines() -> None:
    first, *lines = table().splitlines()
    shuffled = "\n".join([first, *np.random.default_rng(1).permutation(lines).tolist()])
    assert fitted(table()).to_bytes() == fitted(shuffled).to_bytes()


def test_no_recording_is_in_two_parts_and_no_part_lacks_a_class() -> None:
    windows = read(table("00110"))
    part = parts(windows, 5)
    assert part is not None
    for number in np.unique(windows.session):
        assert len(np.unique(part[windows.session == number])) == 1
    for number in np.unique(part):
        rest = windows.positive[part != number]
        assert rest.any()
        assert not rest.all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEAD, "all 0 windows have the label 0: some of the label 1 (attack) are needed"),
        (table("00"), "all 160 windows have the label 0: some of the label 1 (attack) are needed"),
        (table("11"), "all 160 windows have the label 1: some of the label 0 (normal) are needed"),
        (table("01", 20), "40 normal windows and 40 of attacks: at least 50 of each are needed"),
        (table("01"), "2 recordings (windows without a gap of five minutes): floods and normal traffic must each"),
        (table("0101", flat=True), "8 of 8 features never change (requests_ratio, clients_ratio,"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused_with_the_reason(text: str, reason: str) -> None:
    outcome = fit_flood_model(read(text))
    assert isinstance(outcome, Refused)
    assert reason in outcome.reason


def test_labels_that_mean_nothing_give_no_model() -> None:
    lines = table("0000").splitlines()[1:]
    noise = [line[:-1] + "0101"[number // 80] for number, line in enumerate(lines)]
    outcome = fit_flood_model(read("\n".join([HEAD, *noise])))
    assert isinstance(outcome, Refused)
    assert "calling every window a flood gives 0.67; give more recordings" in outcome.reason


GOOD = "2026-03-02T00:00:00Z,web,10,2,6,5,0,12.5,1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column timestamp, start of the window, ISO 8601: a table of windows has the columns timestamp,"),
        (HEAD.replace("error_rate", "errors"), "windows.csv: no column error_rate, percent of the requests"),
        (HEAD.replace("pod_shortname", "x"), "windows.csv: no column service, whose it is"),
        (f"{HEAD}\n{GOOD}\n{GOOD}", "two windows of web at 2026-03-02 00:00:00 UTC: one is enough"),
        (f"{HEAD}\n{GOOD[:-1]}2", "windows.csv:2: label = '2': must be 0 or 1"),
        (f"{HEAD}\n{GOOD[:-2]}", "windows.csv:2: label = '': must be 0 or 1"),
        (f"{HEAD}\nnow{GOOD[20:]}", "windows.csv:2: timestamp = 'now': must be a time like"),
        (f"{HEAD}\n{GOOD.replace(',10,', ',ten,')}", "windows.csv:2: total_requests = 'ten': must be a number"),
        (f"{HEAD}\n{GOOD.replace(',10,', ',nan,')}", "windows.csv:2: total_requests = 'nan': must be a number"),
        (f"{HEAD}\n{GOOD.replace(',10,', ',-1,')}", "windows.csv:2: total_requests = '-1': must be a number"),
        (f"{HEAD}\n{GOOD.replace(',0,', ',101,')}", "windows.csv:2: error_rate = 101: must be a percentage"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_read_says_where_and_why(text: str, said: str) -> None:
    with pytest.raises(WindowsError) as refused:
        read(text)
    assert said in str(refused.value)


@given(st.text(max_size=300))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with suppress(WindowsError):
        read(f"{HEAD}\n{text}")


def test_a_model_is_fitted_kept_and_put_to_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, models = tmp_path / "windows.csv", str(tmp_path / "models")
    path.write_text(table())
    assert run(["train", "ddos", str(path), "--models", models]) == 0
    assert "every service: model ddos 0001, from 320 windows, 160 of them floods" in capsys.readouterr().out
    assert run(["models", "list", models]) == 0
    assert capsys.readouterr().out.startswith("* * ddos 0001, 320 rows of 2026-03-02T00:00:00")
    (file,) = (tmp_path / "models").rglob("*.model")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ModelFileError, match="its bytes are not those that were written"):
        load_models(tmp_path / "models", "ddos", 60_000_000)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ddos"], "takes one table of windows, not 0"),
        (["ddos", "a", "b"], "takes one table of windows, not 2"),
        (["ddos", "none.csv", "--models", "x"], "none.csv: cannot be read: No such file or directory"),
        (["ddos", "none.csv"], "say where models are kept: --models DIR"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_past_is_the_median_of_what_was_not_doubted() -> None:
    pasts = Pasts()
    for requests in (100, 110, 90, 5_000, 105):
        pasts.learn(ONE, slices(requests), np.array([requests > 1_000]))
    usual = np.exp(pasts.medians(ONE)[0, 0]) - 5
    assert usual == pytest.approx(np.exp(np.log([105, 110]).mean()) - 5, rel=0.02)
    assert pasts.taught.tolist() == [4]


def test_what_is_doubted_for_long_is_usual_in_the_end() -> None:
    pasts, doubted = Pasts(), np.ones(1, dtype=np.bool_)
    for _ in range(MEMORY):
        pasts.learn(ONE, slices(100.0), ~doubted)
    for _ in range(DOUBTED_EVERY * (MEMORY // 2 + 1)):
        pasts.learn(ONE, slices(1_000.0), doubted)
    assert np.exp(pasts.medians(ONE)[0, 0]) == pytest.approx(1_005, rel=1e-3)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=2 * MEMORY))
def test_a_past_is_the_median_of_the_last_hour(requests: list[int]) -> None:
    pasts = Pasts()
    for count in requests:
        pasts.learn(ONE, slices(float(count), time=np.nan), np.zeros(1, dtype=np.bool_))
    levels = np.log(np.array(requests[-MEMORY:]) + 5.0)
    found = pasts.medians(ONE)[0]
    assert found[0] == pytest.approx(np.median(levels), rel=1e-5)
    assert np.isnan(found[LEVELS - 1]), "nothing was timed"


@given(
    st.lists(st.lists(st.sampled_from(range(4)), min_size=1, unique=True), min_size=1, max_size=25),
    st.randoms(),
)
def test_several_times_are_learned_at_once_as_one_after_the_other(
    times: list[list[int]], random: Random
) -> None:
    one_by_one, at_once = Pasts(), Pasts()
    made = [[slices(float(random.randrange(9_999))) for _ in services] for services in times]
    for services, theirs in zip(times, made, strict=True):
        for service, its in zip(services, theirs, strict=True):
            one_by_one.learn(ONE + service, its, np.zeros(1, dtype=np.bool_))
    number = np.array([service for services in times for service in services], dtype=np.int64)
    every = [its for theirs in made for its in theirs]
    columns = (
        np.concatenate([getattr(its, name) for its in every] or [[]]) for name in Slices.__struct_fields__
    )
    at_once.learn(number, Slices(*columns), np.zeros(len(number), dtype=np.bool_))
    assert at_once.to_state() == one_by_one.to_state()


def test_pasts_go_on_where_they_were() -> None:
    pasts, again = Pasts(), Pasts()
    for requests in (100, 110, 90):
        pasts.learn(ONE + 2, slices(requests), np.zeros(1, dtype=np.bool_))
    again.from_state(pasts.to_state())
    assert np.array_equal(again.medians(ONE + 2), pasts.medians(ONE + 2))


def test_what_is_not_known_is_not_compared() -> None:
    rows = matrix(against(slices(500.0, time=np.nan), np.full((1, LEVELS), np.nan)))
    found = dict(zip([f.name for f in FLOOD_FEATURES], rows[0].tolist(), strict=True))
    assert {name for name, value in found.items() if value} == {"busiest_share"}


def test_the_other_services_tell_of_a_strain_that_this_one_does_not_feel() -> None:
    both = Slices(*(np.array(v) for v in ([90.0, 90], [9.0, 9], [10.0, 10], [0.0, 0], [0.1, 2.0])))
    usual = Slices(*(np.array(v) for v in ([90.0, 90], [9.0, 9], [10.0, 10], [0.0, 0], [0.1, 0.1]))).levels
    rows = matrix(against(both, usual))
    assert rows[0, -1] == pytest.approx(np.log(2001 / 101), rel=1e-4)
    assert rows[1, -1] == 0.0


def test_the_shipped_model_tells_floods_from_crowds_and_quiet() -> None:
    names = [feature.name for feature in FLOOD_FEATURES]

    def probability(**values: float) -> float:
        row = np.zeros((1, len(names)), dtype=np.float32)
        for name, value in values.items():
            row[0, names.index(name)] = value
        return float(shipped_model().forest.probability(row)[0])

    alarm = shipped_model().card.alarm
    assert probability(busiest_share=0.05) < 0.05
    botnet = probability(
        requests_ratio=2.0, clients_ratio=3.0, each_ratio=-0.5, time_ratio=2.0, failed_share=0.2, busiest_share=0.01
    )  # fmt: skip
    lone = probability(
        requests_ratio=2.0, busiest_ratio=4.5, each_ratio=1.4, time_ratio=2.0, failed_share=0.2, busiest_share=0.9
    )  # fmt: skip
    crowd = probability(requests_ratio=1.2, clients_ratio=1.2, time_ratio=0.5, busiest_share=0.05)
    assert min(botnet, lone) > alarm > crowd


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _pickled(content: bytes) -> bytes:
    return pickle.dumps(content)


@pytest.mark.parametrize(
    ("spoil", "said"), [(_cut, "no model, or a damaged one"), (_pickled, "a pickle, which can run code")]
)
def test_what_is_no_model_is_refused(spoil: Callable[[bytes], bytes], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read_flood_model(spoil(shipped_model().to_bytes()))


def test_a_model_read_again_is_the_same() -> None:
    assert read_flood_model(shipped_model().to_bytes()).to_bytes() == shipped_model().to_bytes()


def test_a_model_of_other_features_says_so() -> None:
    from msgspec.structs import replace

    model = shipped_model()
    other = FloodModel(replace(model.card, names=("a", *model.card.names[1:])), model.forest)
    with pytest.raises(ModelError, match=r"features a, clients_ratio, .* train it again with this program"):
        read_flood_model(other.to_bytes())
