"""Who and what the demo company is: people, places, goods, partners. Names are made up."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "CUSTOMERS",
    "FINISHED",
    "OWNER",
    "PEOPLE",
    "PLANTS",
    "RATES",
    "RAW",
    "SERVICES",
    "SHOPS",
    "SUPPLIERS",
    "Good",
    "Partner",
    "Person",
]

OWNER = "澜溪食品有限公司"


class Person(NamedTuple):
    """A user of the demo; `roles` empty for somebody who may log in and see nothing. `shown`: what the log-in
    page calls him; empty: it does not offer him."""

    code: str
    name: str
    department: str
    roles: tuple[str, ...]
    shown: str = ""


PEOPLE = (
    Person("lin", "林知夏", "销售部", ("sales_clerk",), "sales_clerk"),
    Person("zhou", "周砚秋", "销售部", ("sales_manager",), "sales_manager"),
    Person("chen", "陈望舒", "采购部", ("buyer", "master_data"), "buyer"),
    Person("wu", "吴铁柱", "仓储部", ("warehouse_keeper", "stock_manager"), "warehouse_keeper"),
    Person("sun", "孙静言", "财务部", ("accountant",), "accountant"),
    Person("xu", "许明账", "财务部", ("accountant",)),
    Person("he", "何安澜", "总经办", ("boss",), "boss"),
    Person("jin", "金守一", "总经办", ("admin",), "admin"),
    Person("guest", "访客", "总经办", ()),
)


class Good(NamedTuple):
    """An item: `cost` what it costs or is made for, `price` before tax; per stock unit."""

    code: str
    name: str
    spec: str
    unit: str
    tax: str
    cost: str
    price: str | None = None
    box: int = 0
    lots: bool = False


RAW = (
    Good("R01", "非转基因黄豆", "一级 50kg/袋", "KG", "0.09", "6.20"),
    Good("R02", "高筋面粉", "25kg/袋", "KG", "0.09", "4.60"),
    Good("R03", "白砂糖", "50kg/袋", "KG", "0.13", "7.10"),
    Good("R04", "无盐黄油", "进口 25kg/箱", "KG", "0.13", "46.00"),
    Good("R05", "可可粉", "进口 碱化 25kg/袋", "KG", "0.13", "58.00"),
    Good("R06", "鲜鸡蛋液", "10kg/桶", "KG", "0.09", "12.50"),
    Good("R07", "食用盐卤", "25kg/桶", "KG", "0.13", "3.80"),
    Good("R08", "高活性干酵母", "500g×20", "KG", "0.13", "28.00"),
    Good("R09", "封口包装盒", "PP 400ml", "PCS", "0.13", "0.28"),
    Good("R10", "自立包装袋", "100g 装", "PCS", "0.13", "0.15"),
)

FINISHED = (
    Good("F01", "嫩豆腐", "400g/盒", "PCS", "0.13", "1.60", "2.90", 20),
    Good("F02", "老豆腐", "500g/盒", "PCS", "0.13", "1.90", "3.40", 20),
    Good("F03", "原味豆浆", "1L/瓶", "BTL", "0.13", "3.10", "5.80", 12),
    Good("F04", "香辣豆干", "100g/袋", "BAG", "0.13", "2.20", "4.50", 40),
    Good("F05", "牛乳吐司", "450g/袋", "PCS", "0.13", "4.80", "8.90", 12),
    Good("F06", "可可曲奇", "200g/盒", "PCS", "0.13", "6.40", "13.50", 24, True),
    Good("F07", "桂花米糕", "300g/盒", "PCS", "0.13", "3.90", "7.60", 16),
    Good("F08", "蛋黄酥", "6 枚/盒", "PCS", "0.13", "9.20", "18.80", 12, True),
)

SERVICES = (Good("S01", "冷链运费", "每车次", "EA", "0.09", "600", None),)

# Plant: (code, name, what it makes from what: finished → raw per hundred pieces)
PLANTS: dict[str, tuple[str, dict[str, dict[str, str]]]] = {
    "PL1": (
        "豆制品厂",
        {
            "F01": {"R01": "18", "R07": "0.8", "R09": "100"},
            "F02": {"R01": "24", "R07": "1.1", "R09": "100"},
            "F03": {"R01": "30", "R03": "6"},
            "F04": {"R01": "16", "R03": "2", "R10": "100"},
        },
    ),
    "PL2": (
        "烘焙厂",
        {
            "F05": {"R02": "30", "R04": "4", "R06": "6", "R08": "0.6"},
            "F06": {"R02": "10", "R04": "5", "R05": "1.5", "R03": "4", "R09": "100"},
            "F07": {"R02": "22", "R03": "8", "R09": "100"},
            "F08": {"R02": "16", "R04": "7", "R06": "10", "R09": "100"},
        },
    ),
}

SHOPS = (
    ("SH01", "江湾店"),
    ("SH02", "桥头店"),
    ("SH03", "学府路店"),
    ("SH04", "梧桐里店"),
    ("SH05", "高铁站店"),
    ("SH06", "湖滨店"),
    ("SH07", "老城南店"),
    ("SH08", "科创园店"),
)


class Partner(NamedTuple):
    """A customer or supplier; `sells` the goods of a supplier; `pays` how surely a customer pays when due."""

    code: str
    name: str
    currency: str | None
    days: int
    limit: str | None = None
    sells: tuple[str, ...] = ()
    pays: float = 0.9
    contact: str = ""
    phone: str = ""
    tax_no: str = ""


CUSTOMERS = (
    Partner(
        "C001",
        "禾盛生鲜超市有限公司",
        None,
        30,
        "400000",
        contact="丁采薇",
        phone="025-5555 0101",
        tax_no="91320100MADEMO001A",
    ),
    Partner("C002", "江畔大学后勤服务中心", None, 45, "300000", contact="顾晚舟", phone="025-5555 0102"),
    Partner(
        "C003",
        "东湖连锁餐饮管理有限公司",
        None,
        30,
        "260000",
        pays=0.0,
        contact="方谷雨",
        phone="025-5555 0103",
    ),
    Partner("C004", "四时小馆餐饮店", None, 0, "30000", contact="沈立冬", phone="025-5555 0104"),
    Partner(
        "C005",
        "晨光便利连锁有限公司",
        None,
        30,
        None,
        contact="叶小满",
        phone="025-5555 0105",
        tax_no="91320100MADEMO005B",
    ),
    Partner("C006", "云栖酒店管理有限公司", None, 15, "150000", contact="陆清和", phone="025-5555 0106"),
    Partner("C007", "锦程航空配餐有限公司", None, 60, None, contact="温如玉", phone="025-5555 0107"),
    Partner(
        "C009",
        "长三角（苏浙皖）区域生鲜农产品冷链仓储加工配送及社区团购供应链综合服务有限责任公司江北新区分公司",
        None,
        30,
        "200000",
        contact="欧阳慕云",
        phone="025-5555 0109",
    ),
    Partner("C008", "港悦贸易有限公司", "HKD", 30, "200000", contact="Lau Wing", phone="+852 5555 0108"),
)

SUPPLIERS = (
    Partner(
        "V001", "松原粮油购销有限公司", None, 30, sells=("R01", "R02"), contact="石磊", phone="0438-555 0201"
    ),
    Partner("V002", "桂北糖业股份有限公司", None, 30, sells=("R03",), contact="韦青", phone="0772-555 0202"),
    Partner("V003", "绿野蛋品有限公司", None, 15, sells=("R06",), contact="范阳", phone="0516-5555 0203"),
    Partner(
        "V004", "华南食品配料有限公司", None, 30, sells=("R07", "R08"), contact="谭可", phone="020-5555 0204"
    ),
    Partner("V005", "恒裕包装制品厂", None, 30, sells=("R09", "R10"), contact="姚远", phone="0512-5555 0205"),
    Partner(
        "V006",
        "Southern Pastures Dairy Ltd",
        "USD",
        60,
        sells=("R04",),
        contact="A. Mercer",
        phone="+64 5555 0206",
    ),
    Partner(
        "V007", "Rheintal Kakao GmbH", "EUR", 45, sells=("R05",), contact="J. Brandt", phone="+49 555 0207"
    ),
    Partner(
        "V008", "顺达冷链物流有限公司", None, 15, sells=("S01",), contact="毛毛雨", phone="025-5555 0208"
    ),
)

# Company currency for one unit when the story begins; each month it moves by up to one percent.
RATES: dict[str, str] = {"USD": "7.1586", "EUR": "8.3412", "HKD": "0.9183"}
