//! HTTP signatures: the two good requests, every hostile one, and what the profile promises.
#![allow(missing_docs)]

mod common;

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::{CLOCK, clock, context, evidence, json, unhex};
use licence_spec::http_signature::*;
use licence_spec::suite::{Digest, PublicKey, SeedSigner, SignatureBytes, Signer, Suite, sha256};
use licence_spec::time::UnixTime;
use serde_json::Value;

const POST_URI: &str = "https://gz.elic.example/v1/verifications";

fn request(value: &Value) -> Request<'_> {
    let header = |name: &str| value["headers"][name].as_str();
    Request {
        method: value["method"].as_str().expect("a method"),
        target_uri: value["target_uri"].as_str().expect("a target"),
        content_type: header("content-type"),
        content_digest: header("content-digest"),
        idempotency_key: header("idempotency-key"),
        signature_input: header("signature-input"),
        signature: header("signature"),
        body: value["body"].as_str().expect("a body").as_bytes(),
    }
}

/// A node as small as it can be: a trust list, the nonces that it has seen, the answers that it has stored.
struct Node {
    evidence: licence_spec::evidence::Evidence,
    nonces: Vec<String>,
    answers: HashMap<String, (Digest, RecordState)>,
}

impl Node {
    fn new(context: &Value) -> Node {
        let nonces = context["nonces_seen"].as_array().into_iter().flatten();
        let answers = context["idempotency_seen"].as_object().into_iter().flatten().map(|(key, seen)| {
            let fingerprint =
                unhex(seen["fingerprint_hex"].as_str().expect("hex")).try_into().expect("32 bytes");
            let state = if seen["state"] == "running" { RecordState::Running } else { RecordState::Done };
            (key.clone(), (fingerprint, state))
        });
        Node {
            evidence: evidence(context),
            nonces: nonces.map(|nonce| nonce.as_str().expect("text").to_owned()).collect(),
            answers: answers.collect(),
        }
    }

    fn answer(
        &self,
        request: &Request<'_>,
        now: UnixTime,
    ) -> Result<(SignedBy, Option<Decision>), HttpSignatureFault> {
        let list = self.evidence.trust_list().expect("a list");
        let signed = verify(
            request,
            now,
            |thumbprint| find_node_key(list, thumbprint, now).map(|(_, key)| key.key),
            |_, nonce| !self.nonces.contains(&URL_SAFE_NO_PAD.encode(nonce)),
        )?;
        let decision = match &signed.idempotency {
            Some((key, print)) => {
                let stored = self.answers.get(&key.to_string());
                Some(decide(stored.map(|(print, state)| (print, *state)), print)?)
            }
            None => None,
        };
        Ok((signed, decision))
    }
}

#[test]
fn both_good_requests_are_accepted() {
    let file = json("generated-examples/http/requests.json");
    let node = Node::new(&common::good_context());
    for (name, decision) in [("post", Some(Decision::Do)), ("get", None)] {
        let (signed, decided) = node.answer(&request(&file[name]["request"]), CLOCK).expect(name);
        assert_eq!(decided, decision, "{name}");
        assert_eq!(signed.created, UnixTime(1_795_427_990));
        assert_eq!(signed.idempotency.is_some(), name == "post");
    }
}

#[test]
fn every_hostile_request_answers_with_its_status_and_slug() {
    let file = json("generated-examples/negative/http.json");
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 32);
    for case in cases {
        common::only_known(case, &["request"], &["clock", "nonces_seen", "idempotency_seen"]);
        let context = context(&file, case);
        let fault =
            Node::new(&context).answer(&request(&case["request"]), clock(&context)).expect_err("accepted");
        let found = format!("HTTP {} {}", fault.status(), fault.slug());
        let expected =
            format!("{} {}", case["outcome"].as_str().unwrap_or(""), case["code"].as_str().unwrap_or(""));
        assert_eq!(found, expected, "{}: {}", case["id"], case["reason"]);
    }
}

#[test]
fn the_example_of_the_rfc_verifies_over_its_signature_base() {
    let vector = json("rfc9421/b2_6.json");
    let x = URL_SAFE_NO_PAD.decode(vector["jwk_public"]["x"].as_str().expect("x")).expect("base64url");
    let signature = STANDARD.decode(vector["signature_b64"].as_str().expect("signature")).expect("base64");
    let key = PublicKey::import(Suite::Ed25519, &x).expect("the key of the RFC is good");
    let base = vector["signature_base"].as_str().expect("a base");
    let signature = SignatureBytes::new(Suite::Ed25519, &signature).expect("64 bytes");
    assert!(key.verify_strict(base.as_bytes(), &signature));
}

fn node_signer() -> SeedSigner {
    SeedSigner::from_seed(&sha256(&[b"elicence example node"])).expect("a good seed")
}

/// A signed POST, as a stack would deliver it.
struct Sent {
    headers: SignedHeaders,
    key: String,
    body: Vec<u8>,
}

