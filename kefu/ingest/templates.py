"""Empty forms for what the platform does not export: shops, rosters, the score."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter

from kefu.errors import EXIT_USAGE, KefuError
from kefu.faults import refused_write
from kefu.ingest.files import SHEET

NOTES_SHEET = "说明"
WIDTH = 22
ROWS_WITH_CHOICES = 1_000


@dataclass(frozen=True)
class Template:
    """A form: its columns, rows that are there already, and what to say.

    choices: column -> the values that may be chosen.
    """

    columns: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    choices: dict[str, tuple[str, ...]] | None = None


MODULES = ("服务态度", "基础服务", "商品服务", "发货服务", "物流服务")

TEMPLATES = {
    "malls": Template(
        columns=("店铺ID", "店铺名称", "店铺类型", "主营类目", "开店日期"),
        notes=(
            "一行一个店铺 · 店铺ID: 必填",
            "店铺类型: 个人 / 企业 / 旗舰店 / 专卖店 / 专营店 / 普通店, 可空",
            "主营类目: 同类目的店铺互相比较, 各店写法要一致, 必填",
            "开店日期: 2026-11-20, 可空",
            "例: 1234567 | 晨光旗舰店 | 旗舰店 | 女装 | 2024-05-06",
        ),
        choices={"店铺类型": ("个人", "企业", "旗舰店", "专卖店", "专营店", "普通店")},
    ),
    "agents": Template(
        columns=("客服ID", "客服名称", "岗位", "是否机器人", "生效日期", "失效日期"),
        notes=(
            "客服ID: 子账号ID, 与聊天记录的 cs_uid 相同, 必填",
            "岗位: 售前 / 售后 / 全部 · 是否机器人: 是 / 否, 空为否",
            "生效日期、失效日期: 2026-11-20, 含当日, 空为不限; 换岗写两行",
            "例: cs_1001 | 小王 | 售前 | 否 | 2026-11-01 |",
        ),
        choices={"岗位": ("售前", "售后", "全部"), "是否机器人": ("是", "否")},
    ),
    "shifts": Template(
        columns=("客服ID", "客服名称", "班次", "上班时间", "下班时间"),
        notes=(
            "客服ID: 子账号ID, 必填 · 客服名称: 仅供填写时辨认, 不会入库",
            "班次: 早班 / 中班 / 晚班, 或自定",
            "上班时间、下班时间: 2026-11-20 08:00:00, 可跨零点, 必填",
            "例: cs_1001 | 小王 | 晚班 | 2026-11-20 16:00:00 | 2026-11-21 00:00:00",
        ),
    ),
    "score": Template(
        columns=("日期", "项目", "名称", "数值"),
        notes=(
            "照抄体验分页面当日的数; 没有的行留空或删去, 热点问题可多写几行",
            "体验分、模块得分: 0 到 5 · 同行排名: 如 0.3208 或 32.08%",
            "平台求助率、热点问题占比: 带百分号, 如 0.12%",
        ),
        rows=(
            ("", "体验分", "", ""),
            ("", "同行排名", "", ""),
            ("", "较7天前变化", "", ""),
            *(("", "模块得分", module, "") for module in MODULES),
            ("", "近30天平台求助率", "", ""),
            ("", "热点问题求助订单数", "", ""),
            ("", "热点问题占比", "", ""),
        ),
    ),
}

SCORE_YAML = """\
# One entry a day; what is left empty is passed over. For example:
#   date: 2026-11-20
#   experience_score: 3.3956, peer_rank: 0.3208, change_7d: 0.0123
#   platform_help_rate: 0.12%, a module: 3.50
#   {name: 商品破损, help_orders: 12, share: 23.4%}
- date:
  experience_score:
  peer_rank:
  change_7d:
  platform_help_rate:
  modules:
    服务态度:
    基础服务:
    商品服务:
    发货服务:
    物流服务:
  problems:
    - {name: , help_orders: , share: }
"""


def template_of(kind: str) -> Template:
    """Return the form of a kind. Raises KefuError if it has none."""
    if kind not in TEMPLATES:
        raise KefuError(
            f"there is no template for {kind}, it comes from the platform as it is:"
            f" templates are for {', '.join(TEMPLATES)}",
            EXIT_USAGE,
        )
    return TEMPLATES[kind]


def csv_text(template: Template) -> str:
    """Return a form as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([template.columns, *template.rows])
    return text.getvalue()


def write_template(kind: str, path: Path) -> None:
    """Write a form in the format that the path's name asks for.

    Raises KefuError if the file is there already, for another format, and if
    it cannot be written.
    """
    template = template_of(kind)
    suffix = path.suffix.lower()
    if path.exists():
        raise KefuError(f"{path} is there already: give another name", EXIT_USAGE)
    try:
        if suffix == ".xlsx":
            _write_xlsx(template, path)
        elif suffix == ".csv":
            # With the mark, or spreadsheet programs take it for GBK.
            path.write_text(csv_text(template), encoding="utf-8-sig")
        elif suffix in (".yml", ".yaml") and kind == "score":
            path.write_text(SCORE_YAML, encoding="utf-8")
        else:
            forms = ".xlsx, .csv" + " or .yml" * (kind == "score")
            raise KefuError(
                f"a template of {kind} cannot be written as {path.name}: end the name"
                f" in {forms}",
                EXIT_USAGE,
            )
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        cause = error if isinstance(error, OSError) else error.args[0]
        raise KefuError(
            refused_write(cause) or f"{path} cannot be written ({cause.strerror})"
        ) from error


def _write_xlsx(template: Template, path: Path) -> None:
    """Write a form whose cells are text, so that no program rewrites them."""
    with xlsxwriter.Workbook(str(path)) as book:
        text = book.add_format({"num_format": "@"})
        bold = book.add_format({"bold": True, "num_format": "@"})
        sheet = book.add_worksheet(SHEET)
        sheet.set_column(0, len(template.columns) - 1, WIDTH, text)
        sheet.write_row(0, 0, template.columns, bold)
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(template.rows, start=1):
            sheet.write_row(number, 0, row, text)
        for column, allowed in (template.choices or {}).items():
            place = template.columns.index(column)
            sheet.data_validation(
                1,
                place,
                ROWS_WITH_CHOICES,
                place,
                {"validate": "list", "source": list(allowed)},
            )
        notes = book.add_worksheet(NOTES_SHEET)
        notes.write_column(0, 0, template.notes)
