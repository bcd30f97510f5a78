"""Records of runs, written by the engine's own recorder."""

import json
import sqlite3

from pypipeline_engine.core.counters import CellStatistics, Statistics
from pypipeline_engine.insight.machine import ProcessFigures
from pypipeline_engine.insight.recorder import Recorder
from pypipeline_engine.insight.records import RecordedEnd

GRAPH = {
    "format": "pypipeline.graph",
    "version": 1,
    "name": "counted",
    "cells": {
        "count": {"type": "sources.Counter"},
        "work": {"type": "demo.Work"},
        "write": {"type": "sinks.JsonLines", "parameters": {"path": "items.jsonl"}},
    },
    "connections": [["count.value", "work.item"], ["work.item", "write.item"]],
}
LIMIT = {
    "cells": ["work"],
    "kind": "station",
    "utilisation": 0.9,
    "capacity_hz": 8.0,
    "sentence": "work limits the pipeline",
    "cause": "python",
}


def write_record(path, *, hz=8.0, seconds=30, graph=None, state="ended", began_at=None):
    """A record of a run with a sample a second; of the three cells, `work` is busy for nine tenths of the time."""
    usage = iter(ProcessFigures(0.5 * second, 1_000_000, 4, None) for second in range(10_000))
    document = GRAPH if graph is None else graph
    recorder = Recorder(
        path, name=document["name"], graph=json.dumps(document), sources=["count"], read_process=lambda: next(usage)
    )
    for second in range(seconds + 1):
        cells = tuple(
            CellStatistics(
                name=name,
                station="main",
                method="inline",
                workers=1,
                runs=round(hz * second),
                lost=0,
                skipped=0,
                errors=0,
                wall_s=float(second),
                busy_s=busy * second,
                starved_s=0.0,
                cpu_s=busy * second,
                latencies={20: round(hz * second)},
            )
            for name, busy in (("count", 0.05), ("work", 0.9), ("write", 0.05))
        )
        recorder.add(Statistics(float(second), round(hz * second), cells, ()), "running")
    if state is None:
        recorder.close()
    else:
        recorder.finish(RecordedEnd(state, state, None, LIMIT))
    if began_at is not None:
        connection = sqlite3.connect(path)
        connection.execute("UPDATE run SET began_at = ?", (began_at,))
        connection.commit()
        connection.close()
    return path