impl Sent {
    fn new(created: UnixTime) -> Sent {
        let key = IdempotencyKey::new("2026-TH-0009137-1").expect("a good key");
        let body = b"{}".to_vec();
        let content = Content { body: &body, content_type: "application/json", idempotency_key: &key };
        let headers = sign("POST", POST_URI, Some(&content), &node_signer(), created, [7; NONCE_BYTES])
            .expect("signed");
        Sent { headers, key: key.to_string(), body }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: "POST",
            target_uri: POST_URI,
            content_type: Some("application/json"),
            content_digest: self.headers.content_digest.as_deref(),
            idempotency_key: Some(&self.key),
            signature_input: Some(&self.headers.signature_input),
            signature: Some(&self.headers.signature),
            body: &self.body,
        }
    }

    fn judged_at(&self, now: i64) -> Result<(), HttpSignatureFault> {
        judge(&self.request(), now)
    }
}

fn judge(request: &Request<'_>, now: i64) -> Result<(), HttpSignatureFault> {
    verify(request, UnixTime(now), |_| Some(*node_signer().public_key()), |_, _| true).map(drop)
}

#[test]
fn the_signer_repeats_the_published_example_to_the_byte() {
    let file = json("generated-examples/http/requests.json");
    let post = &file["post"]["request"];
    let key = IdempotencyKey::parse(post["headers"]["idempotency-key"].as_str().expect("key")).expect("good");
    let body = post["body"].as_str().expect("body").as_bytes();
    let content = Content { body, content_type: "application/json", idempotency_key: &key };
    let nonce =
        URL_SAFE_NO_PAD.decode("eDd7UldXtJRCf4kBT5fXmQ").expect("base64url").try_into().expect("16 bytes");
    let created = UnixTime(1_795_427_990);
    let headers = sign("POST", POST_URI, Some(&content), &node_signer(), created, nonce).expect("signed");
    assert_eq!(headers.content_digest.as_deref(), post["headers"]["content-digest"].as_str());
    // The published request lives 60 s; this signer always gives 300.
    let input = headers.signature_input.replace("expires=1795428290", "expires=1795428050");
    assert_eq!(Some(input.as_str()), post["headers"]["signature-input"].as_str());
}

#[test]
fn the_time_window_has_these_edges() {
    let sent = Sent::new(CLOCK);
    let late = Err(HttpSignatureFault::SignatureTime);
    for (offset, expected) in
        [(-61, late), (-60, Ok(())), (0, Ok(())), (299, Ok(())), (300, late), (301, late)]
    {
        assert_eq!(sent.judged_at(CLOCK.0 + offset), expected, "{offset} s after signing");
    }
}

#[test]
fn every_changed_character_of_the_signature_headers_is_refused() {
    let sent = Sent::new(CLOCK);
    for at in 0..sent.headers.signature_input.len() {
        let mut input = sent.headers.signature_input.clone().into_bytes();
        input[at] = if input[at] == b'0' { b'1' } else { b'0' };
        let input = String::from_utf8(input).expect("ASCII");
        let changed = Request { signature_input: Some(&input), ..sent.request() };
        assert!(judge(&changed, CLOCK.0).is_err(), "{input}");
    }
    for at in 0..sent.headers.signature.len() {
        let mut signature = sent.headers.signature.clone().into_bytes();
        signature[at] = if signature[at] == b'A' { b'B' } else { b'A' };
        let signature = String::from_utf8(signature).expect("ASCII");
        let changed = Request { signature: Some(&signature), ..sent.request() };
        assert!(judge(&changed, CLOCK.0).is_err(), "{signature}");
    }
}

#[test]
fn serialisations_that_are_not_canonical_are_refused() {
    let sent = Sent::new(CLOCK);
    let input = &sent.headers.signature_input;
    let variants = [
        input.replace("created=", "created=0"),
        input.replace(";expires", "; expires"),
        input.replace("\" \"", "\"  \""),
        input.replace("alg=\"ed25519\"", "alg=ed25519"),
        format!("{input} "),
        format!(" {input}"),
        format!("{input}, {input}"),
        input.replace("created=1795428000", "created=1795428000.0"),
        input.replace("created=1795428000", "created=9999999999999999"),
        input.replace("created=1795428000", "created="),
        // The last of 22 characters carries four spare bits, which must be zero.
        input.replace("BwcHBwcHBwcHBwcHBwcHBw", "BwcHBwcHBwcHBwcHBwcHBx"),
    ];
    for variant in &variants {
        assert_ne!(variant, input, "the variant changes something");
        let changed = Request { signature_input: Some(variant), ..sent.request() };
        assert_eq!(judge(&changed, CLOCK.0), Err(HttpSignatureFault::SignatureInput), "{variant}");
    }
}

