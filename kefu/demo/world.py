"""The shops, their staff and the calendar that the demo data lives in.

All instants inside the generator are integers: milliseconds since 1970-01-01
00:00 *local* time (Asia/Shanghai, fixed +08:00). Only the landing step turns
them into the texts and Unix times of the raw contract.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UTC_OFFSET = 8 * HOUR
# A day's rows are loaded at ten past two in the night after it.
LOAD_TIME = 2 * HOUR + 10 * MINUTE

MODULES = ("goods", "shipping", "logistics", "basic_service", "attitude")

REGULAR, LOW_VOLUME, CHAT_ONLY, UNLISTED = range(4)

# Relative traffic by local hour: quiet nights, a rise after breakfast, the
# peak after dinner.
HOUR_WEIGHTS = np.array(
    [
        1.1, 0.6, 0.35, 0.25, 0.2, 0.3, 0.7, 1.6,
        3.0, 4.6, 5.6, 5.2, 4.6, 4.7, 5.2, 5.4,
        5.1, 4.6, 4.7, 5.9, 7.0, 7.1, 5.6, 2.9,
    ]
)  # fmt: skip
# Monday first: people shop and ask more at the weekend.
WEEKDAY_WEIGHTS = np.array([1.0, 0.97, 0.96, 0.98, 1.05, 1.18, 1.22])
# Sale days (month, day) and how much they multiply the traffic.
SALE_DAYS = {
    (1, 8): 1.4,
    (1, 18): 1.5,
    (6, 1): 1.5,
    (6, 17): 1.5,
    (6, 18): 2.2,
    (9, 9): 1.3,
    (10, 1): 1.5,
    (10, 2): 1.4,
    (10, 3): 1.3,
    (10, 20): 1.9,
    (10, 21): 1.5,
    (10, 31): 1.8,
    (11, 1): 1.7,
    (11, 10): 1.8,
    (11, 11): 2.6,
    (12, 12): 1.8,
}

# (category, shop name stem, product names, price range in cents)
CATEGORIES = (
    (
        "女装",
        "衣橱",
        (
            "加绒卫衣",
            "针织开衫",
            "高腰牛仔裤",
            "法式连衣裙",
            "羊毛混纺大衣",
            "打底衫",
            "百褶半身裙",
            "轻薄羽绒服",
        ),
        (2_990, 25_900),
    ),
    (
        "家居日用",
        "生活馆",
        (
            "加厚收纳箱",
            "不粘炒锅",
            "竹纤维毛巾",
            "折叠晾衣架",
            "四件套",
            "保温杯",
            "硅藻泥地垫",
            "厨房置物架",
        ),
        (990, 15_900),
    ),
    (
        "水果生鲜",
        "果园",
        (
            "红富士苹果",
            "赣南脐橙",
            "突尼斯软籽石榴",
            "丹东草莓",
            "云南蓝莓",
            "海南芒果",
        ),
        (1_490, 8_900),
    ),
    (
        "数码配件",
        "数码",
        (
            "蓝牙耳机",
            "快充数据线",
            "手机壳",
            "钢化膜",
            "充电宝",
            "机械键盘",
            "无线鼠标",
        ),
        (690, 29_900),
    ),
    (
        "美妆个护",
        "美妆",
        ("氨基酸洗面奶", "补水面膜", "持妆气垫", "护手霜", "控油洗发水", "口红"),
        (1_290, 19_900),
    ),
    (
        "母婴玩具",
        "母婴",
        ("婴儿纸尿裤", "积木套装", "儿童保温杯", "遥控汽车", "婴儿湿巾", "儿童睡袋"),
        (1_590, 22_900),
    ),
    (
        "食品零食",
        "食品",
        ("每日坚果", "手撕牛肉干", "螺蛳粉", "夹心海苔", "黑芝麻丸", "速食鸡胸肉"),
        (990, 9_900),
    ),
    (
        "运动户外",
        "运动",
        ("跑步鞋", "瑜伽垫", "速干T恤", "冲锋衣", "登山杖", "护膝"),
        (1_990, 39_900),
    ),
    (
        "家用电器",
        "电器",
        ("电热水壶", "空气炸锅", "加湿器", "挂烫机", "小型吸尘器", "电饭煲"),
        (4_990, 69_900),
    ),
    (
        "图书文具",
        "书店",
        ("中性笔套装", "错题本", "儿童绘本", "考研真题", "手账本", "书立"),
        (590, 9_900),
    ),
)
# The category that holds only two shops, so that they have too few peers.
SMALL_CATEGORY = (
    "乐器",
    "琴行",
    ("民谣吉他", "电子琴", "竹笛", "口琴", "尤克里里", "琴弦"),
    (3_990, 89_900),
)

NAME_HEADS = (
    "晨光", "青禾", "小满", "云上", "南巷", "拾光", "优品", "鹿鸣", "知味", "木槿",
    "百川", "星野", "半亩", "初见", "悦来", "良辰", "山月", "禾木", "蓝桥", "白鹭",
)  # fmt: skip
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN_NAMES = "婷静敏丽娜雪琳倩颖洁晨阳浩宇轩佳怡欣悦涵"


@dataclasses.dataclass
class World:
    """Everything that exists before the first message is sent.

    Arrays named mall_* have shape (malls,), agent_* shape (agents,) with the
    agents of one shop side by side; duty has shape (malls, days + 1, 3, k).
    """

    first_day: dt.date
    days: int
    mall_id: np.ndarray
    mall_name: list[str]
    mall_kind: np.ndarray
    mall_category: np.ndarray  # index into categories
    categories: list[tuple]
    mall_weight: np.ndarray  # share of the conversations, sums to 1
    mall_merchant_type: np.ndarray
    mall_badness: np.ndarray  # (malls, modules), 1 = average
    mall_conversion: np.ndarray  # chance that an inquiry becomes an order
    mall_has_night: np.ndarray
    mall_has_template_robot: np.ndarray
    mall_robot: np.ndarray  # agent index of the roster robot, -1 none
    agent_mall: np.ndarray
    agent_uid: np.ndarray
    agent_name: list[str]
    agent_role: np.ndarray
    agent_median_ms: np.ndarray  # median response time
    agent_is_robot: np.ndarray
    agent_on_roster: np.ndarray
    shift_bounds: np.ndarray  # (malls, 3, 2) start and end from midnight, ms
    duty: np.ndarray  # agent indexes, padded with -1
    duty_count: np.ndarray  # (malls, days + 1, 3)
    day_weight: np.ndarray  # (days,), sums to 1

    @property
    def malls(self) -> int:
        """How many shops there are."""
        return len(self.mall_id)

    @property
    def start(self) -> int:
        """Local midnight of the first day, in ms."""
        return day_ms(self.first_day)

    @property
    def last_load(self) -> int:
        """When the last load began: nothing later is known."""
        return self.start + self.days * DAY + LOAD_TIME

    def day_index(self, at: np.ndarray) -> np.ndarray:
        """The day of local instants, 0 = first day."""
        return (at - self.start) // DAY


def day_ms(day: dt.date) -> int:
    """Local midnight of a day as local milliseconds."""
    return (day - dt.date(1970, 1, 1)).days * DAY


def mall_plan(malls: int) -> tuple[np.ndarray, np.ndarray, list[tuple]]:
    """Say which kind and category each of `malls` shops has.

    Returns kinds (malls,), category indexes (malls,) and the categories. With
    the default of 20: 9 shops in the first category (one answers chats and
    sells nothing), 8 in the second (one of low volume), 2 in the small one,
    and one that has no row in the table malls.
    """
    unlisted = 1 if malls >= 4 else 0
    chat_only = 1 if malls >= 3 else 0
    pair = 2 if malls >= 12 else 0
    others = malls - unlisted - chat_only - pair
    big = int(np.clip(others // 8, 1, len(CATEGORIES)))
    kinds, category = [], []
    for number in range(others):
        category.append(number % big)
        # In small worlds, too, one shop must stay under 100 orders a month.
        is_low = number % 16 == 9 or (malls >= 5 and others < 10 and number == 2)
        kinds.append(LOW_VOLUME if is_low else REGULAR)
    kinds += [CHAT_ONLY] * chat_only + [REGULAR] * pair + [UNLISTED] * unlisted
    category += [0] * chat_only + [big] * pair + [0] * unlisted
    categories = list(CATEGORIES[:big]) + ([SMALL_CATEGORY] if pair else [])
    return np.array(kinds), np.array(category), categories


def _day_weights(first_day: dt.date, days: int) -> np.ndarray:
    weights = np.empty(days)
    for index in range(days):
        day = first_day + dt.timedelta(days=index)
        weights[index] = (
            WEEKDAY_WEIGHTS[day.weekday()]
            * SALE_DAYS.get((day.month, day.day), 1.0)
            * (1 + 0.15 * index / max(days, 30))
        )
    return weights / weights.sum()


def _shift_bounds(mall_has_night: np.ndarray) -> np.ndarray:
    """Shift hours of each shop: every third one's late shift crosses midnight."""
    malls = len(mall_has_night)
    bounds = np.empty((malls, 3, 2), dtype=np.int64)
    bounds[:, 0] = (8 * HOUR, 16 * HOUR)
    bounds[:, 1] = (16 * HOUR, 24 * HOUR)
    bounds[1::3, 1] = (15 * HOUR + 30 * MINUTE, 24 * HOUR + 30 * MINUTE)
    # The night shift of a day starts the evening before it.
    bounds[:, 2] = (-2 * HOUR, 8 * HOUR)
    return bounds


