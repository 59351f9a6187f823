"""Which phase of a known defect a program is in, told by the versions of its modules."""

from stackscan.phases.description import Defect, Phase, catalogue
from stackscan.phases.judge import Judgement, judge

__all__ = ["Defect", "Judgement", "Phase", "catalogue", "judge"]
