"""What the independent writer signs: claims, trust files, catalogue, tokens and views of one small world.

In scope: constants and builders; every builder gives the bytes of one object. Out of scope: encodings (wire.py), which
objects there are and what a reader must answer (write.py).
"""

import zlib

import cbor2

from wire import Key, by_kid, credit_code, digest, licence_id, sha, sign, sign1, vkey

CLOCK = 1_796_119_200  # 2026-12-01T10:00:00Z
DAY = 86_400
FROM, TO = CLOCK - 400 * DAY, CLOCK + 400 * DAY
GD, GZ, SZ = (
    credit_code("11", d, n) for d, n in (("440000", "X0000005"), ("440100", "X0000002"), ("440300", "X0000001"))
)
HOLDER = "91440101MA9XXXXX36"
T1, T2 = GD + "201", GD + "202"
SITE, TEST = "urn:elic:cn:" + T1, "urn:elic:cn:" + T2
ITEM, CASE, OFFICE = "GZ-EX-0001", "2026-EX-0000042", credit_code("11", "440400", "X0000003")
ORIGIN, URI = "gz.elic.example/log", "https://gz.elic.example/v1/status-lists/9"
COMMON = [
    [0, 3, "目录版次", 1, 0],
    [1, 1, "电子证照标识", 5, 128],
    [2, 1, "证照编号", 5, 128],
    [3, 5, "持证主体", 5, 100],
    [4, 5, "持证主体代码类型", 1, 3],
    [5, 5, "持证主体代码", 7, 32],
    [6, 1, "颁发机构", 4, 100],
    [7, 1, "属地编码", 1, 12],
    [8, 2, "颁发日期", 5, 10],
    [9, 2, "有效期起", 4, 10],
    [10, 2, "有效期止", 4, 10],
]
EVERY_KIND = [
    [24, 1, "样品名称", 5, 100],
    [25, 3, "样品数量", 4, 0],
    [26, 4, "是否复检", 4, 0],
    [27, 5, "检验项目", 4, 50],
    [28, 6, "附件摘要", 0, 0],
    [29, 7, "检验结果", 4, 50],
    [30, 2, "检验日期", 4, 10],
]
SAMPLE = {
    24: "示例样品",
    25: 3,
    26: False,
    27: ["外观", "尺寸"],
    28: sha(b"attachment"),
    29: [["外观", "合格"], ["尺寸", "合格"]],
    30: "2026-11-19",
}


class World:
    """The folder, the keys, and the cases of expected.json."""

    def __init__(self, folder):
        self.folder, self.keys, self.cases, self.bundle = folder, {}, [], {}
        self.cut = None

    def key(self, name):
        return self.keys.setdefault(name, Key(name))

    def write(self, path, data):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def part(self, path, data):
        self.bundle[path] = data
        self.write("bundle/" + path, data)

    def case(self, kind, name, **more):
        assert all(case["name"] != name for case in self.cases), name
        self.cases.append({"kind": kind, "name": name, **more})

    def verdict(self, name, path, outcome, code=None, **more):
        self.case("verdict", name, outcome=outcome, code=code, judged={"file": path, **more})


# What is signed


def fields(serial, area="440106", **more):
    number = f"2026{serial:07}"
    return {
        0: 1,
        1: licence_id(T1, GZ, number, "001"),
        2: f"穗示证〔2026〕{serial:07}号",
        3: ["广州示例云帆科技有限公司"],
        4: ["001"],
        5: [HOLDER],
        7: area,
        8: "2026-11-21",
        **{int(k[1:]): v for k, v in more.items()},
    }


def claims(serial, idx, iss=GZ, vct=SITE, iat=CLOCK - 10 * DAY, **more):
    made = {
        1: iss,
        2: HOLDER,
        4: iat + 365 * DAY,
        5: iat,
        6: iat,
        7: sha(b"cti %d" % serial)[:16],
        11: vct,
        65535: {"status_list": {"idx": idx, "uri": URI}},
        -70001: fields(serial),
    }
    made.update({int(k[1:]): v for k, v in more.items()})
    return {k: v for k, v in made.items() if v is not None}


def licence(world, key, *arguments, **more):
    return sign1("+cwt", claims(*arguments, **more), world.key(key))


def view(world, of, key="gz view", iat=CLOCK - 600, life=1800, more=None, role_fields=(0, 2, 3, 7)):
    own = cbor2.loads(cbor2.loads(of).value[2])
    shown = {k: v for k, v in own[-70001].items() if k in role_fields}
    grounds = {1: ITEM, 2: CASE, 3: digest(of), 4: own[6], 5: own[1], 6: 2, 7: "办理示例事项"}
    return sign1(
        "-view+cwt",
        {
            1: GZ,
            3: OFFICE,
            4: iat + life,
            6: iat,
            7: sha(b"view", of)[:16],
            11: own[11],
            65535: own[65535],
            -70001: {**shown, **(more or {})},
            -70003: grounds,
        },
        world.key(key),
    )


