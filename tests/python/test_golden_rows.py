"""Rows worked out by hand, the arithmetic beside them.

Two shops of one category. In m1, on Wednesday 2025-09-10:

- b1 asks at 10:00:00 and 10:00:20, a1 answers at 10:00:50 (50 s and 30 s); asks
  again at 10:10:00, a2 answers at 10:16:40 (400 s). He orders o1 at 10:20:00, pays,
  the group completes at 10:22:00. On the 12th he wants his money back for bad
  quality, having signed six hours before; a1 writes ten minutes later; the refund
  succeeds two days after the request.
- b2 asks at 07:59:59, before the assessed hours (a1 answers at 08:00:29), and at
  23:30:00, after them: nobody answers.
- b3 asks at 12:00:00 and only the robot answers.
- b4, who bought o2 two days before, asks at 15:00:00; assigned to a2, unanswered. On
  the 11th he calls the platform's hotline: not shipped in time.

m2 has two grouped orders and no trouble. The last complete day is 2025-09-20.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest
from conftest import Kefu, land, text_row

CHINA = timezone(timedelta(hours=8))
# 02:00 UTC is 10:00 in China: the 21st is running, the 20th is complete.
LOADED_AT = "2025-09-21 02:00:00"
DAY = date(2025, 9, 10)
END = date(2025, 9, 20)
THIRD = 1 / 3


def unix(text: str) -> str:
    """Return a local time of September 2025, `dd HH:MM:SS`, in Unix seconds."""
    moment = datetime.strptime(f"2025-09-{text} +0800", "%Y-%m-%d %H:%M:%S %z")
    return str(int(moment.timestamp()))


def row(table: str, mall: str, **values: str | None) -> dict[str, str | None]:
    return text_row(table, mall_id=mall, _loaded_at=LOADED_AT, **values)


def messages() -> list[dict]:
    said = [
        # msg_id, buyer, when, sent by (None: the buyer), assigned to
        ("01", "b1", "10 10:00:00", None, None),
        ("02", "b1", "10 10:00:20", None, None),
        ("03", "b1", "10 10:00:50", "a1", None),
        ("04", "b1", "10 10:10:00", None, None),
        ("05", "b1", "10 10:16:40", "a2", None),
        ("06", "b2", "10 07:59:59", None, None),
        ("07", "b2", "10 08:00:29", "a1", None),
        ("08", "b2", "10 23:30:00", None, None),
        ("09", "b3", "10 12:00:00", None, None),
        ("10", "b3", "10 12:00:01", "robot", None),
        ("11", "b4", "10 15:00:00", None, "a2"),
        ("12", "b1", "12 09:10:00", "a1", None),
    ]
    return [
        row(
            "messages",
            "m1",
            msg_id=msg_id,
            buyer_uid=buyer,
            from_role="mall_cs" if sender else "user",
            cs_uid=None if sender == "robot" else sender,
            assigned_cs_uid=assigned,
            template_name="mall_robot_text_msg" if sender == "robot" else None,
            content="在吗",
            ts=unix(when),
        )
        for msg_id, buyer, when, sender, assigned in said
    ]


def orders() -> list[dict]:
    placed = [
        # order_sn, mall, buyer, created, paid, grouped, yuan, pieces
        ("o1", "m1", "b1", "10 10:20:00", "10 10:21:00", "10 10:22:00", "99.90", "2"),
        ("o2", "m1", "b4", "08 09:00:00", "08 09:01:00", "08 09:05:00", "50.00", "1"),
        ("o3", "m2", "c1", "08 09:00:00", "08 09:01:00", "08 09:05:00", "10.00", "1"),
        ("o4", "m2", "c2", "09 09:00:00", "09 09:01:00", "09 09:05:00", "10.00", "1"),
    ]
    return [
        row(
            "orders",
            mall,
            order_sn=order_sn,
            buyer_uid=buyer,
            created_time=f"2025-09-{created}",
            pay_time=f"2025-09-{paid}",
            confirm_time=f"2025-09-{grouped}",
            updated_at=f"2025-09-{grouped}",
            group_status="1",
            confirm_status="1",
            pay_amount=yuan,
            goods_count=pieces,
        )
        for order_sn, mall, buyer, created, paid, grouped, yuan, pieces in placed
    ]


def others() -> dict[str, list[dict]]:
    return {
        "malls": [
            row("malls", mall, mall_name=mall, category_name="女装")
            for mall in ("m1", "m2")
        ],
        "agents": [row("agents", "m1", cs_uid=agent) for agent in ("a1", "a2")],
        "refunds": [
            row(
                "refunds",
                "m1",
                id="r1",
                order_sn="o1",
                after_sales_status="10",
                after_sale_reason="质量问题",
                created_time=unix("12 09:00:00"),
                updated_time=unix("14 09:00:00"),
                refund_success_time=unix("14 09:00:00"),
                refund_amount="99.90",
                liability="merchant",
                sign_time=unix("12 03:00:00"),
            )
        ],
        "complaints": [
            row(
                "complaints",
                "m1",
                complaint_id="c1",
                buyer_uid="b4",
                channel="platform_hotline",
                problem_code="not_shipped_in_time",
                created_time=unix("11 08:00:00"),
            )
        ],
        "ratings": [
            row(
                "ratings",
                "m1",
                rating_id=rating_id,
                buyer_uid="b1",
                cs_uid="a1",
                score=score,
                created_time=unix("10 11:00:00"),
            )
            for rating_id, score in (("g1", "5"), ("g2", "2"))
        ],
    }


Ask = Callable[..., list[tuple]]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Build the two shops once; ask the published file for columns of rows."""
    world = Kefu(home=tmp_path_factory.mktemp("golden"))
    for table, rows in {"messages": messages(), "orders": orders(), **others()}.items():
        land(world.raw_root, table, rows, load_date="2025-09-21")
    done = world(
        "run",
        *("--vars", "{score_min_orders: 2, score_min_peers: 2}"),
        # Other builds are tested as a whole; this one is read by hand.
        *("--no-tests", "--publish-untested"),
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def ask(table: str, columns: str, where: str, order: str = "all") -> list[tuple]:
        with duckdb.connect(str(world.published), read_only=True) as connection:
            return connection.execute(
                f"select {columns} from marts.{table} where {where} order by {order}"
            ).fetchall()

    return ask


def only(rows: list[tuple]) -> tuple:
    (found,) = rows
    return found


def test_replies_of_the_mall(published: Ask) -> None:
    counts = only(
        published(
            "mall_kpi_daily",
            "consult_buyers, assessed_consult_buyers, robot_only_buyers,"
            " received_buyers, assessed_messages, messages_replied_30s,"
            " answered_messages, unanswered_messages, late_buyers_3min,"
            " late_buyers_5min, ineffective_buyers, agent_messages, buyer_messages",
            f"mall_id = 'm1' and service_date = '{DAY}'",
        )
    )
    assert counts == (
        4,  # b1, b2, b3, b4
        2,  # b1, b4: b2 wrote only outside 08-23, b3 is robot-only
        1,  # b3
        2,  # b1, b2
        4,  # three of b1, one of b4
        1,  # the 30 s
        3,  # 50, 30, 400 s
        1,  # b4's
        2,  # b1 (400 s), b4 (never)
        2,  # the same at 300 s
        1,  # b4; 400 s are within the hour
        3,  # a1, a2 to b1, a1 to b2
        7,  # 3 + 2 + 1 + 1
    )
    figures = only(
        published(
            "mall_kpi_daily",
            "reply_rate_30s, avg_response_seconds, median_response_seconds,"
            " p90_response_seconds, reply_rate_3min, reply_rate_5min,"
            " effective_reply_rate, first_response_seconds, answer_ask_ratio",
            f"mall_id = 'm1' and service_date = '{DAY}'",
        )
    )
    assert figures == pytest.approx(
        (
            0.25,  # 1 / 4
            160.0,  # (50 + 30 + 400) / 3
            50.0,  # the middle of 30, 50, 400
            330.0,  # 0.9 * 2 = 1.8 steps: 50 + 0.8 * (400 - 50)
            0.0,  # 1 - 2/2
            0.0,  # 1 - 2/2
            0.5,  # 1 - 1/2
            50.0,  # b1's; b4 has none
            3 / 7,
        )
    )


def test_replies_of_the_agents(published: Ask) -> None:
    # a1 answers for b1's first two and b2's first, and for b2's night message as
    # the last who wrote to him that day; a2 for b1's third and as b4's assignee.
    rows = published(
        "agent_kpi_daily",
        "cs_uid, consult_buyers, received_buyers, assessed_messages,"
        " messages_replied_30s, answered_messages, avg_response_seconds,"
        " late_buyers_3min, reply_rate_3min, effective_reply_rate, agent_messages,"
        " buyer_messages, answer_ask_ratio, max_concurrent_buyers",
        f"mall_id = 'm1' and service_date = '{DAY}'",
    )
    assert rows == [
        # (50 + 30) / 2 = 40; 2 messages to 4
        ("a1", 2, 2, 2, 1, 2, 40.0, 0, 1.0, 1.0, 2, 4, 0.5, 1),
        # 400 / 1; b1 and b4 late; 1 - 1/2; 1 message to 2
        ("a2", 2, 1, 2, 0, 1, 400.0, 2, 0.0, 0.5, 1, 2, 0.5, 1),
    ]


def test_shifts_of_an_agent(published: Ask) -> None:
    rows = published(
        "agent_kpi_shift_daily",
        "shift_name, agent_messages, buyer_messages, assessed_messages",
        f"cs_uid = 'a1' and service_date = '{DAY}'",
    )
    # Without a roster the default shifts hold: 00-08, 08-16, 16-24. b2's question
    # of 07:59:59 lies in the night shift, a1's answer half a minute later does not.
    assert sorted(rows) == sorted(
        [("夜班", 0, 1, 0), ("早班", 2, 2, 2), ("晚班", 0, 1, 0)]
    )


def test_hour_of_the_day(published: Ask) -> None:
    rows = published(
        "hourly_load",
        "messages, buyer_messages, agent_messages, buyers, active_agents,"
        " assessed_messages, messages_replied_30s, reply_rate_30s,"
        " buyers_per_active_agent",
        f"mall_id = 'm1' and service_date = '{DAY}' and hour_of_day = 10",
    )
    # b1 three times, a1 and a2 once each; one reply in three within 30 s.
    assert only(rows) == pytest.approx((5, 3, 2, 1, 2, 3, 1, THIRD, 0.5))


def test_sales_and_inquiries(published: Ask) -> None:
    # b4 comes within 15 days of his order and buys nothing new: after-sales. Of the
    # inquiries of b1, b2 and b3 one is converted.
    mall = only(
        published(
            "mall_kpi_daily",
            "after_sales_consult_buyers, inquiry_buyers, final_group_buyers,"
            " inquiry_conversion_rate, inquiry_lost_buyers, sales_amount,"
            " net_sales_amount, sales_buyers, sales_orders, sales_units,"
            " avg_order_value, units_per_buyer, is_conversion_final",
            f"mall_id = 'm1' and service_date = '{DAY}'",
        )
    )
    # Refunded on the 14th, later than the 10th + 3: net sales keep o1.
    yuan = Decimal("99.90")
    assert mall == (1, 3, 1, THIRD, 2, yuan, yuan, 1, 1, 2, 99.9, 2.0, True)
    attributed = published(
        "fct_orders",
        "order_sn, attributed_cs_uid, attributed_consult_date, attribution_step",
        "mall_id = 'm1'",
    )
    # a2 wrote last before o1 was created at 10:20; nobody had written to b4.
    assert attributed == [
        ("o1", "a2", DAY, "before_order"),
        ("o2", None, None, None),
    ]


def test_refunds_and_ratings_over_30_days(published: Ask) -> None:
    figures = only(
        published(
            "mall_kpi_30d",
            "days_observed, distinct_consult_buyers_30d, grouped_orders,"
            " paid_grouped_amount, attributed_grouped_amount, cs_sales_share,"
            " refunded_orders, refund_rate, quality_refund_rate,"
            " dispute_refund_rate_of_refunds, avg_refund_hours,"
            " after_sales_first_response_seconds, rating_count, low_rating_rate,"
            " avg_rating",
            f"mall_id = 'm1' and as_of_date = '{END}'",
        )
    )
    assert figures == (
        13,  # the 8th, when the first orders were grouped, to the 20th
        4,
        2,
        Decimal("149.90"),  # 99.90 + 50.00
        Decimal("99.90"),
        pytest.approx(99.9 / 149.9),
        1,
        0.5,  # 1 / 2
        0.5,  # signed before the request, so within 18 h: 1 / 2
        0.0,  # 0 / 1
        48.0,  # 12th 09:00 to 14th 09:00
        600.0,  # 09:00 to 09:10
        2,
        0.5,  # the 2 of 5 and 2
        3.5,  # (5 + 2) / 2
    )


def test_help_requests(published: Ask) -> None:
    rows = published(
        "fct_help_requests",
        "channel, module, problem_code, order_sn, is_counted, request_date",
        "mall_id = 'm1'",
        "channel",
    )
    # The hotline call names no order: it is b4's latest within 15 days.
    assert rows == [
        (
            "merchant_after_sales",
            "goods",
            "quality_defect",
            "o1",
            True,
            date(2025, 9, 12),
        ),
        (
            "platform_hotline",
            "shipping",
            "not_shipped_in_time",
            "o2",
            True,
            date(2025, 9, 11),
        ),
    ]
    rates = published(
        "help_seeking_rate_30d",
        "module, grouped_orders_30d, help_orders_30d, platform_help_orders_30d,"
        " help_orders_merchant_after_sales, help_orders_platform_hotline,"
        " help_seeking_rate, platform_help_rate",
        f"mall_id = 'm1' and as_of_date = '{END}'"
        " and module in ('all', 'goods', 'shipping', 'logistics')",
    )
    assert rates == [
        ("all", 2, 2, 1, 1, 1, 1.0, 0.5),
        ("goods", 2, 1, 0, 1, 0, 0.5, 0.0),
        ("logistics", 2, 0, 0, 0, 0, 0.0, 0.0),
        ("shipping", 2, 1, 1, 0, 1, 0.5, 0.5),
    ]
    # The day before the refund request only the call counts.
    assert published(
        "core_issues_30d",
        "problem_code, help_orders_30d, help_order_share, issue_rank, change_7d,"
        " platform_share",
        "mall_id = 'm1' and as_of_date = '2025-09-11'",
    ) == [("not_shipped_in_time", 1, 1.0, 1, 1, 1.0)]
    assert published(
        "core_issues_30d",
        "problem_code, help_orders_30d, help_order_share, issue_rank, change_7d,"
        " platform_share",
        f"mall_id = 'm1' and as_of_date = '{END}'",
    ) == [
        ("not_shipped_in_time", 1, 0.5, 1, 0, 1.0),
        ("quality_defect", 1, 0.5, 1, 0, 0.0),
    ]


def test_experience_score(published: Ask) -> None:
    modules = published(
        "experience_module_scores_30d",
        "mall_id, module, module_score",
        f"as_of_date = '{END}'",
    )
    scores = {(mall, module): score for mall, module, score in modules}
    # Goods: nobody turned to the platform (a tie, 0.5 each); m1's help rate is the
    # higher. m1: 5 * (0.7 * 0.5 + 0.3 * 0), m2: 5 * (0.7 * 0.5 + 0.3 * 1).
    assert scores["m1", "goods"] == pytest.approx(1.75)
    assert scores["m2", "goods"] == pytest.approx(3.25)
    # Shipping: m1 is worse in both. Where nothing happened both stand in the middle.
    assert scores["m1", "shipping"] == 0
    assert scores["m2", "shipping"] == 5
    assert scores["m1", "attitude"] == scores["m2", "attitude"] == 2.5

    rows = published(
        "experience_score_30d",
        "mall_id, experience_score, score_status, score_display, peer_scope,"
        " category_rank, category_percentile, change_7d, costliest_module, score_tier",
        f"as_of_date = '{END}'",
    )
    assert rows == [
        # (1.75 + 0 + 3 * 2.5) / 5; shipping loses all of its 5 points
        (
            "m1",
            pytest.approx(1.85),
            "scored",
            "1.85",
            "category",
            2,
            0.0,
            0.0,
            "shipping",
            "restricted",
        ),
        # (3.25 + 5 + 3 * 2.5) / 5; of three modules that lose 2.5, the first
        (
            "m2",
            pytest.approx(3.15),
            "scored",
            "3.15",
            "category",
            1,
            1.0,
            0.0,
            "logistics",
            "normal",
        ),
    ]
    # Until the 9th m1 has one order, fewer than the two that a score takes here.
    assert published(
        "experience_score_30d",
        "mall_id, score_status, score_display, peer_scope, category_percentile",
        "as_of_date = '2025-09-09'",
    ) == [
        ("m1", "insufficient_orders", "--", None, None),
        ("m2", "scored", "2.50", "all", 0.5),
    ]
