//! The trips end to end: issue, verify, change, supersede, receipts, service items, published files.

use serde_json::{Value, json};

use crate::harness::{AUTHORITY, HOLDER, Place, Running, TYPE, licence, until};

pub(crate) fn outcome(answer: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&answer["verdict"]["outcome"]), text(&answer["verdict"]["code"]))
}

fn verify(city: &Running, token: &str, request: &Value) -> Value {
    city.post(token, "/v1/verifications", request).with(200)
}

pub(crate) fn reason() -> Value {
    json!({"legal_basis": "示例依据", "document_number": "示例〔2026〕1号", "officer": "示例经办"})
}

#[test]
fn a_licence_is_issued_verified_suspended_reinstated_replaced_and_its_receipts_hold() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");

    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let (id, credential) = (issued["id"].as_str().unwrap(), &issued["credential"]);
    assert!(issued["qr"].as_str().unwrap().starts_with("EL1:"));
    assert!(issued["log"]["proof"].as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1\n"));

    // Every form gets one verdict; a number alone does not get the content.
    let by_bytes = verify(&city, &token, &json!({"credential": credential, "receipt": false}));
    let by_qr = verify(&city, &token, &json!({"qr": issued["qr"], "receipt": false}));
    let by_number = verify(&city, &token, &json!({"id": id, "receipt": false}));
    for answer in [&by_bytes, &by_qr, &by_number] {
        assert_eq!(outcome(answer), ("ACCEPT".to_owned(), String::new()), "{answer}");
    }
    assert_eq!(by_bytes["verdict"]["licence"], by_qr["verdict"]["licence"]);
    assert!(by_number["verdict"]["licence"].is_null() && !by_bytes["verdict"]["licence"].is_null());
    let unknown = verify(&city, &token, &json!({"id": "1.2.156.3005.2.none", "receipt": false}));
    assert_eq!(outcome(&unknown), ("NO_CREDENTIAL".to_owned(), "NOT_FOUND".to_owned()));

    acts(&city, &token, id, credential);
    versions(&city, &token, &issued);
    receipts(&city, &token, credential);
    let (code, log) = city.stop();
    assert_eq!(code, Some(0), "{log}");
    for secret in
        [HOLDER.0, HOLDER.1, token.as_str(), credential.as_str().unwrap(), "示例经办", "2026-示例-0001"]
    {
        assert!(!log.contains(secret), "the log holds what it must never hold");
    }
    assert!(log.contains("\"route\":\"/v1/licences\""), "one line a request: {log}");
}

/// Suspended, then reinstated: the verdict follows the published list.
pub(crate) fn acts(city: &Running, token: &str, id: &str, credential: &Value) {
    let path = format!("/v1/licences/{id}/status-changes");
    let ask = || outcome(&verify(city, token, &json!({"credential": credential, "receipt": false})));
    for (act, expected) in [("suspend", "SUSPENDED"), ("reinstate", "")] {
        let changed = city.post(token, &path, &json!({"act": act, "reason": reason()})).with(201);
        assert_eq!(changed["act"], act);
        until(act, || ask().1 == expected);
    }
    assert_eq!(ask().0, "ACCEPT");
    let problem = city.post(token, &path, &json!({"act": "reinstate", "reason": reason()})).with(409);
    assert_eq!(problem["code"], "transition");
}

/// A new version supersedes the old one, in one step.
pub(crate) fn versions(city: &Running, token: &str, old: &Value) {
    let id = old["id"].as_str().unwrap();
    let body = json!({"licence": licence("示例〔2026〕1号"), "reason": reason()});
    // The number is that of the old version: another one might be the number of another licence.
    let other = json!({"licence": licence("示例〔2026〕9号"), "reason": reason()});
    let problem = city.post(token, &format!("/v1/licences/{id}/versions"), &other).with(409);
    assert_eq!(problem["code"], "predecessor");
    let newer = city.post(token, &format!("/v1/licences/{id}/versions"), &body).with(201);
    assert_eq!(newer["id"].as_str().unwrap().rsplit('.').nth(1), Some("002"), "version 2");
    let ask = |licence: &Value| {
        outcome(&verify(city, token, &json!({"credential": licence["credential"], "receipt": false})))
    };
    until("superseded", || ask(old).1 == "SUPERSEDED");
    assert_eq!(ask(&newer).0, "ACCEPT");
    assert_eq!(
        city.post(token, &format!("/v1/licences/{id}/versions"), &body).with(409)["code"],
        "predecessor"
    );
}

/// A receipt is stored, handed out to its client alone, and checked.
pub(crate) fn receipts(city: &Running, token: &str, credential: &Value) {
    let request =
        json!({"credential": credential, "service_item": "GZ-TH-0101", "case_number": "2026-示例-0001"});
    let answer = verify(city, token, &request);
    let receipt = answer["receipt"].as_str().expect("a receipt, also of a refused licence");
    let checked =
        city.post(token, "/v1/receipts/check", &json!({"receipt": receipt, "licence": credential})).with(200);
    assert_eq!((&checked["outcome"], &checked["receipt"]["code"]), (&json!("ACCEPT"), &json!("SUPERSEDED")));
    let other = city.post(token, "/v1/licences", &licence("示例〔2026〕2号")).with(201);
    let wrong = json!({"receipt": receipt, "licence": other["credential"]});
    let checked = city.post(token, "/v1/receipts/check", &wrong).with(200);
    assert_eq!((&checked["outcome"], &checked["code"]), (&json!("REJECT"), &json!("DIGEST_MISMATCH")));
    let mut forged = receipt.to_owned();
    forged.replace_range(
        forged.len() - 4..forged.len() - 3,
        if forged.as_bytes()[forged.len() - 4] == b'A' { "B" } else { "A" },
    );
    let checked = city.post(token, "/v1/receipts/check", &json!({"receipt": forged})).with(200);
    assert_eq!(checked["outcome"], "REJECT");
    assert!(checked["receipt"].is_null(), "nothing is said of a receipt that is not genuine");
}