#[test]
fn missing_headers_are_named() {
    let sent = Sent::new(CLOCK);
    let good = sent.request();
    for (request, expected) in [
        (Request { content_digest: None, ..good }, HttpSignatureFault::ContentDigest),
        (Request { content_type: None, ..good }, HttpSignatureFault::ContentType),
        (Request { content_type: Some("a\nb"), ..good }, HttpSignatureFault::ContentType),
        (Request { idempotency_key: None, ..good }, HttpSignatureFault::IdempotencyKeyMissing),
        (Request { signature_input: None, ..good }, HttpSignatureFault::SignatureInput),
        (Request { signature: None, ..good }, HttpSignatureFault::SignatureInput),
        (Request { method: "OPTIONS", ..good }, HttpSignatureFault::SignatureInput),
        (Request { method: "post", ..good }, HttpSignatureFault::SignatureInput),
    ] {
        assert_eq!(judge(&request, CLOCK.0), Err(expected));
    }
}

#[test]
fn a_body_that_no_signature_covers_is_refused() {
    let headers = sign("GET", POST_URI, None, &node_signer(), CLOCK, [1; NONCE_BYTES]).expect("signed");
    let request = Request {
        method: "GET",
        target_uri: POST_URI,
        content_type: None,
        content_digest: None,
        idempotency_key: None,
        signature_input: Some(&headers.signature_input),
        signature: Some(&headers.signature),
        body: b"",
    };
    assert_eq!(judge(&request, CLOCK.0), Ok(()));
    let smuggled = Request { body: b"{}", ..request };
    assert_eq!(judge(&smuggled, CLOCK.0), Err(HttpSignatureFault::ContentDigest));
}

#[test]
fn a_nonce_is_not_used_up_by_a_request_that_is_refused() {
    let sent = Sent::new(CLOCK);
    let changed = Request { body: b"{\"x\":1}", ..sent.request() };
    let key = |_: &Digest| Some(*node_signer().public_key());
    let refused = verify(&changed, CLOCK, key, |_, _| panic!("the nonce was taken"));
    assert_eq!(refused, Err(HttpSignatureFault::ContentDigest));
    let replayed = verify(&sent.request(), CLOCK, key, |_, _| false);
    assert_eq!(replayed, Err(HttpSignatureFault::SignatureReplay));
}

#[test]
fn a_resolver_that_gives_another_key_does_not_help() {
    let sent = Sent::new(CLOCK);
    let other = SeedSigner::from_seed(&[9; 32]).expect("a good seed");
    let refused = verify(&sent.request(), CLOCK, |_| Some(*other.public_key()), |_, _| true);
    assert_eq!(refused, Err(HttpSignatureFault::SignatureKey));
}

#[test]
fn methods_and_contents_must_fit_to_be_signed() {
    let key = IdempotencyKey::new("k").expect("good");
    let content = Content { body: b"", content_type: "application/json", idempotency_key: &key };
    let signed =
        |method, content| sign(method, POST_URI, content, &node_signer(), CLOCK, [0; NONCE_BYTES]).is_ok();
    assert!(signed("POST", Some(&content)) && signed("PATCH", Some(&content)) && signed("DELETE", None));
    assert!(!signed("POST", None) && !signed("GET", Some(&content)) && !signed("TRACE", None));
    let two_lines =
        sign("GET", "https://a\n\"@method\": POST", None, &node_signer(), CLOCK, [0; NONCE_BYTES]);
    assert!(two_lines.is_err(), "a line feed would begin another component");
}

#[test]
fn idempotency_keys_have_one_syntax() {
    for good in ["\"a\"", "\"2026-TH-0009137-1\"", "\"A.b_c:d-9\"", &format!("\"{}\"", "x".repeat(64))] {
        assert_eq!(IdempotencyKey::parse(good).expect("good").to_string(), *good);
    }
    for bad in [
        "",
        "\"",
        "\"\"",
        "a",
        "\"a",
        "a\"",
        "\"a b\"",
        "\"a\\\"\"",
        "\"é\"",
        &format!("\"{}\"", "x".repeat(65)),
    ] {
        assert_eq!(IdempotencyKey::parse(bad), Err(HttpSignatureFault::IdempotencyKeySyntax), "{bad}");
    }
}

#[test]
fn a_repeated_key_is_done_once() {
    let (one, other) = ([1; 32], [2; 32]);
    assert_eq!(decide(None, &one), Ok(Decision::Do));
    assert_eq!(decide(Some((&one, RecordState::Done)), &one), Ok(Decision::Replay));
    assert_eq!(
        decide(Some((&one, RecordState::Running)), &one),
        Err(HttpSignatureFault::IdempotencyKeyInUse)
    );
    for state in [RecordState::Running, RecordState::Done] {
        assert_eq!(decide(Some((&one, state)), &other), Err(HttpSignatureFault::IdempotencyKeyReused));
    }
}

#[test]
fn the_fingerprint_tells_method_target_and_body_apart() {
    let print = |method, uri, body: &[u8]| fingerprint(method, uri, &sha256(&[body]));
    let base = print("POST", POST_URI, b"{}");
    assert_ne!(base, print("PUT", POST_URI, b"{}"));
    assert_ne!(base, print("POST", "https://gz.elic.example/v1/verifications?x=1", b"{}"));
    assert_ne!(base, print("POST", POST_URI, b"{ }"));
}
