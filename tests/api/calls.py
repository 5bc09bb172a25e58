"""Every call of the API, made once as it is meant, against a demo that serves.

In scope: what to send so that each call succeeds, and who sends it. Out of scope: what other requests are answered
(run.py has those made from the description). Requests between nodes are signed with the demo's node keys.
"""

import base64
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives.serialization import load_pem_private_key

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "interop"))
from wire import cose_key, http_request, sha  # noqa: E402

PLAIN = urllib.request.build_opener(urllib.request.ProxyHandler({}))
NODES = {"province": 0, "440100": 1, "440300": 2}
HOSTS = {"province": "gd.elic.example", "440100": "gz.elic.example", "440300": "sz.elic.example"}
FOLDERS = {"province": "440000", "440100": "440100", "440300": "440300"}
JSON, TEXT, LINES = "application/json", "text/plain", "application/x-ndjson"
# 营业执照 of 广州 for a company that is plainly made up.
TYPE, ISSUER, AREA = "11100000MB0143028R001", "11440100X00000027D", "440106"
COMPANY = {"name": "广州示例科技有限公司", "code_type": "001", "code": "91440101MA9XXXXX36"}
ITEM, ITEM_CITY = "SZ-SP-0101", "440300"


@dataclass
class Request:
    """One request: where the path has `{name}`, `path` has its value."""

    method: str
    template: str
    node: str = "440100"
    path: dict = field(default_factory=dict)
    query: dict = field(default_factory=dict)
    body: object = None
    kind: str = JSON
    signer: str = None

    def target(self):
        target = self.template
        for name, value in self.path.items():
            target = target.replace("{" + name + "}", str(value))
        return target + ("?" + urllib.parse.urlencode(self.query) if self.query else "")

    def bytes(self):
        if self.body is None:
            return None
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False).encode()


class NodeKey:
    """The node key of a demo node, as `http_request` signs with it."""

    def __init__(self, folder):
        (file,) = sorted((folder / "keys").glob("*.node.pem"))
        passphrase = (folder / "passphrase").read_bytes().strip()
        self.key = load_pem_private_key(file.read_bytes(), passphrase)
        self.thumbprint = sha(cose_key(self.key.public_key().public_bytes_raw()))

    def sign(self, data):
        return self.key.sign(data)


class World:
    """A demo that serves: where its nodes are, who may ask them, and what it has issued."""

    def __init__(self, data, port):
        self.data, self.port = pathlib.Path(data), port
        self.tokens = json.loads((self.data / "tokens.json").read_text())

    def url(self, node):
        return f"http://127.0.0.1:{self.port + NODES[node]}"

    def send(self, request):
        """Status, media type and body of the answer."""
        headers, body = {}, request.bytes()
        if request.signer:
            key = NodeKey(self.data / "nodes" / FOLDERS[request.signer])
            uri = f"https://{HOSTS[request.node]}{request.target()}"
            signed = http_request(
                request.method.upper(), uri, key, int(time.time()), body, uuid.uuid4().hex, uuid.uuid4().hex, request.kind
            )
            headers.update(signed["headers"])
        else:
            headers["Authorization"] = "Bearer " + self.tokens[request.node]
            if body is not None:
                headers["Content-Type"] = request.kind
        asked = urllib.request.Request(
            self.url(request.node) + request.target(), data=body, method=request.method.upper(), headers=headers
        )
        try:
            answer = PLAIN.open(asked, timeout=60)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()

    def json(self, request):
        status, _, body = self.send(request)
        assert 200 <= status < 300, f"{request.method} {request.target()}: {status} {body[:300]}"
        return json.loads(body)

    def licence(self):
        """A request to issue a licence under a number of its own."""
        return {
            "type": TYPE,
            "issuer": ISSUER,
            "number": "示例〔2026〕" + uuid.uuid4().hex[:8].upper(),
            "area_code": AREA,
            "holders": [COMPANY],
            "issued_on": "2026-11-23",
            "valid_from": "2026-11-23",
            "valid_until": None,
            "fields": {"法定代表人": "测试㛃", "经营范围": "软件开发；信息技术咨询"},
        }

    def issued(self):
        return self.json(Request("post", "/v1/licences", body=self.licence()))


REASON = {"legal_basis": "示例条例第一条", "document_number": "示例〔2026〕1号", "officer": "示例经办人"}


def cosigning(world):
    """Asks the province to cosign the head of 广州's log that it has last seen."""
    head = world.send(Request("get", "/v1/mirrors/{host}/checkpoint", "province", {"host": HOSTS["440100"]}))[2].decode()
    size = head.split("\n")[1]
    body = f"old {size}\n\n{head}"
    return Request("post", "/v1/witness/add-checkpoint", "province", body=body, kind=TEXT, signer="440100")