def _duty(world_days: int, staff: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Who works when: (malls, days, 3, k) agent indexes and their counts.

    People rotate between early and late shift by week, have one day off a
    week where the shop has three or more of them, and the night crew, where
    there is one, works nights only.
    """
    days = np.arange(world_days)
    widest = max(len(one["people"]) for one in staff)
    duty = np.full((len(staff), world_days, 3, widest), -1, dtype=np.int32)
    count = np.zeros((len(staff), world_days, 3), dtype=np.int64)
    for mall, one in enumerate(staff):
        people = one["people"]
        for position, agent in enumerate(people):
            if agent == one["night"]:
                slots = np.full(world_days, 2)
            else:
                slots = (position + days // 7) % 2
            works = np.ones(world_days, dtype=bool)
            if len(people) >= 3:
                works = (days + position) % 7 != 3
            day, slot = days[works], slots[works]
            duty[mall, day, slot, count[mall, day, slot]] = agent
            count[mall, day, slot] += 1
        for slot in (0, 1):
            bare = count[mall, :, slot] == 0
            duty[mall, bare, slot, 0] = people[min(slot, len(people) - 1)]
            count[mall, bare, slot] = 1
    return duty, count


def build(rng: np.random.Generator, malls: int, days: int, end: dt.date) -> World:
    """Make the shops, people, robots, shifts and day weights."""
    first_day = end - dt.timedelta(days=days - 1)
    kinds, category, categories = mall_plan(malls)

    weight = rng.lognormal(0, 0.45, malls)
    weight = np.clip(weight, 0.55, 2.6)
    weight[kinds == LOW_VOLUME] = 0.22
    weight[kinds == CHAT_ONLY] = 0.30
    weight[kinds == UNLISTED] = 0.30
    weight = weight / weight.sum()

    mall_number = 410_000_000 + np.cumsum(rng.integers(1_003, 90_017, malls))
    mall_id = mall_number.astype(str)
    names = []
    for mall in range(malls):
        kind_suffix = ("旗舰店", "专营店", "官方店", "小店")[mall % 4]
        head = NAME_HEADS[mall % len(NAME_HEADS)]
        names.append(f"{head}{categories[category[mall]][1]}{kind_suffix}")

    has_night = (np.arange(malls) % 5 == 0) & np.isin(kinds, (REGULAR,))
    has_template_robot = np.arange(malls) % 4 != 3

    staff, agent_rows = [], []
    robots = np.full(malls, -1)
    skill = rng.lognormal(np.log(24), 0.45, malls)
    for mall in range(malls):
        if kinds[mall] == REGULAR:
            people_here = int(np.clip(round(2 + 60 * weight[mall]), 3, 8))
        else:
            people_here = 2
        people = []
        for position in range(people_here):
            # The last of every fourth shop's people was never entered.
            unknown = mall % 4 == 2 and position == people_here - 1
            people.append(len(agent_rows))
            agent_rows.append((mall, position, False, not unknown))
        night = people[-1] if has_night[mall] else -1
        staff.append({"people": people, "night": night})
        if mall % 3 == 1:
            robots[mall] = len(agent_rows)
            agent_rows.append((mall, 90, True, True))

    duty, duty_count = _duty(days + 1, staff)
    agent_mall = np.array([row[0] for row in agent_rows])
    agents = len(agent_rows)
    agent_uid = np.array(
        [f"{mall_id[mall]}_{position + 1:02d}" for mall, position, _, _ in agent_rows]
    )
    is_robot = np.array([row[2] for row in agent_rows])
    surnames = rng.integers(0, len(SURNAMES), agents)
    given = rng.integers(0, len(GIVEN_NAMES), (agents, 2))
    agent_name = []
    for index in range(agents):
        if is_robot[index]:
            agent_name.append("智能客服")
        else:
            parts = (SURNAMES[surnames[index]],) + tuple(
                GIVEN_NAMES[letter] for letter in given[index]
            )
            agent_name.append("".join(parts))
    roles = np.array(["both", "pre_sales", "after_sales"])
    return World(
        first_day=first_day,
        days=days,
        mall_id=mall_id,
        mall_name=names,
        mall_kind=kinds,
        mall_category=category,
        categories=categories,
        mall_weight=weight,
        mall_merchant_type=rng.integers(1, 7, malls),
        mall_badness=np.clip(
            rng.lognormal(0, 0.35, (malls, 1)) * rng.lognormal(0, 0.3, (malls, 5)),
            0.25,
            4.0,
        ),
        mall_conversion=np.clip(rng.normal(0.42, 0.09, malls), 0.15, 0.7),
        mall_has_night=has_night,
        mall_has_template_robot=has_template_robot,
        mall_robot=robots,
        agent_mall=agent_mall,
        agent_uid=agent_uid,
        agent_name=agent_name,
        agent_role=roles[np.minimum(rng.integers(0, 4, agents), 2)],
        agent_median_ms=skill[agent_mall] * rng.lognormal(0, 0.35, agents) * SECOND,
        agent_is_robot=is_robot,
        agent_on_roster=np.array([row[3] for row in agent_rows]),
        shift_bounds=_shift_bounds(has_night),
        duty=duty,
        duty_count=duty_count,
        day_weight=_day_weights(first_day, days),
    )


def pick_times(
    rng: np.random.Generator, day_index: np.ndarray, start: int
) -> np.ndarray:
    """Instants by the hourly profile within the given days, shape as given."""
    share = HOUR_WEIGHTS / HOUR_WEIGHTS.sum()
    hour = rng.choice(24, size=len(day_index), p=share)
    within = rng.integers(0, HOUR, len(day_index))
    return start + day_index * DAY + hour * HOUR + within


def on_duty(
    world: World, mall: np.ndarray, at: np.ndarray, draw: np.ndarray
) -> np.ndarray:
    """The agent on duty for each (mall, instant), -1 when nobody is.

    draw: uniform numbers in [0, 1), one a row, decide among colleagues.
    """
    day = np.clip(world.day_index(at), 0, world.days)
    hour = (at - world.start) % DAY // HOUR
    slot = np.where(hour < 8, 2, np.where(hour < 16, 0, 1))
    count = world.duty_count[mall, day, slot]
    position = (draw * np.maximum(count, 1)).astype(np.int64)
    return world.duty[mall, day, slot, position].astype(np.int64)
