"""Defects that landings and builds have had elsewhere, to be planted here.

Each is a statement or two on the raw tables of one DuckDB file (texts, as they
were landed), on the rows of the newest load, or on the marts that were built
from good ones. $new is the newest load date, $mall the largest mall.
"""

from dataclasses import dataclass

NEW = "load_date = $new"
OF_MALL = rf"{NEW} and regexp_replace(mall_id, '\s', '', 'g') = $mall"

BARE_BUYER = r"regexp_replace(buyer_uid, '\s', '', 'g')"

BLOCKING, HARMLESS, LIMIT = "blocking", "harmless", "too small to be seen"


@dataclass(frozen=True)
class Defect:
    """One defect: what it is called, where it is, and what must come of it."""

    name: str
    table: str
    """The raw table that it touches; empty if it is in what was built."""
    sql: tuple[str, ...]
    severity: str = BLOCKING
    """Blocking ones must be caught; harmless ones must change no figure. What
    is too small to be seen is here to say where the audit ends."""
    week: bool = False
    """Whether it is in the last seven loads, none of them published yet."""


def landed(name: str, table: str, *sql: str, **options: object) -> Defect:
    """Return a defect in what was landed."""
    return Defect(name, table, sql, **options)


def updated(
    name: str, table: str, change: str, where: str = NEW, **options: object
) -> Defect:
    """Return a defect that changes values of the newest load."""
    sql = f"update raw.{table} set {change} where {where}"
    return landed(name, table, sql, **options)


def lost(name: str, table: str, where: str = NEW, **options: object) -> Defect:
    """Return a defect that loses rows."""
    return landed(name, table, f"delete from raw.{table} where {where}", **options)


def built(name: str, *sql: str) -> Defect:
    """Return a defect in the marts."""
    return Defect(name, "", sql)


def shifted(column: str, hours: int) -> str:
    """Return the change of a local text time by some hours."""
    return (
        f"{column} = coalesce(strftime(try_strptime(trim({column}),"
        f" '%Y-%m-%d %H:%M:%S') + to_hours({hours}), '%Y-%m-%d %H:%M:%S'),"
        f" {column})"
    )


# What UTF-8 is when read as Latin-1: a character for each byte.
AS_LATIN_1 = (
    "content = list_aggregate(list_transform("
    "string_split(regexp_replace(hex(encode(content)), '(..)', '\\1 ', 'g'), ' '),"
    " lambda byte: if(byte = '', '', chr(cast('0x' || byte as integer)))),"
    " 'string_agg', '')"
)

