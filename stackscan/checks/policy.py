"""What a policy says: the ``[check]`` table of stackscan.toml, or a file given with ``--policy``. See docs/ci.md."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

from stackscan.errors import PolicyError
from stackscan.knowledge.descriptions import Table, did_you_mean
from stackscan.knowledge.language.symbols import SymbolPattern
from stackscan.knowledge.rule import SEVERITIES, Severity
from stackscan.model.snapshot import Stack

#: What a rule counts as in a check: its own severity replaced, or not looked for.
RuleLevel = Literal["error", "warning", "info", "off"]
#: What something wrong with the capture itself is: nothing to say of, a warning, an error.
Choice = Literal["ignore", "warn", "fail"]
_RULE_LEVELS: Final[tuple[RuleLevel, ...]] = ("error", "warning", "info", "off")
_LARGEST_FACTOR: Final = 1_000_000
_CHOICES: Final[tuple[Choice, ...]] = ("ignore", "warn", "fail")


@dataclass(frozen=True, slots=True)
class StackPattern:
    """Stacks with a ``function`` on any frame, that a ``go`` statement in ``created_by`` began; None: any."""

    function: SymbolPattern | None
    created_by: SymbolPattern | None

    def matches(self, stack: Stack) -> bool:
        """Whether a stack matches."""
        creator = stack.created_by.function if stack.created_by is not None else None
        if self.created_by is not None and (creator is None or not self.created_by.matches(creator)):
            return False
        return self.function is None or any(map(self.function.matches, stack.functions))


@dataclass(frozen=True, slots=True)
class Limit:
    """``[[check.limit]]``: at most ``max_count`` goroutines whose stack matches ``when`` and whose wait reason is one
    of ``wait_reasons`` (empty: any), and none of them waiting longer than ``max_wait_minutes``. None: no such limit."""

    name: str
    when: StackPattern | None
    wait_reasons: tuple[str, ...]
    max_count: int | None
    max_wait_minutes: int | None
    severity: Severity
    reason: str


@dataclass(frozen=True, slots=True)
class PoolLimit:
    """``[[check.pool]]``: the largest occupancy and the largest projected wait probability (both 0 to 1) of a pool."""

    pool: str
    max_occupancy: float | None
    max_wait_probability: float | None
    severity: Severity


@dataclass(frozen=True, slots=True)
class Growth:
    """``[check.growth]``: how much more than the baseline is still the same.

    A stack has grown when it holds more than ``factor`` times what the baseline knows *and* more than ``absolute``
    goroutines above it; for what a rule caught, ``rule_factor`` and ``rule_absolute`` say the same.
    """

    factor: float = 1.5
    absolute: int = 5
    rule_factor: float = 1.0
    rule_absolute: int = 0
    severity: RuleLevel = "error"

    def allowed(self, known: int) -> int:
        """The largest number of goroutines in a stack of which the baseline knows this many."""
        return max(int(known * self.factor), known + self.absolute)

    def allowed_of_rule(self, known: int) -> int:
        """The same for the goroutines that a rule caught."""
        return max(int(known * self.rule_factor), known + self.rule_absolute)


@dataclass(frozen=True, slots=True)
class Ignore:
    """``[[check.ignore]]``: what is known and accepted, why, and until when (that day included; None: for ever).

    Of a finding named ``finding`` (None: of any) it takes the goroutines in stacks of this ``signature`` or with this
    ``function``; without either the whole finding. More than ``max_count`` goroutines are not ignored.
    """

    place: int  # 1-based, in the order of the file
    finding: str | None
    signature: str | None
    function: SymbolPattern | None
    max_count: int | None
    reason: str
    expires: date | None

    def expired(self, today: date) -> bool:
        """Whether it no longer holds."""
        return self.expires is not None and today > self.expires


@dataclass(frozen=True, slots=True)
class Policy:
    """What fails a check. ``where`` names the file that says so (None: nothing does, these are the defaults)."""

    where: str | None = None
    fail_on: Severity = "error"
    incomplete: Choice = "warn"
    crash: Choice = "fail"
    max_goroutines: int | None = None
    max_wait_minutes: int | None = None
    rules: Mapping[str, RuleLevel] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    pools: tuple[PoolLimit, ...] = ()
    growth: Growth = Growth()
    ignores: tuple[Ignore, ...] = ()
    source_prefixes: tuple[str, ...] = ()


def read_policy(table: Table, *, rules: Collection[str], pools: Collection[str]) -> Policy:
    """The policy that a ``[check]`` table describes; ``rules`` and ``pools`` are the names it may use.

    Raises CatalogueError or PolicyError, naming the key.
    """
    policy = Policy(
        where=table.where,
        fail_on=table.choice("fail_on", SEVERITIES, "error"),
        incomplete=table.choice("incomplete", _CHOICES, "warn"),
        crash=table.choice("crash", _CHOICES, "fail"),
        max_goroutines=table.number("max_goroutines", None),
        max_wait_minutes=table.number("max_wait_minutes", None),
        rules=_rules(table, rules),
        limits=tuple(_limit(entry) for entry in table.tables("limit")),
        pools=tuple(_pool(entry, pools) for entry in table.tables("pool")),
        growth=_growth(table),
        ignores=tuple(_ignore(entry, place) for place, entry in enumerate(table.tables("ignore"), start=1)),
        source_prefixes=table.texts("source_prefixes"),
    )
    table.finish()
    names = [limit.name for limit in policy.limits]
    for name in names:
        if names.count(name) > 1:
            raise PolicyError(f"{table.where}: two limits have the name {name!r}")
    return policy


def _share(table: Table, key: str) -> float | None:
    return None if table.raw(key) is None else table.share(key)


def _known(name: str, names: Collection[str], what: str, where: str) -> str:
    if name in names:
        return name
    raise PolicyError(f"{where}: unknown {what} {name!r}{did_you_mean(name, sorted(names))}")


def _rules(table: Table, names: Collection[str]) -> dict[str, RuleLevel]:
    value = table.raw("rules")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise PolicyError(f"{table.where}: 'rules' must be a table: rule = severity")
    where = f"{table.where}, rules"
    entries = Table(value, where)
    return {_known(name, names, "rule", where): entries.choice(name, _RULE_LEVELS, "error") for name in value}


def _limit(entry: Table) -> Limit:
    limit = Limit(
        name=entry.text("name"),
        when=_pattern(entry),
        wait_reasons=entry.texts("wait_reasons"),
        max_count=entry.number("max_count", None),
        max_wait_minutes=entry.number("max_wait_minutes", None),
        severity=entry.choice("severity", SEVERITIES, "error"),
        reason=entry.text("reason", ""),
    )
    entry.finish()
    if limit.max_count is None and limit.max_wait_minutes is None:
        raise PolicyError(f"{entry.where}: a limit needs 'max_count' or 'max_wait_minutes'")
    if limit.when is None and not limit.wait_reasons:
        raise PolicyError(
            f"{entry.where}: a limit needs 'function', 'created_by' or 'wait_reasons'",
            hint="To limit all goroutines together use max_goroutines and max_wait_minutes in [check].",
        )
    return limit


def _pattern(entry: Table) -> StackPattern | None:
    """The stacks that ``function`` (on any frame) and ``created_by`` describe together."""
    function, created_by = _symbols(entry, "function"), _symbols(entry, "created_by")
    return None if function is None and created_by is None else StackPattern(function, created_by)


def _symbols(entry: Table, key: str) -> SymbolPattern | None:
    value = entry.raw(key)
    texts = [value] if isinstance(value, str) else value
    if texts is None:
        return None
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise PolicyError(f"{entry.where}: {key!r} must be a symbol pattern or a list of them")
    return SymbolPattern(tuple(texts))


def _pool(entry: Table, names: Collection[str]) -> PoolLimit:
    limit = PoolLimit(
        pool=_known(entry.text("pool"), names, "pool", entry.where),
        max_occupancy=_share(entry, "max_occupancy"),
        max_wait_probability=_share(entry, "max_wait_probability"),
        severity=entry.choice("severity", SEVERITIES, "error"),
    )
    entry.finish()
    if limit.max_occupancy is None and limit.max_wait_probability is None:
        raise PolicyError(f"{entry.where}: a pool needs 'max_occupancy' or 'max_wait_probability'")
    return limit


def _growth(table: Table) -> Growth:
    entry = table.table("growth")
    if entry is None:
        return Growth()
    default = Growth()
    growth = Growth(
        factor=_factor(entry, "factor", default.factor),
        absolute=entry.number("absolute", default.absolute),
        rule_factor=_factor(entry, "rule_factor", default.rule_factor),
        rule_absolute=entry.number("rule_absolute", default.rule_absolute),
        severity=entry.choice("severity", _RULE_LEVELS, default.severity),
    )
    entry.finish()
    return growth


def _factor(entry: Table, key: str, default: float) -> float:
    value = entry.raw(key)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1 <= value <= _LARGEST_FACTOR:
        raise PolicyError(f"{entry.where}: {key!r} must be a number of at least 1, and at most {_LARGEST_FACTOR:,}")
    return float(value)


def _ignore(entry: Table, place: int) -> Ignore:
    function = entry.raw("function")
    if function is not None and (not isinstance(function, str) or not function):
        raise PolicyError(f"{entry.where}: 'function' must be a symbol pattern")
    ignore = Ignore(
        place=place,
        finding=_optional(entry, "finding"),
        signature=_optional(entry, "signature"),
        function=None if function is None else SymbolPattern((str(function),)),
        max_count=entry.number("max_count", None),
        reason=_reason(entry),
        expires=_expires(entry),
    )
    entry.finish()
    if ignore.finding is None and ignore.signature is None and ignore.function is None:
        raise PolicyError(f"{entry.where}: an ignore needs 'finding', 'signature' or 'function'")
    return ignore


def _optional(entry: Table, key: str) -> str | None:
    return None if entry.raw(key) is None else entry.text(key)


def _reason(entry: Table) -> str:
    value = entry.raw("reason")
    if not isinstance(value, str) or not value.strip():
        entry.refuse_misspelt("reason")
        raise PolicyError(f"{entry.where}: an ignore needs a 'reason'")
    return value.strip()


def _expires(entry: Table) -> date | None:
    value = entry.raw("expires")
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise PolicyError(f"{entry.where}: 'expires' must be a date: expires = 2027-01-31") from None
