"""The kinds of files that can be ingested, and the table each lands in."""

from collections.abc import Callable
from dataclasses import dataclass

from kefu.contract import LOADED_AT, SOURCE_FILE, Table
from kefu.ingest import chats, orders, refunds, reports, rosters
from kefu.ingest.mapping import KindMapping
from kefu.ingest.options import Options
from kefu.ingest.records import Flatten, plain
from kefu.ingest.rows import Rule

Rules = Callable[[dict[str, str], KindMapping, Options], list[Rule]]


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    made: fields that the kind makes itself, beside those of mapping.yml.
    flatten: set for JSON, it turns a record into texts.
    percents: columns in which a spreadsheet's number is a ratio.
    """

    name: str
    table: str
    rules: Rules
    made: tuple[str, ...] = ()
    flatten: Flatten | None = None
    percents: frozenset[str] = frozenset()


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "order-export",
            "orders",
            orders.export_rules,
        ),
        Kind(
            "order-api",
            "orders",
            orders.answer_rules,
            made=("goods_id", "goods_count"),
            flatten=orders.flatten_answer,
        ),
        Kind(
            "refund-list",
            "refunds",
            refunds.rules,
            flatten=plain,
        ),
        Kind(
            "refund-detail",
            "refunds",
            refunds.rules,
            flatten=plain,
        ),
        Kind(
            "chat",
            "messages",
            chats.rules,
            made=("from_role", "buyer_uid", "cs_uid", "shop", "order_sn"),
            flatten=chats.flatten,
        ),
        Kind(
            "performance",
            "official_agent_kpi",
            reports.performance_rules,
            made=("row_type",),
            percents=frozenset(reports.RATES),
        ),
        Kind(
            "score",
            "official_experience_score",
            reports.score_rules,
        ),
        Kind(
            "malls",
            "malls",
            rosters.mall_rules,
        ),
        Kind("agents", "agents", rosters.agent_rules),
        Kind("shifts", "agent_shifts", rosters.shift_rules),
    )
}


def landed_columns(kind: Kind, contract: dict[str, Table]) -> list[str]:
    """Return the columns that a kind lands, in order, without the book columns."""
    book = (LOADED_AT, SOURCE_FILE)
    return [name for name in contract[kind.table].columns if name not in book]