LANDED = (
    # --- rows that are missing ---
    lost("a day of messages is missing", "messages"),
    lost("a day of orders is missing", "orders"),
    lost("a day of refunds is missing", "refunds"),
    lost(
        "a mall's messages are cut by half, here and there",
        "messages",
        f"{OF_MALL} and hash(msg_id) % 2 = 0",
    ),
    lost(
        "a mall's messages are cut by half, every second buyer",
        "messages",
        f"{OF_MALL} and hash({BARE_BUYER}) % 2 = 0",
    ),
    lost(
        "a mall's messages are cut by half, from the middle of the day on",
        "messages",
        f"{OF_MALL} and try_cast(ts as bigint) > (select median(try_cast(ts as"
        f" bigint)) from raw.messages where {OF_MALL})",
    ),
    lost("a mall's messages are missing", "messages", OF_MALL),
    lost("a mall's orders are missing", "orders", OF_MALL),
    lost(
        "messages are cut by half, in every mall",
        "messages",
        f"{NEW} and hash(msg_id) % 2 = 0",
    ),
    lost(
        "the agents' replies are lost",
        "messages",
        f"{NEW} and from_role = 'mall_cs' and cs_uid is not null",
    ),
    lost(
        "the rest of a file is cut off",
        "messages",
        f"{NEW} and try_cast(ts as bigint) > (select quantile_cont(try_cast(ts as"
        f" bigint), 0.7) from raw.messages where {NEW})",
    ),
    lost(
        "complaints of one channel are lost",
        "complaints",
        "load_date > $new - 7 and channel = 'platform_online_cs'",
        week=True,
    ),
    lost("complaints are lost", "complaints", "load_date > $new - 7", week=True),
    lost(
        "half of the refunds are lost",
        "refunds",
        "load_date > $new - 7 and hash(id) % 2 = 0",
        severity=LIMIT,
        week=True,
    ),
    lost("an old day of orders is gone", "orders", "load_date = $new - 9"),
    lost("an old day of messages is gone", "messages", "load_date = $new - 12"),
    lost("a published mall is gone", "messages", "trim(mall_id) = $mall"),
    # --- rows that are there twice ---
    landed(
        "messages are landed twice",
        "messages",
        f"insert into raw.messages from raw.messages where {NEW}",
    ),
    landed(
        "messages are landed again under other ids",
        "messages",
        f"insert into raw.messages select * replace ('2' || msg_id as msg_id)"
        f" from raw.messages where {NEW}",
    ),
    landed(
        "orders are landed again under other ids",
        "orders",
        f"insert into raw.orders select * replace ('2' || order_sn as order_sn)"
        f" from raw.orders where {NEW}",
    ),
    landed(
        "yesterday's messages come as today's",
        "messages",
        f"delete from raw.messages where {NEW}",
        "insert into raw.messages select * replace (load_date + 1 as load_date,"
        " cast(try_cast(trim(_loaded_at) as timestamp) + interval 1 day as varchar)"
        " as _loaded_at) from raw.messages where load_date = $new - 1",
    ),
    landed(
        "a sale day that nobody knew of: all orders three times",
        "orders",
        f"insert into raw.orders select orders.* replace (copy || order_sn as"
        f" order_sn, copy || buyer_uid as buyer_uid) from raw.orders as orders,"
        f" (values ('2'), ('3')) as copies(copy) where {NEW}",
    ),
    landed(
        "every second order of a published day comes once more, as another",
        "orders",
        "insert into raw.orders select * replace ('2' || order_sn as order_sn,"
        " '2' || trim(buyer_uid) as buyer_uid, $new as load_date,"
        " cast(try_cast(trim(_loaded_at) as timestamp) + interval 4 days as varchar)"
        " as _loaded_at) from raw.orders where load_date = $new - 4"
        " and hash(order_sn) % 2 = 0",
    ),
    updated("ids are cut off", "orders", "order_sn = left(trim(order_sn), 10)"),
    # --- units ---
    updated(
        "message times turn from seconds to milliseconds",
        "messages",
        "ts = cast(try_cast(ts as bigint) * 1000 as varchar)",
        f"{NEW} and try_cast(ts as bigint) < 100000000000",
        severity=HARMLESS,
    ),
    updated("message times come in microseconds", "messages", "ts = ts || '000000'"),
    updated(
        "amounts come in fen",
        "orders",
        "pay_amount = cast(try_cast(pay_amount as double) * 100 as varchar)",
    ),
    updated(
        "a mall's amounts come in fen",
        "orders",
        "pay_amount = cast(try_cast(pay_amount as double) * 100 as varchar)",
        OF_MALL,
    ),
    updated(
        "refunds come in fen",
        "refunds",
        "refund_amount = cast(try_cast(refund_amount as double) * 100 as varchar)",
        "load_date > $new - 7",
        week=True,
    ),
    updated("amounts are negative", "orders", "pay_amount = '-' || trim(pay_amount)"),
    updated("amounts bear a currency sign", "orders", "pay_amount = '¥' || pay_amount"),
    updated(
        "ratings go up to 10",
        "ratings",
        "score = cast(2 * score::int as varchar)",
        "load_date > $new - 7 and try_cast(score as integer) is not null",
        week=True,
    ),
    # --- times ---
    updated(
        "message times are eight hours late",
        "messages",
        "ts = cast(try_cast(ts as bigint) + if(try_cast(ts as bigint) < 1e11,"
        " 28800, 28800000) as varchar)",
        f"{NEW} and try_cast(ts as bigint) is not null",
    ),
    updated(
        "message times are eight hours early",
        "messages",
        "ts = cast(try_cast(ts as bigint) - if(try_cast(ts as bigint) < 1e11,"
        " 28800, 28800000) as varchar)",
        f"{NEW} and try_cast(ts as bigint) is not null",
    ),
    updated(
        "order times are in UTC",
        "orders",
        ", ".join(
            shifted(column, -8)
            for column in (
                "created_time",
                "pay_time",
                "confirm_time",
                "shipping_time",
                "receive_time",
                "updated_at",
            )
        ),
    ),
    updated("pay times alone are in UTC", "orders", shifted("pay_time", -8)),
    updated(
        "order times are written with slashes",
        "orders",
        "created_time = replace(created_time, '-', '/')",
    ),
    updated(
        "rows were loaded in the future",
        "messages",
        "_loaded_at = cast(try_cast(trim(_loaded_at) as timestamp)"
        " + interval 60 days as varchar)",
        f"{NEW} and hash(msg_id) % 10 = 0",
    ),
    updated(
        "rows were loaded long before their folder's date",
        "orders",
        "_loaded_at = left(cast(try_cast(trim(_loaded_at) as timestamptz)"
        " - interval 3 days as varchar), 19)",
        f"{NEW} and hash(order_sn) % 10 = 0",
    ),
    # --- columns that are lost ---
    updated("all cs_uid are empty", "messages", "cs_uid = null"),
    updated("a mall's cs_uid are empty", "messages", "cs_uid = null", OF_MALL),
    updated("all template_name are empty", "messages", "template_name = null"),
    updated("all message types are empty", "messages", "type = null"),
    updated("all assigned_cs_uid are empty", "messages", "assigned_cs_uid = null"),
    updated("all texts are empty", "messages", "content = null"),
    updated("all buyers of orders are empty", "orders", "buyer_uid = null"),
    updated("all confirm_time are empty", "orders", "confirm_time = null"),
    updated("all buyer_uid of messages are empty", "messages", "buyer_uid = null"),
    updated(
        "all refund_success_time are empty",
        "refunds",
        "refund_success_time = null, after_sales_status ="
        " if(after_sales_status = '10', '5', after_sales_status)",
        "load_date > $new - 7",
        week=True,
    ),
    updated("goods_count is always 0", "orders", "goods_count = '0'"),
    # --- codes ---
    updated("need_reply is always false", "messages", "need_reply = 'false'"),
    updated("is_spam is always true", "messages", "is_spam = 'true'"),
    updated(
        "buyer and shop are swapped",
        "messages",
        "from_role = case from_role when 'user' then 'mall_cs' when 'mall_cs' then"
        " 'user' else from_role end",
    ),
    updated("problem_code is always unknown", "messages", "problem_code = 'unknown'"),
    updated(
        "order statuses are renumbered",
        "orders",
        "order_status = cast(try_cast(order_status as integer) - 1 as varchar),"
        " group_status = cast(try_cast(group_status as integer) + 1 as varchar)",
    ),
    updated("order status is lost", "orders", "order_status = '1'"),
    updated(
        "refund statuses are renumbered",
        "refunds",
        "after_sales_status = cast(try_cast(after_sales_status as integer) + 1"
        " as varchar)",
        "load_date > $new - 7",
        week=True,
    ),
    updated(
        "roles are written in capitals", "messages", "from_role = upper(from_role)"
    ),
    # --- values that stand where they do not belong ---
    updated(
        "paid amount and discount are swapped",
        "orders",
        "pay_amount = discount_amount, discount_amount = pay_amount",
    ),
    updated(
        "creation and payment are swapped",
        "orders",
        "created_time = pay_time, pay_time = created_time",
        f"{NEW} and length(trim(pay_time)) = 19",
    ),
    updated(
        "buyer and message id are swapped",
        "messages",
        "buyer_uid = msg_id, msg_id = buyer_uid",
    ),
    updated("mall ids are of no mall", "messages", "mall_id = '9' || trim(mall_id)"),
    landed(
        "two malls are swapped",
        "messages",
        """
        update raw.messages
        set mall_id = case trim(mall_id)
            when $mall then (select min(trim(mall_id)) from raw.orders
                where trim(mall_id) <> $mall)
            else $mall end
        where load_date = $new and trim(mall_id) in (
            $mall,
            (select min(trim(mall_id)) from raw.orders where trim(mall_id) <> $mall)
        )
        """,
    ),
    landed(
        "two agents are swapped",
        "messages",
        f"""
        update raw.messages
        set cs_uid = if(trim(cs_uid) = pair.one, pair.other, pair.one)
        from (
            select uids[1] as one, uids[2] as other
            from (
                select list(cs_uid order by number desc) as uids
                from (
                    select trim(cs_uid) as cs_uid, count(*) as number
                    from raw.messages
                    where {OF_MALL} and cs_uid is not null
                    group by all
                )
            )
        ) as pair
        where {OF_MALL} and trim(cs_uid) in (pair.one, pair.other)
        """,
    ),
    # --- texts ---
    updated("texts were read as Latin-1", "messages", AS_LATIN_1),
    updated(
        "texts lost their Chinese",
        "messages",
        "content = regexp_replace(content, '[^ -~]', '?', 'g')",
    ),
    # --- rosters ---
    lost("the roster is emptied", "agents", "true"),
    lost("the mall list is emptied", "malls", "true"),
    updated(
        "the roster's names are swapped",
        "agents",
        "cs_name = 'x' || cs_name",
        "true",
    ),
    updated("all agents are robots", "agents", "is_robot = 'true'", "true"),
    updated(
        "all malls have another category", "malls", "category_name = '其他'", "true"
    ),
    updated(
        "an old day's amounts were doubled",
        "orders",
        "pay_amount = cast(2 * try_cast(pay_amount as double) as varchar)",
        "load_date = $new - 12",
    ),
)

