"""The outcome of a check as JUnit XML, in the form that Jenkins' xUnit plugin describes (junit-10.xsd).

A suite a capture, a case for each rule and limit that was looked for: so that a test history shows when one began to
fail. What is known or ignored is a skipped case with its reason; a source that cannot be judged is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TextIO
from xml.etree import ElementTree as ET

from stackscan.checks import CaptureResult, CheckFinding, CheckResult, SourceResult
from stackscan.checks.policy import Policy
from stackscan.render import check_words as wording
from stackscan.render import words

#: What XML 1.0 cannot hold even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STACKS: Final = 5


def render(result: CheckResult, out: TextIO) -> None:
    """Write the document."""
    root = ET.Element("testsuites", name="stackscan check")
    for source in result.sources:
        if source.trouble is not None:
            root.append(_unchecked(source))
        for capture in source.captures:
            root.append(_suite(capture, result))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ET.indent(root, " ")
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(ET.tostring(root, encoding="unicode"))
    out.write("\n")


def _unchecked(source: SourceResult) -> ET.Element:
    """A suite with one error: this input could not be checked."""
    suite = ET.Element("testsuite", name=_text(source.source), tests="1", failures="0", errors="1", skipped="0")
    case = ET.SubElement(suite, "testcase", classname=_text(source.source), name="can be judged")
    error = ET.SubElement(case, "error", message=_text(source.trouble or ""), type="not judged")
    error.text = _text(source.hint)
    return suite


def _suite(capture: CaptureResult, result: CheckResult) -> ET.Element:
    name = wording.capture_name(capture)
    suite = ET.Element("testsuite", name=_text(name))
    by_name: dict[str, list[CheckFinding]] = {}
    for finding in capture.findings:
        by_name.setdefault(finding.name, []).append(finding)
    for looked_for in dict.fromkeys([*_looked_for(result), *by_name]):
        suite.append(_case(name, looked_for, by_name.get(looked_for, [])))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite)))
    return suite


def _looked_for(result: CheckResult) -> Iterable[str]:
    """The names of all findings that there could have been."""
    yield from result.rules
    policy: Policy = result.policy
    if policy.max_goroutines is not None:
        yield "max-goroutines"
    if policy.max_wait_minutes is not None:
        yield "max-wait-minutes"
    yield from (f"limit-{limit.name}" for limit in policy.limits)
    yield from (f"pool-{limit.pool}" for limit in policy.pools)
    if result.baseline is not None and policy.growth.severity != "off":
        yield "growth"
    if policy.crash != "ignore" and "crash" not in result.rules:
        yield "crash"
    if policy.incomplete != "ignore":
        yield "incomplete"


def _case(classname: str, name: str, findings: Sequence[CheckFinding]) -> ET.Element:
    """One case; the schema allows one skipped and any number of failures in it."""
    case = ET.Element("testcase", classname=_text(classname), name=_text(name))
    failing = [finding for finding in findings if finding.fails]
    aside = [finding for finding in findings if finding.status in ("known", "ignored")]
    if aside and not failing:
        reasons = "; ".join(f"{f.status}: {f.reason or wording.message(f)}" for f in aside)
        ET.SubElement(case, "skipped", message=_text(reasons))
    for finding in failing:
        failure = ET.SubElement(case, "failure", message=_text(wording.message(finding)), type=finding.severity)
        failure.text = _text("\n".join(_failure_lines(finding)))
    others = [finding for finding in findings if not finding.fails and finding not in aside]
    if others:
        ET.SubElement(case, "system-out").text = _text(
            "\n".join(f"{finding.severity}: {wording.message(finding)}" for finding in others)
        )
    return case


def _failure_lines(finding: CheckFinding) -> Iterable[str]:
    """The failure's text: short, for whole reports are elsewhere."""
    if finding.cause is not None:
        yield wording.cause(finding)
    for label, text in (("why", finding.why), ("fix", finding.fix)):
        if text:
            yield f"{label}: {' '.join(text.split())}"
    for found in finding.stacks[:_STACKS]:
        yield f"{words.count(found.bucket.count, 'goroutines')} [{found.state}]"
        for frame in found.bucket.stack.frames[:6]:
            yield f"  {frame.function}  {words.short_location(frame)}"
    if len(finding.stacks) > _STACKS:
        yield f"and {len(finding.stacks) - _STACKS:,} more stacks"


def _text(text: str) -> str:
    """Text from strangers, on lines of its own, as XML can hold it."""
    return _NOT_XML.sub("\ufffd", "\n".join(words.shortened(words.plain(line)) for line in text.split("\n")))
