"""WSD's development quarter: 45 one-minute series of web services, labelled by hand (AnoTransfer 2022)."""

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parents[2] / "../shared/data/wsd-web-service"
ARCHIVE = "wsd_dev_quarter.tar.xz"


@dataclass(frozen=True)
class Series:
    """One file: times in microseconds, values (NaN where none was recorded), labels."""

    name: str
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    label: NDArray[np.bool_]


def load(folder: Path = DATA) -> list[Series]:
    """All series, in the order of their numbers."""
    found = []
    with tarfile.open(folder / ARCHIVE) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is None or not member.name.endswith(".csv"):
                continue
            rows = np.genfromtxt(io.BytesIO(file.read()), delimiter=",", skip_header=1)
            rows = rows[np.isfinite(rows[:, 0])]
            time = rows[:, 0].astype(np.int64) * 1_000_000
            found.append(Series(Path(member.name).stem, time, rows[:, 1].copy(), rows[:, 2] > 0))
    return sorted(found, key=lambda series: int(series.name))
