//! Bad input gets a problem document with a stable code, writes nothing, and tells no secret.

use serde_json::{Value, json};

use crate::harness::{AUTHORITY, Answer, HOLDER, Place, Running, TYPE, licence};

struct Desk {
    city: Running,
    _province: Running,
    _place: Place,
    token: String,
}

impl Desk {
    fn new() -> Desk {
        let place = Place::new();
        let province = place.province();
        let city = place.city(&province);
        let token = city.token("desk", "*", "*", "*");
        Desk { city, _province: province, _place: place, token }
    }

    fn issue(&self, request: &Value) -> Answer {
        self.city.post(&self.token, "/v1/licences", request)
    }

    fn raw(&self, content_type: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
        self.city.call("POST", "/v1/licences", &headers, Some(body))
    }

    fn log_size(&self) -> String {
        self.city.get("/log/checkpoint").1.lines().nth(1).unwrap_or_default().to_owned()
    }
}

/// A problem document: its code, and that it repeats nothing of what was sent.
fn problem(answer: &Answer, status: u16) -> String {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, status, "{text}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{text}");
    let document = answer.json();
    assert_eq!(document["status"], status);
    let code = document["code"].as_str().expect("a code");
    assert_eq!(document["type"], format!("urn:elic:problem:{code}"));
    for part in ["title", "detail"] {
        assert!(document[part].as_str().is_some_and(|text| !text.is_empty()), "{part}: {text}");
    }
    for secret in [HOLDER.0, HOLDER.1, "张三丰", "elt_"] {
        assert!(!text.contains(secret), "a problem repeats nothing: {text}");
    }
    code.to_owned()
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut request = licence("示例〔2026〕9号");
    change(&mut request);
    request
}

#[test]
fn a_wrong_request_to_issue_gets_its_problem_and_writes_nothing() {
    let desk = Desk::new();
    let before = desk.log_size();
    for (body, what) in [
        (&b"{"[..], "an open brace"),
        (b"", "nothing"),
        (b"[]", "a list"),
        (b"\xff\xfe{}", "no UTF-8"),
        (b"{\"type\":\"a\",\"type\":\"b\"}", "a member twice"),
        (br#"{"type":"a"}"#, "a missing member"),
        (r#"{"张三丰":1}"#.as_bytes(), "an unknown member"),
    ] {
        assert_eq!(problem(&desk.raw("application/json", body), 400), "malformed", "{what}");
    }
    let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
    assert_eq!(problem(&desk.raw("application/json", deep.as_bytes()), 413), "too-large");
    let deep = ["[".repeat(5_000), "]".repeat(5_000)].concat();
    assert_eq!(problem(&desk.raw("application/json", deep.as_bytes()), 400), "malformed");
    assert_eq!(problem(&desk.raw("application/json", &vec![b' '; 200_000]), 413), "too-large");
    let body = licence("示例〔2026〕9号").to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        assert_eq!(problem(&desk.raw(kind, body.as_bytes()), 415), "content-type");
    }
    for (request, status, code) in [
        (changed(|r| r["type"] = json!("11100000MB0143028R999")), 422, "unknown-type"),
        (changed(|r| r["issuer"] = json!("11440300X00000019W")), 403, "out-of-scope"),
        (changed(|r| r["type"] = json!("11100000MB03271699001")), 422, "fields"),
        (changed(|r| r["area_code"] = json!("440304")), 403, "out-of-scope"),
        (changed(|r| r["area_code"] = json!("44")), 422, "fields"),
        (changed(|r| r["holders"][0]["code"] = json!("91440101MA9XXXXX37")), 422, "fields"),
        (changed(|r| r["holders"] = json!([])), 422, "fields"),
        (changed(|r| r["fields"]["未知项"] = json!("张三丰")), 422, "fields"),
        (changed(|r| drop(r["fields"].as_object_mut().unwrap().remove("法定代表人"))), 422, "fields"),
        (changed(|r| r["fields"]["经营范围"] = json!("长".repeat(1_201))), 422, "fields"),
        (changed(|r| r["fields"]["经营范围"] = json!(7)), 422, "fields"),
        (changed(|r| r["fields"]["经营范围"] = json!("a\u{202e}b")), 422, "fields"),
        (changed(|r| r["issued_on"] = json!("2026-02-30")), 422, "fields"),
        (changed(|r| r["valid_until"] = json!("2020-01-01")), 422, "fields"),
        (changed(|r| r["number"] = json!("")), 422, "fields"),
        (changed(|r| r["number"] = json!("示例〔2026〕9号\u{200b}")), 422, "fields"),
        (changed(|r| r["number"] = json!("示例〔2026〕９号")), 422, "fields"),
        (changed(|r| r["holders"][0]["name"] = json!("\u{3000}")), 422, "fields"),
        (changed(|r| r["fields"]["法定代表人"] = json!("欧阳•示例")), 422, "fields"),
        (changed(|r| r["issued_on"] = json!("2999-01-01")), 422, "fields"),
        (changed(|r| r["fields"]["成立日期"] = json!("2999-01-01")), 422, "fields"),
        (changed(|r| r["holders"][0] = json!([HOLDER.0, "001", HOLDER.1])), 400, "malformed"),
        (json!([TYPE, AUTHORITY]), 400, "malformed"),
    ] {
        assert_eq!(problem(&desk.issue(&request), status), code, "{request}");
    }
    assert_eq!(desk.log_size(), before, "nothing was written");
    let first = desk.issue(&licence("示例〔2026〕9号")).with(201);
    assert_eq!(problem(&desk.issue(&licence("示例〔2026〕9号")), 409), "conflict", "the number is taken");
    assert_eq!(first["log"]["index"], before.parse::<u64>().unwrap());
}

#[test]
fn wrong_verification_and_status_requests_get_their_problem() {
    let desk = Desk::new();
    let issued = desk.issue(&licence("示例〔2026〕9号")).with(201);
    let id = issued["id"].as_str().unwrap();
    let ask = |request: Value| desk.city.post(&desk.token, "/v1/verifications", &request);
    for request in [
        json!({}),
        json!({"qr": "EL1:AA", "id": id}),
        json!({"credential": "*"}),
        json!({"credential": "AA=="}),
        json!({"qr": "EL1:AA", "unknown": 1}),
    ] {
        assert_eq!(problem(&ask(request.clone()), 400), "malformed", "{request}");
    }
    let licence = &issued["credential"];
    for (request, named) in [
        (json!({"credential": licence, "policy": "approvl"}), "policy"),
        (json!({"credential": licence, "subject": {"code_type": "ID", "code": "1"}}), "subject.code_type"),
    ] {
        let answer = ask(request);
        assert_eq!(problem(&answer, 422), "fields");
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(named), "{named}");
    }
    let unknown = json!({"credential": licence, "service_item": "GZ-TH-0l01", "case_number": "1"});
    assert_eq!(problem(&ask(unknown), 404), "unknown-service-item", "and no receipt is signed");
    // What cannot be read is an answer, not a wrong request.
    for qr in ["", "hello", "EL1:", "EL1:ab", "EL1R:"] {
        assert_eq!(ask(json!({"qr": qr})).with(200)["verdict"]["outcome"], "NO_CREDENTIAL", "{qr}");
    }
    let reason =
        json!({"legal_basis": "示例依据", "document_number": "示例〔2026〕1号", "officer": "示例经办"});
    let path = format!("/v1/licences/{id}/status-changes");
    let act = |path: &str, body: Value| desk.city.post(&desk.token, path, &body);
    assert_eq!(
        problem(&act("/v1/licences/none/status-changes", json!({"act": "revoke", "reason": reason})), 404),
        "not-found"
    );
    for body in [
        json!({"act": "abolish", "reason": reason}),
        json!({"act": "supersede", "reason": reason}),
        json!({"act": "revoke", "reason": {"legal_basis": " ", "document_number": "1", "officer": "1"}}),
        json!({"act": "revoke", "reason": {"legal_basis": "长".repeat(201), "document_number": "1", "officer": "1"}}),
        json!({"act": "revoke", "reason": reason, "effective_at": "2999-01-01T00:00:00+08:00"}),
        json!({"act": "revoke", "reason": reason, "effective_at": "yesterday"}),
    ] {
        assert_eq!(problem(&act(&path, body.clone()), 422), "fields", "{body}");
    }
    assert_eq!(problem(&act(&path, json!({"act": "revoke"})), 400), "malformed");
    assert_eq!(problem(&act(&path, json!({"act": "reinstate", "reason": reason})), 409), "transition");
    let answer = desk.city.call("DELETE", "/v1/licences", &[], None);
    assert_eq!(problem(&answer, 405), "method-not-allowed");
    let receipt = desk.city.post(&desk.token, "/v1/receipts/check", &json!({"receipt": "*"}));
    assert_eq!(problem(&receipt, 400), "malformed");
}

