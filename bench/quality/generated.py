"""Attacks and faults made with the tools that people use, between two network namespaces: is each found, and when?

`python bench/quality/generated.py [scene...]` as root, with the packages that
`.ci/run` installs. What is played, and what must be stated, are the scenes of `tests/network/generated`; printed is in
which window each was stated first, and what was stated besides.
"""

import argparse
import sys
import tempfile
from pathlib import Path

# The scenes are the tests', which are no installed package.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.network.generated.scenes import AGAINST_BASELINES, BY_RULE, play_side_by_side
from tests.network.generated.spaces import missing, shapes


def main(chosen: list[str]) -> None:
    if reason := missing():
        sys.exit(reason)
    unshaped = shapes()
    with tempfile.TemporaryDirectory() as folder:
        for every in (AGAINST_BASELINES, BY_RULE):
            lanes = [[s for s in lane if not chosen or s.name in chosen] for lane in every]
            for scene in [s for lane in lanes for s in lane if s.shape is not None and unshaped]:
                print(f"{scene.name:22} left out: {unshaped}")
            lanes = [[s for s in lane if s.shape is None or not unshaped] for lane in lanes]
            for one in play_side_by_side([lane for lane in lanes if lane], Path(folder)):
                if one.left_out:
                    print(one.left_out)
                    continue
                first: dict[str, int] = {}
                for anomaly in one.stated():
                    first.setdefault(anomaly.type.value, one.window(anomaly.end / 1e6))
                told = ", ".join(f"{name} in window {window}" for name, window in first.items()) or "silent"
                print(
                    f"{one.scene.name:22} windows of {one.scene.span:2} s: {told}; {one.verdict() or 'as it must be'}"
                )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", metavar="scene")
    main(parser.parse_args().scenes)
