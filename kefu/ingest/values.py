"""What texts mean: times, amounts, counts, rates, durations, identifiers.

Each function gives a rule for one landed column, of a field that lies in the
frame as text (cleaned, so that an empty text is null). A value that is there
and cannot be read is a fault of its row.
"""

import polars as pl

from kefu.ingest.rows import Rule

BLANK = " \t\r\n\v\f\u00a0\u3000\ufeff"
DIGITS = r"^[0-9]+$"
WHOLE = r"^[0-9]+(\.0+)?$"
DECIMAL = r"^-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?$"
# A spreadsheet program keeps 15 digits of a number and shows it like this.
ROUNDED = r"^[0-9](\.[0-9]+)?[eE]\+?[0-9]+$"
TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
NOTHING = pl.lit(None, pl.String)
PLACES = 2
WHOLE_PERCENT = 100


def cleaned(column: str, empty: frozenset[str]) -> pl.Expr:
    """Return a column trimmed, with null for every text that means nothing."""
    text = pl.col(column).str.strip_chars(BLANK)
    return pl.when(~text.is_in(["", *sorted(empty)])).then(text).alias(column)


def given(column: str, name: str) -> tuple[pl.Expr, str]:
    """Return the fault of a column that is empty."""
    return pl.col(column).is_null(), f"{name} is empty"


def constant(column: str, text: str | None) -> Rule:
    """Land the same text in every row."""
    return Rule(column, pl.lit(text, pl.String))


def text(column: str) -> Rule:
    """Land a text as it is."""
    return Rule(column, pl.col(column))


def identifier(column: str, name: str, required: bool = False) -> Rule:
    """Land an identifier; one that a spreadsheet program rounded is a fault."""
    faults = [given(column, name)] if required else []
    damaged = pl.col(column).str.contains(ROUNDED)
    said = (
        f"{name} was rounded by a spreadsheet program: export the file again, and"
        " do not save it there"
    )
    return Rule(column, pl.col(column), (*faults, (damaged, said)))


def whole(column: str, name: str, required: bool = False) -> Rule:
    """Land a count or a code: digits, no sign."""
    faults = [given(column, name)] if required else []
    bad = ~pl.col(column).str.contains(WHOLE)
    value = pl.col(column).str.replace(r"\.0+$", "")
    return Rule(column, value, (*faults, (bad, f"{name} is no whole number")))


def amount(column: str, name: str, required: bool = False) -> Rule:
    """Land yuan as decimal text."""
    faults = [given(column, name)] if required else []
    plain = _plain_amount(column)
    bad = pl.col(column).is_not_null() & ~plain.str.contains(DECIMAL)
    value = plain.str.replace_all(",", "", literal=True)
    negative = value.str.starts_with("-") & value.str.contains("[1-9]")
    return Rule(
        column,
        value,
        (*faults, (bad, f"{name} is no amount"), (negative, f"{name} is negative")),
    )


def _plain_amount(column: str) -> pl.Expr:
    return pl.col(column).str.replace(r"^[¥￥]", "").str.replace(r"元$", "")


def cents(column: str, name: str) -> Rule:
    """Land fen, a whole number, as yuan with two digits."""
    number = pl.col(column).str.replace(r"\.0+$", "").str.strip_chars_start("0")
    filled = number.str.zfill(PLACES + 1)
    value = filled.str.head(-PLACES) + "." + filled.str.tail(PLACES)
    bad = ~pl.col(column).str.contains(WHOLE)
    said = f"{name} is no whole number of fen: if it is in yuan, say --amounts yuan"
    return Rule(column, value, (given(column, name), (bad, said)))


def total(column: str, parts: list[str]) -> Rule:
    """Land the sum of amounts, exactly; null where none is given.

    That each part can be read is for rules of their own to say.
    """
    numbers = [
        _plain_amount(part)
        .str.replace_all(",", "", literal=True)
        .cast(pl.Decimal(24, 4), strict=False)
        for part in parts
    ]
    is_given = pl.any_horizontal(pl.col(part).is_not_null() for part in parts)
    summed = pl.sum_horizontal(*(number.fill_null(0) for number in numbers))
    text_of_sum = summed.cast(pl.String).str.replace(r"(\.\d{2}\d*?)0*$", "${1}")
    return Rule(column, pl.when(is_given).then(text_of_sum))


def moment(column: str) -> pl.Expr:
    """Return a local time in one of the two spellings, null if it is neither."""
    plain = pl.col(column).str.replace_all("/", "-", literal=True)
    return pl.coalesce(
        plain.str.to_datetime(form, strict=False, time_unit="us") for form in TIMES
    )


