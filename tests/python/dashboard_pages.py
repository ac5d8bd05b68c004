"""What the tests of the dashboard share: published files to show, and pages."""

import os
import shutil
from pathlib import Path

import duckdb
import polars as pl
from streamlit.testing.v1 import AppTest

PAGES = (
    *("overview", "mall", "team", "agent"),
    *("mall_groups", "load", "after_sale", "official", "quality"),
)
LANGUAGES = ("zh", "en")


def copy_of(published: Path, file: Path, *statements: str) -> Path:
    """Copy a published file and change the copy; return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(published, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute("use marts")
        for statement in statements:
            connection.execute(statement)
    return file


def put_in_place(new: Path, file: Path) -> None:
    """Publish as a run does: by one rename."""
    os.replace(new, file)


def asked(file: Path, question: str, *values: object) -> pl.DataFrame:
    """Return the answer of a question to a published file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("use marts")
        return connection.sql(question, params=list(values)).pl()


def page_of(name: str, language: str, **chosen: object) -> AppTest:
    """Return a page as it is drawn in a language, with what was chosen before."""
    page = AppTest.from_string(
        f"from kefu.dashboard import shell\nshell.only({name!r})", default_timeout=60
    )
    page.session_state["language"] = language
    for key, value in chosen.items():
        page.session_state[key] = value
    return page.run()


def tile(page: AppTest, label: str) -> str:
    """Return what stands in a tile, as it is read."""
    (found,) = [metric.value for metric in page.metric if metric.label == label]
    return found.replace("\N{WORD JOINER}", "")


def tables_with(page: AppTest, *columns: str) -> list:
    """Return the tables (pandas) that have all of some columns."""
    return [
        table.value
        for table in page.dataframe
        if set(columns) <= set(table.value.columns)
    ]


def told(page: AppTest) -> str:
    """Return all texts of a page."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning")
    kinds += ("success", "error")
    return "\n".join(element.value for kind in kinds for element in getattr(page, kind))
