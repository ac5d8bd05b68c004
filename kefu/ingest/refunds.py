"""After-sales requests: the Open Platform's list and detail answers.

The two name, number and measure things differently: the list has seconds,
yuan and its own numbers of types; the detail has milliseconds, amounts whose
unit only its receiver knows, and the contract's numbers of types.
"""

from pathlib import Path

import polars as pl

from kefu.errors import KefuError
from kefu.ingest import values
from kefu.ingest.mapping import KindMapping, read_mapping
from kefu.ingest.options import FEN, Options
from kefu.ingest.rows import FileError, Rule

# Seconds below, milliseconds from here on.
MILLISECONDS = 10**11
LIST, DETAIL = "refund-list", "refund-detail"


def rules(names: dict[str, str], mapping: KindMapping, options: Options) -> list[Rule]:
    """Return the rules of refund answers, by the kind of the mapping."""
    in_fen = mapping.kind == DETAIL and options.amounts == FEN
    make_amount = values.cents if in_fen else _yuan
    types = mapping.extra["types"]
    if options.type_numbering == "detail":
        types = read_mapping()[DETAIL].extra["types"]
    return [
        values.constant("mall_id", options.mall_id),
        values.identifier("id", names["id"], required=True),
        values.identifier("order_sn", names["order_sn"], required=True),
        values.choice("after_sales_type", names["after_sales_type"], types),
        values.whole("after_sales_status", names["after_sales_status"], required=True),
        values.text("after_sale_reason"),
        _time("created_time", names, mapping, required=True),
        _time("recreated_at", names, mapping),
        _time("updated_time", names, mapping),
        make_amount("refund_amount", names["refund_amount"]),
        values.whole("dispute_refund_status", names["dispute_refund_status"]),
        values.whole("join_or_not", names["join_or_not"]),
    ]


def _yuan(column: str, name: str) -> Rule:
    return values.amount(column, name, required=True)


def _time(
    column: str, names: dict[str, str], mapping: KindMapping, required: bool = False
) -> Rule:
    """Land a time, and refuse one in the unit of the other kind."""
    rule = values.unix_time(column, names[column], required)
    number = pl.col(column).cast(pl.Int64, strict=False)
    is_detail = mapping.kind == DETAIL
    other = number < MILLISECONDS if is_detail else number >= MILLISECONDS
    unit, kind = ("seconds", LIST) if is_detail else ("milliseconds", DETAIL)
    said = f"{names[column]} is in {unit}, as in answers of the kind {kind}"
    return Rule(column, rule.value, (*rule.faults, (other & (number > 0), said)))


# What says that two answers are of one version of one request.
VERSION = ["mall_id", "id", "updated_time"]


def landed_details(root: Path) -> pl.DataFrame:
    """Return the versions that detail answers have landed: columns VERSION.

    updated_time is text of Unix seconds, as in lists, and of whole seconds only:
    a later millisecond is a newer version, and current whatever comes after it.

    Raises KefuError if a landed file cannot be read.
    """
    files = sorted((root / "refunds").glob(f"load_date=*/kefu-{DETAIL}-*.parquet"))
    if not files:
        return pl.DataFrame(schema=dict.fromkeys(VERSION, pl.String))
    try:
        landed = pl.read_parquet(files, columns=VERSION, hive_partitioning=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise KefuError(
            "the refund details that landed before cannot be read"
            f" ({type(error).__name__}): see whether the files"
            f" refunds/load_date=*/kefu-{DETAIL}-*.parquet are whole"
        ) from error
    whole = landed.filter(pl.col("updated_time").str.ends_with("000"))
    return whole.with_columns(pl.col("updated_time").str.head(-3)).unique()


def check_numbering(rows: pl.DataFrame, options: Options) -> None:
    """Raise FileError if a list numbers its types as details do.

    One such row means that every row of the file would get a wrong type.
    """
    if options.type_numbering == "list" and (rows["after_sales_type"] == "1").any():
        raise FileError(
            "after_sales_type 1 is in it, which the list's numbers (2 refund only,"
            " 3 return and refund ...) do not have: if its answers number as the"
            " detail does (1 refund only), say --type-numbering detail"
        )
