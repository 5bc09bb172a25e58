//! A listed node, or a client, that wants more than its case needs.

use std::collections::BTreeSet;

use licence_spec::view::View;
use serde_json::{Value, json};

use crate::audit::list;
use crate::harness::{Answer, HOLDER, Running, until};
use crate::index::{Federation, case, in_foshan, node_key, signed};
use crate::trips::outcome;

/// A service item that accepts a business licence, and one that does not.
const ITEM: &str = "GZ-TH-0101";
/// Keys of a business licence that the item permits: revision, number, holder, code type and code, area, scope of business.
const PERMITTED: [u8; 7] = [0, 2, 3, 4, 5, 7, 29];

fn purpose(item: &str) -> Value {
    json!({"service_item": item, "case_number": "2026-0001", "authorisation": "SQ-2026-1"})
}

fn naming(code_type: &str, code: &str, item: &str) -> Value {
    json!({"holders": [{"code_type": code_type, "code": code}], "purpose": purpose(item)})
}

/// Digests stand in the public log, so any listed key could fetch every licence of a city whole, and the record did not say which.
#[test]
fn a_listed_node_that_knows_every_digest_is_shown_no_licence_of_anybody_whom_it_does_not_name() {
    let all = Federation::new();
    let token = all.foshan.token("desk", "*", "*", "*");
    let issued: Vec<Value> = (1..=5)
        .map(|n| all.foshan.post(&token, "/v1/licences", &in_foshan(&format!("佛示〔2026〕{n}号"))).with(201))
        .collect();
    let (thief, mut nonce) = (node_key(&all.place, "guangzhou"), 0);
    let mut ask = |digest: &Value, question: Option<&Value>| -> Answer {
        nonce += 1;
        let path = format!("/v1/index/licences/{}", digest.as_str().expect("a digest"));
        let path =
            question.map_or(format!("{path}?service_item={ITEM}&case_number=1&authorisation=1"), |_| path);
        signed(&all.foshan, "fs.elic.example", &*thief, &path, question, nonce)
    };
    for licence in &issued {
        let digest = &licence["digest"];
        assert_ne!(ask(digest, None).status, 200, "without a holder");
        for stranger in [("001", "91350100M000100Y43"), ("111", "11010519491231002X")] {
            let answer = ask(digest, Some(&naming(stranger.0, stranger.1, ITEM)));
            assert_eq!(answer.status, 404, "of somebody else: as if it were not there");
        }
        assert_eq!(ask(digest, Some(&naming("001", HOLDER.1, "NO-SUCH-ITEM"))).status, 404);
        assert_eq!(
            ask(digest, Some(&naming("001", HOLDER.1, "FS-JZ-0503"))).status,
            404,
            "an item that does not take the type"
        );
    }
    let shown = ask(&issued[0]["digest"], Some(&naming("001", HOLDER.1, ITEM))).with(200);
    let members: Vec<&String> = shown.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["log_proof", "view"], "nothing of the licence itself");
    let bytes = licence_node::node::encoding::from_base64url(shown["view"].as_str().expect("text"))
        .expect("base64url");
    let view = View::parse(&bytes).expect("a view");
    assert_eq!((view.grounds.service_item, view.grounds.case_number), (ITEM, "2026-0001"));
    assert!(view.exp.since(view.iat) <= 600, "short-lived");
    let keys: BTreeSet<u8> = view.fields.iter().map(|(key, _)| key).collect();
    assert!(keys.is_subset(&PERMITTED.into()), "{keys:?}");
    assert!(view.fields.get(25).is_none(), "the legal representative is nobody's business here");
    // Both sides keep which licence it was.
    let digest = issued[0]["digest"].as_str().expect("text");
    let told = list(&all.foshan.data, &["--licence", digest, "--case", "2026-0001"]);
    let last = told.last().expect("a row");
    assert_eq!((&last["act"], &last["service_item"]), (&json!("shown_to_node"), &json!(ITEM)));
    all.until_told();
    let desk = all.guangzhou.token("desk", "*", "*", "*");
    let checks = format!("/v1/service-items/{ITEM}/checks");
    until("shown to 广州", || {
        let answer = all.guangzhou.post(&desk, &checks, &case()).with(200);
        answer["licences"].as_array().expect("licences").len() == 5
    });
    let own = list(&all.guangzhou.data, &["--client", "desk"]);
    let checked: BTreeSet<&str> =
        own.iter().filter(|row| row["act"] == "checked").filter_map(|row| row["licence"].as_str()).collect();
    assert!(issued.iter().all(|one| checked.contains(one["digest"].as_str().expect("text"))), "{own:#?}");
}

