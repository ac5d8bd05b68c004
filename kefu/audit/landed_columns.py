"""What is counted of the staged rows of each raw table.

A share is a part of some whole of the rows of one load: rows without a value,
rows of one code of the contract, rows whose times stand in the wrong order. A
feed that breaks moves one of them, whatever it does to the number of rows.
"""

from dataclasses import dataclass

SOURCES = (
    "messages",
    "orders",
    "refunds",
    "complaints",
    "malls",
    "agents",
    "agent_shifts",
    "ratings",
    "quality_reviews",
    "excluded_buyers",
)

# When the event of a row was, in local time.
EVENTS = {
    "messages": "sent_at",
    "orders": "created_at",
    "refunds": "created_at",
    "complaints": "created_at",
    "ratings": "created_at",
    "quality_reviews": "service_date",
    "agent_shifts": "start_at",
}

# What tells two landings of one row within a load: key and version.
KEYS = {
    "messages": "mall_id, msg_id, loaded_at",
    "orders": "order_sn, updated_at, loaded_at",
    "refunds": "refund_id, updated_at, loaded_at",
    "complaints": "complaint_id, loaded_at",
    "agent_shifts": "mall_id, cs_uid, start_at, loaded_at",
    "ratings": "rating_id, loaded_at",
    "quality_reviews": "review_id, loaded_at",
}

AMOUNTS = {
    "orders": {
        "pay_amount": "pay_amount",
        "goods_amount": "goods_amount",
        "goods_count": "goods_count",
        "seconds from creation to payment": "epoch(paid_at) - epoch(created_at)",
    },
    "refunds": {
        "refund_amount": "refund_amount",
        "seconds from application to refund": (
            "epoch(refund_success_at) - epoch(created_at)"
        ),
    },
    "ratings": {"score": "score"},
    "quality_reviews": {
        "problem_solving": "problem_solving",
        "communication": "communication",
        "professionalism": "professionalism",
        "after_sales": "after_sales",
    },
    "agent_shifts": {"seconds of a shift": "epoch(end_at) - epoch(start_at)"},
}

# What UTF-8 looks like where it was read as Latin-1, Windows-1252 or GBK, or
# written with what could not be read replaced.
GARBLED = "|".join(
    (
        "\ufffd",
        "[ÃÂâäåæçèé][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œ]",
        "锟斤",
        "[浣鍙鐨鏄鎴]",
        "^[?]{2,}$",
    )
)


@dataclass(frozen=True)
class Share:
    """A part of a whole of a table's rows; both are conditions."""

    measure: str
    detail: str
    part: str
    whole: str = "true"
    columns: str = ""
    """The columns that both need, parted by commas, if not the detail alone."""

    @property
    def needs(self) -> set[str]:
        """The columns without which the share cannot be counted."""
        return set((self.columns or self.detail).split(","))


@dataclass(frozen=True)
class JoinedShares:
    """Shares of rows that are put together from several tables."""

    source: str
    reads: dict[str, str]
    """The tables of staging and, parted by blanks, their columns."""
    sql: str
    shares: tuple[Share, ...]


def nulls(columns: str, whole: str = "true", needs: str = "") -> list[Share]:
    """Return the share of empty values of each column."""
    return [
        Share("empty", name, f"{name} is null", whole, f"{name},{needs}".rstrip(","))
        for name in columns.split()
    ]


def codes(column: str, *values: object, whole: str = "true") -> list[Share]:
    """Return the share of each value of a column that the contract names."""

    def literal(value: object) -> str:
        return f"'{value}'" if isinstance(value, str) else str(value).lower()

    return [
        Share("code", f"{column} = {value}", f"{column} = {told}", whole, column)
        for value, told in zip(values, map(literal, values), strict=True)
    ]


def hours(event: str) -> list[Share]:
    """Return the share of each quarter of the day."""
    return [
        Share(
            "hour",
            f"{event} from {start} to {start + 5} h",
            f"hour({event}) between {start} and {start + 5}",
            f"{event} is not null",
            event,
        )
        for start in (0, 6, 12, 18)
    ]


def late(event: str) -> list[Share]:
    """Return the share of rows whose event lies a week before the load."""
    return [
        Share(
            "old",
            event,
            f"loaded_at > {event} + interval 7 days",
            f"{event} is not null",
            f"{event},loaded_at",
        )
    ]


