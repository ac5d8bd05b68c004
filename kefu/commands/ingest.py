"""`kefu ingest`: files of the platform into landings."""

import csv
import datetime as dt
from pathlib import Path

import click

from kefu.console import say
from kefu.errors import EXIT_INPUT, EXIT_USAGE, KefuError, one_line
from kefu.ingest.options import FEN, KINDS_TOLD, YUAN, Options
from kefu.settings import DEMO_MARK, Settings

# So many runs of row numbers of one reason are printed; --refused has them all.
SPANS_SHOWN = 200

# The kind whose rows name their shops themselves.
MALLS = "malls"

DAY = click.DateTime(["%Y-%m-%d"])

EPILOG = "\b\nKinds:\n" + "\n".join(
    f"  {kind:<14} {told}" for kind, told in KINDS_TOLD.items()
)


@click.command("ingest", epilog=EPILOG)
@click.argument("words", metavar="KIND FILE...", nargs=-1)
@click.option("--mall-id", help="The shop that the files are of; malls needs none.")
@click.option("--dry-run", is_flag=True, help="Show what would land; land nothing.")
@click.option(
    "--amounts",
    type=click.Choice([FEN, YUAN]),
    help="Unit of the amounts, for refund-detail.",
)
@click.option(
    "--type-numbering",
    type=click.Choice(["list", "detail"]),
    default="list",
    show_default=True,
    help="For refund-list: which numbers after_sales_type has.",
)
@click.option(
    "--paid-when-grouped",
    is_flag=True,
    help="For order-export without 支付时间: paid at 订单成交时间.",
)
@click.option("--from", "first", type=DAY, help="First date of a performance report.")
@click.option("--to", "last", type=DAY, help="Last date of a performance report.")
@click.option("--again", is_flag=True, help="Land files that have landed before.")
@click.option(
    "--refused",
    "refused_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file for the rows that could not be mapped.",
)
@click.option(
    "--template",
    metavar="KIND",
    help="Print an empty form, or write it: kefu ingest --template KIND FILE.xlsx",
)
def command(
    words: tuple[str, ...],
    mall_id: str | None,
    dry_run: bool,
    amounts: str | None,
    type_numbering: str,
    paid_when_grouped: bool,
    first: dt.datetime | None,
    last: dt.datetime | None,
    again: bool,
    refused_file: Path | None,
    template: str | None,
) -> None:
    """Land files of the merchant back end and the Open Platform.

    What a file's headers mean, what is left out and which rows could not be
    mapped is said for every file. Personal columns never land. A file that
    has landed before lands nothing. Of files of one kind the later counts:
    give the older first.
    """
    if template:
        _offer(template, words)
        return
    kind, paths = _kind_and_files(words)
    period = _period(kind, first, last)
    shop = (mall_id or "").strip()
    if not shop and kind != MALLS:
        raise click.UsageError("--mall-id is missing: the shop that the files are of")
    options = Options(
        mall_id=shop,
        amounts=amounts,
        type_numbering=type_numbering,
        paid_when_grouped=paid_when_grouped,
        period=period,
        again=again,
    )
    _check_options(kind, options)

    from kefu.contract import read_contract  # noqa: PLC0415
    from kefu.ingest.kinds import KINDS  # noqa: PLC0415
    from kefu.ingest.run import Job  # noqa: PLC0415

    settings = Settings.from_env()
    if shop and not (shop.isascii() and shop.isdigit()):
        say(
            f"warning: --mall-id {one_line(shop, 60)} is no number, as the platform's"
            " ids of shops are: the rows of a shop belong together by its id, never"
            " by its name"
        )
    contract = read_contract(settings.root)
    job = Job(KINDS[kind], options, settings.raw_root, contract, dry_run)
    _ingest(settings, job, paths, refused_file)


