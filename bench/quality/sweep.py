"""What each constant of a series' scoring is worth: NAB and WSD with one constant changed at a time.

Files are split in two halves by the hash of their names; a choice that helps one half alone is chance. Prints a
markdown table.

Usage: python bench/quality/sweep.py [CONSTANT …]
"""

import argparse
import hashlib

import nab
import numpy as np
import vus
import wsd_data

from vedette.baselines.series import Kind, SeriesBaseline, SeriesSettings

TRIED: dict[str, tuple[float, ...]] = {
    "novelty": (1.8, 2.0, 2.4, 2.6),
    "surprise": (0.0, 1.0, 3.0),
    "shade": (50, 200, 400),
    "stronger": (1.0, 1.1, 1.5),
    "hold": (5.0, 10.0, 40.0),
    "half": (4.0, 16.0),
    "values": (128, 1024, 4096),
    "resolution": (0.001, 0.003, 0.03, 0.1),
    "shapes": (125, 250, 1000),
    "shape_handicap": (0.0, 1.0, 9.0),
    "baseline_handicap": (0.5, 1.5, 9.0),
    "rank_memory": (2000.0, 5000.0, 100_000.0),
}
"""A handicap of 9 leaves that part out."""


def half(name: str) -> int:
    """0 or 1, by the hash of a file's name."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2


def main(chosen: list[str]) -> None:
    """Print a row for each value tried."""
    corpus, services = nab.load(), wsd_data.load()
    profile = nab.profiles()[0]
    reach = [vus.period(np.nan_to_num(series.value)) for series in services]

    def row(settings: SeriesSettings) -> str:
        def scores(time: nab.Times, value: nab.Floats) -> nab.Floats:
            order = np.argsort(time, kind="stable")
            found = np.empty(len(time))
            found[order] = (
                SeriesBaseline(Kind.GAUGE, settings=settings).follow(time[order], value[order]).score
            )
            return found

        told = [scores(series.time, series.value) for series in corpus]
        whole = nab.judge(corpus, told, profile)
        parts = []
        for side in (0, 1):
            at = [i for i, series in enumerate(corpus) if half(series.name) == side]
            parts.append(
                nab.judge([corpus[i] for i in at], [told[i] for i in at], profile, whole.threshold).score
            )
        volume = np.array(
            [vus.vus_pr(scores(s.time, s.value), s.label, r) for s, r in zip(services, reach, strict=True)]
        )
        side = np.array([half(series.name) for series in services])
        return (
            f"{whole.score:.1f} ({parts[0]:.1f}, {parts[1]:.1f}) | {np.nanmean(volume):.3f} "
            f"({np.nanmean(volume[side == 0]):.3f}, {np.nanmean(volume[side == 1]):.3f}) |"
        )

    print("| constant | value | NAB (halves) | WSD VUS-PR (halves) |\n|---|---|---|---|")
    print(f"| as it is | | {row(SeriesSettings())}", flush=True)
    for name in chosen or TRIED:
        for value in TRIED[name]:
            print(f"| {name} | {value:g} | {row(SeriesSettings(**{name: value}))}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("constants", nargs="*", metavar="CONSTANT", help=", ".join(TRIED))
    main(parser.parse_args().constants)
