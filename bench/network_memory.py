"""Memory under many flows: peak of the process after each million, every packet a flow of its own.

`python bench/network_memory.py [millions]`: decoded packets go straight into the flow table and the engine.
"""

import argparse
import resource

import numpy as np

from vedette.config import Config
from vedette.engine.build_network import build_network, table_settings
from vedette.kernels.packets.packet_layout import PACKET_COLUMNS, Packet
from vedette.windows.flow_table import FlowTable

BATCH = 8_192
A_SECOND = 50_000
"""Flows."""


def main(millions: int) -> None:
    config = Config.load()
    engine, table = build_network(config, lateness_us=0), FlowTable(table_settings(config.network))
    rows = np.zeros((BATCH, PACKET_COLUMNS), dtype=np.int64)
    done, told = 0, 0
    while done < millions * 1_000_000:
        number = np.arange(done, done + BATCH)
        rows[:] = 0
        rows[:, Packet.TIME] = 1_700_000_000_000_000 + number * 1_000_000 // A_SECOND
        rows[:, Packet.SOURCE_LOW] = 0xFFFF << 32 | 0x0B000000 + number
        rows[:, Packet.TARGET_LOW] = 0xFFFF << 32 | 0xC0000201 + number % 1000
        rows[:, Packet.SOURCE_PORT], rows[:, Packet.TARGET_PORT] = 40_000, 4_433
        rows[:, Packet.PROTOCOL], rows[:, Packet.BYTES], rows[:, Packet.PAYLOAD] = 17, 100, 58
        for passed in table.add(rows):
            engine.process(passed)
        done += BATCH
        if done // 1_000_000 > told:
            told = done // 1_000_000
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{told:3} M flows: {peak:6,} MB at most, {table.evicted:,} flows written out early",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("millions", type=int, nargs="?", default=10, help="flows")
    main(parser.parse_args().millions)