def _kind_and_files(words: tuple[str, ...]) -> tuple[str, list[Path]]:
    if not words:
        raise click.UsageError("say what kind of files and which: KIND FILE...")
    if words[0] not in KINDS_TOLD:
        raise click.UsageError(
            f"{words[0]} is no kind of file: it is one of {', '.join(KINDS_TOLD)}"
        )
    if not words[1:]:
        raise click.UsageError("name at least one file")
    return words[0], [Path(word) for word in words[1:]]


def _period(
    kind: str, first: dt.datetime | None, last: dt.datetime | None
) -> tuple[dt.date, dt.date] | None:
    if kind != "performance":
        if first or last:
            raise click.UsageError("--from and --to are for performance reports")
        return None
    if not first or not last:
        raise click.UsageError(
            "the report does not say which days it is of: give --from and --to"
        )
    if last < first:
        raise click.UsageError("--to lies before --from")
    return first.date(), last.date()


def _check_options(kind: str, options: Options) -> None:
    if kind == "refund-detail" and not options.amounts:
        raise click.UsageError(
            "the detail answers do not say whether their amounts are fen or yuan:"
            " give --amounts fen or --amounts yuan"
        )
    if kind != "refund-detail" and options.amounts:
        raise click.UsageError("--amounts is for refund-detail")
    if kind != "refund-list" and options.type_numbering != "list":
        raise click.UsageError("--type-numbering is for refund-list")
    if kind != "order-export" and options.paid_when_grouped:
        raise click.UsageError("--paid-when-grouped is for order-export")


def _offer(kind: str, words: tuple[str, ...]) -> None:
    from kefu.ingest import templates  # noqa: PLC0415

    if not words:
        click.echo(templates.csv_text(templates.template_of(kind)), nl=False)
        return
    if len(words) > 1:
        raise click.UsageError("--template takes one file to write")
    templates.write_template(kind, Path(words[0]))
    say(f"written: {words[0]}")


def _ingest(
    settings: Settings, job: object, paths: list[Path], refused_file: Path | None
) -> None:
    from kefu.ingest.run import Outcome, ingest_files  # noqa: PLC0415
    from kefu.landed_vars import FILE, turn_on_for_orders  # noqa: PLC0415
    from kefu.run_lock import folder_read, held  # noqa: PLC0415

    root = settings.raw_root
    _prepare(settings)
    outcomes: list[Outcome] = []
    faults: list[Path] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        _show(outcome, job, root)

    def fail(path: Path, error: KefuError) -> None:
        faults.append(path)
        click.echo(f"kefu: {path.name}: {error}", err=True)

    is_turned_on = False

    def about_to_land() -> None:
        nonlocal is_turned_on
        if job.kind.table == "orders":
            is_turned_on = turn_on_for_orders(root) or is_turned_on

    with folder_read(root), held(root / "ingest", "ingest", wait=True, say=say):
        ingest_files(job, paths, tell, fail, about_to_land)
        if any(outcome.before for outcome in outcomes) and not job.dry_run:
            about_to_land()
    if is_turned_on:
        say(
            f"orders come without buyers: {FILE} has runs look for them in the chat"
            " (resolve_order_buyers)"
        )
    if refused_file:
        _write_refused(refused_file, outcomes)
    if faults:
        raise KefuError(_told_faults(faults, len(paths)), EXIT_INPUT)


def _told_faults(faults: list[Path], files: int) -> str:
    """Return which of so many files could not be ingested, and that others were."""
    names = ", ".join(path.name for path in faults)
    if files == 1:
        return f"{names} could not be ingested"
    done = files - len(faults)
    if not done:
        return f"none of the {files} files could be ingested ({names})"
    rest = "the other one is done" if done == 1 else "the others are done"
    return f"{len(faults)} of {files} files could not be ingested ({names}); {rest}"


def _prepare(settings: Settings) -> None:
    root = settings.raw_root
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KefuError(
            f"the raw root {root} cannot be made ({error.strerror}): set"
            " KEFU_RAW_ROOT to a folder you may write"
        ) from error
    if (root / DEMO_MARK).exists():
        raise KefuError(
            f"{root} holds demo data, which must not mix with a real shop's: set"
            " KEFU_RAW_ROOT to another folder",
            EXIT_USAGE,
        )
    if settings.raw_database:
        say(
            "note: KEFU_RAW_DATABASE is set, so a run reads that database and not"
            f" {root}"
        )


