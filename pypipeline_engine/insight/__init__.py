"""What the numbers of a run mean: the limit of a pipeline, why it is that, and what would change it."""

from pypipeline_engine.insight.advice import Advice, Cause, advise
from pypipeline_engine.insight.bottleneck import Bottleneck, Station, find_bottleneck, get_stations
from pypipeline_engine.insight.summary import advice_as_data, statistics_as_data

__all__ = [
    "Advice",
    "Bottleneck",
    "Cause",
    "Station",
    "advice_as_data",
    "advise",
    "find_bottleneck",
    "get_stations",
    "statistics_as_data",
]
