"""Chat messages: the payload of the merchant back end's chat."""

import polars as pl

from kefu.ingest import values
from kefu.ingest.mapping import KindMapping
from kefu.ingest.options import Options
from kefu.ingest.records import texts
from kefu.ingest.rows import RowError, Rule

BUYER, SHOP = "user", "mall_cs"


def flatten(columns: dict, mapping: KindMapping) -> dict[str, str | None]:
    """Flatten a message: who it is from, and which buyer it is about.

    The buyer is the side whose role is `user`. Cards have an object where
    others have their text: it does not land.
    """
    sender, receiver = _side(columns, "from"), _side(columns, "to")
    role = sender["role"]
    if role not in mapping.extra["roles"]:
        raise RowError("from.role is none of " + ", ".join(mapping.extra["roles"]))
    buyers = [side["uid"] for side in (sender, receiver) if side["role"] == BUYER]
    if len(buyers) != 1:
        raise RowError("not one of from and to is the buyer (role user)")
    content = columns["content"]
    row = texts(columns, "from", "to", "orders", "content")
    row["content"] = content if isinstance(content, str) else None
    row["from_role"] = role
    row["buyer_uid"] = buyers[0]
    row["cs_uid"] = sender["cs_uid"] if role == SHOP else None
    shop = receiver if role == BUYER else sender
    row["shop"] = shop["mall_id"]
    row["order_sn"] = _order_sn(columns["orders"], mapping)
    return row


def _side(columns: dict, name: str) -> dict[str, str | None]:
    side = columns[name]
    if not isinstance(side, dict):
        raise RowError(f"{name} is no object with role and uid")
    asked = ("role", "uid", "cs_uid", "mall_id")
    read = texts({f"{name}.{key}": side.get(key) for key in asked})
    return {key: read[f"{name}.{key}"] or None for key in asked}


def _order_sn(orders: object, mapping: KindMapping) -> str | None:
    """Return the order that a card names; of several it is not known which."""
    entries = orders if isinstance(orders, list) else [orders]
    found = {
        text.strip()
        for entry in entries
        if isinstance(entry, dict)
        for key in mapping.extra["order_numbers"]
        if (text := texts({key: entry.get(key)})[key])
    }
    return found.pop() if len(found) == 1 else None


def rules(names: dict[str, str], mapping: KindMapping, options: Options) -> list[Rule]:
    """Return the rules of chat messages."""
    foreign = pl.col("shop").is_not_null() & (pl.col("shop") != options.mall_id)
    said = "from.mall_id is another shop than --mall-id says"
    buyer = values.identifier("buyer_uid", "uid of the buyer", required=True)
    return [
        Rule("mall_id", pl.lit(options.mall_id), ((foreign, said),)),
        values.identifier("msg_id", "msg_id", required=True),
        buyer,
        values.text("from_role"),
        values.identifier("cs_uid", "from.cs_uid"),
        values.whole("type", "type"),
        values.text("template_name"),
        values.text("content"),
        values.unix_time("ts", names["ts"], required=True),
        _need_reply(),
        values.identifier("order_sn", "orders"),
    ]


def _need_reply() -> Rule:
    meanings = {"true": "true", "false": "false", "1": "true", "0": "false"}
    return values.choice("need_reply", "need_reply", meanings)
