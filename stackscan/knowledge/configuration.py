"""stackscan.toml: a user's own rules and pools beside those that ship, and which of all not to use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from stackscan.errors import ConfigurationError
from stackscan.knowledge import cause, crash, pool, rule
from stackscan.knowledge.crash import CrashKind
from stackscan.knowledge.language import Expression
from stackscan.knowledge.pool import Pool, read_pool
from stackscan.knowledge.precedence import in_order
from stackscan.knowledge.rule import Rule, read_rule

if TYPE_CHECKING:
    from stackscan.knowledge.descriptions import Table

FILE_NAME: Final = "stackscan.toml"
#: What may stand at the top of the file. What a command reads for itself (check) is looked at by that command.
KNOWN: Final = ("disable", "rule", "pool", "check")
_LARGEST_BYTES: Final = 4 << 20

Described = TypeVar("Described", Rule, Pool)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The rules, pools, root causes and ways to die to use. ``path`` is the file that was read, None where there is
    none; ``own`` are the names of what it describes, ``top`` is its top table, for what commands read themselves."""

    rules: tuple[Rule, ...]
    pools: tuple[Pool, ...]
    path: Path | None = None
    own: frozenset[str] = frozenset()
    top: Table | None = None
    causes: tuple[Rule, ...] = ()
    crashes: tuple[CrashKind, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        """As pickle takes it: what its file says. The other process makes the rules again."""
        if self.top is not None:
            return _configured, (self.path, self.top)
        if self != shipped():
            raise TypeError("a configuration without a file")
        return shipped, ()

    def expressions(self) -> Iterator[Expression]:
        """All that rules and pools ask of goroutines."""
        for entry in self.rules:
            yield entry.when
            yield from (kind.when for kind in (*entry.shapes, *entry.transports))
            if entry.companion is not None:
                yield entry.companion
        for described in self.pools:
            yield described.worker
            for state in described.states:
                yield from (part.when for part in (state, *state.detail))

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """All rules, those of root causes and of crashes among them."""
        return (*self.rules, *self.causes, *(kind.rule for kind in self.crashes))

    @property
    def rule_names(self) -> tuple[str, ...]:
        """The names of all rules, root causes and crashes among them."""
        return tuple(sorted(entry.name for entry in self.every_rule))

    def named(self, name: str | None) -> tuple[list[Rule], list[Pool]]:
        """The rules (root causes and crashes among them) and pools of this name (None: all).

        Raises ConfigurationError when there is none.
        """
        found_rules = [entry for entry in self.every_rule if name in (None, entry.name)]
        found_pools = [entry for entry in self.pools if name in (None, entry.name)]
        if name is None or found_rules or found_pools:
            return found_rules, found_pools
        known = [*self.rule_names] + [entry.name for entry in self.pools]
        near = _near(name, known)
        raise ConfigurationError(f"no rule or pool is named {name!r}{near}", hint="`stackscan rules` lists them all.")


def shipped() -> Configuration:
    """What ships with stackscan, and nothing else."""
    return Configuration(rule.catalogue(), pool.catalogue(), causes=cause.catalogue(), crashes=crash.catalogue())


def find(start: Path) -> Path | None:
    """The file in a folder or the nearest folder above it, not above a repository's root; None where there is none."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if (folder / ".git").exists():
            return None
    return None


def load(path: Path | None) -> Configuration:
    """What a file says, on top of what ships; ``path`` None: only what ships.

    Raises ConfigurationError, CatalogueError or ExpressionError naming the file, the key and what would be right.
    """
    if path is None:
        return shipped()
    return _configured(path, _read(path))


def _configured(path: Path | None, top: Table) -> Configuration:
    """What ships, and what the table of a file says."""
    own_rules = tuple(read_rule(table, examples_needed=False) for table in top.tables("rule"))
    own_pools = tuple(read_pool(table, examples_needed=False) for table in top.tables("pool"))
    known = [*shipped().rule_names, *(one.name for one in own_rules)]
    known_pools = [one.name for one in (*pool.catalogue(), *own_pools)]
    for own_rule in own_rules:
        _check_pool(own_rule, known_pools, top.where)
    disabled = _disabled(top, [*known, *known_pools])
    used_rules = _merged("rule", rule.catalogue(), own_rules, disabled, top.where)
    used_causes = tuple(one for one in cause.catalogue() if not _is_disabled(one.name, disabled))
    used_crashes = tuple(one for one in crash.catalogue() if not _is_disabled(one.name, disabled))
    used_pools = _merged("pool", pool.catalogue(), own_pools, disabled, top.where)
    in_order(used_rules)  # a circle is the file's fault, and said before anything is read
    own = frozenset([one.name for one in own_rules] + [one.name for one in own_pools])
    return Configuration(used_rules, used_pools, path, own, top, used_causes, used_crashes)


def _read(path: Path) -> Table:
    try:
        data = path.read_bytes()[: _LARGEST_BYTES + 1]
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > _LARGEST_BYTES:
        raise ConfigurationError(f"{path} is larger than 4 MiB: probably the wrong file")
    import tomllib

    from stackscan.knowledge.descriptions import Table, toml_trouble

    try:
        values = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: {toml_trouble(error)}") from error
    top = Table(values, str(path))
    for key in values:
        if key not in KNOWN:
            near = _near(key, KNOWN, cutoff=0.5) or f"; known are {', '.join(KNOWN)}"
            raise ConfigurationError(f"{path}: unknown key {key!r}{near}")
    return top


def _check_pool(rule: Rule, known: Sequence[str], where: str) -> None:
    """Raise ConfigurationError for a rule whose pool is not known."""
    if rule.pool is not None and rule.pool not in known:
        near = _near(rule.pool, known)
        raise ConfigurationError(f"{where}, rule {rule.name!r}: no pool is named {rule.pool!r}{near}")


def _disabled(top: Table, known: Sequence[str]) -> tuple[str, ...]:
    """The patterns of ``disable``. Raises ConfigurationError for one that matches nothing."""
    patterns = top.texts("disable")
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            near = _near(pattern, known)
            raise ConfigurationError(f"{top.where}, 'disable': no rule or pool is named {pattern!r}{near}")
    return patterns


def _near(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    from stackscan.knowledge.descriptions import did_you_mean

    return did_you_mean(word, known, cutoff=cutoff)


def _is_disabled(name: str, disabled: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in disabled)


def _merged(
    what: str, shipping: Iterable[Described], own: Sequence[Described], disabled: Sequence[str], where: str
) -> tuple[Described, ...]:
    """The shipped descriptions that are not disabled, and the user's own, by name."""
    kept: list[Described] = [entry for entry in shipping if not _is_disabled(entry.name, disabled)]
    names = [entry.name for entry in kept]
    names += [*(entry.name for entry in cause.catalogue()), *(entry.name for entry in crash.catalogue())]
    for place, entry in enumerate(own, start=1):
        if entry.name in names:
            raise ConfigurationError(
                f"{where}, {what} {place}: a {what} named {entry.name!r} exists already",
                hint="Give it another name, or list the built-in one under 'disable'.",
            )
        names.append(entry.name)
        kept.append(entry)
    return tuple(sorted(kept, key=lambda entry: entry.name))