/// A node that tries digests, holders or ids is cut off after some tries and named to the operator; others are answered all the same.
#[test]
fn who_asks_in_vain_again_and_again_is_cut_off_and_named() {
    let all = Federation::new();
    let token = all.foshan.token("desk", "*", "*", "*");
    let issued = all.foshan.post(&token, "/v1/licences", &in_foshan("佛示〔2026〕1号")).with(201);
    let (thief, host) = (node_key(&all.place, "guangzhou"), "fs.elic.example");
    let path = format!("/v1/index/licences/{}", issued["digest"].as_str().expect("a digest"));
    let wrong = naming("001", "91350100M000100Y43", ITEM);
    for nonce in 0..100 {
        assert_eq!(signed(&all.foshan, host, &*thief, &path, Some(&wrong), nonce).status, 404);
    }
    let right = naming("001", HOLDER.1, ITEM);
    assert_eq!(
        signed(&all.foshan, host, &*thief, &path, Some(&right), 101).status,
        429,
        "also for what it might have had"
    );
    let id = json!({"id": issued["id"], "policy": "approval", "service_item": null, "subject": null, "question": "q"});
    let asked = signed(&all.foshan, host, &*thief, "/v1/index/verifications", Some(&id), 102);
    assert_eq!(asked.status, 429, "nor by number");
    let text = all.foshan.get("/metrics").1;
    assert!(text.contains("node_questions_refused_total{from=\"11440100X00001046K\"} 2"), "it is named");
    let other = node_key(&all.place, "province");
    assert_eq!(
        signed(&all.foshan, host, &*other, &path, Some(&right), 103).status,
        200,
        "another node is answered"
    );
}

/// What a client sees of a licence outside its scope and of none at all is the same, whatever it asks.
#[test]
fn a_licence_outside_the_scope_of_a_client_is_answered_as_if_it_were_not_there() {
    let all = Federation::new();
    let node = &all.foshan;
    let token = node.token("desk", "*", "*", "*");
    let issued = node.post(&token, "/v1/licences", &in_foshan("佛示〔2026〕1号")).with(201);
    let id = issued["id"].as_str().expect("an id");
    let missing = id.replace(".001.", ".002.");
    let strangers =
        [node.token("type", "*", "200023401", "*"), node.token("authority", "11440600X06001020X", "*", "*")];
    for stranger in &strangers {
        let verify = |id: &str, more: Value| {
            let mut request = json!({"id": id, "receipt": false});
            request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            let mut answer = node.post(stranger, "/v1/verifications", &request).with(200);
            answer["verdict"]["basis"] = Value::Null;
            answer
        };
        for more in [
            json!({}),
            json!({"subject": {"code_type": "001", "code": HOLDER.1}}),
            json!({"service_item": ITEM, "case_number": "1"}),
        ] {
            assert_eq!(verify(id, more.clone()), verify(&missing, more), "neither status nor holder");
        }
        let bearer = format!("Bearer {stranger}");
        let get = |id: &str, below: &str| {
            let answer =
                node.call("GET", &format!("/v1/licences/{id}{below}"), &[("authorization", &bearer)], None);
            (answer.status, answer.json())
        };
        let act = json!({"act": "suspend", "reason": {"legal_basis": "示例依据", "document_number": "1", "officer": "1"}});
        let change = |id: &str| {
            let answer = node.post(stranger, &format!("/v1/licences/{id}/status-changes"), &act);
            (answer.status, answer.json())
        };
        for below in ["", "/status-changes"] {
            assert_eq!((get(id, below), get(id, below).0), (get(&missing, below), 404));
        }
        assert_eq!((change(id), change(id).0), (change(&missing), 404));
    }
    assert_eq!(
        outcome(&node.post(&token, "/v1/verifications", &json!({"id": id, "receipt": false})).with(200)).0,
        "ACCEPT"
    );
}

