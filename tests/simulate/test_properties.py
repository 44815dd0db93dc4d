"""What holds for any arguments."""

from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.simulate import FORMATS, INCIDENTS, Simulation, SimulationError, parse_injections
from vedette.simulate.draws import Draws
from vedette.simulate.malformed import spoil


@given(st.text(max_size=60) | st.from_regex(r"[a-z_]{1,8}@[+0-9:hms*/#.a-z]{0,30}", fullmatch=True))
def test_any_text_is_read_as_injections_or_refused_in_one_line(text: str) -> None:
    refusal, injections = None, []
    try:
        injections = parse_injections(text)
    except SimulationError as error:
        refusal = str(error)
    assert all(i.name and (i.at is None) != (i.after is None) for i in injections)
    assert refusal is None or ("\n" not in refusal and "Example:" in refusal)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    minutes=st.floats(0.1, 6),
    rate=st.floats(0.001, 20),
    log_format=st.sampled_from(sorted(FORMATS)),
    services=st.integers(1, 14),
    names=st.lists(st.sampled_from(sorted(INCIDENTS)), max_size=3),
)
def test_labelled_lines_lie_within_the_log_once_each_and_in_order(
    seed: int, minutes: float, rate: float, log_format: str, services: int, names: list[str]
) -> None:
    inject = ",".join(f"{name}@+1s+20s*0.3" for name in names)
    simulation = Simulation(
        seed=seed, minutes=minutes, rate=rate, format=log_format, services=services, inject=inject
    )
    labels = simulation.blank_labels()
    log = b"".join(simulation.chunks(labels))
    lines = log.count(b"\n")
    assert log.endswith(b"\n") or not log
    marked: list[int] = []
    for label in labels.incidents:
        mine = [line for first, last in label.lines for line in range(first, last + 1)]
        assert mine == sorted(set(mine))
        assert len(mine) == label.requests
        marked += mine
    assert len(marked) == len(set(marked))
    assert all(1 <= line <= lines for line in marked)


@given(
    st.lists(st.binary(max_size=80).filter(lambda b: b"\n" not in b), min_size=1, max_size=30),
    st.integers(0, 99),
)
def test_spoiling_keeps_every_line_one_line(lines: list[bytes], seed: int) -> None:
    spoilt = list(lines)
    chosen = spoil(spoilt, 0.7, Draws(seed))
    assert len(spoilt) == len(lines)
    assert not any(b"\n" in line for line in spoilt)
    assert all(spoilt[i] == lines[i] for i in range(len(lines)) if i not in chosen)


@given(st.integers(0, 2**32), st.integers(1, 4000))
def test_draws_are_in_range_and_repeat(seed: int, n: int) -> None:
    uniform = Draws(seed, 1).uniform(n)
    assert ((uniform >= 0) & (uniform < 1)).all()
    assert (Draws(seed, 1).uniform(n) == uniform).all()
    assert (Draws(seed, 2).below(n, 7) < 7).all()


def test_draws_have_the_moments_of_their_distributions() -> None:
    draws = Draws(3)
    normal, exponential = draws.normal(200_000), draws.exponential(200_000)
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01
    assert abs(exponential.mean() - 1) < 0.01
    for mean in (0.3, 7.0, 300.0, 900.0):
        counts = [draws.poisson(mean) for _ in range(2000)]
        average = sum(counts) / len(counts)
        variance = sum((c - average) ** 2 for c in counts) / len(counts)
        assert abs(average - mean) < 5 * (mean / 2000) ** 0.5
        assert abs(variance / mean - 1) < 0.2
