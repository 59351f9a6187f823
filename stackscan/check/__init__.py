"""Judges captures by a policy: which findings fail, what is known (baseline), what is accepted (ignores)."""

from stackscan.check.baseline import Baseline, build_baseline, read_baseline, write_baseline
from stackscan.check.judge import judge
from stackscan.check.leaks import LEAK, leaks_by_capture
from stackscan.check.model import CaptureResult, CheckFinding, CheckResult, IgnoreUse, SourceResult
from stackscan.check.policy import Policy, read_policy
from stackscan.check.settings import find_policy

__all__ = [
    "LEAK",
    "Baseline",
    "CaptureResult",
    "CheckFinding",
    "CheckResult",
    "IgnoreUse",
    "Policy",
    "SourceResult",
    "build_baseline",
    "find_policy",
    "judge",
    "leaks_by_capture",
    "read_baseline",
    "read_policy",
    "write_baseline",
]
