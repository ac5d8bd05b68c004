"""Data Docs: the audit as static pages that can be read without a network.

Great Expectations renders them; its pages take styles, icons and a logo from
the net, and its index is empty without scripts from there. So whatever points
outside is dropped, plain styles stand in for it, and the index is ours.
"""

import contextlib
import html
import os
import re
import shutil
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from kefu.audit.report import ROWS_SHOWN, AuditReport, Outcome
from kefu.files import remove

if TYPE_CHECKING:
    from great_expectations.data_context import AbstractDataContext

SITE = "audit"
# Wholly dropped, with what is in them.
DROPPED = {"script", "footer"}
BODY = re.compile(r"<body[^>]*>")
OUTSIDE = ("http:", "https:", "//")

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem auto; padding: 0 1rem;
    max-width: 75rem; color: #222; background: #fff; }
table { border-collapse: collapse; margin: .5rem 0; }
td, th { border: 1px solid #ccc; padding: .3rem .6rem; vertical-align: top;
    text-align: left; }
pre, code { white-space: pre-wrap; }
.d-none, [hidden], .popover, .cooltip .top { display: none; }
.card, .alert { border: 1px solid #ddd; padding: .5rem; margin: .5rem 0; }
.fa-check-circle::before { content: "\\2713"; color: #137333; font-weight: bold; }
.fa-times::before { content: "\\2717"; color: #b3261e; font-weight: bold; }
.fa-exclamation-triangle::before { content: "!"; color: #b3261e; }
.blocking { color: #b3261e; font-weight: bold; }
.warning { color: #9a6700; }
.passed { color: #137333; }
"""


def write_data_docs(
    context: "AbstractDataContext", report: AuditReport, folder: Path
) -> None:
    """Put the pages of this audit in the place of the folder's, at one stroke.

    `folder` becomes a symbolic link to the folder of this run; readers see the
    old pages or the new ones. Raises OSError if they cannot be written.
    """
    parent = folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=parent))
    fresh.chmod(0o755)
    context.add_data_docs_site(
        SITE,
        {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(fresh),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    context.build_data_docs(site_names=[SITE])
    shutil.rmtree(fresh / "static", ignore_errors=True)
    for page in fresh.rglob("*.html"):
        text = without_network(page.read_text("utf-8"))
        # Each page can be opened, or sent to somebody, without the index.
        text = BODY.sub(lambda found: found[0] + standing(report), text, count=1)
        page.write_text(text, encoding="utf-8")
    (fresh / "index.html").write_text(index_page(report, fresh), encoding="utf-8")
    _put_in_place(fresh, folder)


def _put_in_place(fresh: Path, folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    link = fresh.with_name(f"{fresh.name}.link")
    link.symlink_to(fresh.name, target_is_directory=True)
    os.replace(link, folder)
    for old in folder.parent.glob(f".{folder.name}-*"):
        if old != fresh:
            # A link, too: of a run that was killed before it was renamed.
            with contextlib.suppress(OSError):
                remove(old)


class _Filter(HTMLParser):
    """Copies a page without what is outside of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self.dropping: list[str] = []
        self.unwrapped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self.dropping.append(tag)
        if self.dropping:
            return
        target = dict(attrs).get("href") or dict(attrs).get("src") or ""
        if target.startswith(OUTSIDE):
            self.unwrapped += tag == "a"
            return
        if tag == "a" and self.unwrapped:
            self.unwrapped += 1
        self.kept.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href") or dict(attrs).get("src") or ""
        if not self.dropping and not target.startswith(OUTSIDE):
            self.kept.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if self.dropping:
            if tag == self.dropping[-1]:
                self.dropping.pop()
            return
        if tag == "a" and self.unwrapped:
            self.unwrapped -= 1
            return
        if tag == "head":
            self.kept.append(f"<style>{STYLE}</style>")
        self.kept.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.dropping:
            # Great Expectations' own styles name a logo on the net.
            self.kept.append(data.replace("url('https:", "url('data:"))

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self.kept.append(f"<!{decl}>")


def without_network(page: str) -> str:
    """Return the page with nothing that a browser would fetch from elsewhere."""
    keeper = _Filter()
    keeper.feed(page)
    keeper.close()
    return "".join(keeper.kept)


def standing(report: AuditReport) -> str:
    """Return the paragraph that says how this audit's build and BI's file stand.

    The pages lie beside the published file also where they are of another build.
    """
    if report.passed:
        told = "The audit lets this build be published."
    else:
        told = "The audit kept this build from being published."
    compared = report.told_of_publication()
    compared = html.escape(compared[0].upper() + compared[1:])
    return (
        f"<p class={'passed' if report.passed else 'blocking'}>{told} {compared}."
        " Which version is published now, <code>kefu published</code> tells.</p>"
    )


def index_page(report: AuditReport, folder: Path) -> str:
    """Return the page that lists the checks and links to what was rendered."""
    links = "".join(
        f'<li><a href="{quote(str(page.relative_to(folder)))}">'
        f"{html.escape(': '.join(page.relative_to(folder).parts[1:3]))}</a></li>"
        for page in sorted((folder / "validations").rglob("*.html"))
    )
    counts = ", ".join(
        f"{number} {kind.replace('_', ' ')}" for kind, number in report.counts().items()
    )
    rows = "".join(map(_index_row, report.outcomes))
    unjudged = "".join(
        f"<p>Not judged: {html.escape(line)}.</p>" for line in report.sources_told()
    )
    state = "passed" if report.passed else "failed"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Audit {html.escape(report.run_id)}</title><style>{STYLE}</style>"
        f"</head><body><h1>Audit {state}</h1>{standing(report)}"
        f"<p>Run {html.escape(report.run_id)}, {html.escape(report.audited_at)}:"
        f" {counts}.</p><table><tr><th>check</th>"
        "<th>result</th><th>what must hold</th><th>found</th><th>what to do</th></tr>"
        f"{rows}</table>{unjudged}<h2>Suites</h2><ul>{links}</ul></body></html>\n"
    )


def _index_row(outcome: Outcome) -> str:
    if outcome.success is None:
        kind, found = "not judged", outcome.not_judged
    elif outcome.success:
        kind, found = "passed", ""
    else:
        kind = "accepted" if outcome.accepted_reason else outcome.severity
        found = "<br>".join(
            html.escape(", ".join(f"{name} {value}" for name, value in row.items()))
            for row in outcome.keys[:ROWS_SHOWN]
        )
    todo = "" if outcome.success is not False else outcome.advice
    if outcome.accepted_reason:
        todo = f"accepted: {outcome.accepted_reason}"
    return (
        f"<tr><td>{outcome.name}</td><td class={kind.split()[0]}>{kind}</td>"
        f"<td>{html.escape(outcome.meaning)}</td><td>{found}</td>"
        f"<td>{html.escape(todo)}</td></tr>"
    )
