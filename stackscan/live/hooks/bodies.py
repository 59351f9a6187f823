"""What is posted: the JSON of a change as it is, a message for Slack, alerts for Alertmanager.

Sources: Slack's reference of messages (blocks, and the escapes of mrkdwn); Alertmanager's API v2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from stackscan.live.lines import text_of
from stackscan.live.standing import key_of

if TYPE_CHECKING:
    from stackscan.live.history import History
    from stackscan.live.standing import Standing

#: Findings in one message, and characters of one text; Slack takes 3,000 in a section.
_FINDINGS: Final = 5
_LONGEST: Final = 600
_MARKS: Final = {"error": "🔴", "warning": "🟠", "info": "🔵", "ok": "🟢", "lost": "🟣"}
_EVENTS: Final = {"appeared": "appeared", "gone": "is gone", "changed": "changed"}
#: Findings that are worth a message or an alert.
TROUBLES: Final = ("error", "warning")
#: Alerts of one process.
_ALERTS: Final = 20


def as_json(values: Mapping[str, Any]) -> bytes:
    """A change as watch prints it."""
    return text_of(dict(values)).encode("ascii")


def is_trouble(values: Mapping[str, Any]) -> bool:
    """Whether a change is worth a message: a process that fell silent or answers again, or more than information."""
    severities = {one["severity"] for one in values["findings"]}
    return "error" in values or not severities or not severities.isdisjoint(TROUBLES)


def as_slack(values: Mapping[str, Any]) -> bytes:
    """A message: a line that says it all, then the findings with what to do."""
    silent = "error" in values
    level = "ok" if values["event"] == "gone" else values["level"]
    what = "does not answer" if silent else f"finding {_EVENTS[values['event']]}" if values["findings"] else "answers"
    head = f"{_MARKS[level]} *{_slack(values['target'])}*: {what}"
    parts = [head, _slack(values["verdict"])]
    for one in [] if silent else values["findings"][:_FINDINGS]:
        fix = "" if values["event"] == "gone" else f"\n_fix:_ {_slack(one['fix'])}"
        parts.append(f"• *{_slack(one['rule'])}* ({one['severity']}): {_slack(one['title'])}{fix}")
    left = len(values["findings"]) - _FINDINGS
    if left > 0 and not silent:
        parts.append(f"… {left:,} more")
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in parts]
    since = {"type": "mrkdwn", "text": f"stackscan watch, {_slack(values['time'])}"}
    message = {"text": f"{head}: {parts[1]}", "blocks": [*blocks, {"type": "context", "elements": [since]}]}
    return json.dumps(message).encode("ascii")


def _slack(text: str) -> str:
    """A text as Slack shows it: no mention and no link in it."""
    joined = " ".join(str(text).split())
    cut = joined if len(joined) <= _LONGEST else f"{joined[: _LONGEST - 1]}…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def alerts_of(history: History) -> dict[tuple[str, ...], dict[str, Any]]:
    """The alerts that stand with a process, each without its end, by what tells it from others."""
    target = str(history.target)
    troubles = [one for one in history.standing.values() if one.severity in TROUBLES]
    found = [_alert(one, target) for one in troubles[:_ALERTS]]
    if history.failure is not None and history.failing_since is not None:
        found.append(
            {
                "labels": {"alertname": "StackscanSilent", "instance": target, "severity": "warning"},
                "annotations": {"summary": history.failure.reason, "description": history.failure.hint},
                "startsAt": history.failing_since.isoformat(),
            }
        )
    return {tuple(alert["labels"].values()): alert for alert in found}


def _alert(one: Standing, target: str) -> dict[str, Any]:
    values = one.values
    _, cause, function = key_of(values)
    return {
        "labels": {
            "alertname": "StackscanFinding",
            "instance": target,
            "severity": one.severity,
            "rule": values["rule"],
            "cause": cause or "",
            "function": function or "",
        },
        "annotations": {"summary": values["title"], "description": values["fix"]},
        "startsAt": one.since.isoformat(),
    }


def as_alerts(alerts: Iterable[Mapping[str, Any]]) -> bytes:
    """Alerts as Alertmanager takes them. Empty labels are none."""
    listed = [{**one, "labels": {name: text for name, text in one["labels"].items() if text}} for one in alerts]
    return json.dumps(listed).encode("ascii")


def ending(alert: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The alert with the time when it ends."""
    return {**alert, "endsAt": at.isoformat()}
