"""``stackscan rules``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stackscan.cli.options.completion import rule_names
from stackscan.cli.options.configuration import Config
from stackscan.errors import UsageError


class Output(StrEnum):
    """The outputs of ``rules``."""

    text = "text"
    json = "json"


def command(
    rule: Annotated[
        str | None,
        typer.Argument(
            metavar="RULE",
            help="Explain this rule or pool; `test` tests a file.",
            show_default=False,
            autocompletion=rule_names,
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="With test: the rule file.", show_default=False)
    ] = None,
    output_format: Annotated[Output, typer.Option("--format", "-f", help="text for people, json for scripts.")] = (
        Output.text
    ),
    config: Config = None,
) -> None:
    """List the known patterns of stuck and of healthy goroutines, root causes, crashes and pools, or explain one.

    Rules select goroutines with the expressions of docs/rules.md; report --where and stackscan.toml use the same.

    `stackscan rules test FILE` runs the examples in a rule file. For each miss it shows which condition failed, and on
    which frame; the exit code is then 1. The file can be anywhere and may have the name of a built-in rule.

    \b
      stackscan rules
      stackscan rules test my-rule.toml
      stackscan rules bitswap-close-stall
      stackscan rules --format json | jq -r '.rules[].rule'
    """
    from stackscan.cli.options.configuration import configuration
    from stackscan.cli.terminal.output import written
    from stackscan.render import renderer

    if rule == "test" and file is not None:
        _test(file, output_format.value)
        return
    if file is not None or rule == "test":
        raise UsageError("rules takes one NAME, or: test FILE", hint="stackscan rules test my-rule.toml")
    used = configuration(config)
    rules, pools = used.named(rule)
    with written(None) as out:
        renderer("rules", output_format.value)(rules, pools, out, knowledge=used, explained=rule is not None)


def _test(file: Path, output_format: str) -> None:
    """Try a rule file on its examples; exit code 1 when one misses."""
    from stackscan.analysis.rule_trial import try_file
    from stackscan.cli.terminal.output import written
    from stackscan.render import renderer

    found = try_file(file)
    with written(None) as out:
        renderer("trial", output_format)(found, out)
    if found.misses:
        raise typer.Exit(1)
