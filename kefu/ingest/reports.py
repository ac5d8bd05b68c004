"""What the platform itself reports: service performance, experience score."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator

import polars as pl

from kefu.ingest import values
from kefu.ingest.mapping import KindMapping, header_key
from kefu.ingest.options import Options
from kefu.ingest.rows import ROW, FileError, Refused, Rule

COUNTS = (
    "consult_buyers",
    "inquiry_buyers",
    "inquiry_lost_buyers",
    "final_group_buyers",
    "need_human_buyers",
    "received_buyers",
    "late_buyers_3min",
    "rating_count",
    "low_rating_count",
    "dispute_refund_count",
    "complaint_count",
)
AMOUNTS = ("sales_amount", "net_sales_amount", "improvable_sales_amount")
RATES = (
    "inquiry_conversion_rate",
    "reply_rate_3min",
    "reply_rate_3min_all_day",
    "reply_rate_30s",
    "reply_rate_30s_all_day",
    "low_rating_rate",
)
TOTAL, AVERAGE, AGENT = "mall_total", "mall_average", "agent"


def with_row_types(
    frames: Iterable[pl.DataFrame], mapping: KindMapping
) -> Iterator[pl.DataFrame]:
    """Yield the report as one frame with row_type.

    The first row of data is the shop's total, and a row that calls itself an
    average, or has no number of its own where others have one, the average.
    Raises FileError if the first row cannot be a total.
    """
    rows = pl.concat(list(frames))
    if not len(rows):
        raise FileError("it has no row below its header: export it again")
    labels = [header_key(text or "") for text in rows["cs_account"]]
    averages = {header_key(name) for name in mapping.extra["averages"]}
    totals = {header_key(name) for name in mapping.extra["totals"]}
    numbered = [bool(re.fullmatch(r"\d+(\.0)?", text or "")) for text in rows["serial"]]
    has_numbers = any(numbered)
    kinds = [TOTAL]
    for label, is_numbered in zip(labels[1:], numbered[1:], strict=True):
        is_average = label in averages or (has_numbers and not is_numbered)
        kinds.append(AVERAGE if is_average else AGENT)
    if any(label in totals for label in labels[1:]) or kinds.count(AVERAGE) > 1:
        raise FileError(
            "it has more than one total or average: ingest one report a file"
        )
    rows = rows.with_columns(pl.Series("row_type", kinds, pl.String))
    if labels[0] not in totals:
        _check_total(rows)
    yield rows


def _check_total(rows: pl.DataFrame) -> None:
    """Raise FileError if an agent has more consulting buyers than the first row."""
    read = rows.select(
        "row_type", pl.col("consult_buyers").cast(pl.Float64, strict=False)
    )
    first = read["consult_buyers"][0]
    most = read.filter(pl.col("row_type") == AGENT)["consult_buyers"].max()
    if first is None or (most is not None and most > first):
        raise FileError(
            "its first row of data is not the shop's total (an agent has more"
            " 咨询人数): export the report again, unsorted and unfiltered"
        )


def performance_rules(
    names: dict[str, str], mapping: KindMapping, options: Options
) -> list[Rule]:
    """Return the rules of the service performance report."""
    first, last = options.period
    is_agent = pl.col("row_type") == AGENT
    account = values.identifier("cs_account", names["cs_account"])
    nameless = is_agent & pl.col("cs_account").is_null()
    return [
        values.constant("mall_id", options.mall_id),
        values.constant("period_start", first.isoformat()),
        values.constant("period_end", last.isoformat()),
        values.text("row_type"),
        Rule(
            "cs_account",
            pl.when(is_agent).then(account.value),
            ((nameless, f"{names['cs_account']} is empty"), *account.faults),
        ),
        values.amount("service_score", names["service_score"]),
        *(values.whole(column, names[column]) for column in COUNTS),
        *(values.amount(column, names[column]) for column in AMOUNTS),
        *(values.rate(column, names[column]) for column in RATES),
        values.duration("avg_response_seconds", names["avg_response_seconds"]),
        Rule("avg_response_printed", pl.col("avg_response_seconds")),
    ]


def filled_in(
    frames: Iterable[pl.DataFrame], refused: Refused
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a template that somebody has filled in.

    Untouched ones, without date and value, are noted as blank.
    """
    for rows in frames:
        is_empty = pl.all_horizontal(
            pl.col(name).fill_null("").str.strip_chars(values.BLANK) == ""
            for name in ("as_of_date", "value")
        )
        refused.blank.extend(rows.filter(is_empty)[ROW])
        yield rows.filter(~is_empty)


