"""Declarations of options, the precedence of their values, and what all trainings share."""

from gancli.config.durations import parse_duration, parse_interval
from gancli.config.option import Option, option, options, recorded
from gancli.config.resolve import resolve, to_table
from gancli.config.training import TrainConfig

__all__ = [
    "Option", "TrainConfig", "option", "options", "parse_duration", "parse_interval", "recorded",
    "resolve", "to_table",
]
