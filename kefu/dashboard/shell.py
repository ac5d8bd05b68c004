"""What stands around every page: navigation, language, day, mall, errors."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import import_module

import streamlit as st

from kefu.dashboard import figures
from kefu.dashboard.context import Context, member
from kefu.dashboard.needs import OF_SCORE, told_figures, told_sources
from kefu.dashboard.published import (
    NothingPublishedError,
    Published,
    UnreadableFileError,
    current,
)
from kefu.dashboard.text import LANGUAGES, Words
from kefu.dashboard.wording import clock
from kefu.settings import Settings

# Figures are read whole, and a page begins at its top.
STYLE = """
<style>
.stMainBlockContainer { padding: 2.2rem 2.5rem 3rem; }
[data-testid="stMetricValue"] { font-size: 1.6rem; }
[data-testid="stMetricLabel"] p, [data-testid="stMetricValue"] div,
[data-testid="stMetricDelta"] div {
    overflow: visible; text-overflow: clip; white-space: normal;
}
h1 { font-size: 2rem !important; }
h3 { font-size: 1.3rem !important; }
</style>
"""

# Each feeds figures; rosters, shifts and lists feed none by themselves.
SOURCES = ("messages", "orders", "refunds", "complaints", "ratings")
OF_MALLS = ("messages", "orders", "refunds", "complaints")
OF_AGENTS = ("messages", "orders", "complaints", "ratings")
# Agents have none of these.
OF_HELP = frozenset(
    {"help_order_share", "help_seeking_rate", "platform_help_rate", "platform_share"}
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """A page: its name in the text table and address, and what it asks for.

    `mall` is what the page looks at: "none", "one", or "any", which offers all
    malls together too. `sources` are those that its figures are made of.
    """

    name: str
    mall: str = "none"
    agent: bool = False
    sources: tuple[str, ...] = SOURCES

    def told_figures(self, lacking: list[str], context: Context) -> str:
        """Return the names of its figures that mean nothing without sources."""
        passed_over = OF_HELP if self.sources == OF_AGENTS else frozenset()
        return told_figures(lacking, context.metrics, context.words, passed_over)

    @property
    def shows_score(self) -> bool:
        """Whether the experience score is among its figures."""
        return self.name in ("overview", "mall", "mall_groups", "official")

    def draw(self, context: Context) -> None:
        """Draw the page."""
        import_module(f"kefu.dashboard.views.{self.name}").draw(context)


PAGES = (
    Page("overview", sources=OF_MALLS),
    Page("mall", mall="one", sources=OF_MALLS),
    Page("team", mall="one", sources=OF_AGENTS),
    Page("agent", mall="one", agent=True, sources=OF_AGENTS),
    Page("mall_groups", sources=OF_MALLS),
    Page("load", mall="any", sources=("messages",)),
    Page("after_sale", mall="any", sources=OF_MALLS),
    Page("official", mall="any"),
    Page("quality"),
)


def main() -> None:
    """Draw the page that the address names."""
    words = begin()

    def drawn_by(page: Page) -> Callable[[], None]:
        return lambda: show(page, words)

    pages = [
        st.Page(
            drawn_by(page),
            title=words(f"page.{page.name}"),
            url_path=page.name,
            default=page is PAGES[0],
        )
        for page in PAGES
    ]
    # The first page leads to malls.
    names = [page.name for page in PAGES]
    st.session_state.mall_page = pages[names.index("mall")]
    st.navigation(pages, expanded=True).run()


def only(name: str) -> None:
    """Draw one page without navigation."""
    words = begin()
    show(next(page for page in PAGES if page.name == name), words)


def begin() -> Words:
    """Prepare a page; return the texts of the language that is chosen."""
    # On a phone what is beside a page is closed, so that the page is seen.
    st.set_page_config(
        page_title="Kefu 客服", layout="wide", initial_sidebar_state="auto"
    )
    st.html(STYLE)
    asked = st.query_params.get("lang")
    if "language" not in st.session_state:
        locale = (st.context.locale or "").lower()
        preferred = "zh" if locale.startswith("zh") else "en"
        st.session_state.language = asked if asked in LANGUAGES else preferred
    return Words(st.session_state.language)


def choose_language(words: Words) -> None:
    """Draw the switch between the languages."""

    def change() -> None:
        # Without a choice (the chosen one was clicked) it stays.
        st.session_state.language = st.session_state.switch or words.language

    st.sidebar.segmented_control(
        "语言 Language",
        list(LANGUAGES),
        format_func=LANGUAGES.get,
        default=words.language,
        key="switch",
        on_change=change,
    )


def show(page: Page, words: Words) -> None:
    """Draw a page, or say in a line why it cannot be."""
    choose_language(words)
    try:
        data = current(Settings.from_env().published)
        context = choose(page, data, words)
        st.title(words(f"page.{page.name}"))
        if context is None:
            figures.empty(words, "state.no_days")
            return
        warn(context)
        warn_of_lacking(context, page)
        page.draw(context)
    except NothingPublishedError as error:
        st.title(words("state.nothing_published"))
        st.error(words("state.nothing_published_how"))
        st.caption(str(error))
    except UnreadableFileError as error:
        logger.warning("%s", error)
        st.error(words("state.unreadable"))
        st.caption(str(error))


def choose(page: Page, data: Published, words: Words) -> Context | None:
    """Draw what is to be chosen beside a page; return the choice.

    None while the file has no day with figures.
    """
    days = data.ask("days").row(0, named=True)
    published = data.ask("publication").row(0, named=True)
    if days["last_day"] is None:
        about(published, words)
        if page.name != "quality":
            return None
    last = days["last_day"] or published["as_of_end"] or date(2015, 9, 1)
    context = Context(data=data, words=words, as_of=last)
    if days["last_day"]:
        context = replace(context, as_of=choose_day(days, published, words))
    if page.mall != "none":
        context = choose_mall(context, page)
    if page.agent and context:
        context = choose_agent(context)
    if days["last_day"]:
        about(published, words)
    return context


def choose_day(days: dict, published: dict, words: Words) -> date:
    """Draw the choice of the day up to which a page looks."""
    newest = min(days["last_day"], published["as_of_end"] or days["last_day"])
    kept = st.session_state.get("as_of")
    # None: the newest, also after a later publication.
    default = kept if kept and days["first_day"] <= kept <= newest else newest

    def keep() -> None:
        chosen = st.session_state.day
        st.session_state.as_of = None if chosen == newest else chosen

    chosen = st.sidebar.date_input(
        words("choose.day"),
        value=default,
        min_value=days["first_day"],
        max_value=newest,
        format="YYYY-MM-DD",
        key="day",
        help=words("choose.day_help"),
        on_change=keep,
    )
    return chosen or default


def choose_mall(context: Context, page: Page) -> Context | None:
    """Draw the choice of a mall, and keep it from page to page."""
    words = context.words
    options = [None] * (page.mall == "any") + list(context.malls)
    if not options:
        return None
    kept = st.session_state.get("mall_id")
    all_malls = page.mall == "any" and "mall_id" not in st.session_state
    index = options.index(kept) if kept in options and not all_malls else 0
    key = f"mall-{page.mall}"

    def keep() -> None:
        st.session_state.mall_id = st.session_state[key]

    if key in st.session_state and st.session_state[key] != options[index]:
        st.session_state[key] = options[index]
    chosen = st.sidebar.selectbox(
        words("choose.mall"),
        options,
        index=index,
        format_func=lambda mall_id: (
            words("choose.all_malls") if mall_id is None else context.mall(mall_id)
        ),
        key=key,
        on_change=keep,
    )
    return replace(context, mall_id=chosen)


def choose_agent(context: Context) -> Context:
    """Draw the choice of an agent of the mall."""
    agents = {
        row["cs_uid"]: member(row["cs_name"], row["cs_uid"])
        for row in context.ask(
            "agents_30d", mall_id=context.mall_id, as_of=context.as_of
        ).iter_rows(named=True)
    }
    if not agents:
        return context
    kept = st.session_state.get("cs_uid")
    names = list(agents)

    def keep() -> None:
        st.session_state.cs_uid = st.session_state.agent

    default = kept if kept in agents else names[0]
    if st.session_state.get("agent", default) not in agents:
        st.session_state.agent = default
    chosen = st.sidebar.selectbox(
        context.words("choose.agent"),
        names,
        index=names.index(default),
        format_func=agents.get,
        key="agent",
        on_change=keep,
    )
    return replace(context, cs_uid=chosen)


def about(published: dict, words: Words) -> None:
    """Tell in a few words which version is shown."""
    st.sidebar.caption(
        words(
            "about.version",
            as_of=published["as_of_end"] or figures.NOTHING,
            at=clock(published["published_at"], words),
            run_id=published["run_id"],
        )
    )


def warn(context: Context) -> None:
    """Say so if the version was not tested, or the data begin too late."""
    published = context.ask("publication").row(0, named=True)
    if not (published["is_tested"] and published["is_audited"]):
        st.warning(context.words("state.untested"))
    if context.is_short(context.as_of):
        days = (context.as_of - context.data_from).days + 1
        st.warning(
            context.words("state.few_days", first_day=context.data_from, days=days)
        )
    elif context.is_short(context.as_of - timedelta(days=7)):
        st.info(context.words("state.few_days_before", first_day=context.data_from))


def warn_of_lacking(context: Context, page: Page) -> None:
    """Say which sources of a page never came, and what therefore means nothing."""
    words = context.words
    lacking = [source for source in context.lacking if source in page.sources]
    if lacking:
        told = [
            words(
                "state.never_landed",
                sources=told_sources(lacking, words),
                figures=page.told_figures(lacking, context),
            )
        ]
        if page.shows_score and OF_SCORE.intersection(lacking):
            told.append(words("state.score_without"))
        st.warning(" ".join(told))
    of_mall = [source for source in context.lacking_of_mall if source in page.sources]
    if of_mall:
        st.info(
            words(
                "state.never_landed_of_mall",
                sources=told_sources(of_mall, words),
                figures=page.told_figures(of_mall, context),
            )
        )
