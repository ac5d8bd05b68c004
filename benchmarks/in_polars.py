"""Response figures by day in Polars: lazy scans, one sort, groups of groups."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from benchmarks.reading import ROOT, read_landing
from kefu.landing import FileGroup, field_key

TEXTS = ("mall_id", "msg_id", "buyer_uid", "from_role", "cs_uid", "assigned_cs_uid")
TEXTS += ("template_name", "order_sn", "problem_code")
FORM = ("mall_id", "msg_id", "buyer_uid", "from_role", "cs_uid", "assigned_cs_uid")
FORM += ("type", "template_name", "content", "sent_at", "need_reply", "is_spam")
FORM += ("order_sn", "problem_code")
CONVERSATION = ("mall_id", "buyer_uid")
LOCAL_MS = 28_800_000
DAY_MS = 86_400_000
EPOCH_OF_PLATFORM = int(dt.datetime(2015, 9, 1, tzinfo=dt.UTC).timestamp() * 1000)
CLOCK = r"^\d{4}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?$"


def tables(raw_root: Path, robots: list[tuple]) -> dict[str, pl.DataFrame]:
    """Return mall_kpi_daily and agent_kpi_daily with the columns of section 2.

    `robots` holds mall_id, cs_uid, first and last day of each period in which
    the roster calls an agent a robot. Parquet landings and default vars only.
    """
    messages = current_messages(raw_root)
    assessed = assess(messages, robots)
    return {
        "mall_kpi_daily": daily(assessed, ["mall_id"]),
        "agent_kpi_daily": daily(
            assessed.filter(pl.col("cs").is_not_null()), ["mall_id", "cs"]
        ).rename({"cs": "cs_uid"}),
    }


def _typed(group: FileGroup) -> pl.LazyFrame:
    landed = {field_key(item.name): item for item in group.fields}
    frame = pl.scan_parquet(
        [file.path for file in group.files], hive_partitioning=False
    )

    def text(column: str) -> pl.Expr:
        if column not in landed:
            return pl.lit(None, dtype=pl.String)
        stripped = (
            pl.col(landed[column].name).cast(pl.String).str.strip_chars(" \t\r\n")
        )
        return pl.when(stripped != "").then(stripped)

    def number(column: str) -> pl.Expr:
        if column in landed and "INT" in landed[column].type.upper():
            return pl.col(landed[column].name).cast(pl.Int64)
        plain = text(column).str.replace(r"\.0+$", "")
        return plain.cast(pl.Int64, strict=False)

    def flag(column: str) -> pl.Expr:
        if column in landed and landed[column].type.upper() == "BOOLEAN":
            return pl.col(landed[column].name)
        lowered = text(column).str.to_lowercase()
        return (
            pl.when(lowered.is_in(["true", "t", "yes", "1"]))
            .then(True)
            .when(lowered.is_in(["false", "f", "no", "0"]))
            .then(False)
        )

    def clock(column: str) -> pl.Expr:
        form = pl.when(text(column).str.contains(CLOCK)).then(text(column))
        parsed = form.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False)
        return parsed.dt.epoch("ms")

    is_number = "INT" in landed["ts"].type.upper()
    plain = text("ts")
    digits = pl.when(plain.str.contains(r"^[0-9]+$")).then(plain)
    unix = number("ts") if is_number else digits.cast(pl.Int64, strict=False)
    local = (
        pl.when(unix < 0)
        .then(None)
        .when(unix < 100_000_000_000)
        .then(unix * 1000 + LOCAL_MS)
        .when(unix < 253_402_272_000_000)
        .then(unix + LOCAL_MS)
    )
    loaded = (
        pl.col("_loaded_at").dt.replace_time_zone(None).dt.epoch("us")
        if "TIMESTAMP" in landed["_loaded_at"].type.upper()
        else clock("_loaded_at") * 1000
    )
    return frame.select(
        *(text(column).alias(column) for column in TEXTS),
        pl.col("content").cast(pl.String)
        if "content" in landed
        else pl.lit(None, dtype=pl.String).alias("content"),
        number("type").alias("type"),
        flag("need_reply").alias("need_reply"),
        flag("is_spam").alias("is_spam"),
        (local if is_number else pl.coalesce(local, clock("ts"))).alias("sent_at"),
        loaded.alias("loaded_at"),
    )


def current_messages(raw_root: Path) -> pl.DataFrame:
    """Return the accepted messages, of each key the newest version."""
    groups = read_landing(raw_root).of_table("messages")
    accepted = (
        pl.concat([_typed(group) for group in groups])
        .filter(
            pl.all_horizontal(pl.col("mall_id", "msg_id", "buyer_uid").is_not_null()),
            pl.col("sent_at") <= pl.col("loaded_at") / 1000 + 32 * 3_600_000,
            pl.col("sent_at") >= EPOCH_OF_PLATFORM,
            pl.col("from_role").is_in(["user", "mall_cs", "system"]),
        )
        .collect()
    )
    repeated = accepted.select(pl.struct("mall_id", "msg_id").is_duplicated())
    is_repeated = repeated.to_series()
    form = pl.concat_str(
        [
            pl.col(name).cast(pl.String).fill_null("")
            if name != "sent_at"
            else (pl.col(name) - LOCAL_MS).cast(pl.String)
            for name in FORM
        ],
        separator="\x1f",
    )
    newest = (
        accepted.filter(is_repeated)
        .with_columns(form.alias("form"))
        .sort("loaded_at", "form")
        .unique(["mall_id", "msg_id"], keep="last", maintain_order=True)
        .drop("form")
    )
    return pl.concat([accepted.filter(~is_repeated), newest]).drop("content")


def assess(messages: pl.DataFrame, robots: list[tuple]) -> pl.DataFrame:
    """Return buyers' and agents' messages with reply, responsible agent, flags."""
    exempt = pl.read_csv(ROOT / "seeds" / "exempt_dates.csv", try_parse_dates=True)
    periods = pl.DataFrame(
        robots,
        schema={
            "mall_id": pl.String,
            "cs_uid": pl.String,
            "first_day": pl.Date,
            "last_day": pl.Date,
        },
        orient="row",
    )
    dated = messages.with_columns(pl.from_epoch("sent_at", "ms").dt.date().alias("day"))
    robot_days = (
        dated.select("day")
        .unique()
        .join(periods, how="cross")
        .filter(pl.col("day").is_between("first_day", "last_day"))
        .select("mall_id", "cs_uid", "day", pl.lit(True).alias("is_robot"))
    )
    as_assigned = robot_days.rename(
        {"cs_uid": "assigned_cs_uid", "is_robot": "is_robot_assigned"}
    )
    is_user = pl.col("from_role") == "user"
    template = pl.col("template_name").fill_null("")
    sender = (
        pl.when(
            (pl.col("from_role") == "system")
            | pl.col("type").is_in([24, 31, 1002]).fill_null(False)
            | (is_user & pl.col("is_spam").fill_null(False))
        )
        .then(0)
        .when(is_user)
        .then(1)
        .when(template == "mall_robot_text_msg")
        .then(3)
        .when(pl.col("is_robot").fill_null(False))
        .then(3)
        .when(pl.col("cs_uid").is_null() | (template == "mall_answer_with_text"))
        .then(4)
        .otherwise(2)
    )
    is_agent = pl.col("sender") == 2
    sorted_messages = (
        dated.join(robot_days, on=["mall_id", "cs_uid", "day"], how="left")
        .join(as_assigned, on=["mall_id", "assigned_cs_uid", "day"], how="left")
        .with_columns(sender.alias("sender"))
        .filter(pl.col("sender") > 0)
        .sort(*CONVERSATION, "sent_at", "msg_id")
        .with_columns(
            pl.struct(*CONVERSATION).rle_id().alias("conversation"),
            pl.int_range(pl.len()).alias("position"),
            pl.when(is_agent).then(pl.col("cs_uid")).alias("agent"),
            pl.when(is_agent).then(pl.col("sent_at")).alias("agent_at"),
            pl.when(is_agent).then(pl.col("day")).alias("agent_day"),
        )
    )

    def later(column: str) -> pl.Expr:
        return pl.col(column).shift(-1).backward_fill().over("conversation")

    def earlier(column: str) -> pl.Expr:
        return pl.col(column).shift(1).forward_fill().over("conversation")

    position = pl.col("position")
    robot_only = (
        sorted_messages.group_by("conversation", "day")
        .agg(
            is_agent.any().alias("has_agent"),
            position.filter(pl.col("sender") == 1).max().alias("last_buyer"),
            position.filter(pl.col("sender") == 3).max().alias("last_robot"),
        )
        .filter(~pl.col("has_agent") & (pl.col("last_robot") > pl.col("last_buyer")))
        .select("conversation", "day", pl.lit(True).alias("is_robot_only"))
    )
    is_buyer = pl.col("sender") == 1
    own = pl.when(~pl.col("is_robot_assigned").fill_null(False)).then(
        pl.col("assigned_cs_uid")
    )
    wait = pl.col("next_at") - pl.col("sent_at")
    is_replied = is_buyer & (wait <= DAY_MS)
    of_day = pl.col("sent_at") % DAY_MS
    return (
        sorted_messages.with_columns(
            later("agent").alias("next_agent"),
            later("agent_at").alias("next_at"),
            earlier("agent").alias("last_agent"),
            earlier("agent_day").alias("last_day"),
        )
        .filter(pl.col("sender") <= 2)
        .join(robot_only, on=["conversation", "day"], how="left")
        .with_columns(
            pl.when(is_replied).then(wait).alias("response_ms"),
            pl.when(is_agent)
            .then(pl.col("cs_uid"))
            .otherwise(
                pl.coalesce(
                    pl.when(is_replied).then(pl.col("next_agent")),
                    own,
                    pl.when(pl.col("last_day") == pl.col("day")).then(
                        pl.col("last_agent")
                    ),
                )
            )
            .alias("cs"),
            (
                is_buyer
                & pl.col("need_reply").fill_null(True)
                & (of_day >= 8 * 3_600_000)
                & (of_day < 23 * 3_600_000)
                & ~pl.col("day").is_in(exempt["date_day"].to_list())
                & pl.col("is_robot_only").is_null()
            ).alias("is_assessed"),
        )
    )


def daily(assessed: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Return the figures by day of the entities that `keys` name."""
    by = [*keys, "day"]
    is_assessed, ms = pl.col("is_assessed"), pl.col("response_ms")
    answered = ms.filter(is_assessed).drop_nulls()
    first = ms.filter(is_assessed).sort_by(pl.col("position").filter(is_assessed))
    buyers = assessed.group_by(*by, "conversation").agg(
        (pl.col("sender") == 1).sum().alias("buyer_messages"),
        (pl.col("sender") == 2).sum().alias("agent_messages"),
        is_assessed.sum().alias("assessed"),
        (is_assessed & (ms <= 30_000)).sum().alias("within_30s"),
        answered.len().alias("answered"),
        answered.sum().alias("total_ms"),
        answered.max().alias("slowest"),
        first.first().alias("first_ms"),
    )
    has_assessed = pl.col("assessed") > 0
    is_open = pl.col("answered") < pl.col("assessed")

    def late(limit: int) -> pl.Expr:
        slow = (pl.col("slowest") > limit).fill_null(False)
        return (has_assessed & (is_open | slow)).sum().cast(pl.Int64)

    wrote = pl.col("buyer_messages") > 0 if keys == ["mall_id"] else pl.lit(True)
    days = buyers.group_by(by).agg(
        (wrote & (pl.col("buyer_messages") >= 0)).sum().alias("consult_buyers"),
        has_assessed.sum().alias("assessed_consult_buyers"),
        (pl.col("agent_messages") > 0).sum().alias("received_buyers"),
        pl.col("assessed").sum().alias("assessed_messages"),
        pl.col("within_30s").sum().alias("messages_replied_30s"),
        pl.col("answered").sum().alias("answered_messages"),
        pl.col("total_ms").sum(),
        late(180_000).alias("late_buyers_3min"),
        late(300_000).alias("late_buyers_5min"),
        late(3_600_000).alias("ineffective_buyers"),
        pl.col("first_ms").count().alias("first_count"),
        pl.col("first_ms").sum().alias("first_sum"),
        pl.col("buyer_messages").sum(),
        pl.col("agent_messages").sum(),
    )
    quantiles = (
        assessed.filter(is_assessed & ms.is_not_null())
        .group_by(by)
        .agg(
            (ms.quantile(0.5, "linear") / 1000).alias("median_response_seconds"),
            (ms.quantile(0.9, "linear") / 1000).alias("p90_response_seconds"),
        )
    )

    def ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
        return pl.when(below != 0).then(above / below)

    column = pl.col
    buyers_asked = column("assessed_consult_buyers")
    return (
        days.join(quantiles, on=by, how="left")
        .with_columns(
            ratio(column("messages_replied_30s"), column("assessed_messages")).alias(
                "reply_rate_30s"
            ),
            ratio(column("total_ms"), column("answered_messages") * 1000).alias(
                "avg_response_seconds"
            ),
            (
                column("assessed_messages").cast(pl.Int64)
                - column("answered_messages").cast(pl.Int64)
            ).alias("unanswered_messages"),
            (1 - ratio(column("late_buyers_3min"), buyers_asked)).alias(
                "reply_rate_3min"
            ),
            (1 - ratio(column("late_buyers_5min"), buyers_asked)).alias(
                "reply_rate_5min"
            ),
            (1 - ratio(column("ineffective_buyers"), buyers_asked)).alias(
                "effective_reply_rate"
            ),
            ratio(column("first_sum"), column("first_count") * 1000).alias(
                "first_response_seconds"
            ),
            ratio(column("agent_messages"), column("buyer_messages")).alias(
                "answer_ask_ratio"
            ),
        )
        .drop("total_ms", "first_count", "first_sum")
        .rename({"day": "service_date"})
    )
