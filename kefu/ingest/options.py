"""What a call of `kefu ingest` says beside the files."""

import datetime as dt
from dataclasses import dataclass

FEN, YUAN = "fen", "yuan"

# Every kind of file and what it is, for people.
KINDS_TOLD = {
    "order-export": "order export of the merchant back end (xlsx, CSV)",
    "order-api": "Open Platform orders, list or detail answers (JSON)",
    "refund-list": "Open Platform refunds, list answers (JSON)",
    "refund-detail": "Open Platform refunds, detail answers (JSON; --amounts)",
    "chat": "chat payload (JSON lines)",
    "performance": "service performance report (xlsx, CSV; --from, --to)",
    "score": "values of the experience score page (CSV, xlsx, YAML, JSON)",
    "malls": "list of the shops with their categories (CSV, xlsx)",
    "agents": "agent roster (CSV, xlsx)",
    "shifts": "shift table (CSV, xlsx)",
}


@dataclass(frozen=True)
class Options:
    """The options of one call; what a kind does not need is None."""

    mall_id: str
    """The shop that the files are of; empty where they name their shops."""
    amounts: str | None = None
    """Unit of the amounts of refund details: fen or yuan."""
    type_numbering: str = "list"
    """How refund lists number after_sales_type: list or detail."""
    paid_when_grouped: bool = False
    """Take the confirm time for the pay time that an order export lacks."""
    period: tuple[dt.date, dt.date] | None = None
    """First and last date of a performance report."""
    again: bool = False
    """Land files even if they have been landed before."""

    @property
    def meaning(self) -> tuple[str, ...]:
        """What changes the rows that a file gives."""
        days = [day.isoformat() for day in self.period or ()]
        choices = (self.amounts or "", self.type_numbering)
        paid = ("paid when grouped",) * self.paid_when_grouped
        return (self.mall_id, *choices, *paid, *days)
