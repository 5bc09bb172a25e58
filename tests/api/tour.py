"""The README's tour, walked by a client that was generated from the description of the API.

Usage: tour.py CLIENT DATA PORT; CLIENT is the folder that holds the package `licence_client`, DATA and PORT are those of a
demo that serves. Nothing here knows a path, a member or a status of the API: all of it comes from the description.
"""

import pathlib
import sys
import uuid

client, data, port = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
sys.path.insert(0, client)

from licence_client import AuthenticatedClient, Client  # noqa: E402
from licence_client.api.catalogue import licence_type, list_service_items, service_item  # noqa: E402
from licence_client.api.licences import change_status, issue_licence, licence, reference  # noqa: E402
from licence_client.api.operator import readyz  # noqa: E402
from licence_client.api.receipts import check_receipt, receipt  # noqa: E402
from licence_client.api.trust import trust_list  # noqa: E402
from licence_client.api.verification import check_service_item, verify  # noqa: E402
from licence_client.models import (  # noqa: E402
    ChangeRequest,
    IssueRequest,
    ItemRequest,
    Problem,
    ReceiptCheckRequest,
    VerifyRequest,
)

from calls import AREA, COMPANY, ISSUER, ITEM, ITEM_CITY, REASON, TYPE, World, cti_of  # noqa: E402

world = World(data, port)


def of(node):
    return AuthenticatedClient(base_url=world.url(node), token=world.tokens[node])


def key():
    return uuid.uuid4().hex


issuer, office = of("440100"), of(ITEM_CITY)


def judged(text, outcome, **more):
    answer = verify.sync(client=office, body=VerifyRequest.from_dict({"qr": text, **more}), idempotency_key=key())
    assert answer.verdict.outcome.value == outcome, (answer.verdict.outcome, answer.verdict.code)
    return answer


def verification():
    answer = judged((data / "licences/01.qr.txt").read_text(), "ACCEPT")
    assert answer.verdict.licence.issuer and not answer.verdict.alarm


def lifecycle():
    """Issued in one city, accepted in the other one, suspended, and refused at once where it was issued."""
    request = {
        "type": TYPE, "issuer": ISSUER, "number": "示例〔2026〕" + key()[:8].upper(), "area_code": AREA,
        "holders": [COMPANY], "issued_on": "2026-11-23", "valid_from": "2026-11-23", "fields": {"法定代表人": "测试㛃"},
    }  # fmt: skip
    issued = issue_licence.sync(client=issuer, body=IssueRequest.from_dict(request), idempotency_key=key())
    held = licence.sync(id=issued.id, client=issuer)
    assert held.digest == issued.digest and held.status == 0
    assert reference.sync(cti=cti_of(issued.credential), client=Client(base_url=world.url("440100"))) is not None
    filed = judged(issued.qr, "ACCEPT", service_item=ITEM, case_number="2026-0001")
    receipts(filed.receipt)
    change = ChangeRequest.from_dict({"act": "suspend", "reason": REASON})
    assert change_status.sync(id=issued.id, client=issuer, body=change, idempotency_key=key()).status == 2
    return issued


def receipts(filed):
    checked = check_receipt.sync(client=office, body=ReceiptCheckRequest.from_dict({"receipt": filed}))
    assert checked.outcome.value == "ACCEPT" and checked.receipt.service_item == ITEM
    assert receipt.sync(id=cti_of(filed), client=office) is not None


def case():
    """A whole service item, by what the applicant holds."""
    items = list_service_items.sync(client=office)
    assert ITEM in [one.code for one in items.items]
    item = service_item.sync(code=ITEM, client=office)
    assert licence_type.sync(code=TYPE, client=office).fields and item.materials
    request = {
        "subjects": [{"role": "applicant", "code_type": COMPANY["code_type"], "code": COMPANY["code"]}],
        "case_number": "2026-0002", "operator": "示例经办人", "authorisation": "示例授权1号",
    }  # fmt: skip
    answer = check_service_item.sync(code=ITEM, client=office, body=ItemRequest.from_dict(request), idempotency_key=key())
    assert {one.code for one in answer.fit.materials} == {one.code for one in item.materials}
    assert answer.record


def refusals():
    """Problems are as well described as answers."""
    wrong = IssueRequest.from_dict({
        "type": "X", "issuer": ISSUER, "number": "1", "area_code": AREA, "holders": [COMPANY], "issued_on": "2026-11-23",
    })  # fmt: skip
    problem = issue_licence.sync(client=issuer, body=wrong, idempotency_key=key())
    assert isinstance(problem, Problem) and problem.status == 422, problem
    stranger = AuthenticatedClient(base_url=world.url("440100"), token="elt_nobody")
    problem = licence.sync(id="1.2.3", client=stranger)
    assert isinstance(problem, Problem) and problem.code == "unauthorised", problem


assert readyz.sync(client=Client(base_url=world.url("440100"))).ready
assert trust_list.sync(client=Client(base_url=world.url("province"))) is not None
for stop in (verification, lifecycle, case, refusals):
    stop()
    print(f"tour, {stop.__name__}: ok")
