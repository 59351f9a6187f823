"""One package: its functions, structs and variables, from the files of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from dataclasses import field as data_field
from functools import cached_property
from itertools import chain, repeat
from typing import Any, Final

from stackscan.golang.tree import Node, field, last_line_of, line_of, text, walk
from stackscan.golang.types import OTHER, Type, read_result, read_type

#: Methods of these are those of package sync.
MUTEX: Final = "sync.Mutex"
RWMUTEX: Final = "sync.RWMutex"


@dataclass(frozen=True, eq=False)
class Function:
    """A declared function, or a literal inside one (``outer``). ``owner`` is the name of its receiver's type,
    ``receiver`` that of the variable; ``parameters`` are names with types; ``body`` is its block."""

    name: str
    owner: str | None
    receiver: str | None
    parameters: tuple[tuple[str, Type], ...]
    result: Type
    node: Node
    body: Node
    outer: Function | None = None

    @property
    def key(self) -> str:
        """``Cache.Get``, ``run``."""
        return self.name if self.owner is None else f"{self.owner}.{self.name}"

    @property
    def is_variadic(self) -> bool:
        """Whether its last parameter takes any number of arguments."""
        given = field(self.node, "parameters")
        return given is not None and any(c.type == "variadic_parameter_declaration" for c in given.children)

    @property
    def declared(self) -> Function:
        """The declared function that it is, or that it was written in."""
        return self if self.outer is None else self.outer.declared


@dataclass(eq=False)
class Package:
    """What the files of a package declare. ``fields`` are a struct's by name, embedded ones by the name of their type;
    ``embedded`` lists these. ``names``, ``links``, ``loose`` and ``summaries`` keep what was found of variables, of
    conditions, of locks that others give back, and of functions; ``running`` are those that are being read. ``name``
    is that of its clause, ``imports`` are paths by the names that its files use, ``named`` all types that it declares,
    ``files`` the trees of its files, each with the name of its file."""

    name: str = ""
    files: list[tuple[Node, str]] = data_field(default_factory=list)
    imports: dict[str, str] = data_field(default_factory=dict)
    named: set[str] = data_field(default_factory=set)
    functions: dict[str, Function] = data_field(default_factory=dict)
    fields: dict[str, dict[str, Type]] = data_field(default_factory=dict)
    embedded: dict[str, list[str]] = data_field(default_factory=dict)
    variables: dict[str, Type] = data_field(default_factory=dict)
    values: dict[str, Node] = data_field(default_factory=dict)
    names: dict[int, Any] = data_field(default_factory=dict)
    links: Any = None
    loose: Any = None
    summaries: dict[tuple[str, int], Any] = data_field(default_factory=dict)
    running: set[str] = data_field(default_factory=set)

    def add(self, root: Node, file: str = "") -> None:
        """Add the declarations of one file."""
        self.files.append((root, file))
        for node in root.children:
            if node.type == "package_clause":
                self.name = self.name or text(node).removeprefix("package").strip()
            elif node.type == "import_declaration":
                self.imports.update(_imports(node))
            elif node.type in ("function_declaration", "method_declaration"):
                function = read_function(node)
                if function is not None:
                    self.functions.setdefault(function.key, function)
            elif node.type == "type_declaration":
                for spec in walk(node):
                    self._add_type(spec)
            elif node.type == "var_declaration":
                for spec in walk(node, into_literals=False):
                    self._add_variable(spec)

    @cached_property
    def every_function(self) -> list[Function]:
        """The declared functions and all literals in them."""
        found = list(self.functions.values())
        for function in found:  # those in literals are found as these are looked at
            literals = (node for node in walk(function.body, into_literals=False) if node.type == "func_literal")
            found += [inner for node in literals if (inner := literal_in(function, node)) is not None]
        return found

    def _add_type(self, spec: Node) -> None:
        if spec.type in ("type_spec", "type_alias"):
            self.named.add(text(field(spec, "name")))
        struct = field(spec, "type") if spec.type == "type_spec" else None
        if struct is None or struct.type != "struct_type":
            return
        self._add_struct(text(field(spec, "name")), struct)

    def _add_struct(self, name: str, struct: Node) -> None:
        """Note the fields of a struct; those of a struct without a name within it get one: ``reg·cache``."""
        fields, embedded = self.fields.setdefault(name, {}), self.embedded.setdefault(name, [])
        declared = (node for child in struct.named_children for node in child.named_children)
        for node in declared:
            if node.type != "field_declaration":
                continue
            kind = read_type(field(node, "type"))
            names = [text(child) for child in node.children_by_field_name("name")]
            if not names:
                names = [kind.bare.name.rpartition(".")[2]]
                embedded += names
            for one in names:
                fields[one] = self._named(kind, f"{name}·{one}", field(node, "type"))

    def _named(self, kind: Type, name: str, node: Node | None) -> Type:
        """A type, in which a struct without a name has this one."""
        if kind.kind == "struct":
            inner = next((one for one in walk(node) if one.type == "struct_type"), None) if node is not None else None
            if inner is None or not any(one.type == "field_declaration" for one in walk(inner)):
                return kind  # struct{} is a signal
            self._add_struct(name, inner)
            return Type("named", name)
        return kind if kind.elem is None else replace(kind, elem=self._named(kind.elem, name, node))

    def _add_variable(self, spec: Node) -> None:
        if spec.type != "var_spec":
            return
        value = field(spec, "value")
        first = None if value is None else next((child for child in value.children if child.is_named), None)
        for name in spec.children_by_field_name("name"):
            kind = self._named(read_type(field(spec, "type")), text(name), field(spec, "type"))
            self.variables.setdefault(text(name), kind)
            if first is not None:
                self.values.setdefault(text(name), first)

    def embeds(self, owner: str) -> Iterator[str]:
        """The structs that have a struct's fields and methods: itself, and those of the package that it embeds, the
        nearest first. A type of another package is not the own one of its name, and embedding may go round."""
        seen = {owner}
        level = [owner]
        while level:
            yield from level
            kinds = (self.fields[one][name].bare.name for one in level for name in self.embedded.get(one, ()))
            level = [kind for kind in dict.fromkeys(kinds) if kind not in seen and "." not in kind]
            seen.update(level)

    def field_of(self, owner: str, name: str) -> Type:
        """The type of a struct's field, also of one that an embedded struct has."""
        return next((f[name] for one in self.embeds(owner) if name in (f := self.fields.get(one, {}))), OTHER)

    def method(self, owner: str, name: str) -> Function | None:
        """A method of a type, also one that an embedded type has."""
        found = (self.functions.get(f"{one}.{name}") for one in self.embeds(owner))
        return next((method for method in found if method is not None), None)

    def embedded_lock(self, owner: str) -> str | None:
        """The name of the field through which a struct has Lock itself; None where it has none."""
        for name in self.embedded.get(owner, ()):
            if self.fields[owner][name].bare.name in (MUTEX, RWMUTEX):
                return name
        return None