def score_entries(document: object) -> pl.DataFrame:
    """Return the rows of a score template in YAML or JSON, those with a value.

    Raises FileError if it is not of the template's form.
    """
    days = document if isinstance(document, list) else [document]
    rows: list[tuple[object, str, object, object]] = []
    for day in days:
        if not isinstance(day, dict) or "date" not in day:
            raise FileError("an entry has no date: see `kefu ingest --template score`")
        for key, value in day.items():
            rows.extend(
                row
                for row in _score_rows(day["date"], str(key), value)
                # A place of the form that nobody has filled in.
                if row[-1] is not None
            )
    columns = ("as_of_date", "measure", "name", "value")
    return pl.DataFrame(
        [
            (number, *(_score_text(part) for part in row))
            for number, row in enumerate(rows, start=1)
        ],
        {ROW: pl.Int64, **dict.fromkeys(columns, pl.String)},
        orient="row",
    )


def _score_rows(date: object, key: str, value: object) -> Iterator[tuple]:
    if key == "date":
        return
    if key == "modules" and isinstance(value, dict):
        for name, score in value.items():
            yield date, "module_score", name, score
    elif key == "problems" and isinstance(value, list):
        for problem in value:
            if not isinstance(problem, dict) or "name" not in problem:
                raise FileError(
                    "a problem has no name: see `kefu ingest --template score`"
                )
            measures = {"help_orders": "problem_help_orders", "share": "problem_share"}
            for part, measure in measures.items():
                if part in problem:
                    yield date, measure, problem["name"], problem[part]
            if set(problem) - {"name", *measures}:
                raise FileError("a problem has more than name, help_orders and share")
    else:
        yield date, key, None, value


def _score_text(value: object) -> str | None:
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    if isinstance(value, (dict, list)):
        raise FileError("an entry is nested deeper than the template")
    return None if value is None else str(value)


def score_rules(
    names: dict[str, str], mapping: KindMapping, options: Options
) -> list[Rule]:
    """Return the rules of the experience score page's values."""
    measures = mapping.extra["measures"]
    meant = {
        header_key(name): measure
        for measure, entry in measures.items()
        for name in (measure, *entry["names"])
    }
    measure = values.choice("measure", names["measure"], meant, required=True)
    code = measure.value
    text = pl.col("value").str.strip_prefix("+")
    has_sign = text.str.ends_with("%")
    ratio = values.ratio_of_percent(text)
    read = pl.when(has_sign).then(ratio).otherwise(text)
    number = read.cast(pl.Float64, strict=False)
    shown = names["value"]
    faults = [
        values.given("value", shown),
        (~text.str.contains(r"^-?[0-9]+(\.[0-9]+)?%?$"), f"{shown} is no number"),
    ]
    for key, entry in measures.items():
        is_it = code == key
        called = entry["names"][0]
        if entry.get("percent"):
            faults.append((is_it & ~has_sign, f"{called} is no rate such as 0.12%"))
        if entry.get("whole"):
            bad = is_it & ~text.str.contains(values.WHOLE)
            faults.append((bad, f"{called} is no whole number"))
        if "range" in entry:
            low, high = entry["range"]
            outside = is_it & ~number.is_between(low, high)
            faults.append((outside, f"{called} lies outside {low} to {high}"))
        if entry.get("named"):
            faults.append((is_it & pl.col("name").is_null(), f"{called} has no name"))
        else:
            named = is_it & pl.col("name").is_not_null()
            faults.append((named, f"{called} takes no name: leave it empty"))
    module = (code == "module_score") & ~pl.col("name").is_in(mapping.extra["modules"])
    faults.append(
        (module, "the module is none of " + "、".join(mapping.extra["modules"]))
    )
    day = values.date("as_of_date", names["as_of_date"], required=True)
    twice = pl.struct(
        day.value.alias("day"), code.alias("code"), "name"
    ).is_duplicated()
    faults.append((twice, "it stands twice in the file"))
    return [
        values.constant("mall_id", options.mall_id),
        day,
        measure,
        values.text("name"),
        Rule("value", read, tuple(faults)),
    ]