#[test]
fn a_case_is_checked_against_its_service_item_without_any_paper() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("approvals", "*", "*", "*");
    city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let request = json!({
        "subjects": [{"code_type": "001", "code": HOLDER.1}],
        "case_number": "2026-0001", "operator": "示例经办", "authorisation": "示例授权"
    });
    let answer = city.post(&token, "/v1/service-items/GZ-TH-0101/checks", &request).with(200);
    let licences = answer["licences"].as_array().unwrap();
    assert_eq!(licences.len(), 1, "{answer}");
    assert_eq!(licences[0]["outcome"], "ACCEPT");
    assert!(licences[0]["receipt"].is_string(), "a licence that is used gets a receipt");
    let text = answer.to_string();
    assert!(
        !text.contains(HOLDER.0) && !text.contains("测试㛃"),
        "no field of a licence is answered: {text}"
    );
    // Somebody else's case finds nothing.
    let mut other = request.clone();
    other["subjects"][0]["code"] = json!("51440100X00000078H");
    let answer = city.post(&token, "/v1/service-items/GZ-TH-0101/checks", &other).with(200);
    assert_eq!(answer["licences"], json!([]));
    assert_eq!(city.post(&token, "/v1/service-items/NONE/checks", &request).status, 404);
    // A client that may not see the type does not find it either.
    let narrow = city.token("narrow", AUTHORITY, "200023401", "check");
    let answer = city.post(&narrow, "/v1/service-items/GZ-TH-0101/checks", &request).with(200);
    assert_eq!(answer["licences"], json!([]));
}

#[test]
fn a_batch_answers_every_line_in_order_and_a_wrong_line_disturbs_no_other() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("batch", "*", "*", "*");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let good = json!({"credential": issued["credential"], "receipt": false}).to_string();
    let mut lines = vec![good.clone(); 300];
    lines[7] = "{".to_owned();
    lines[9] = json!({"id": "unknown", "receipt": false}).to_string();
    lines[11] = json!({"qr": "EL2:AA", "receipt": false}).to_string();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let answer = city.call("POST", "/v1/verifications/batch", &headers, Some(lines.join("\n").as_bytes()));
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body).unwrap();
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 300);
    for (at, answer) in answers.iter().enumerate() {
        match at {
            7 => assert_eq!(answer["problem"]["code"], "malformed"),
            9 => assert_eq!(answer["verdict"]["code"], "NOT_FOUND"),
            11 => assert_eq!(answer["verdict"]["code"], "VERSION_UNSUPPORTED"),
            _ => assert_eq!(answer["verdict"]["outcome"], "ACCEPT", "line {at}"),
        }
    }
}

#[test]
fn what_is_published_is_served_as_files_with_tags_and_the_reference_needs_its_ticket() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    for path in [
        "/v1/trust/root/1",
        "/v1/trust/list",
        "/v1/trust/timestamp",
        "/v1/catalogue",
        "/v1/status-lists/1",
        "/v1/bundle",
        "/log/checkpoint",
        "/log/tile/0/000.p/1",
        "/log/tile/entries/000.p/1",
        "/openapi.json",
    ] {
        let first = city.call("GET", path, &[], None);
        assert_eq!(first.status, 200, "{path}");
        assert!(!first.body.is_empty(), "{path}");
        if path != "/openapi.json" {
            let again = city.call("GET", path, &[("if-none-match", first.header("etag"))], None);
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        }
    }
    for path in [
        "/v1/trust/root/2",
        "/v1/status-lists/999",
        "/v1/status-lists/9223372036854775808",
        "/v1/status-lists/1?time=5",
        "/log/tile/0/001",
        "/v1/references/00",
        "/nowhere",
    ] {
        let answer = city.call("GET", path, &[], None);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["type"], "urn:elic:problem:not-found", "{path}");
    }
    for path in ["/v1/status-lists/1?time=x", "/v1/status-lists/1?unknown=1"] {
        assert_eq!(city.call("GET", path, &[], None).with(400)["code"], "malformed", "{path}");
    }
    let types = city.get("/v1/catalogue/licence-types").1;
    assert!(types.contains(TYPE) && types.contains("营业执照"));
    assert!(city.get(&format!("/v1/catalogue/licence-types/{TYPE}")).1.contains("法定代表人"));
    assert!(city.get("/v1/catalogue/service-items/GZ-TH-0101").1.contains("食品经营许可新办"));
    // The page loads nothing from elsewhere, and its policy forbids it.
    let page = city.call("GET", "/docs/", &[], None);
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let text = String::from_utf8(page.body).unwrap();
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("src=\"//"), "{text}");
    reference(&city, &issued);
}

/// The random id of a licence, which only the licence and the reference QR tell, fetches it.
fn reference(city: &Running, issued: &Value) {
    let read = licence_spec::qr::read(issued["qr"].as_str().unwrap());
    let Ok(licence_spec::qr::QrContent::Object(bytes)) = read else { panic!("an object in the code") };
    let credential = licence_spec::credential::Credential::parse(&bytes).unwrap();
    let answer = city.call("GET", &format!("/v1/references/{}", hex::encode(credential.cti)), &[], None);
    let fetched = licence_spec::credential::Credential::parse(&answer.body).unwrap();
    assert_eq!(
        (answer.status, fetched.object.statement_digest()),
        (200, credential.object.statement_digest())
    );
    assert!(fetched.object.log_proof().is_some(), "the file form, with a fresh proof");
}
