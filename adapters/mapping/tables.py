"""A field table compiled to one plain function: what is looked up, parsed and decided is so once, not per message.

The function's text is written from the table and reads like a mapping by hand (``Compiled.text`` shows it). Names and
values of the profile reach it only as bound constants and quoted literals, never as code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.mapping.dates import date_reader, date_writer
from adapters.mapping.expressions import BadExpression, Expression
from adapters.mapping.faults import FAULTS_MAX, MappingFault, Trouble
from adapters.mapping.operations import (
    LIST_MAX,
    Operation,
    coder,
    converter,
    fixed,
    joiner,
    limiter,
    number_reader,
    number_writer,
    place_reader,
    place_writer,
    splitter,
    trimmed,
)
from adapters.mapping.reaching import compile_conditions, full_path, put, reach
from contracts.mapping import CodeTable, Kind, Rule, Table, UnitMapping
from contracts.paths import Path, parse_path, path_text
from contracts.yaml_text import NO_LINES, Lines, Place

Run = Callable[[Any], tuple[Any, list[MappingFault]]]


@dataclass(frozen=True, slots=True)
class BadRule:
    """A rule that cannot be compiled, and the place in the profile that says so."""

    place: Place
    zh: str
    en: str


@dataclass(eq=False)
class BadTable(Exception):
    """The table cannot be compiled; every bad rule is listed."""

    rules: tuple[BadRule, ...]

    def __str__(self) -> str:
        return "; ".join(rule.en for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A table as a function of a document: what it makes, and every fault. ``text`` is the function's source."""

    run: Run
    text: str


def compile_table(
    table: Table, mapping: UnitMapping, *, outward: bool, lines: Lines = NO_LINES, place: Place = ()
) -> Compiled:
    """The function of a table. ``place`` is where the table stands in the profile. Raises ``BadTable``."""
    way = "out" if outward else "in"
    writing = _Writing(
        zone=mapping.zone,
        codes={each.name: each for each in mapping.codes},
        outward=outward,
        lines=lines,
        table=f"{way} {table.contract}",
    )
    base = parse_path(table.base) if table.base else ()
    made = writing.function(table.fields, (*place, "fields"), base)
    if writing.bad:
        raise BadTable(tuple(writing.bad))
    return made


@dataclass(slots=True)
class _Writing:
    """Writes the functions of one table."""

    zone: str
    codes: Mapping[str, CodeTable]
    outward: bool
    lines: Lines
    table: str
    bad: list[BadRule] = field(default_factory=list)

    def function(self, rules: Sequence[Rule], place: Place, base: Path) -> Compiled:
        body = _Body(self, base)
        for index, rule in enumerate(rules):
            here = (*place, index)
            try:
                body.rule(rule, here)
            except _Refused as refusal:
                self.bad.append(BadRule((*here, refusal.name) if refusal.name else here, refusal.zh, refusal.en))
        return body.compiled()


@dataclass(eq=False)
class _Refused(Exception):
    name: str
    zh: str
    en: str


