"""Values that tests of the panels are made of."""

from pypipeline_engine.catalogue.model import ParameterType, PortType, ValueType
from pypipeline_engine.host.protocol import BottleneckInfo, CellError, CellFigures, Snapshot


def value_type(name, *items, options=()):
    return ValueType(name=name, items=tuple(items), options=options)


INT, FLOAT, TEXT, NULL = (value_type(name) for name in ("int", "float", "text", "null"))


def parameter(name, type_, default=None, when="runtime", **more):
    return ParameterType(name=name, type=type_, when=when, default=default, **more)


def port(name, kind):
    return PortType(name=name, type=value_type(kind))


def figures(
    busy, rate_hz=8.0, *, method="inline", workers=1, queued=None, capacity=None, errors=0, skipped=0, items=100
):
    return CellFigures(
        items=items,
        skipped=skipped,
        errors=errors,
        rate_hz=rate_hz,
        busy=busy,
        starved=1 - busy,
        blocked=0,
        latency_p50_s=0.001,
        latency_p95_s=0.002,
        cpu=busy,
        method=method,
        workers=workers,
        station="detect",
        queued=queued,
        queue_capacity=capacity,
    )


def snapshot(cells, limits=()):
    limit = BottleneckInfo(cells=limits, kind="station", utilisation=1, capacity_hz=8, sentence="") if limits else None
    return Snapshot(
        run=1,
        state="running",
        elapsed_s=1,
        window_s=1,
        sink_items=1,
        sink_rate_hz=8,
        cells=cells,
        bottleneck=limit,
    )


def error(item, message="ValueError: no", **more):
    about = {"cell": "detect", "traceback": "Traceback …\nValueError: no", "file": "/lib/detect.py", "line": 7, **more}
    return CellError(item=item, message=message, **about)