fn by_id(node: &Running, token: &str, id: &str) -> Value {
    node.post(token, "/v1/verifications", &json!({"id": id, "receipt": false})).with(200)["verdict"].clone()
}

/// "No such licence" is what the register that must know it says, and nobody else: not a node that was not asked, not one that is away.
#[test]
fn only_the_register_that_must_know_a_licence_says_that_there_is_none() {
    let all = Federation::new();
    let desk = all.foshan.token("desk", "*", "*", "*");
    let issued = all.foshan.post(&desk, "/v1/licences", &in_foshan("佛示〔2026〕1号")).with(201);
    let id = issued["id"].as_str().expect("an id").to_owned();
    let missing = id.replace(".001.", ".002.");
    let north = all.guangzhou.token("desk", "*", "*", "*");
    let told = by_id(&all.guangzhou, &north, &id);
    assert_eq!(
        (&told["outcome"], &told["licence"]),
        (&json!("ACCEPT"), &Value::Null),
        "its status, and nothing of it"
    );
    assert_eq!(by_id(&all.guangzhou, &north, &missing)["code"], "NOT_FOUND");
    let act = json!({"act": "revoke", "reason": {"legal_basis": "示例依据", "document_number": "1", "officer": "1"}});
    all.foshan.post(&desk, &format!("/v1/licences/{id}/status-changes"), &act).with(201);
    assert_eq!(
        by_id(&all.guangzhou, &north, &id)["code"],
        "REVOKED",
        "at once: the register itself is asked"
    );
    let Federation { foshan, guangzhou, .. } = all;
    foshan.stop();
    for id in [&id, &missing] {
        let told = by_id(&guangzhou, &north, id);
        assert_eq!((&told["code"], &told["gb_result"]), (&json!("NOT_ASKED"), &json!(4)));
    }
}

/// Acknowledged is acknowledged: no verdict of the same node attests the licence again, not even after a crash before the next token.
#[test]
fn a_revocation_counts_at_its_own_node_at_once_and_after_a_crash() {
    let all = Federation::new();
    let token = all.foshan.token("desk", "*", "*", "*");
    let issue =
        |n: u32| all.foshan.post(&token, "/v1/licences", &in_foshan(&format!("佛示〔2026〕{n}号"))).with(201);
    let (revoked, held) = (issue(1), issue(2));
    let change = |node: &Running, licence: &Value, act: &str| {
        let reason = json!({"legal_basis": "示例依据", "document_number": "1", "officer": "1"});
        let path = format!("/v1/licences/{}/status-changes", licence["id"].as_str().expect("an id"));
        node.post(&token, &path, &json!({"act": act, "reason": reason})).with(201);
    };
    let verdict = |node: &Running, licence: &Value| {
        let request = json!({"credential": licence["credential"], "receipt": false});
        node.post(&token, "/v1/verifications", &request).with(200)["verdict"].clone()
    };
    change(&all.foshan, &held, "suspend");
    assert_eq!(verdict(&all.foshan, &held)["code"], "SUSPENDED");
    change(&all.foshan, &held, "reinstate");
    assert_eq!(verdict(&all.foshan, &held)["outcome"], "ACCEPT", "given back at once, too");
    change(&all.foshan, &revoked, "forfeit");
    let told = verdict(&all.foshan, &revoked);
    assert_eq!(told["code"], "REVOKED");
    assert!(told["text"]["zh-CN"].as_str().expect("text").contains("吊销"), "with the act of law: {told}");
    let Federation { place, foshan, .. } = all;
    foshan.kill();
    let foshan = Running::start(&place.path("foshan"));
    assert_eq!(verdict(&foshan, &revoked)["code"], "REVOKED");
    assert_eq!(verdict(&foshan, &held)["outcome"], "ACCEPT");
}
