"""The small changes: what a slip of the pen does to a query, as sqlglot trees.

A change replaces one node of a query by another (or takes it away). It is found
again in another compilation of the same model (other vars, a unit test) by the
node's place, if the node there is the same but for its literals.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlglot
from sqlglot import exp

Step = tuple[str, str | int | None]
Place = tuple[Step, ...]
# A kind of change, what stands in the node's place (None: nothing), and the
# change in words.
Change = tuple[str, exp.Expression | None, str]

BOUNDARY = {exp.LT: exp.LTE, exp.LTE: exp.LT, exp.GT: exp.GTE, exp.GTE: exp.GT}
FLIPPED = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
    exp.NullSafeEQ: exp.NullSafeNEQ,
    exp.NullSafeNEQ: exp.NullSafeEQ,
}
ARITHMETIC = {exp.Add: exp.Sub, exp.Sub: exp.Add, exp.Mul: exp.Div, exp.Div: exp.Mul}
AGGREGATES = {
    exp.Sum: exp.Max,
    exp.Min: exp.Max,
    exp.Max: exp.Min,
    exp.Avg: exp.Max,
    exp.ArgMin: exp.ArgMax,
    exp.ArgMax: exp.ArgMin,
    exp.LogicalAnd: exp.LogicalOr,
    exp.LogicalOr: exp.LogicalAnd,
    exp.Lag: exp.Lead,
    exp.Lead: exp.Lag,
    exp.FirstValue: exp.LastValue,
    exp.LastValue: exp.FirstValue,
    exp.Least: exp.Greatest,
    exp.Greatest: exp.Least,
}
# Side and kind of a join, as sqlglot keeps them.
JOINS = {
    ("LEFT", ""): ("", "INNER"),
    ("", "INNER"): ("LEFT", ""),
    ("", ""): ("LEFT", ""),
    ("FULL", ""): ("LEFT", ""),
    ("", "ANTI"): ("", "SEMI"),
    ("", "SEMI"): ("", "ANTI"),
}
SHOWN = 90


@dataclass(frozen=True)
class Mutation:
    """One small change to a model: where, which and in words."""

    kind: str
    path: Place
    number: int
    """Which of the changes that the node offers."""
    likeness: str
    """The node's SQL without its literals."""
    words: str
    """Names the change within its model, through small edits elsewhere too."""


def parse(sql: str) -> exp.Expression:
    """Return the tree of a query of DuckDB's.

    By way of sqlglot's own spelling, so that two compilations of a model have
    the same tree whichever of them was written by sqlglot already.
    """
    written = render(sqlglot.parse_one(sql, dialect="duckdb"))
    return sqlglot.parse_one(written, dialect="duckdb")


def render(tree: exp.Expression) -> str:
    """Return a tree as SQL for DuckDB."""
    return tree.sql("duckdb")


def mutations_of(tree: exp.Expression) -> list[Mutation]:
    """Return all changes that can be made to a query, in the tree's order."""
    found: list[Mutation] = []
    seen: Counter[str] = Counter()
    for path, node in walk(tree):
        place = next((str(name) for kind, name in path if kind == "cte"), "query")
        for number, (kind, _, told) in enumerate(changes(node)):
            words = f"{place}: {kind}: {told}"
            seen[words] += 1
            if seen[words] > 1:
                words += f" #{seen[words]}"
            found.append(Mutation(kind, path, number, likeness(node), words))
    return found


def apply(mutation: Mutation, tree: exp.Expression) -> exp.Expression | None:
    """Return the tree with the change made; None where the node is another."""
    copy = tree.copy()
    node = at(copy, mutation.path)
    if node is None or likeness(node) != mutation.likeness:
        return None
    offered = list(changes(node))
    if len(offered) <= mutation.number:
        return None
    kind, instead, _ = offered[mutation.number]
    if kind != mutation.kind:
        return None
    if instead is None:
        node.pop()
    elif node.parent is None:
        return instead
    else:
        node.replace(instead)
    return copy


# --- places ---


def walk(
    node: exp.Expression, path: Place = ()
) -> Iterator[tuple[Place, exp.Expression]]:
    """Yield each node with its place; a CTE's place is its name."""
    yield path, node
    for key, value in node.args.items():
        if isinstance(value, exp.Expression):
            yield from walk(value, (*path, (key, None)))
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, exp.CTE):
                    yield from walk(child, (*path, ("cte", child.alias)))
                elif isinstance(child, exp.Expression):
                    yield from walk(child, (*path, (key, index)))


def at(node: exp.Expression, path: Place) -> exp.Expression | None:
    """Return the node at a place, None if there is none."""
    for key, index in path:
        if key == "cte":
            node = next((cte for cte in node.expressions if cte.alias == index), None)
        elif index is None:
            node = node.args.get(key)
        else:
            listed = node.args.get(key) or []
            node = listed[index] if len(listed) > index else None
        if not isinstance(node, exp.Expression):
            return None
    return node