def local(value: pl.Expr) -> pl.Expr:
    """Return a time as the contract writes it."""
    return value.dt.strftime("%Y-%m-%d %H:%M:%S")


def local_time(column: str, name: str, required: bool = False) -> Rule:
    """Land a local time."""
    faults = [given(column, name)] if required else []
    value = moment(column)
    bad = pl.col(column).is_not_null() & value.is_null()
    said = f"{name} is no time such as 2026-11-20 08:30:00"
    return Rule(column, local(value), (*faults, (bad, said)))


def unix_time(column: str, name: str, required: bool = False) -> Rule:
    """Land Unix seconds or milliseconds as they are; 0 is unset."""
    faults = [given(column, name)] if required else []
    bad = ~pl.col(column).str.contains(DIGITS)
    unset = pl.col(column).str.contains("^0+$")
    if required:
        faults.append((unset, f"{name} is empty"))
    value = pl.when(~unset).then(pl.col(column))
    return Rule(column, value, (*faults, (bad, f"{name} is no Unix time")))


def date(column: str, name: str, required: bool = False) -> Rule:
    """Land a date; a clock behind it is dropped."""
    faults = [given(column, name)] if required else []
    plain = pl.col(column).str.replace_all("/", "-", literal=True)
    day = plain.str.replace(r" 0?0:00(:00)?$", "").str.to_date("%Y-%m-%d", strict=False)
    bad = pl.col(column).is_not_null() & day.is_null()
    said = f"{name} is no date such as 2026-11-20"
    return Rule(column, day.dt.strftime("%Y-%m-%d"), (*faults, (bad, said)))


def choice(
    column: str, name: str, meanings: dict[str, str], required: bool = False
) -> Rule:
    """Land what a text stands for, as mapping.yml lists it."""
    faults = [given(column, name)] if required else []
    value = looked_up(column, meanings)
    bad = pl.col(column).is_not_null() & value.is_null()
    said = f"{name} has a value that mapping.yml does not list"
    return Rule(column, value, (*faults, (bad, said)))


def looked_up(column: str, meanings: dict[str, str]) -> pl.Expr:
    """Return what texts stand for, compared as headers are; null if unlisted."""
    key = (
        pl.col(column)
        .str.normalize("NFKC")
        .str.replace_all(r"\s", "")
        .str.to_lowercase()
    )
    return key.replace_strict(
        list(meanings), list(meanings.values()), default=None, return_dtype=pl.String
    )


def rate(column: str, name: str) -> Rule:
    """Land a rate such as 97.78% as a ratio, by moving the point.

    A number of a sheet comes as a percentage, so that one which is no share
    (97.78 for 97.78%) is above 100% here, and a fault.
    """
    percent = r"^[0-9]+(\.[0-9]+)?%$"
    bad = ~pl.col(column).str.contains(percent)
    said = f"{name} is no rate such as 97.78%"
    number = pl.col(column).str.strip_chars_end("%").cast(pl.Float64, strict=False)
    above = (
        f"{name} is above 100%: expected is a text such as 97.78%, or in a sheet a"
        " number between 0 and 1"
    )
    return Rule(
        column,
        ratio_of_percent(pl.col(column)),
        ((bad, said), (number > WHOLE_PERCENT, above)),
    )


def ratio_of_percent(value: pl.Expr) -> pl.Expr:
    """Return 97.78% as 0.9778, with every digit kept."""
    number = value.str.strip_chars_end("%").cast(pl.Decimal(20, 8), strict=False)
    hundredth = (number.cast(pl.Decimal(30, 10)) / pl.lit(100)).cast(pl.Decimal(30, 10))
    return hundredth.cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")


def duration(column: str, name: str) -> Rule:
    """Land a duration such as 9秒, 0.37 分钟 or 1分9秒 in seconds."""
    number = r"([0-9]+(?:\.[0-9]+)?)"
    form = rf"^(?:{number}(?:小时|时))?(?:{number}(?:分钟|分))?(?:{number}秒)?$"
    plain = pl.col(column).str.replace_all(r"\s", "")
    seconds = sum(
        plain.str.extract(form, group)
        .cast(pl.Decimal(24, 6), strict=False)
        .fill_null(0)
        * pl.lit(unit)
        for group, unit in ((1, 3600), (2, 60), (3, 1))
    )
    bad = ~plain.str.contains(form)
    value = (
        seconds.cast(pl.Decimal(30, 6))
        .cast(pl.String)
        .str.strip_chars_end("0")
        .str.strip_chars_end(".")
    )
    said = f"{name} is no duration such as 9秒 or 0.37 分钟"
    return Rule(column, pl.when(plain.is_not_null()).then(value), ((bad, said),))
