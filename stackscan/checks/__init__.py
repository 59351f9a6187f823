"""Judges captures by a policy: which findings fail, what is known (baseline), what is accepted (ignores)."""

from stackscan.checks.baseline import Baseline, build_baseline, read_baseline, write_baseline
from stackscan.checks.judge import judge
from stackscan.checks.leaks import LEAK, leaks_by_capture
from stackscan.checks.model import CaptureResult, CheckFinding, CheckResult, IgnoreUse, SourceResult
from stackscan.checks.policy import Policy, read_policy
from stackscan.checks.settings import find_policy

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