class _Body:
    """The text of one function, and the constants that it is bound to."""

    def __init__(self, writing: _Writing, base: Path) -> None:
        self.writing, self.base = writing, base
        self.before: list[str] = []
        self.steps: list[str] = []
        self.after: list[str] = []
        self.bound: dict[str, Any] = {
            "Trouble": Trouble,
            "reach": reach,
            "put": put,
            "FAULTS_MAX": FAULTS_MAX,
        }
        self.held: dict[Path, str] = {(): "source"}
        self.holders: dict[Path, str] = {(): "made"}
        self.written: dict[Path, Rule] = {}

    def compiled(self) -> Compiled:
        steps = [f"    {line}" for line in (*self.before, *self.steps, *reversed(self.after))]
        head = ("def mapped(source):", "    made = {}", "    faults = []")
        text = "\n".join((*head, *steps, "    return made, faults", ""))
        bound = dict(self.bound)
        exec(compile(text, f"<mapping {self.writing.table}>", "exec"), bound)
        return Compiled(bound["mapped"], text)

    def rule(self, rule: Rule, place: Place) -> None:
        """One rule as lines of the function."""
        line = self.writing.lines.at(place)
        named = rule.to or (rule.coordinates.longitude if rule.coordinates else "")
        mark = self.bind("at", (line, self.writing.table, named))
        self.steps.append(f"# {'' if line is None else f'line {line}: '}{named!r}")
        inner = self._coordinates(rule) if rule.coordinates else self._field(rule, place)
        if rule.when:
            holds = self.bind("when", compile_conditions(rule.when, () if self.writing.outward else self.base))
            inner = [f"if {holds}(source):", *(f"    {each}" for each in inner)]
        self.steps += [
            "try:",
            *(f"    {each}" for each in inner),
            "except Trouble as trouble:",
            f"    if len(faults) < FAULTS_MAX: faults.extend(trouble.at(*{mark}))",
        ]

    def _field(self, rule: Rule, place: Place) -> list[str]:
        assert rule.to is not None
        made = self._fetched(rule)
        changes = self._changes(rule, place)
        made.append("if value is not None:")
        if not (self.writing.outward or changes):
            # An element with attributes keeps its text under this name.
            made.append("    if type(value) is dict: value = value.get('#text', value)")
        made += [f"    value = {self.bind('change', change)}(value)" for change in changes] or ["    pass"]
        if rule.default is not None:
            made.append(f"if value is None: value = {self.bind('default', self._default(rule))}")
        return made + self._put(rule, self._target(rule.to), "value")

    def _default(self, rule: Rule) -> Any:
        # Written as the field will read: a number or a truth where the rule makes one.
        if rule.kind in (None, Kind.TEXT):
            return rule.default
        try:
            return converter(rule.kind)(rule.default)
        except Trouble as trouble:
            raise _Refused("default", trouble.zh, trouble.en) from None

    def _coordinates(self, rule: Rule) -> list[str]:
        wanted = rule.coordinates
        assert wanted is not None
        if self.writing.outward != (rule.source is not None):
            raise _Refused("coordinates", "out 用 from,in 用 to", "coordinates go with `from` in out, with `to` in in")
        if rule.source is not None:
            change = self.bind("place", place_writer(wanted))
            made = [*self._read(self._source(rule.source)), "if value is not None:"]
            made.append(f"    longitude, latitude = {change}(value)")
            kind = [self.bind("change", converter(rule.kind))] if rule.kind else []
            for name, path in (("longitude", wanted.longitude), ("latitude", wanted.latitude)):
                made += [f"    {name} = {each}({name})" for each in kind]
                made += [f"    {each}" for each in self._put(rule, self._target(path), name, guarded=False)]
            return made if not rule.required else [*made, "else:", f"    raise {self._missing()}"]
        assert rule.to is not None
        change = self.bind("place", place_reader(wanted))
        made = self._read(self._source(wanted.longitude))
        made += ["longitude = value", *self._read(self._source(wanted.latitude)), f"value = {change}(longitude, value)"]
        # The address of the place is another rule's.
        holder = self._holder(self._target(f"{rule.to}.longitude")[:-1])
        return [*made, "if value is not None:", f"    {holder}.update(value)", *self._else_missing(rule)]

    def _else_missing(self, rule: Rule) -> list[str]:
        return ["else:", f"    raise {self._missing()}"] if rule.required else []

    def _fetched(self, rule: Rule) -> list[str]:
        if rule.source is not None:
            return self._read(self._source(rule.source))
        if rule.constant is not None:
            return [f"value = {self.bind('constant', rule.constant)}"]
        if rule.expression is not None:
            try:
                return [f"value = {self.bind('expression', Expression(rule.expression))}(source)"]
            except BadExpression as bad:
                raise _Refused("expression", bad.zh, bad.en) from None
        assert rule.join is not None
        made = ["parts = []"]
        for path in rule.join.of:
            made += [*self._read(self._source(path)), "if value is not None: parts.append(value)"]
            if rule.required:
                # An id made of several parts is none when one of them is missing.
                made.append(f"else: raise {self._missing()}")
        return [*made, "value = parts or None"]

    def _read(self, path: Path) -> list[str]:
        """Lines that set ``value`` to what stands at a path of the source."""
        if not path:
            return ["value = source"]
        holder, part = self._held(path[:-1]), self.bind("name", path[-1])
        made = [f"value = {_step(holder, part)}"]
        if not self.writing.outward:
            # An empty element or text says nothing.
            made.append("if value == '': value = None")
        return made

    def _held(self, path: Path) -> str:
        """The name of what holds the fields below a path: fetched once for all of them."""
        if path not in self.held:
            outer, part, name = self._held(path[:-1]), self.bind("name", path[-1]), f"holder_{len(self.held)}"
            # A repeated part is trouble for the rules that read below it, and for no other.
            self.before += [
                f"try: {name} = {_step(outer, part)}",
                f"except Trouble: {name} = {outer}",
            ]
            self.held[path] = name
        return self.held[path]

    def _changes(self, rule: Rule, place: Place) -> list[Operation]:
        outward, made = self.writing.outward, list[Operation]()
        if rule.trim:
            made.append(_present(trimmed))
        if rule.split is not None:
            made.append(_present(splitter(rule.split)))
        if rule.codes is not None:
            table = self.writing.codes.get(rule.codes)
            if table is None:
                raise _Refused("codes", f"没有码表 {rule.codes}", f"there is no code table {rule.codes}")
            made.append(_each(coder(table, outward=outward), listed=rule.split is not None or rule.join is not None))
        if rule.date is not None:
            zone = rule.zone or self.writing.zone
            made.append((date_writer if outward else date_reader)(rule.date, zone))
        if rule.number is not None and not outward:
            made.append(_each(number_reader(rule.number), listed=rule.split is not None))
        if rule.kind is not None and (outward or rule.date is None):
            made.append(_each(converter(rule.kind), listed=rule.split is not None))
        if rule.decimals is not None:
            made.append(fixed(rule.decimals))
        if rule.number is not None and outward:
            made.append(_each(number_writer(rule.number), listed=rule.split is not None))
        if rule.each:
            made.append(self._elements(rule, place))
        if rule.join is not None:
            made.append(joiner(rule.join))
        if rule.limit is not None:
            made.append(limiter(rule.limit, rule.longer))
        return [made[0], *map(_present, made[1:])] if len(made) > 1 and _may_vanish(rule) else made

    def _elements(self, rule: Rule, place: Place) -> Operation:
        inner = self.writing.function(rule.each, (*place, "each"), ()).run

        def elements(value: Any) -> list[Any]:
            listed = value if isinstance(value, list) else [value]
            if len(listed) > LIST_MAX:
                raise Trouble("list", f"列表超过 {LIST_MAX} 项", f"the list has more than {LIST_MAX} elements")
            made, faults = [], list[MappingFault]()
            for position, element in enumerate(listed):
                one, found = inner(element)
                made.append(one)
                faults += [_nth(fault, position) for fault in found]
                if len(faults) >= FAULTS_MAX:
                    break
            if faults:
                raise Trouble("each", "", "", inner=tuple(faults[:FAULTS_MAX]))
            return made

        return elements

    def _source(self, text: str) -> Path:
        return parse_path(text) if self.writing.outward else full_path(text, self.base)

    def _target(self, text: str) -> Path:
        path = full_path(text, self.base) if self.writing.outward else parse_path(text)
        for other in self.written:
            # A value that also has fields, or an object that is also a list.
            if path != other and _in_the_way(path, other):
                said = path_text(other)
                raise _Refused("to", f"与 {said} 冲突:一个字段不能又是值又含字段", f"it is in the way of {said}")
        return path

    def _put(self, rule: Rule, target: Path, name: str, *, guarded: bool = True) -> list[str]:
        again = target in self.written
        if again and not (rule.when or self.written[target].when):
            raise _Refused("to", "两条规则写同一字段;用 when 区分", "two rules write it: tell them apart by when")
        self.written[target] = rule
        if not target:
            put_line = f"made = {name}"
        elif any(isinstance(part, int) for part in target):
            put_line = f"put(made, {self.bind('path', target)}, {name})"
        else:
            holder, part = self._holder(target[:-1]), self.bind("name", target[-1])
            put_line = f"{holder}[{part}] = {name}"
            if again:
                # Of several rules for one field the first that applies writes it.
                put_line = f"{holder}.setdefault({part}, {name})"
        if not guarded:
            return [put_line]
        return [f"if {name} is not None:", f"    {put_line}", *self._else_missing(rule)]

    def _missing(self) -> str:
        said = Trouble("required", "必填,但来源没有值", "is required, and its source has no value")
        return f"Trouble(*{self.bind('missing', (said.rule, said.zh, said.en))})"

    def _holder(self, path: Path) -> str:
        """The name of the object that holds the fields below a path; it stands where its first field stands."""
        if path not in self.holders:
            outer, part, name = self._holder(path[:-1]), self.bind("name", path[-1]), f"part_{len(self.holders)}"
            self.steps.append(f"{name} = {outer}[{part}] = {{}}")
            self.after.append(f"if not {name}: del {outer}[{part}]")
            self.holders[path] = name
        return self.holders[path]

    def bind(self, kind: str, value: Any) -> str:
        """The name under which the function finds a constant."""
        if kind == "name":
            # Plain texts and numbers may stand in the code as they are: repr is their only form.
            return repr(value)
        name = f"{kind}_{len(self.bound)}"
        self.bound[name] = value
        return name


def _step(holder: str, part: str) -> str:
    if part.isdigit():
        return f"reach({holder}, {part})"
    return f"{holder}.get({part}) if type({holder}) is dict else reach({holder}, {part})"


def _in_the_way(one: Path, other: Path) -> bool:
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            return isinstance(mine, int) != isinstance(its, int)
    return True


def _may_vanish(rule: Rule) -> bool:
    return rule.trim or rule.split is not None


def _present(change: Operation) -> Operation:
    return lambda value: None if value is None else change(value)


def _each(change: Operation, *, listed: bool) -> Operation:
    if not listed:
        return change
    return lambda value: [change(each) for each in value] if isinstance(value, list) else change(value)


def _nth(fault: MappingFault, position: int) -> MappingFault:
    return fault if fault.position is not None else replace(fault, position=position)
