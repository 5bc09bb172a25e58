"""Writes the synthetic authorities of the shipped data (catalogue/data/authorities/*.toml).

Codes are made by rule, so that nobody has to invent one: 登记管理部门 and 机构类别 `11`, the division of the node,
组织机构代码 `X` + last four digits of the division + three digits of the department + check by GB 11714, and the check
of GB 32100 (spec/domain.md §2). Files of a node that already exist keep every entry and get the missing departments behind
the marker line. The output is committed; `cargo test -p licence-catalogue` proves the checks.

Run from the repository: python3 catalogue/tools/authorities.py
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "data" / "authorities"
MARKER = "# ---- Made by catalogue/tools/authorities.py ----"
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
GB32100 = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def gb11714(body: str) -> str:
    total = sum(LETTERS.index(c) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2)))
    value = 11 - total % 11
    return body + {10: "X", 11: "0"}.get(value, str(value))


def gb32100(body: str) -> str:
    total = sum(GB32100.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + GB32100[(31 - total % 31) % 31]


def code(division: str, number: int) -> str:
    return gb32100("11" + division + gb11714(f"X{division[2:]}{number:03d}"))


# node id, division, host, Chinese name before 示例, English name, area prefixes
CITIES = [
    ("440200", "sg", "韶关市", "Shaoguan"), ("440400", "zh", "珠海市", "Zhuhai"), ("440500", "st", "汕头市", "Shantou"),
    ("440600", "fs", "佛山市", "Foshan"), ("440700", "jm", "江门市", "Jiangmen"), ("440800", "zj", "湛江市", "Zhanjiang"),
    ("440900", "mm", "茂名市", "Maoming"), ("441200", "zq", "肇庆市", "Zhaoqing"), ("441300", "hz", "惠州市", "Huizhou"),
    ("441400", "mz", "梅州市", "Meizhou"), ("441500", "sw", "汕尾市", "Shanwei"), ("441600", "hy", "河源市", "Heyuan"),
    ("441700", "yj", "阳江市", "Yangjiang"), ("441800", "qy", "清远市", "Qingyuan"), ("441900", "dg", "东莞市", "Dongguan"),
    ("442000", "zs", "中山市", "Zhongshan"), ("445100", "cz", "潮州市", "Chaozhou"), ("445200", "jy", "揭阳市", "Jieyang"),
    ("445300", "yf", "云浮市", "Yunfu"),
]
# 前海 and 横琴 have no division code of their own: their offices stand under the parent district (spec/domain.md §11).
AREAS = [
    ("440115", "440115", "ns", "广州市南沙区", "Nansha, Guangzhou", ["440115"]),
    ("440300-qianhai", "440305", "qh", "深圳市前海", "Qianhai, Shenzhen", ["440305", "440306"]),
    ("440400-hengqin", "440402", "hq", "珠海市横琴", "Hengqin, Zhuhai", ["440402"]),
    ("440606", "440606", "sd", "佛山市顺德区", "Shunde, Foshan", ["440606"]),
]
EXISTING = {"440100": ("广州市", "Guangzhou"), "440300": ("深圳市", "Shenzhen")}

W, XW, D = "11100000000013338W", "1110000000001332XW", "11100000000019713D"
# number, office, English, types. The column "authority" of spec/domain.md §12 says which branch of administration.
MARKET = (101, "市场监督管理局", "market-regulation authority", ["11100000MB0143028R001"])
ESTATE = (102, "不动产登记机构", "real-estate registration authority", ["11100000MB03271699001", "11100000MB03271699022"])
HOUSING = (103, "住房和城乡建设局", "construction authority",
           [W + n for n in ("001", "011", "032")] + [XW + n for n in ("059", "082")] + ["ZD2004", "ZD2005", "ZD2006", "ZD2007"])
TRANSPORT = (104, "交通运输局", "transport authority",
             [D + n for n in ("008", "013", "016", "071", "072", "073", "074", "075", "079")])
STREET = (105, "街道办事处", "sub-district office", ["200023401"])
POLICE = (106, "公安局", "police authority", ["ZD1001", "ZD1002", "ZD1008", "ZD1009"])
CIVIL = (109, "民政局", "civil-affairs authority", ["ZD1004", "ZD1005"])
REFORM = (112, "发展和改革局", "development and reform authority", ["ZD2001"])
LAND = (113, "自然资源局", "natural-resources authority", ["ZD2002", "ZD2003"])
# An office of its own: 市场监督管理局 of the demo's cities keeps exactly one type.
FOOD = (121, "食品经营许可机关", "food-permit authority", ["ZD3001"])
OTHERS = [
    POLICE,
    (108, "卫生健康局", "health authority", ["ZD1003"]),
    CIVIL,
    (110, "人力资源和社会保障局", "human-resources and social-security authority", ["ZD1006"]),
    (111, "残疾人联合会", "disabled persons' federation", ["ZD1007"]),
    REFORM,
    LAND,
    (114, "生态环境局", "environment authority", ["ZD3002"]),
    (115, "应急管理局", "emergency-management authority", ["ZD3003"]),
    (116, "农业农村局", "agriculture authority", ["ZD3004"]),
    FOOD,
]
CITY = [MARKET, ESTATE, HOUSING, TRANSPORT, STREET, *OTHERS]
AREA = [MARKET, ESTATE, HOUSING, STREET, POLICE, CIVIL, REFORM, LAND, FOOD]


def entry(division: str, place: str, en: str, regions: list[str], department: tuple, source: str) -> str:
    number, office, office_en, types = department
    quoted = lambda texts: "[" + ", ".join(f'"{text}"' for text in texts) + "]"
    roles = ["licence", "status"] if types else ["view", "receipt", "node"]
    return f"""
[[authorities]]
code = "{code(division, number)}"
synthetic = true
name = "{place}示例{office}"
en = "Example {office_en} of {en}"
roles = {quoted(roles)}
regions = {quoted(regions)}
issues = {quoted(types)}
in_force = "2026-10-26"
state = "provisional"
source = "{source}"
"""


ISSUER = "code: built by the rules of spec/domain.md §2; area of authority: spec/domain.md §12; level and office not confirmed"
NODE = "code: built by the rules of spec/domain.md §2; roles: spec/trust-list.md §4"


def node_file(node: str, division: str, host: str, place: str, en: str, regions: list[str], departments: list) -> str:
    text = f"""# Authorities of the node {node} ({en}). Names carry 示例 and codes are synthetic until the city puts its own in their place
# (`synthetic = true`); a production trust list must not be built from such entries.
{MARKER}

node = "{node}"
host = "{host}.elic.example"
"""
    for department in departments:
        text += entry(division, place, en, regions, department, ISSUER)
    return text + entry(division, place, en, regions, (199, "证照节点", "node", []), NODE)


def main() -> None:
    for division, host, place, en in CITIES:
        text = node_file(division, division, host, place, en, [division[:4]], CITY)
        (FOLDER / f"{division}.toml").write_text(text, encoding="utf-8")
    for node, division, host, place, en, regions in AREAS:
        text = node_file(node, division, host, place, en, regions, AREA)
        (FOLDER / f"{node}.toml").write_text(text, encoding="utf-8")
    for division, (place, en) in EXISTING.items():
        path = FOLDER / f"{division}.toml"
        kept = path.read_text(encoding="utf-8").split(MARKER)[0].rstrip() + "\n"
        added = "".join(entry(division, place, en, [division[:4]], d, ISSUER) for d in OTHERS)
        path.write_text(kept + "\n" + MARKER + "\n" + added, encoding="utf-8")


if __name__ == "__main__":
    main()
