"""All workloads, by name and in the order of the table."""

from __future__ import annotations

import footprint
import own_costs
import remote
import throughput
from contest import Workload

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        throughput.without_threads(),
        own_costs.long_chain(),
        throughput.on_two_threads(),
        throughput.on_frames(),
        throughput.on_many_threads(),
        throughput.on_skewed_work(),
        remote.on_python(),
        remote.on_integers(),
        remote.one_by_one(),
        remote.on_large_arrays(comes_back=False),
        remote.on_large_arrays(comes_back=True),
        remote.first_item(),
        own_costs.way_round(),
        own_costs.telemetry(),
        footprint.memory(),
        footprint.imports(),
        footprint.deployment(),
    )
}