def requests(world, office=ITEM_CITY):
    """The request of every call, by its operationId, verified at one office. What needs something to be there makes it first."""
    licence, other, old = world.issued(), world.issued(), world.issued()
    cti = cti_of(licence["credential"])
    subject = {key: COMPANY[key] for key in ("code_type", "code")}
    question = {"credential": licence["credential"], "service_item": ITEM, "case_number": "2026-0001"}
    verified = world.json(Request("post", "/v1/verifications", office, body=question))
    receipt = verified["receipt"]
    newer = {**world.licence(), "number": old_number(old)}
    purpose = {"service_item": ITEM, "case_number": "2026-0001", "authorisation": "示例授权1号"}
    client = {
        "issue_licence": Request("post", "/v1/licences", body=world.licence()),
        "licence": Request("get", "/v1/licences/{id}", path={"id": licence["id"]}),
        "change_status": Request(
            "post", "/v1/licences/{id}/status-changes", path={"id": other["id"]}, body={"act": "suspend", "reason": REASON}
        ),
        "status_history": Request("get", "/v1/licences/{id}/status-changes", path={"id": other["id"]}),
        "issue_version": Request(
            "post", "/v1/licences/{id}/versions", path={"id": old["id"]}, body={"licence": newer, "reason": REASON}
        ),
        "verify": Request("post", "/v1/verifications", office, body=question),
        "verify_batch": Request(
            "post",
            "/v1/verifications/batch",
            office,
            body=json.dumps({"qr": licence["qr"]}) + "\n" + json.dumps({"qr": other["qr"]}) + "\n",
            kind=LINES,
        ),
        "check_service_item": Request(
            "post",
            "/v1/service-items/{code}/checks",
            office,
            path={"code": ITEM},
            body={
                "subjects": [{"role": "applicant", **subject}],
                "case_number": "2026-0001",
                "operator": "示例经办人",
                "authorisation": "示例授权1号",
                "credentials": [licence["credential"]],
            },
        ),
        "receipt": Request("get", "/v1/receipts/{id}", office, path={"id": cti_of(receipt)}),
        "check_receipt": Request("post", "/v1/receipts/check", office, body={"receipt": receipt}),
    }
    nodes = {
        "witness_checkpoint": cosigning(world),
        "index_page": Request("get", "/v1/index", query={"after": 0}, signer="province"),
        "index_holders": Request(
            "post",
            "/v1/index/holders",
            "province",
            body={"holders": [subject], "types": [f"urn:elic:cn:{TYPE}"], "purpose": purpose},
            signer="440300",
        ),
        "index_view": Request(
            "post",
            "/v1/index/licences/{digest}",
            path={"digest": licence["digest"]},
            body={"holders": [subject], "purpose": purpose},
            signer="440300",
        ),
        "index_verify": Request(
            "post",
            "/v1/index/verifications",
            body={"id": licence["id"], "policy": "approval", "question": uuid.uuid4().hex},
            signer="440300",
        ),
        "index_logged": Request(
            "post",
            "/v1/index/logged",
            "province",
            body={"origin": HOSTS["440100"] + "/log", "digest": licence["digest"], "issued_at": issued_at(licence)},
            signer="440300",
        ),
    }
    return {**anyones(cti), **client, **nodes}


def anyones(cti):
    def get(template, **of):
        return Request("get", template, **of)

    return {
        "healthz": get("/healthz"),
        "readyz": get("/readyz"),
        "metrics": get("/metrics"),
        "trust_root": get("/v1/trust/root/{version}", path={"version": 1}),
        "trust_list": get("/v1/trust/list"),
        "trust_timestamp": get("/v1/trust/timestamp"),
        "signed_catalogue": get("/v1/catalogue"),
        "list_licence_types": get("/v1/catalogue/licence-types"),
        "licence_type": get("/v1/catalogue/licence-types/{code}", path={"code": TYPE}),
        "licence_request_schema": get("/v1/catalogue/licence-types/{code}/schema", path={"code": TYPE}),
        "list_service_items": get("/v1/catalogue/service-items"),
        "service_item": get("/v1/catalogue/service-items/{code}", path={"code": ITEM}),
        "status_list": get("/v1/status-lists/{list}", path={"list": 1}),
        "bundle": get("/v1/bundle"),
        "reference": get("/v1/references/{cti}", path={"cti": cti}),
        "log_checkpoint": get("/log/checkpoint"),
        "witness_time": get("/v1/witness/time/{nonce}", node="province", path={"nonce": uuid.uuid4().hex}),
        "mirrored_checkpoint": get("/v1/mirrors/{host}/checkpoint", node="province", path={"host": HOSTS["440100"]}),
    }


def claims(text):
    """The claims of a licence or receipt in base64url."""
    item = cbor2.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return cbor2.loads(item.value[2])


def cti_of(text):
    """The random id of a licence or receipt, in hex."""
    return claims(text)[7].hex()


def issued_at(issued):
    return claims(issued["credential"])[6]


def old_number(issued):
    """The number on the face of a licence that was issued."""
    return claims(issued["credential"])[-70001][2]