def likeness(node: exp.Expression) -> str:
    """Return a node's SQL with a mark for every literal and table."""
    text = re.sub(r"'(?:[^']|'')*'|\b\d+(\.\d+)?\b", "?", render(node))
    return re.sub(r'"?\w+"?\."(\w+)"', r"\1", text)


# --- changes ---


def changes(node: exp.Expression) -> Iterator[Change]:
    """Yield what can be changed at this very node."""
    yield from _comparisons(node)
    yield from _constants(node)
    yield from _logic(node)
    yield from _sets(node)
    yield from _functions(node)
    yield from _windows(node)


def _comparisons(node: exp.Expression) -> Iterator[Change]:
    kind = type(node)
    if kind in BOUNDARY:
        yield _swapped("boundary moved", node, BOUNDARY[kind])
    if kind in FLIPPED:
        yield _swapped("comparison flipped", node, FLIPPED[kind])
    if kind in (exp.NullSafeEQ, exp.NullSafeNEQ):
        plain = exp.EQ if kind is exp.NullSafeEQ else exp.NEQ
        yield _swapped("null safety removed", node, plain)
    if kind is exp.Between:
        this, low, high = (node.args[key].copy() for key in ("this", "low", "high"))
        above, below = (
            exp.GTE(this=this, expression=low),
            exp.LTE(this=this.copy(), expression=high),
        )
        past = exp.GT(this=this.copy(), expression=low.copy())
        under = exp.LT(this=this.copy(), expression=high.copy())
        yield _to("boundary moved", node, exp.paren(exp.and_(past, below)))
        yield _to("boundary moved", node, exp.paren(exp.and_(above, under)))
        yield _to("filter dropped", node, above)
        yield _to("filter dropped", node, below)
    if kind is exp.Is and not isinstance(node.parent, exp.Not):
        yield _to("comparison flipped", node, exp.Not(this=node.copy()))
    if kind is exp.In and len(node.expressions) > 1:
        for index, item in enumerate(node.expressions):
            fewer = node.copy()
            fewer.expressions[index].pop()
            yield "list shortened", fewer, f"{_text(node)} without {_text(item)}"


def _constants(node: exp.Expression) -> Iterator[Change]:
    if isinstance(node, exp.Boolean):
        yield _to("constant changed", node, exp.Boolean(this=not node.this))
    if not isinstance(node, exp.Literal) or _is_unseen(node):
        return
    for other in _other_literals(node):
        told = f"{_text(node)} -> {_text(other)} in {_text(node.parent)}"
        yield "constant changed", other, told


def _is_unseen(node: exp.Literal) -> bool:
    """Whether no result can depend on a literal.

    Some are not in the SQL, but sqlglot's way to keep a function's name. What
    EXISTS selects is not looked at; the size of a type is its contract's.
    """
    if node.find_ancestor(exp.DataType) or node.arg_key in ("scale", "length"):
        return True
    above = node.find_ancestor(exp.Select, exp.Where)
    return isinstance(above, exp.Select) and isinstance(above.parent, exp.Exists)


def _other_literals(node: exp.Literal) -> Iterator[exp.Literal]:
    if isinstance(node.parent, exp.Interval) or not node.is_string:
        try:
            number = Decimal(node.this)
        except ArithmeticError:
            return
        step = number / 10 if "." in node.this and number else Decimal(1)
        yield exp.Literal(this=str(number + step), is_string=node.is_string)
        if number >= 1:
            yield exp.Literal(this=str(number - step), is_string=node.is_string)
    elif node.this:
        try:
            day = date.fromisoformat(node.this)
            yield exp.Literal.string((day + timedelta(days=1)).isoformat())
        except (ValueError, OverflowError):
            yield exp.Literal.string(node.this + "~")


def _logic(node: exp.Expression) -> Iterator[Change]:
    if isinstance(node, exp.And | exp.Or):
        kind = type(node)
        is_filter = kind is exp.And
        dropped = "filter dropped" if is_filter else "alternative dropped"
        left, right = node.left, node.right
        yield dropped, left.copy(), _text(right)
        if type(left.unnest()) is not kind:
            yield dropped, right.copy(), _text(left)
        other = exp.Or if is_filter else exp.And
        swapped = exp.paren(other(this=left.copy(), expression=right.copy()))
        yield _to("and/or swapped", node, swapped)
    if isinstance(node, exp.Where | exp.Having | exp.Qualify) and not isinstance(
        node.this, exp.And
    ):
        if isinstance(node.parent, exp.Filter):
            return
        yield "filter dropped", None, _text(node)
    if isinstance(node, exp.Filter):
        yield "filter dropped", node.this.copy(), _text(node)
    if isinstance(node, exp.Not):
        yield "not removed", node.this.copy(), _text(node)
    if isinstance(node, exp.Case):
        branches, default = node.args["ifs"], node.args.get("default")
        for index, branch in enumerate(branches):
            if len(branches) == 1:
                instead = default.copy() if default else exp.null()
            else:
                instead = node.copy()
                instead.args["ifs"][index].pop()
            yield "case branch dropped", instead, _text(branch)
        if default is not None:
            fewer = node.copy()
            fewer.args["default"].pop()
            yield "case branch dropped", fewer, f"else {_text(default)}"


