"""All workloads, by name and in the order of the table."""

from __future__ import annotations

import footprint
import own_costs
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
        own_costs.way_round(),
        own_costs.telemetry(),
        footprint.memory(),
        footprint.imports(),
        footprint.deployment(),
    )
}