def order_of(first: str, second: str) -> list[Share]:
    """Return the share of rows whose second time lies before the first."""
    return [
        Share(
            "order",
            f"{second} before {first}",
            f"{second} < {first}",
            f"{first} is not null and {second} is not null",
            f"{first},{second}",
        )
    ]


BY_BUYER = "from_role = 'user'"
BY_SHOP = "from_role = 'mall_cs'"
WITH_TEXT = f"{BY_BUYER} and buyer_text is not null"

SHARES: dict[str, list[Share]] = {
    "messages": [
        *codes("from_role", "user", "mall_cs", "system"),
        *codes("message_type", 0, 1, 5, 8, 14, 24, 31, 41, 64, 1002),
        *codes("need_reply", False, whole=BY_BUYER),
        *codes("is_spam", True, whole=BY_BUYER),
        *nulls("cs_uid template_name", BY_SHOP, "from_role"),
        *codes(
            "template_name",
            "mall_robot_text_msg",
            "mall_answer_with_text",
            whole=BY_SHOP,
        ),
        Share(
            "code",
            "no agent and no robot",
            "cs_uid is null and template_name is null",
            BY_SHOP,
            "cs_uid,template_name,from_role",
        ),
        Share(
            "code",
            "an agent on a buyer's message",
            "cs_uid is not null",
            BY_BUYER,
            "cs_uid,from_role",
        ),
        *nulls("assigned_cs_uid problem_code", BY_BUYER, "from_role"),
        *codes("problem_code", "unknown", whole=BY_BUYER),
        Share(
            "empty",
            "content",
            "buyer_text is null",
            f"{BY_BUYER} and problem_code is null",
            "buyer_text,from_role,problem_code",
        ),
        *nulls("order_sn"),
        *hours("sent_at"),
        *late("sent_at"),
        Share(
            "garbled",
            "content",
            f"regexp_matches(buyer_text, '{GARBLED}')",
            WITH_TEXT,
            "buyer_text,from_role",
        ),
        Share(
            "garbled",
            "content without Chinese",
            "not regexp_matches(buyer_text, '[一-龥]')",
            WITH_TEXT,
            "buyer_text,from_role",
        ),
        Share(
            "swapped",
            "msg_id like buyer_uid",
            "msg_id = buyer_uid or msg_id = cs_uid or buyer_uid = cs_uid",
            "true",
            "msg_id,buyer_uid,cs_uid",
        ),
    ],
    "orders": [
        *nulls(
            "buyer_uid goods_id order_status refund_status after_sales_status"
            " risk_control_status is_lucky_flag goods_amount discount_amount"
            " postage pay_amount goods_count paid_at shipped_at received_at updated_at"
        ),
        *nulls("confirmed_at", "group_status = 1", "group_status"),
        *nulls("confirm_status"),
        *codes("order_status", 1, 2, 3),
        *codes("group_status", 0, 1, 2),
        *codes("confirm_status", 0, 1, 2),
        *codes("refund_status", 1, 2, 3, 4),
        *codes("risk_control_status", 1),
        *codes("is_lucky_flag", 2),
        *hours("created_at"),
        *hours("paid_at"),
        *hours("confirmed_at"),
        *late("created_at"),
        *order_of("created_at", "paid_at"),
        *order_of("paid_at", "confirmed_at"),
        *order_of("paid_at", "shipped_at"),
        *order_of("shipped_at", "received_at"),
        Share(
            "swapped",
            "paid the goods' full amount",
            "pay_amount = goods_amount",
            "pay_amount is not null and goods_amount is not null",
            "pay_amount,goods_amount",
        ),
        Share(
            "swapped",
            "paid less than discounted",
            "pay_amount < discount_amount",
            "pay_amount is not null and discount_amount is not null",
            "pay_amount,discount_amount",
        ),
        Share("code", "nothing paid", "pay_amount = 0", "true", "pay_amount"),
        Share("code", "no goods", "goods_count = 0", "true", "goods_count"),
    ],
    "refunds": [
        *nulls(
            "order_sn buyer_uid after_sale_reason problem_code liability"
            " after_sales_type after_sales_status refund_amount updated_at signed_at"
        ),
        *nulls("refund_success_at", "after_sales_status = 10", "after_sales_status"),
        *codes("after_sales_type", 1, 2, 3, 4, 5),
        *codes("after_sales_status", 0, *range(2, 14)),
        *codes("dispute_refund_status", 1),
        *codes("join_or_not", 1),
        *codes("liability", "merchant", "buyer", "platform", "none"),
        *codes("problem_code", "unknown"),
        *hours("created_at"),
        *late("created_at"),
        *order_of("created_at", "refund_success_at"),
        Share("code", "nothing refunded", "refund_amount = 0", "true", "refund_amount"),
    ],
    "complaints": [
        *nulls("order_sn cs_uid problem_code liability"),
        *codes("channel", "platform_online_cs", "platform_hotline", "complaint"),
        *codes("is_valid", True),
        *codes("liability", "merchant", "buyer", "platform", "none"),
        *codes("problem_code", "unknown"),
        *hours("created_at"),
        *late("created_at"),
    ],
    "malls": [*nulls("mall_name category_name merchant_type opened_on")],
    "agents": [
        *nulls("cs_name agent_role valid_from valid_to"),
        *codes("agent_role", "pre_sales", "after_sales", "both"),
        *codes("is_robot", True),
    ],
    "agent_shifts": [*hours("start_at"), *nulls("shift_name")],
    "ratings": [
        *nulls("buyer_uid cs_uid order_sn"),
        *codes("score", 1, 2, 3, 4, 5),
        *hours("created_at"),
        *late("created_at"),
    ],
    "quality_reviews": [
        *nulls("buyer_uid problem_solving communication professionalism after_sales"),
        *late("service_date"),
    ],
}