def _show(outcome: object, job: object, root: Path) -> None:
    """Print what became of one file."""
    from kefu.ingest.rows import spans  # noqa: PLC0415

    if outcome.before:
        say(f"{outcome.path.name}: landed before, nothing new")
        say(f"  {outcome.before.relative_to(root)} (--again lands it once more)")
        return
    say(f"{outcome.path.name}: {job.kind.name}, {outcome.form}")
    _show_elsewhere(outcome.elsewhere, job.kind.table, root)
    match = outcome.match
    if job.dry_run:
        for column, header in match.sources.items():
            say(f"  {header} -> {column}")
    lists = (
        ("not understood, not read", match.unknown),
        ("personal, not read", match.personal),
        ("not in the file, so empty", match.absent),
        ("not needed", match.ignored if job.dry_run else []),
    )
    for told, headers in lists:
        if headers:
            say(f"  {told}: {', '.join(one_line(name, 60) for name in headers)}")
    is_export = job.kind.name == "order-export"
    if is_export and "pay_time" not in match.sources:
        _show_unpaid(job.options.paid_when_grouped)
    if match.unnamed:
        say(f"  columns without a header, not read: {match.unnamed}")
    if outcome.refused.blank:
        say(f"  rows with nothing to read, passed over: {len(outcome.refused.blank):,}")
    for reason, numbers in outcome.refused.rows.items():
        _show_refused(spans(numbers), reason)
    if outcome.known:
        say(f"  already landed with more, by refund-detail: {outcome.known:,}")
    refused = len(outcome.refused)
    if not outcome.rows and not refused and not outcome.known:
        say("  no rows: the file has nothing to land")
        return
    done = "would land" if job.dry_run else "landed"
    counted = f"{done} {outcome.rows:,} rows, {refused:,} could not be mapped"
    if outcome.landed:
        counted += f": {outcome.landed.relative_to(root)}"
    say(f"  {counted}")


def _show_elsewhere(found: list, table: str, root: Path) -> None:
    """Warn of content that has landed for another shop or for other days."""
    for other in found:
        days = f", {other.days}" if other.days else ""
        name = other.path.relative_to(root).as_posix()
        say(
            "  warning: the same content has landed for the shop"
            f" {other.mall_id}{days}; if that was wrong, take it back:"
        )
        say(f"    kefu retract {table} --file {name} --reason TEXT")


def _show_unpaid(is_taken: bool) -> None:
    from kefu.ingest.orders import FIGURES_OF_PAID  # noqa: PLC0415

    if is_taken:
        say("  without a pay time: the time of the deal is taken for it")
        return
    say(
        "  without a pay time no order counts as paid, and these figures have nothing"
        f" to go by, whatever was sold: {', '.join(FIGURES_OF_PAID)},"
        " dispute_refund_orders of agents, and the ranks by sales and conversion"
    )
    say("  --paid-when-grouped takes the time of the deal for it")


def _show_refused(places: list[str], reason: str) -> None:
    shown = ", ".join(places[:SPANS_SHOWN])
    more = len(places) - SPANS_SHOWN
    rest = f" and {more:,} more (--refused FILE lists them)" if more > 0 else ""
    say(f"  row {shown}{rest}: {reason}")


def _write_refused(path: Path, outcomes: list) -> None:
    """Write the rows that could not be mapped: file, row, reason."""
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "row", "reason"])
            for outcome in outcomes:
                for reason, numbers in outcome.refused.rows.items():
                    for number in numbers:
                        writer.writerow([outcome.path.name, number, reason])
    except OSError as error:
        raise KefuError(
            f"{path} cannot be written ({error.strerror}): give another path with"
            " --refused"
        ) from error