#[test]
fn a_token_is_good_for_its_calls_authorities_and_types_until_it_is_revoked() {
    let desk = Desk::new();
    let city = &desk.city;
    let request = licence("示例〔2026〕9号");
    let issue = |token: &str| city.post(token, "/v1/licences", &request);
    for token in ["", "elt_wrong", &format!("{}x", desk.token)] {
        let answer = issue(token);
        assert_eq!(problem(&answer, 401), "unauthorised");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    assert_eq!(problem(&city.call("POST", "/v1/licences", &[], Some(b"{}")), 401), "unauthorised");
    for (id, authority, kind, call) in [
        ("other-authority", "11440100X000010111", "*", "issue"),
        ("other-type", "*", "11100000MB03271699001", "issue"),
        ("other-call", "*", "*", "verify"),
    ] {
        assert_eq!(problem(&issue(&city.token(id, authority, kind, call)), 403), "forbidden", "{id}");
    }
    let right = city.token("right", AUTHORITY, TYPE, "issue");
    let issued = issue(&right).with(201);
    let id = issued["id"].as_str().unwrap();
    let read = |token: &str| {
        let bearer = format!("Bearer {token}");
        city.call("GET", &format!("/v1/licences/{id}"), &[("authorization", bearer.as_str())], None)
    };
    assert_eq!(problem(&read(&right), 403), "forbidden", "issue is not read");
    assert_eq!(read(&desk.token).with(200)["digest"], issued["digest"]);
    let stranger = city.token("stranger", "11440100X000010111", "*", "read");
    assert_eq!(
        problem(&read(&stranger), 404),
        "not-found",
        "another authority's licence: as if it were not there"
    );
    crate::harness::succeed(&["client", "revoke", "--data", &city.data, "right"]);
    assert_eq!(problem(&issue(&right), 401), "unauthorised");
}
