"""What several captures of one process say together: whether its goroutines leak, come and go, or stand still."""

from stackscan.report.growth.judge import grows, judge, waits_on
from stackscan.report.growth.model import Growth, Kind, Leak, PlaceGrowth, Witness
from stackscan.report.growth.observe import Observation, observe
from stackscan.report.growth.packed import Packed, unpacked
from stackscan.report.growth.process import processes
from stackscan.report.growth.series import judge_all, judge_series
from stackscan.report.growth.stacks import Shape, Stacks
from stackscan.report.growth.words import REFERENCES, WHY, leak_text, place_text, sentence, witnesses

__all__ = [
    "REFERENCES",
    "WHY",
    "Growth",
    "Kind",
    "Leak",
    "Observation",
    "Packed",
    "PlaceGrowth",
    "Shape",
    "Stacks",
    "Witness",
    "grows",
    "judge",
    "judge_all",
    "judge_series",
    "leak_text",
    "observe",
    "place_text",
    "processes",
    "sentence",
    "unpacked",
    "waits_on",
    "witnesses",
]
