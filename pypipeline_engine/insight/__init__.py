"""What the numbers of a run mean: the limit of a pipeline, in figures and in words."""

from pypipeline_engine.insight.bottleneck import Bottleneck, Station, find_bottleneck, get_stations
from pypipeline_engine.insight.summary import statistics_as_data

__all__ = ["Bottleneck", "Station", "find_bottleneck", "get_stations", "statistics_as_data"]
