"""What a scan says of three days of a cloud's network, and of a small provider's edge.

Told are the troubles found, harmless events told above low, and incidents about nothing. `other_networks/` makes the
connections; it knows nothing of the detectors. Each network is scanned with its own `network.own_networks`, as both
have public addresses.

Usage: python bench/quality/networks.py [--networks cloud,edge] [--seeds 1,2,3] [--format zeek] [--quiet] [--keep DIR]
"""

import argparse
import importlib
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from office import at, is_about, line, scan
from office_network.quiet import BEGIN, DAY
from office_network.troubles import Trouble
from office_network.writing import WRITERS
from other_networks.common import Network

NETWORKS = ("cloud", "edge")


def make(
    path: Path, name: str, seed: int, form: str, *, days: int, quiet: bool, hours: str | None
) -> Network:
    kind = importlib.import_module(f"other_networks.{name}")
    here = getattr(kind, name)(seed, days)
    kind.quiet_days(here)
    net: Network = here.net
    if not quiet:
        kind.harmless(here)
        importlib.import_module(f"other_networks.{name}_troubles").troubles(here)
    columns = net.book.columns()
    draw = np.random.default_rng(seed)
    for change in net.after:
        stays = change(columns, draw)
        columns = {each: column[stays] for each, column in columns.items()}
    first, last = map(float, hours.split(",")) if hours else (0.0, days * 24.0)
    inside = (columns["start"] >= BEGIN + first * 3600) & (
        columns["start"] < BEGIN + min(last * 3600, days * DAY)
    )
    order = np.argsort(columns["start"][inside], kind="stable")
    columns = {each: column[inside][order] for each, column in columns.items()}
    WRITERS[form](path, columns, net.book.names)
    print(f"{name}, seed {seed}, {form}: {len(order):,} connections")
    return net


def report(document: dict[str, Any], net: Network) -> None:
    """Each trouble and each harmless event with the incidents that tell it, and the others."""
    anomalies = {each["id"]: each for each in document["anomalies"]}
    rest = {one["id"]: one for one in document["incidents"]}

    def about(event: Trouble) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Incidents that tell of it, and anomalies of its types."""
        found, named = [], []
        for incident in document["incidents"]:
            of = [one for each in incident["anomaly_ids"] if is_about(one := anomalies[each], event)]
            if of:
                found.append(incident)
                named += [one for one in of if one["type"] in event.types]
        return found, named

    told = 0
    for trouble in net.troubles:
        found, named = about(trouble)
        told += bool(named)
        late = f"{(min(at(one['end']) for one in named) - trouble.begin) / 60:+.1f} min" if named else ""
        print(f"{'TOLD ' if named else 'OTHER' if found else 'NOT  '} {trouble.name:16} {late:>12}")
        for incident in found:
            rest.pop(incident["id"], None)
            print(f"        {line(incident)}")
    loud = 0
    for event in net.harmless:
        found, _ = about(event)
        found = [incident for incident in found if incident["id"] in rest]
        above = [incident for incident in found if incident["severity"] not in ("info", "low")]
        loud += bool(above)
        print(f"{'ALARM' if above else 'low  ' if found else 'quiet'} {event.name}")
        for incident in found:
            print(f"        {line(incident)}")
    for event in net.harmless:
        for incident in about(event)[0]:
            rest.pop(incident["id"], None)
    print(f"{len(rest)} about nothing")
    for incident in rest.values():
        print(f"        {line(incident)}")
    print(
        f"== told {told} of {len(net.troubles)}; harmless above low {loud} of {len(net.harmless)}; "
        f"about nothing {len(rest)}, {sum(one['severity'] not in ('info', 'low') for one in rest.values())} above low; "
        f"all {len(document['incidents'])}"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--networks", default=",".join(NETWORKS))
    options.add_argument("--seeds", default="1,2,3")
    options.add_argument("--format", choices=sorted(WRITERS), default="zeek")
    options.add_argument("--days", type=int, default=3)
    options.add_argument("--quiet", action="store_true", help="without troubles and events")
    options.add_argument("--hours", help="from,to: hours since the first midnight")
    options.add_argument("--keep", type=Path, help="where logs and reports stay")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        room = chosen.keep or Path(spare)
        room.mkdir(parents=True, exist_ok=True)
        for name in chosen.networks.split(","):
            for seed in map(int, chosen.seeds.split(",")):
                path = room / f"{name}-{chosen.format}-{seed}.log"
                net = make(
                    path, name, seed, chosen.format, days=chosen.days, quiet=chosen.quiet, hours=chosen.hours
                )
                config = path.with_suffix(".yaml")
                config.write_text(f"network:\n  own_networks: {json.dumps(net.own)}\n")
                document, shown, spent = scan(path, path.with_suffix(".json"), "--config", str(config))
                path.with_suffix(".txt").write_text(shown)
                print(f"{spent:.1f} s CPU, {datetime.now(UTC):%H:%M:%S}")
                report(document, net)
                sys.stdout.flush()


if __name__ == "__main__":
    main()
