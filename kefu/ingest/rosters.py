"""Which shops there are, who works in them and when: forms that a person fills in."""

import polars as pl

from kefu.ingest import values
from kefu.ingest.mapping import KindMapping, header_key
from kefu.ingest.options import Options
from kefu.ingest.rows import Rule


def mall_rules(
    names: dict[str, str], mapping: KindMapping, options: Options
) -> list[Rule]:
    """Return the rules of the list of shops, which names its shops itself."""
    types = {
        header_key(name): number
        for number, spelled in mapping.extra["types"].items()
        for name in spelled
    }
    shop = values.identifier("mall_id", names["mall_id"], required=True)
    other = pl.col("mall_id") != options.mall_id if options.mall_id else pl.lit(False)
    twice = pl.col("mall_id").is_duplicated()
    return [
        Rule(
            "mall_id",
            shop.value,
            (
                *shop.faults,
                (other, f"{names['mall_id']} is another shop than --mall-id says"),
                (twice, "the same shop stands twice in the file"),
            ),
        ),
        values.text("mall_name"),
        values.choice("merchant_type", names["merchant_type"], types),
        Rule(
            "category_name",
            pl.col("category_name"),
            (values.given("category_name", names["category_name"]),),
        ),
        values.date("opened_on", names["opened_on"]),
    ]


def agent_rules(
    names: dict[str, str], mapping: KindMapping, options: Options
) -> list[Rule]:
    """Return the rules of the agent roster."""
    roles = {
        header_key(name): role
        for role, spelled in mapping.extra["roles"].items()
        for name in spelled
    }
    flags = {
        header_key(name): str(meaning)
        for name, meaning in mapping.extra["booleans"].items()
    }
    first = values.date("valid_from", names["valid_from"])
    last = values.date("valid_to", names["valid_to"])
    backwards = last.value < first.value
    said = f"{names['valid_to']} lies before {names['valid_from']}"
    twice = pl.struct("cs_uid", first.value.alias("first")).is_duplicated()
    return [
        values.constant("mall_id", options.mall_id),
        _once("cs_uid", names, twice),
        values.text("cs_name"),
        values.choice("agent_role", names["agent_role"], roles),
        values.choice("is_robot", names["is_robot"], flags),
        first,
        Rule("valid_to", last.value, (*last.faults, (backwards, said))),
    ]


def shift_rules(
    names: dict[str, str], mapping: KindMapping, options: Options
) -> list[Rule]:
    """Return the rules of the shift table."""
    start = values.local_time("start_at", names["start_at"], required=True)
    end = values.local_time("end_at", names["end_at"], required=True)
    backwards = end.value <= start.value
    said = f"{names['end_at']} is not after {names['start_at']}"
    twice = pl.struct("cs_uid", start.value.alias("start")).is_duplicated()
    return [
        values.constant("mall_id", options.mall_id),
        _once("cs_uid", names, twice),
        Rule(
            "shift_name",
            pl.col("shift_name"),
            (values.given("shift_name", names["shift_name"]),),
        ),
        start,
        Rule("end_at", end.value, (*end.faults, (backwards, said))),
    ]


def _once(column: str, names: dict[str, str], twice: pl.Expr) -> Rule:
    """Land an identifier of which a file may hold one row a start."""
    rule = values.identifier(column, names[column], required=True)
    said = "the same account and start stand twice in the file"
    return Rule(column, rule.value, (*rule.faults, (twice, said)))