BUILT = (
    built(
        "a day is gone from mall_kpi_daily",
        "delete from marts.mall_kpi_daily where service_date = $new - 3",
    ),
    built(
        "one row is gone from agent_kpi_daily",
        "delete from marts.agent_kpi_daily where (mall_id, cs_uid, service_date) in"
        " (select (mall_id, cs_uid, service_date) from marts.agent_kpi_daily"
        " order by agent_messages desc limit 1)",
    ),
    built(
        "a rate has no value",
        "update marts.mall_kpi_daily set reply_rate_3min = null"
        " where mall_id = $mall and service_date = $new - 2",
    ),
    built(
        "a rate is more than 1",
        "update marts.mall_kpi_daily set reply_rate_30s = 1.5"
        " where mall_id = $mall and service_date = $new - 2",
    ),
    built(
        "response times are in milliseconds",
        "update marts.fct_buyer_messages set response_seconds ="
        " 1000 * response_seconds",
    ),
    built(
        "mean response times are in milliseconds",
        "update marts.mall_kpi_daily set avg_response_seconds ="
        " 1000 * avg_response_seconds where service_date >= $new - 1",
    ),
    built(
        "a figure is no number",
        "update marts.agent_kpi_30d set avg_response_seconds = 'NaN'"
        " where mall_id = $mall and as_of_date = $new - 1",
    ),
    built(
        "a consultation stands twice",
        "insert into marts.fct_consultations from marts.fct_consultations limit 1",
    ),
    built(
        "a score is a point too high",
        "update marts.experience_score_30d set experience_score ="
        " least(experience_score + 1, 5) where mall_id = $mall",
    ),
    built(
        "30-day figures are those of the day before",
        "update marts.mall_kpi_30d as late set consult_buyers = early.consult_buyers"
        " from marts.mall_kpi_30d as early where late.mall_id = early.mall_id"
        " and late.as_of_date = early.as_of_date + 1 and late.as_of_date = $new",
    ),
    built(
        "sales are the shop's, not the agents'",
        "update marts.agent_kpi_daily set sales_amount = 2 * sales_amount,"
        " net_sales_amount = 2 * net_sales_amount",
    ),
    built("orders are gone", "delete from marts.fct_orders where is_refunded"),
    built("the mart is empty", "delete from marts.mall_kpi_daily"),
)

DEFECTS = LANDED + BUILT