def _sets(node: exp.Expression) -> Iterator[Change]:
    if isinstance(node, exp.Union):
        if node.args.get("distinct"):
            every = node.copy()
            every.set("distinct", False)
            yield "distinct dropped", every, "union -> union all"
        left, right = node.left, node.right
        # What is named before the whole stays before either arm.
        kept = node.args.get("with_")
        arms = [(left, right)]
        if not isinstance(left.unnest(), exp.Union):
            arms.append((right, left))
        for stays, goes in arms:
            instead = stays.copy()
            if kept is not None and not instead.args.get("with_"):
                instead.set("with_", kept.copy())
            yield "union arm dropped", instead, _text(goes)
    if isinstance(node, exp.Select) and node.args.get("distinct"):
        every = node.copy()
        every.set("distinct", None)
        yield "distinct dropped", every, _text(node)
    if isinstance(node, exp.Join):
        shape = (node.side or "", node.kind or "")
        if shape in JOINS and (node.args.get("on") or node.args.get("using")):
            side, kind = JOINS[shape]
            other = node.copy()
            other.set("side", side or None)
            other.set("kind", kind or None)
            yield _to("join type changed", node, other)
        keys = node.args.get("using") or []
        for index, key in enumerate(keys if len(keys) > 1 else []):
            other = node.copy()
            other.args["using"][index].pop()
            yield "filter dropped", other, f"using {_text(key)} of {_text(node)}"


def _functions(node: exp.Expression) -> Iterator[Change]:
    kind = type(node)
    if kind in AGGREGATES:
        other = AGGREGATES[kind]
        yield _swapped("aggregate swapped", node, other)
    if kind is exp.Count:
        counted = node.this
        if isinstance(counted, exp.Distinct):
            if len(counted.expressions) == 1:
                plain = exp.Count(this=counted.expressions[0].copy(), big_int=True)
                yield _to("distinct dropped", node, plain)
        elif isinstance(counted, exp.Star):
            yield _to("aggregate swapped", node, exp.Max(this=exp.Literal.number(1)))
        elif counted is not None:
            every = exp.Count(this=exp.Star(), big_int=True)
            yield _to("aggregate swapped", node, every)
    if kind is exp.CountIf:
        yield _swapped("aggregate swapped", node, exp.Count)
    if kind is exp.Coalesce:
        yield _to("coalesce removed", node, node.this.copy())
    if kind is exp.Nullif:
        yield _to("nullif removed", node, node.this.copy())
    if kind in ARITHMETIC:
        yield _swapped("arithmetic swapped", node, ARITHMETIC[kind])
    if kind is exp.Neg:
        yield _to("arithmetic swapped", node, node.this.copy())


def _windows(node: exp.Expression) -> Iterator[Change]:
    if isinstance(node, exp.Ordered):
        other = node.copy()
        other.set("desc", not node.args.get("desc"))
        other.set("nulls_first", None)
        yield _to("order turned", node, other)
    if isinstance(node, exp.Window):
        for index, key in enumerate(node.args.get("partition_by") or []):
            other = node.copy()
            other.args["partition_by"][index].pop()
            yield "partition widened", other, f"{_text(key)} of {_text(node)}"
    if isinstance(node, exp.WindowSpec):
        for key in ("start", "end"):
            if node.args.get(key) == "UNBOUNDED":
                other = node.copy()
                other.set(key, "CURRENT ROW")
                other.set(f"{key}_side", None)
                yield _to("frame changed", node, other)
            elif node.args.get(key) == "CURRENT ROW":
                other = node.copy()
                other.set(key, "UNBOUNDED")
                side = "PRECEDING" if key == "start" else "FOLLOWING"
                other.set(f"{key}_side", side)
                yield _to("frame changed", node, other)


def _swapped(kind: str, node: exp.Expression, other: type) -> Change:
    arguments = {
        key: value.copy() if isinstance(value, exp.Expression) else value
        for key, value in node.copy().args.items()
        if key in other.arg_types
    }
    return _to(kind, node, other(**arguments))


def _to(kind: str, node: exp.Expression, instead: exp.Expression) -> Change:
    return kind, instead, f"{_text(node)} -> {_text(instead)}"


def _text(node: exp.Expression) -> str:
    text = " ".join(render(node).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
