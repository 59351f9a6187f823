"""``stackscan rules``."""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stackscan.cli.configured import Config
from stackscan.errors import UsageError


class Output(StrEnum):
    """The outputs of ``rules``."""

    text = "text"
    json = "json"


def command(
    rule: Annotated[
        str | None,
        typer.Argument(metavar="RULE", help="Explain this rule or pool; `test` tests a file.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="With test: the rule file.", show_default=False)
    ] = None,
    output_format: Annotated[Output, typer.Option("--format", "-f", help="text for people, json for scripts.")] = (
        Output.text
    ),
    config: Config = None,
) -> None:
    """List the known patterns of stuck and of healthy goroutines and the known worker pools, or explain one.

    Rules select goroutines with the expressions of docs/rules.md; report --where and stackscan.toml use the same.

    `stackscan rules test FILE` runs the examples in a rule file. For each miss it shows which condition failed, and on
    which frame; the exit code is then 1. The file can be anywhere and may have the name of a built-in rule.

    \b
      stackscan rules
      stackscan rules test my-rule.toml
      stackscan rules bitswap-close-stall
      stackscan rules --format json | jq -r '.rules[].rule'
    """
    from stackscan.cli.configured import configuration
    from stackscan.cli.output import written
    from stackscan.reporters import explained

    if rule == "test" and file is not None:
        from stackscan.cli.rule_test import test

        test(file, as_json=output_format is Output.json)
        return
    if file is not None or rule == "test":
        raise UsageError("rules takes one NAME, or: test FILE", hint="stackscan rules test my-rule.toml")
    used = configuration(config)
    rules = [entry for entry in used.rules if rule in (None, entry.name)]
    pools = [entry for entry in used.pools if rule in (None, entry.name)]
    if not rules and not pools and rule is not None:
        raise _unknown(rule, [entry.name for entry in used.rules] + [pool.name for pool in used.pools])
    with written(None) as out:
        width = min(shutil.get_terminal_size().columns, 140) if sys.stdout.isatty() else 100
        if output_format is Output.json:
            explained.rules_json(rules, pools, out, with_examples=rule is not None)
        elif rule is None:
            explained.list_text(rules, pools, used.own, out, width)
        else:
            for found in rules:
                explained.rule_text(found, used.rules, out, width)
            for pool in pools:
                explained.pool_text(pool, out, width)


def _unknown(name: str, known: list[str]) -> Exception:
    import difflib

    from stackscan.errors import ConfigurationError

    near = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return ConfigurationError(f"no rule or pool is named {name!r}{meant}", hint="`stackscan rules` lists them all.")
