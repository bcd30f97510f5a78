"""All workloads, by name and in the order of the table."""

from __future__ import annotations

import throughput
from contest import Workload

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        throughput.without_threads(),
        throughput.long_chain(),
        throughput.on_two_threads(),
    )
}