def token_payload(iat, values, life=DAY):
    array = bytearray(16)
    for idx, value in values.items():
        array[idx // 4] |= value << idx % 4 * 2
    lst = {"bits": 2, "lst": zlib.compress(bytes(array), 9)}
    return {2: URI, 4: iat + life, 6: iat, 65533: lst, 65534: 3600}


def token(world, iat, values, key="gz status"):
    return sign1("application/statuslist+cwt", token_payload(iat, values), world.key(key))


# When the compromised key was stolen.
STOLEN = CLOCK - 5 * DAY


def role(threshold, keys):
    return [threshold, [key.cose for key in by_kid(keys)]]


def root_payload(world, version, officers, stamp):
    return {
        1: version,
        2: CLOCK - (40 - version) * DAY,
        3: TO,
        4: "示例信任体系",
        5: {
            1: role(2, [world.key(n) for n in officers]),
            2: role(2, [world.key(f"list {n}") for n in "abc"]),
            3: role(1, [world.key(stamp)]),
        },
    }


def root_file(world, version, officers, stamp, signers):
    return sign("-root+cbor", root_payload(world, version, officers, stamp), [world.key(n) for n in signers])


def scoped(number, types=("*",), regions=("*",), begin=FROM):
    return [number, list(types), list(regions), begin, TO]


def listed(world, name, scopes, state=0, since=FROM, cut=None):
    """`cut` is size and root of the log's tree beyond which a compromised key is not trusted."""
    made = {1: world.key(name).cose, 2: scopes, 3: state, 4: since}
    return {**made, 5: cut[0], 6: [[0, FROM]], 7: [ORIGIN, cut[1]]} if cut is not None else made


def list_payload(world, version):
    types, own = [SITE, TEST], ["4401"]
    guangzhou = [
        listed(world, "gz issuer", [scoped(1, types, own, CLOCK - 100 * DAY)]),
        listed(world, "gz retired", [scoped(1, types, own)], 1, CLOCK - 20 * DAY),
        listed(world, "gz compromised", [scoped(1, types, own)], 2, STOLEN, world.cut),
        listed(world, "gz status", [scoped(2)]),
        listed(world, "gz view", [scoped(4, types, own)]),
        listed(world, "gz receipt", [scoped(5)]),
        listed(world, "gz node", [scoped(6)]),
    ]
    entries = [
        {1: GD, 2: "广东省示例发证机关", 3: ["gd.elic.example"], 4: [], 5: [listed(world, "catalogue", [scoped(3)])]},
        {
            1: GZ,
            2: "广州市示例发证机关",
            3: ["gz.elic.example", "gz.elic.example:8443"],
            4: [[ORIGIN, vkey(ORIGIN, 1, world.key("gz log").x), FROM, None]],
            5: guangzhou,
        },
        {
            1: SZ,
            2: "深圳市示例发证机关",
            3: ["sz.elic.example"],
            4: [],
            5: [listed(world, "sz issuer", [scoped(1, [TEST], ["4403"])]), listed(world, "sz status", [scoped(2)])],
        },
    ]
    witnesses = "".join(
        f"witness {n} {vkey(f'{n}.elic.example/w1', 4, world.key(n + ' witness').x)}\n" for n in ("gd", "sz")
    )
    return {
        1: version,
        2: CLOCK - 30 * DAY + version,
        3: TO,
        4: sorted(entries, key=lambda e: e[1]),
        5: witnesses + "group both 2 gd sz\nquorum both\n",
    }


def trust_list(world, version):
    return sign("-list+cbor", list_payload(world, version), [world.key("list a"), world.key("list c")])


def stamp_file(world, version, list_version, data, key="stamp 2", iat=CLOCK - 3600):
    payload = {1: version, 2: iat, 3: iat + 3 * DAY, 4: [list_version, len(data), sha(data)]}
    return sign("-timestamp+cbor", payload, [world.key(key)])


def catalogue(world, version, previous, names=("住所场地使用证明（示例）", "样品检验证明（示例）"), key="catalogue"):
    metadata = {"定义机构级别": "省级", "持证主体类别": "法人"}
    kinds = [
        {1: SITE, 2: names[0], 3: [{1: 1, 2: COMMON + [[24, 1, "场地地址", 6, 200]], 3: 3650 * DAY}], 4: metadata},
        {1: TEST, 2: names[1], 3: [{1: 1, 2: COMMON + EVERY_KIND, 3: 3650 * DAY}]},
    ]
    item = {
        1: ITEM,
        2: "示例事项",
        3: [[SITE, [0, 2, 3, 7]], [TEST, [0, 2, 7, 24, 25]]],
        4: 1800,
        5: "办理示例事项",
        6: [{1: "M01", 2: "场地证明", 3: 1, 4: ["44"], 5: [[SITE, [2, 3]]]}],
    }
    items = [item] if version > 1 else []
    payload = {
        1: version,
        2: CLOCK - (20 - version) * DAY,
        3: previous,
        4: CLOCK - (19 - version) * DAY,
        5: kinds,
        6: items,
    }
    return sign1("-catalogue+cbor", payload, world.key(key))
