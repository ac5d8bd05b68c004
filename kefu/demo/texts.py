"""What people write: wordings by subject, and how they are put together.

A wording holds at most one slot such as {goods}; opening words, the slot's
filling and the ending vary, so that few messages are equal. PROBLEMS lists the
problems of the seed `problems` with how often they come up relative to each
other; their wordings are made to be found by the keyword dictionary.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MODULES = ("goods", "shipping", "logistics", "basic_service", "attitude")

# problem code: (module, weight, wordings)
PROBLEMS: dict[str, tuple[str, float, tuple[str, ...]]] = {
    "quality_defect": (
        "goods",
        6,
        (
            "{goods}有质量问题，才拿到手就这样",
            "这个{goods}质量太差了吧",
            "质量太差，跟上次买的没法比",
            "收到的{goods}有瑕疵，你们出厂不检查的吗",
        ),
    ),
    "malfunction": (
        "goods",
        4,
        (
            "用了{days}天就坏了",
            "刚收到的{goods}用不了，怎么弄都没反应",
            "这个{goods}是坏的，帮我看看怎么处理",
            "按键失灵，一点用都没有",
        ),
    ),
    "damaged": (
        "goods",
        5,
        (
            "打开一看{goods}摔坏了，图片发你了",
            "东西压坏了，里面全变形",
            "{goods}上面有划痕，这怎么送人",
            "收到的时候{goods}就裂了一道",
        ),
    ),
    "spoiled_or_expired": (
        "goods",
        2,
        (
            "打开发现发霉了，根本没法吃",
            "烂了好几个，坏的比好的多",
            "生产日期是去年的，已经过期了",
            "{goods}不新鲜，一股酸味",
        ),
    ),
    "foreign_matter": (
        "goods",
        0.6,
        ("{goods}里面有虫子，太恶心了", "吃出头发来了，你们怎么做的", "拆开里面有沙子"),
    ),
    "health_or_safety": (
        "goods",
        0.6,
        (
            "用了{goods}以后脸上过敏了，又红又痒",
            "吃完拉肚子，去医院花了{money}元",
            "插上电就冒烟，吓死我了",
        ),
    ),
    "counterfeit": (
        "goods",
        0.8,
        (
            "你们卖的是假货吧，跟专柜的完全两回事",
            "扫码查不到，肯定是高仿",
            "这根本不是正品",
        ),
    ),
    "used_goods": (
        "goods",
        0.8,
        (
            "这是别人退回来的二手货吧，像二手的",
            "塑封被拆过，里面有使用痕迹",
            "{goods}明显是用过的",
        ),
    ),
    "not_as_described": (
        "goods",
        4,
        (
            "实物和图片不一样，差太远了",
            "{goods}跟描述不符，我要个说法",
            "材质不对，详情里写的是纯棉",
            "货不对板，颜值差了十条街",
        ),
    ),
    "color_mismatch": (
        "goods",
        2,
        (
            "色差太大了，网上看着是米白",
            "{goods}颜色不对，我要的不是这种",
            "颜色深了很多",
        ),
    ),
    "size_mismatch": (
        "goods",
        2,
        ("尺寸不对，量了差{days}厘米", "{goods}尺码不准", "大小不符，装不了东西"),
    ),
    "short_weight": (
        "goods",
        1.2,
        (
            "称了一下只有{spec}，缺斤少两",
            "重量不够啊，说好的五斤",
            "分量不足，差了半斤",
        ),
    ),
    "poor_workmanship": (
        "goods",
        2,
        ("{goods}做工太粗糙", "全是线头，剪都剪不完", "穿了一次就开线了，做工差"),
    ),
    "fading_or_pilling": (
        "goods",
        1.5,
        ("洗了一次就掉色，染得到处都是", "{goods}洗完缩水了", "才穿{days}天就起球了"),
    ),
    "bad_smell": (
        "goods",
        1.8,
        (
            "味道很大，晾了{days}天还有",
            "一股刺鼻的味道",
            "有异味，闻着头疼，塑料味好重",
        ),
    ),
    "size_not_fit": (
        "goods",
        3,
        ("太小了穿不下，想换{size}", "不合适，肩膀那里紧", "太大了穿着不合身"),
    ),
    "not_shipped_in_time": (
        "shipping",
        7,
        (
            "{days}天了还没发货，什么情况",
            "怎么还不发货啊，急用",
            "订单{order}为什么还没发货",
            "说好48小时发货，现在都超时了还没发",
        ),
    ),
    "false_shipment": (
        "shipping",
        2,
        (
            "显示已发货却没有物流信息，虚假发货吧",
            "单号查不到，是不是假发货",
            "点了发货{days}天还没揽收，虚假发货",
        ),
    ),
    "out_of_stock": (
        "shipping",
        1.5,
        ("没货还卖什么", "付完钱才说缺货，叫我退款", "缺货了还挂着卖，浪费时间"),
    ),
    "wrong_item": (
        "shipping",
        3.5,
        (
            "你们发错货了，我拍的是{size}",
            "买的是{goods}，发来的是别的",
            "颜色款式都发错了",
            "收到的不是我买的那个",
        ),
    ),
    "missing_item": (
        "shipping",
        3.5,
        (
            "少发了一件，订单{order}",
            "我买了两个只收到一个",
            "漏发了，包裹里少两件",
            "里面没有配件，螺丝都没看到",
        ),
    ),
    "empty_parcel": (
        "shipping",
        0.4,
        ("收到个空包裹", "盒子是空的，里面什么都没有"),
    ),
    "poor_packaging": (
        "shipping",
        1.5,
        (
            "包装太简陋了，就一个塑料袋",
            "包装太差，盒子都扁了",
            "纸箱烂了，外面一层泡沫也没有",
        ),
    ),
    "wrong_courier": (
        "shipping",
        1,
        (
            "备注了发{carrier}你们还是没按备注",
            "备注没看吗，写了工作日送",
            "说好发顺丰怎么发的极兔",
        ),
    ),
    "tracking_stalled": (
        "logistics",
        5,
        (
            "物流{days}天没更新了",
            "快递卡在{city}不动了",
            "物流信息一直停在{city}",
            "包裹{days}天没动，帮我催催",
        ),
    ),
    "slow_delivery": (
        "logistics",
        5,
        (
            "物流太慢了，{days}天了还没到",
            "快递怎么还没到啊",
            "等了{days}天了，黄花菜都凉了",
            "运输这么慢，从{city}走过来也该到了",
        ),
    ),
    "signed_not_received": (
        "logistics",
        3,
        (
            "显示签收了但是我没收到",
            "物流写着签收，我根本没拿到",
            "谁签收的？不是我签收的",
        ),
    ),
    "parcel_lost": (
        "logistics",
        1.2,
        ("快递丢了怎么办", "包裹不见了，驿站说没有", "件丢了，{carrier}让我找你们"),
    ),
    "parcel_returned": (
        "logistics",
        1,
        ("怎么给我退回了", "包裹莫名其妙被退回去了", "快递被退回{city}了"),
    ),
    "misrouted": (
        "logistics",
        1,
        ("快递送错地址了", "怎么发到{city}去了，我不在那", "投错驿站了，离我十公里"),
    ),
    "no_door_delivery": (
        "logistics",
        1.5,
        (
            "{carrier}不送货上门",
            "快递没上门就放驿站了，没打电话直接放在驿站",
            "说好送上门结果不送上楼",
        ),
    ),
    "pickup_difficulty": (
        "logistics",
        1,
        ("没有取件码，怎么取", "驿站太远了拿不动", "取件码不对，驿站不给"),
    ),
    "courier_attitude": (
        "logistics",
        0.8,
        (
            "快递员态度太差了",
            "{carrier}快递员骂人",
            "派件员很凶，还挂我电话，快递员态度恶劣",
        ),
    ),
    "refund_refused": (
        "basic_service",
        3,
        (
            "为什么不给退款",
            "退款申请又被拒绝了",
            "驳回了我的退款申请，凭什么",
            "死活不退，必须退",
        ),
    ),
    "refund_slow": (
        "basic_service",
        3.5,
        (
            "退款怎么还没到账",
            "退货都签收{days}天了还没退款",
            "钱还没退给我，{money}元呢",
            "退款太慢了吧",
        ),
    ),
    "return_obstructed": (
        "basic_service",
        1,
        (
            "退货地址一直不给",
            "寄回去的货你们拒收，拒收我的退货",
            "退货地址是假的，寄不了",
        ),
    ),
    "return_fee_dispute": (
        "basic_service",
        2,
        (
            "凭什么让我出运费",
            "运费凭什么我来出，是你们的问题",
            "退货运费{money}元没给我",
        ),
    ),
    "resend_delayed": (
        "basic_service",
        1.8,
        (
            "补发的还没收到",
            "答应换货，换的{goods}还没收到",
            "补寄{days}天了没消息，补寄的还没到",
        ),
    ),
    "promise_not_kept": (
        "basic_service",
        1.5,
        ("答应的{money}元补偿没给我", "说好返现的，返现没到", "你们说话不算话"),
    ),
    "gift_missing": (
        "basic_service",
        1.3,
        ("赠品没有发", "送的小礼物没收到", "说有赠品的，赠品没收到"),
    ),
    "price_dispute": (
        "basic_service",
        1.8,
        ("昨天买的今天就降价了", "刚买完就便宜了{money}元", "差价不给退，价保不给"),
    ),
    "invoice_refused": (
        "basic_service",
        0.8,
        ("发票一直不给开", "申请{days}天了发票还没开"),
    ),
    "warranty_refused": (
        "basic_service",
        0.6,
        ("保修期内你们不给保修", "{goods}保修找谁，没人维修"),
    ),
    "false_advertising": (
        "basic_service",
        0.8,
        ("这是虚假宣传", "夸大宣传，一点用都没", "误导消费者，页面写得天花乱坠"),
    ),
    "offline_deal": (
        "basic_service",
        0.3,
        ("客服让我加微信退钱，是你们的人吗", "叫我扫二维码转账"),
    ),
    "privacy_leak": (
        "basic_service",
        0.3,
        ("你们泄露了我的电话", "我的信息被泄露了，天天有推销"),
    ),
    "issue_unresolved": (
        "basic_service",
        2,
        (
            "问题还没解决",
            "没人处理我的售后",
            "说了{days}天了问题没有人解决，到底管不管",
        ),
    ),
    "feels_cheated": (
        "basic_service",
        1.5,
        ("感觉被骗了", "你们就是骗人的", "太坑人了", "上当了，再也不买了"),
    ),
    "complaint_threat": (
        "basic_service",
        1.5,
        ("再不处理我就投诉了", "我要投诉你们", "我去打12315了", "那就平台介入吧"),
    ),
    "rude_language": (
        "attitude",
        0.5,
        ("客服居然骂我", "你们客服骂人算什么", "你们还骂人"),
    ),
    "bad_attitude": (
        "attitude",
        2,
        ("你们态度太差了", "什么态度啊", "客服不耐烦，说话很冲"),
    ),
    "perfunctory_reply": (
        "attitude",
        1.5,
        ("别敷衍我", "答非所问", "复制粘贴的话就别发了"),
    ),
    "shifting_blame": (
        "attitude",
        1,
        ("别踢皮球", "让我找快递，快递让我找你们", "就知道甩锅"),
    ),
    "no_reply": (
        "attitude",
        1.5,
        ("怎么没人回复", "客服不理人", "消息不回，装死吗"),
    ),
    "slow_reply": ("attitude", 1, ("回复太慢了", "回复这么慢，等半天了")),
    "robot_only": ("attitude", 1, ("全是机器人", "一直是自动回复，没有人工吗")),
    "threat_or_harassment": (
        "attitude",
        0.2,
        ("你们半夜给我打电话骚扰我", "威胁我是吧"),
    ),
    "review_pressure": (
        "attitude",
        0.4,
        ("让我删差评是吧", "一直要求改差评，烦不烦"),
    ),
}

ROUTINE: dict[str, tuple[str, ...]] = {
    "how_to_install": ("{goods}怎么安装", "有没有安装视频"),
    "how_to_use": ("{goods}怎么用啊", "有使用说明书吗", "第一次用，怎么洗"),
    "size_advice": ("身高165体重{weight}斤穿什么码", "平时穿{size}，选多大码"),
    "product_question": ("{goods}是什么材质的", "有别的颜色吗", "会不会掉色"),
    "stock_question": ("{goods}还有货吗", "{size}什么时候补货"),
    "when_will_it_ship": ("什么时候发货", "今天能发货吗", "麻烦快点发货"),
    "which_courier": ("发什么快递", "可以发{carrier}吗，默认什么快递"),
    "change_address": ("地址写错了，帮我改一下地址", "能改一下收货地址吗"),
    "change_order": ("拍错了，想换个颜色", "帮我取消订单{order}"),
    "packing_request": ("麻烦包结实点，别压坏了", "包严实点，别摔坏"),
    "when_will_it_arrive": ("大概几天能到{city}", "预计什么时候到货"),
    "where_is_parcel": ("我的快递到哪了", "帮我查一下物流", "单号发我一下"),
    "policy_question": ("如果不合适可以退吗", "要是坏了怎么办，坏果包赔吗"),
    "how_to_return": ("怎么申请退货", "支持七天无理由吗"),
    "refund_progress": ("退款多久能到", "退款到哪一步了，什么时候退"),
    "changed_mind": ("不想要了", "买多了，用不上"),
    "return_insurance": ("有运费险吗", "运费险怎么赔"),
    "price_question": ("能便宜点吗", "买两件有优惠吗", "有券吗，满减怎么算优惠"),
    "invoice_request": ("可以开发票吗", "发票抬头怎么填，要开发票"),
    "ask_for_human": ("转人工", "人工客服"),
}

# Codes that some upstream classifier gives and no seed knows.
STRANGE_CODES = ("legacy_017", "QX-204", "other")

# Subjects that are neither a problem nor a routine question.
TALK: dict[str, tuple[str, ...]] = {
    "greeting": ("在吗", "你好", "老板在不在", "有人吗", "hello", "您好，咨询一下"),
    "thanks": ("好的谢谢", "谢谢", "知道了", "嗯嗯", "ok", "好", "麻烦你了", "收到"),
    "before_sale": (
        "{goods}看着不错",
        "我看看哈",
        "两个颜色都挺好看的，纠结",
        "{goods}送长辈合适不",
        "跟{size}那款比哪个好",
        "这个是新款吧",
        "朋友推荐来的",
        "{goods}和隔壁店的比怎么样",
        "好的我拍一个",
        "拼单还差一个人",
        "{money}元那个是哪款",
        "我先收藏一下",
        "适合学生用不",
        "这款好评挺多的",
        "孩子上小学能用不",
        "直播间那个链接呢",
        "能装下{size}的不",
        "{city}这边冷不冷能穿不",
    ),
    "after_sale": (
        "订单{order}",
        "是这个订单",
        "我看一下啊",
        "图片发你了",
        "那你说怎么弄",
        "我等你消息",
        "行吧",
        "{goods}这个",
        "手机尾号{tail}",
        "麻烦帮忙核实一下",
        "还有别的办法没",
        "昨天联系过你们一次",
        "你看下我发的照片",
        "好的，我试试",
        "可以，就这么办",
        "上次买的{goods}挺好的",
    ),
    "spam": (
        "专业代运营，三天上首页，详询",
        "免费领{money}元红包点链接",
        "兼职日结{money}元，在家可做",
    ),
    "reply_greeting": (
        "亲，在的呢，请问有什么可以帮您",
        "您好亲，{goods}这款我帮您看一下",
        "亲亲您好，我是客服小{name}，很高兴为您服务",
        "在的亲，您请说",
    ),
    "reply_before_sale": (
        "亲，{goods}这款卖得很好，评价您可以看一下",
        "亲，有现货的，拍下48小时内安排",
        "平时穿{size}的话可以选同码哦",
        "现在下单{money}元，已经是活动价了呢",
        "这款支持7天无理由，您放心拍",
        "亲，面料柔软，不易变形的",
        "默认{carrier}，三天左右到",
    ),
    "reply_goods": (
        "亲，麻烦拍几张照片给我，我马上登记",
        "非常抱歉给您添麻烦了，这边给您补偿{money}元可以吗",
        "{goods}这边安排给您换一件，您看可以吗",
        "您申请退货退款，选质量原因，我们来审核",
    ),
    "reply_shipping": (
        "亲，已经帮您催仓库了，今天一定安排",
        "订单{order}我备注加急了",
        "实在抱歉，大促订单多，{days}天内会出库",
        "漏的那件今天给您补寄，单号稍后给您",
    ),
    "reply_logistics": (
        "亲，已联系{carrier}核实，24小时内回您",
        "包裹在{city}中转，请您再耐心等等",
        "这边登记了催件，有结果第一时间联系您",
        "帮您查了，预计{days}天内派送",
    ),
    "reply_basic_service": (
        "退款{money}元已经同意了，原路退回",
        "亲，运费您先垫付，凭截图给您报",
        "我帮您提交给售后主管，{days}天内处理好",
        "发票开好会发到您邮箱",
    ),
    "reply_attitude": (
        "实在对不起，让您久等了",
        "亲，我是主管，您的问题我来跟进",
        "抱歉之前的同事没说清楚，我重新给您处理",
    ),
    "reply_closing": ("不客气亲，祝您生活愉快", "应该的，有事随时找我", "感谢您的理解"),
    "robot": (
        "亲，智能助手为您服务，请选择：1 物流 2 退换 3 发票",
        "您咨询的{goods}详情请点击商品页查看",
        "48小时内发货哦，请耐心等待",
        "未能理解您的问题，换个说法试试",
    ),
    "auto_reply": (
        "亲，当前咨询人数较多，请稍等，客服会尽快回复您",
        "您好，客服工作时间为8:00-24:00，留言会按顺序回复",
        "欢迎光临，新品{goods}第二件半价",
    ),
    "transfer": ("会话已转接给其他客服", "已为您转接人工客服"),
    "hint": ("对方正在输入", "买家正在浏览{goods}", "请勿站外交易，谨防上当"),
}

PROBLEM_CODES = tuple(PROBLEMS)
ROUTINE_CODES = tuple(ROUTINE)
ALL_CODES = PROBLEM_CODES + ROUTINE_CODES
UPSTREAM_CODES = ALL_CODES + STRANGE_CODES
PROBLEM_MODULES = tuple(MODULES.index(one[0]) for one in PROBLEMS.values())
PROBLEM_WEIGHTS = tuple(one[1] for one in PROBLEMS.values())
# Text groups 0 .. PROBLEM_GROUPS - 1 are the problems, then the talk.
PROBLEM_GROUPS = len(ALL_CODES)
GROUP = {name: PROBLEM_GROUPS + place for place, name in enumerate(TALK)}
ATTITUDE_GROUPS = tuple(
    place for place, module in enumerate(PROBLEM_MODULES) if module == 4
)
# The answers by module of the problem; the last where there is none.
REPLY_GROUPS = np.array(
    [GROUP[f"reply_{module}"] for module in MODULES] + [GROUP["reply_basic_service"]]
)

OPENINGS = ("", "", "", "", "亲，", "客服，", "你好，", "那个，", "老板，", "请问")
ENDINGS = ("", "", "", "", "。", "！", "？", "？？", "😭", "😊", "[难过]", "……", "啊")
EMOJI = ("[微笑]", "[玫瑰]", "[大哭]", "[赞]", "👍", "🙏", "😡", "🌹")

SLOTS: dict[str, tuple[str, ...]] = {
    "city": (
        "杭州",
        "广州",
        "义乌",
        "武汉",
        "成都",
        "西安",
        "郑州",
        "北京",
        "上海",
        "沈阳",
        "长沙",
        "南宁",
        "昆明",
        "临沂",
    ),
    "carrier": ("中通", "圆通", "韵达", "申通", "极兔", "邮政", "顺丰", "京东"),
    "days": tuple(str(number) for number in range(2, 16)),
    "size": ("S码", "M码", "L码", "XL", "均码", "160", "大号", "小号", "38码", "41码"),
    "weight": tuple(str(number) for number in range(90, 160, 5)),
    "spec": ("4斤多", "400克", "八两", "2斤半", "900克"),
    "money": tuple(f"{cents / 100:.2f}" for cents in range(290, 19_990, 370)),
    "name": ("敏", "静", "洁", "雪", "宇", "晨", "悦"),
    "tail": tuple(f"{number * 271 % 10_000:04d}" for number in range(1, 200)),
}

# Reasons that buyers pick for an after-sales request, by the problem behind it.
REASONS: dict[str, tuple[str, ...]] = {
    "quality_defect": ("质量问题", "商品瑕疵"),
    "malfunction": ("商品故障", "商品无法使用"),
    "damaged": ("商品破损/污渍", "收到商品破损"),
    "spoiled_or_expired": ("商品腐烂/变质", "坏果/烂果"),
    "foreign_matter": ("商品有异物",),
    "health_or_safety": ("使用后过敏/不适",),
    "counterfeit": ("假冒品牌",),
    "used_goods": ("收到二手商品",),
    "not_as_described": ("与描述不符", "材质不符"),
    "color_mismatch": ("颜色/款式不符", "色差"),
    "size_mismatch": ("尺寸与描述不符",),
    "short_weight": ("缺斤少两",),
    "poor_workmanship": ("做工粗糙/有瑕疵",),
    "fading_or_pilling": ("掉色/起球/缩水",),
    "bad_smell": ("有异味",),
    "size_not_fit": ("大小/尺码不合适",),
    "not_shipped_in_time": ("未按约定时间发货", "发货太慢"),
    "false_shipment": ("虚假发货",),
    "out_of_stock": ("缺货",),
    "wrong_item": ("商家发错货",),
    "missing_item": ("少件/漏发",),
    "empty_parcel": ("空包裹",),
    "poor_packaging": ("包装问题",),
    "tracking_stalled": ("快递/物流无跟踪记录",),
    "slow_delivery": ("快递/物流一直未送到", "未收到货"),
    "signed_not_received": ("显示签收但未收到货",),
    "parcel_lost": ("快递丢件",),
    "parcel_returned": ("快递被退回",),
    "promise_not_kept": ("承诺未兑现",),
    "gift_missing": ("赠品未发",),
    "price_dispute": ("商品降价",),
    "bad_attitude": ("服务态度差",),
}
# Picked by everybody else, and now and then by those with a problem too; the
# last two say nothing and stand in no seed.
COMMON_REASONS = (
    "不想要了",
    "不喜欢/不想要",
    "多拍/拍错/不想要",
    "7天无理由退货",
    "拍错了",
    "没用/少用优惠",
    "大小/尺码不合适",
    "质量问题",
    "其他原因",
    "与商家协商一致退款",
)
REFUND_REASONS = tuple(
    dict.fromkeys(
        [reason for reasons in REASONS.values() for reason in reasons]
        + list(COMMON_REASONS)
    )
)


def reasons_for(
    problem: np.ndarray, which: np.ndarray, honest: np.ndarray
) -> np.ndarray:
    """The reason given for each request, as indexes into REFUND_REASONS.

    problem: index into PROBLEM_CODES, -1 none. which, honest: uniform numbers
    in [0, 1) that choose among the wordings and whether the problem is named.
    All of shape (requests,).
    """
    place = {reason: number for number, reason in enumerate(REFUND_REASONS)}
    common = np.array([place[reason] for reason in COMMON_REASONS])
    table = np.empty((len(PROBLEM_CODES) + 1, 2), dtype=np.int64)
    named = np.zeros(len(PROBLEM_CODES) + 1, dtype=bool)
    for number, code in enumerate(PROBLEM_CODES):
        reasons = REASONS.get(code, COMMON_REASONS[:1])
        table[number] = place[reasons[0]], place[reasons[-1]]
        named[number] = code in REASONS
    table[-1] = common[0]
    said = table[problem, (which * 2).astype(np.int64)]
    anything = common[(which * len(common)).astype(np.int64)]
    return np.where(named[problem] & (honest < 0.9), said, anything)


class Writer:
    """Puts texts together from a group and a number that decides the wording.

    products: all product names. Texts come in chunks, so that memory stays
    small however many messages there are.
    """

    def __init__(self, products: list[str]) -> None:
        wordings: list[str] = []
        self._start, self._count = [], []
        subjects = [one[2] for one in PROBLEMS.values()]
        subjects += list(ROUTINE.values()) + list(TALK.values())
        for subject in subjects:
            self._start.append(len(wordings))
            self._count.append(len(subject))
            wordings.extend(subject)
        self._start = np.array(self._start)
        self._count = np.array(self._count)

        fillings: list[str] = [""]
        ranges: dict[str, tuple[int, int]] = {"": (0, 1)}
        for slot, values in {**SLOTS, "goods": tuple(products)}.items():
            ranges[slot] = (len(fillings), len(values))
            fillings.extend(values)
        self._fillings = pa.array(fillings)
        self._orders_at = len(fillings)

        before, after, slot_start, slot_count = [], [], [], []
        slot_order, slot_goods = [], []
        for wording in wordings:
            found = re.fullmatch(r"([^{]*)(?:\{(\w+)\}(.*))?", wording)
            slot = found[2] or ""
            before.append(found[1])
            after.append(found[3] or "")
            slot_order.append(slot == "order")
            slot_goods.append(slot == "goods")
            start, count = ranges[slot if slot != "order" else ""]
            slot_start.append(start)
            slot_count.append(count)
        self._before, self._after = pa.array(before), pa.array(after)
        self._slot_start = np.array(slot_start)
        self._slot_count = np.array(slot_count)
        self._slot_order = np.array(slot_order)
        self._slot_goods = np.array(slot_goods)
        self._openings, self._endings = pa.array(OPENINGS), pa.array(ENDINGS)
        self._goods_start = ranges["goods"][0]

    def write(
        self,
        group: np.ndarray,
        seed: np.ndarray,
        product: np.ndarray,
        order_sn: pa.Array,
        is_buyer: np.ndarray,
    ) -> pa.Array:
        """Texts of shape (messages,), null where group is -1.

        seed: 62 random bits a message. product: index of the product talked
        about. order_sn: the order's number for each message, null for none.
        Only buyers' words get varying openings and endings.
        """
        known = np.maximum(group, 0)
        wording = self._start[known] + (seed & 0xFFFF) % self._count[known]
        filling = (
            self._slot_start[wording]
            + ((seed >> 16) & 0xFFFF) % self._slot_count[wording]
        )
        filling = np.where(
            self._slot_goods[wording], self._goods_start + product, filling
        )
        slot = self._fillings.take(pa.array(filling))
        asks_order = self._slot_order[wording]
        if asks_order.any():
            number = pc.fill_null(order_sn, "")
            slot = pc.if_else(pa.array(asks_order), number, slot)
        varies = is_buyer & ((seed >> 60) & 1 == 1)
        opening = np.where(varies, (seed >> 32) % len(OPENINGS), 0)
        ending = np.where(is_buyer, (seed >> 40) % len(ENDINGS), 0)
        text = pc.binary_join_element_wise(
            self._openings.take(pa.array(opening)),
            self._before.take(pa.array(wording)),
            slot,
            self._after.take(pa.array(wording)),
            self._endings.take(pa.array(ending)),
            "",
        )
        return pc.if_else(pa.array(group >= 0), text, pa.scalar(None, pa.string()))