def _imports(node: Node) -> Iterator[tuple[str, str]]:
    """The imported paths by the names that the file has for them."""
    for spec in walk(node):
        if spec.type == "import_spec":
            path = text(field(spec, "path")).strip('"`')
            yield text(field(spec, "name")) or _last_of(path), path


def _last_of(path: str) -> str:
    """The name that a package most likely has: the last part of its path, without a major version."""
    parts = [part for part in path.split("/") if not (part[:1] == "v" and part[1:].isdigit())]
    return parts[-1].removeprefix("go-").partition(".")[0] if parts else path


def build_package(roots: Iterable[Node], names: Iterable[str] = ()) -> Package:
    """The package of some files; ``names`` are what they are called."""
    package = Package()
    for root, name in zip(roots, chain(names, repeat(""))):  # noqa: B905  # names may be missing
        package.add(root, name)
    return package


def read_function(node: Node) -> Function | None:
    """A declared function; None for one without a body."""
    body = field(node, "body")
    if body is None:
        return None
    owner = receiver = None
    declared = next((c for c in walk(node) if c.type == "parameter_declaration"), None)
    if node.type == "method_declaration" and declared is not None:
        owner = read_type(field(declared, "type")).bare.name
        receiver = text(field(declared, "name")) or None
    return Function(
        name=text(field(node, "name")),
        owner=owner,
        receiver=receiver,
        parameters=tuple(_parameters(field(node, "parameters"))),
        result=read_result(field(node, "result")),
        node=node,
        body=body,
    )


def _parameters(node: Node | None) -> Iterator[tuple[str, Type]]:
    for declared in () if node is None else node.children:
        if declared.type in ("parameter_declaration", "variadic_parameter_declaration"):
            kind = read_type(field(declared, "type"))
            kind = Type("list", elem=kind) if declared.type.startswith("variadic") else kind
            for name in declared.children_by_field_name("name"):
                yield text(name), kind


def function_at(root: Node, line: int) -> Function | None:
    """The innermost function of a file, declared or literal, that a line lies in; None outside of all."""
    declared = next(
        (
            node
            for node in root.children
            if node.type in ("function_declaration", "method_declaration")
            and line_of(node) <= line <= last_line_of(node)
        ),
        None,
    )
    outer = None if declared is None else read_function(declared)
    within = root if outer is None else outer.body
    for literal in _literals(within, line):
        outer = literal_in(outer, literal) or outer
    return outer


def literal_in(outer: Function | None, literal: Node) -> Function | None:
    """A function literal that is written in a function, or outside of all; None for one without a body."""
    body = field(literal, "body")
    if body is None:
        return None
    kinds = tuple(_parameters(field(literal, "parameters")))
    result = read_result(field(literal, "result"))
    return Function("" if outer is None else outer.name, None, None, kinds, result, literal, body, outer)


def _literals(within: Node, line: int) -> Iterator[Node]:
    """The function literals around a line, the outermost first."""
    for node in walk(within):
        first, last = line_of(node), last_line_of(node)
        # The line that begins a literal belongs to the function that makes it, unless all of it is on that line.
        if node.type == "func_literal" and (first < line <= last or first == line == last):
            yield node