STAGING = "working.staging"

# Rows that came with the load after their day: of an older chat a load holds
# what was late, a message or two.
PROMPT = "sent_at > loaded_at + interval 8 hours - interval 36 hours"
MESSAGES, ORDERS, REFUNDS = "stg_pdd__messages", "stg_pdd__orders", "stg_pdd__refunds"

# Rows of these tables change and are landed again. A load is compared as it was
# landed, versions that were superseded later among its rows: what is current
# in an old load are the rows that have come to rest.
VERSIONED = ("orders", "refunds")

JOINED_SHARES = (
    JoinedShares(
        "messages",
        {MESSAGES: "mall_id load_date buyer_uid from_role sent_at loaded_at"},
        # A chat is cut wherever rows are lost: buyers without a word from the
        # shop, agents who answer nobody, chats of one message.
        f"""
        select
            mall_id,
            load_date,
            count(*) as messages,
            count(*) filter (where {BY_BUYER}) as asked,
            count(*) filter (where {BY_SHOP}) as told
        from {STAGING}.stg_pdd__messages
        inner join audit.loads using (load_date)
        where loads.source = 'messages' and {PROMPT}
        group by mall_id, load_date, buyer_uid
        """,
        (
            Share("chats", "chats of one message", "messages = 1"),
            Share("chats", "buyers whom the shop told nothing", "told = 0"),
            Share("chats", "buyers who asked nothing", "asked = 0"),
            Share("chats", "chats of five messages and more", "messages >= 5"),
        ),
    ),
    JoinedShares(
        "messages",
        {MESSAGES: "mall_id load_date buyer_uid from_role sent_at loaded_at msg_id"},
        f"""
        select
            mall_id,
            load_date,
            from_role,
            lag(from_role) over chat as role_before
        from {STAGING}.stg_pdd__messages
        inner join audit.loads using (load_date)
        where loads.source = 'messages' and {PROMPT}
        window chat as (
            partition by mall_id, buyer_uid, load_date order by sent_at, msg_id
        )
        """,
        (
            Share(
                "turns",
                "messages after one of the same side",
                "from_role = role_before",
                "role_before is not null",
            ),
        ),
    ),
    JoinedShares(
        "messages",
        {MESSAGES: "mall_id load_date buyer_uid from_role cs_uid assigned_cs_uid"},
        # The agent that a chat is assigned to is the one that answers it.
        f"""
        with new as (
            select
                messages.mall_id, messages.load_date, messages.buyer_uid,
                messages.from_role, messages.cs_uid, messages.assigned_cs_uid
            from {STAGING}.stg_pdd__messages as messages
            inner join audit.loads using (load_date)
            where loads.source = 'messages'
        ),
        assigned as (
            select mall_id, load_date, buyer_uid, assigned_cs_uid as cs_uid,
                true as is_assigned
            from new
            where {BY_BUYER} and assigned_cs_uid is not null
            group by all
        ),
        chats as (
            select mall_id, load_date, buyer_uid
            from assigned
            group by all
        )
        select new.mall_id, new.load_date, assigned.is_assigned
        from new
        inner join chats using (mall_id, load_date, buyer_uid)
        left join assigned using (mall_id, load_date, buyer_uid, cs_uid)
        where {BY_SHOP} and new.cs_uid is not null
        """,
        (
            Share(
                "place",
                "replies by an agent whom the chat was not assigned to",
                "is_assigned is null",
            ),
        ),
    ),
    JoinedShares(
        "messages",
        {
            MESSAGES: "mall_id load_date msg_id from_role cs_uid sent_at",
            "stg_pdd__agent_shifts": "mall_id cs_uid start_at end_at",
        },
        f"""
        with shifts as (
            select mall_id, cs_uid, start_at, end_at,
                unnest([cast(start_at as date), cast(start_at as date) + 1])
                    as shift_date
            from {STAGING}.stg_pdd__agent_shifts
        ),
        replies as (
            select messages.mall_id, messages.msg_id, messages.load_date,
                messages.cs_uid, messages.sent_at
            from {STAGING}.stg_pdd__messages as messages
            inner join audit.loads using (load_date)
            where
                loads.source = 'messages'
                and {BY_SHOP}
                and messages.cs_uid is not null
        )
        select
            replies.mall_id,
            replies.load_date,
            bool_or(sent_at between start_at and end_at) as is_on_shift
        from replies
        inner join shifts
            on
                replies.mall_id = shifts.mall_id
                and replies.cs_uid = shifts.cs_uid
                and cast(replies.sent_at as date) = shifts.shift_date
        group by replies.mall_id, replies.load_date, replies.msg_id
        """,
        (Share("place", "replies outside the agent's shift", "not is_on_shift"),),
    ),
    JoinedShares(
        "messages",
        {
            MESSAGES: (
                "mall_id load_date buyer_uid from_role cs_uid sent_at buyer_text"
                " message_type"
            )
        },
        # The same words at the same moment under another number.
        f"""
        select
            mall_id,
            load_date,
            count(*) over (
                partition by
                    mall_id, buyer_uid, from_role, cs_uid, sent_at,
                    hash(buyer_text), message_type
            ) as twins
        from {STAGING}.stg_pdd__messages
        inner join audit.loads using (load_date)
        where loads.source = 'messages'
        """,
        (Share("twins", "messages with a double under another id", "twins > 1"),),
    ),
    JoinedShares(
        "orders",
        {ORDERS: "mall_id load_date buyer_uid created_at goods_id pay_amount"},
        f"""
        select
            mall_id,
            load_date,
            count(*) over (
                partition by mall_id, buyer_uid, created_at, goods_id, pay_amount
            ) as twins
        from {STAGING}.stg_pdd__orders
        inner join audit.loads using (load_date)
        where loads.source = 'orders' and buyer_uid is not null
        """,
        (Share("twins", "orders with a double under another id", "twins > 1"),),
    ),
    JoinedShares(
        "refunds",
        {REFUNDS: "mall_id load_date order_sn created_at refund_amount"},
        f"""
        select
            mall_id,
            load_date,
            count(*) over (
                partition by mall_id, order_sn, created_at, refund_amount
            ) as twins
        from {STAGING}.stg_pdd__refunds
        inner join audit.loads using (load_date)
        where loads.source = 'refunds' and order_sn is not null
        """,
        (Share("twins", "requests with a double under another id", "twins > 1"),),
    ),
    JoinedShares(
        "refunds",
        {
            REFUNDS: "mall_id load_date order_sn refund_amount",
            ORDERS: "mall_id order_sn pay_amount",
        },
        f"""
        select refunds.mall_id, refunds.load_date,
            refunds.refund_amount > orders.pay_amount + 0.01 as is_more
        from {STAGING}.stg_pdd__refunds as refunds
        inner join {STAGING}.stg_pdd__orders as orders
            on
                refunds.mall_id = orders.mall_id
                and refunds.order_sn = orders.order_sn
        where refunds.refund_amount is not null and orders.pay_amount is not null
        """,
        (Share("swapped", "refunds of more than was paid", "is_more"),),
    ),
)
