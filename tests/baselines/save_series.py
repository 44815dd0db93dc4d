"""Print a digest of what is read and said of awkward series, for comparing ways to run kernels."""

import hashlib
import sys

import numpy as np

from vedette.baselines.series import Kind, Scored, SeriesBaseline, SeriesSettings
from vedette.parsers.series import read_rows
from vedette.parsers.series_layout import find_layout
from vedette.schema.chunk import Chunk


def main() -> None:
    """Read rows with faults in them, score them as each kind, print what came out to ten digits."""
    rng = np.random.default_rng(7)
    value = np.exp(rng.normal(0, 1, 260)) + 20 * (np.arange(260) % 50 == 0)
    fields = [f"{x:.6g}" for x in value]
    for at, text in zip(
        range(40, 260, 23), ["", "nan", "x", "12ms", '"5', "1e400", "-", "7 ", "#", ","], strict=True
    ):
        fields[at] = text
    lines = [f"{1_661_140_279 + 60 * at},{text}" for at, text in enumerate(fields)]
    chunk = Chunk.of(("timestamp,value\n" + "\n".join(lines)).encode())
    rows = read_rows(chunk, find_layout(chunk), [])
    digest = hashlib.sha256(repr((rows.times, rows.time_us.tolist(), rows.problems, rows.samples)).encode())
    small = SeriesSettings(values=16, shapes=40)
    for kind in Kind:
        scored = SeriesBaseline(kind, settings=small).follow(rows.time_us, rows.value[0])
        for name in Scored.__slots__:
            digest.update(repr([f"{x:.10g}" for x in getattr(scored, name).tolist()]).encode())
    sys.stdout.write(f"{digest.hexdigest()}\n")


if __name__ == "__main__":
    main()
