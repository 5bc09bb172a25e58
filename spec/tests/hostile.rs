//! The hostile cases of `vectors/generated-examples/negative`: outcome and code of each, by the file's own `how` and
//! `context`. A further file of the same shape needs no new code; a member that no runner looks at ends the run.
#![allow(missing_docs, clippy::panic)]

mod common;

use std::sync::Arc;

use common::{clock, context, evidence, example, hex, json, only_known, root, unhex};
use licence_spec::catalogue::{self, Advance};
use licence_spec::evidence::Evidence;
use licence_spec::log::merkle::TreeHead;
use licence_spec::policy::{LogLookUp, Policy, Question, Wanted};
use licence_spec::qr::{self, QrContent};
use licence_spec::receipt::{self, Archive};
use licence_spec::status::StatusToken;
use licence_spec::suite::sha256;
use licence_spec::time::UnixTime;
use licence_spec::trust::TrustFiles;
use licence_spec::verdict::Verdict;
use licence_spec::verify::{reference_host_is_listed, verify, verify_fetched, verify_qr};
use serde_json::Value;

/// What a case answered: outcome, primary code, all codes.
struct Answer(String, String, Vec<String>);

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Answer {
        let code = verdict.code().map(|code| code.to_string()).unwrap_or_default();
        Answer(verdict.outcome().to_string(), code, verdict.codes().map(|code| code.to_string()).collect())
    }
}

fn not_taken(code: &str) -> Answer {
    Answer("NOT_TAKEN".into(), code.into(), vec![code.into()])
}

fn hex_of(case: &Value) -> Vec<u8> {
    unhex(case["hex"].as_str().expect("hex"))
}

/// `approval`, as of somebody whom nobody answers about logs: a missing proof is a warning then.
fn approval() -> Policy<'static> {
    Policy::approval().asking(Question { log: Some(LogLookUp::NotAsked), ..Question::default() })
}

fn judge(bytes: &[u8], wanted: Wanted, evidence: &Evidence, context: &Value) -> Answer {
    let mut policy = Policy::approval();
    policy.log_proof_required = context["log_proof"] == "required";
    let proof = context["proof"].as_str().map(str::as_bytes);
    let log = Some(LogLookUp::NotAsked);
    let question = Question { wanted, log_proof: proof, log, ..question(context, wanted) };
    verify(bytes, evidence, &policy.asking(question), clock(context)).into()
}

fn question(context: &Value, wanted: Wanted) -> Question<'_> {
    if wanted != Wanted::View {
        return Question::default();
    }
    Question {
        audience: context["audience"].as_str(),
        service_item: context["service_item"].as_str(),
        case_number: context["case_number"].as_str(),
        ..Question::default()
    }
}

fn licence(case: &Value, context: &Value) -> Answer {
    judge(&hex_of(case), Wanted::Licence, &evidence(context), context)
}

fn view(case: &Value, context: &Value) -> Answer {
    judge(&hex_of(case), Wanted::View, &evidence(context), context)
}

fn status(case: &Value, context: &Value) -> Answer {
    let mut without = context.clone();
    without["status"] = Value::Null;
    let mut evidence = evidence(&without);
    if let Ok(token) = StatusToken::parse(&hex_of(case)) {
        let uri = token.uri().to_owned();
        evidence.add_token(Arc::new(token));
        if let Some(iat) = context["stored_iat"].as_i64() {
            let digest =
                context["stored_sha256"].as_str().map(|text| unhex(text).try_into().expect("32 bytes"));
            evidence.note_newest_token(&uri, UnixTime(iat), digest);
        }
    }
    judge(&example("licence/small.cbor"), Wanted::Licence, &evidence, context)
}

fn log(case: &Value, context: &Value) -> Answer {
    let mut evidence = evidence(context);
    if let Some(stored) = context["stored_checkpoint"].as_array() {
        let head = TreeHead {
            size: stored[0].as_u64().expect("size"),
            root: unhex(stored[1].as_str().expect("root")).try_into().expect("32 bytes"),
        };
        evidence.add_head("gz.elic.example/log", head);
    }
    let mut context = context.clone();
    context["proof"] = case["proof"].clone();
    if let Some(entry) = case["leaf_hex"].as_str() {
        return foreign_leaf(&unhex(entry), &context, &evidence);
    }
    judge(&example("licence/small.cbor"), Wanted::Licence, &evidence, &context)
}

/// A QR text; a reference whose host is listed leads to what the case says was fetched.
fn qr(case: &Value, context: &Value) -> Answer {
    let (text, evidence, now) = (case["text"].as_str().expect("text"), evidence(context), clock(context));
    if let (Some(fetched), Ok(QrContent::Reference(reference))) =
        (context["fetched_hex"].as_str(), qr::read(text))
    {
        assert!(reference_host_is_listed(&reference.host, &evidence, &approval(), now).is_ok());
        return verify_fetched(&unhex(fetched), &reference.digest, &evidence, &approval(), now).into();
    }
    verify_qr(text, &evidence, &approval(), now).into()
}

/// A leaf that no licence has can be offered to the proof check alone.
fn foreign_leaf(entry: &[u8], context: &Value, evidence: &Evidence) -> Answer {
    use licence_spec::log::{merkle::leaf_hash, proof::LogProof};
    let list = evidence.trust_list().expect("a list");
    let keys = list.content().entries.iter().flat_map(|entry| &entry.logs).map(|log| &log.key);
    let proof = LogProof::parse(context["proof"].as_str().expect("a proof").as_bytes()).expect("well-formed");
    match proof.verify(&leaf_hash(entry), keys, list.policy(), None) {
        Ok(_) => Answer("ACCEPT".into(), String::new(), vec![]),
        Err(_) => Answer("REJECT".into(), "LOG_PROOF_INVALID".into(), vec!["LOG_PROOF_INVALID".into()]),
    }
}

fn trust(case: &Value, context: &Value) -> Answer {
    let now = clock(context);
    let mut files = TrustFiles::new(root(context["root"].as_str().expect("a root")));
    let overridden = case["context"].as_object().expect("trust cases have a context of their own");
    if let Some(version) = overridden.get("stored_timestamp_version") {
        let stored = example(&format!("trust/timestamp_{version}.cbor"));
        if let Some(digest) = overridden.get("stored_timestamp_sha256").and_then(Value::as_str) {
            assert_eq!(hex(&sha256(&[&stored])), digest, "the timestamp that was stored");
        }
        files.take_timestamp(&stored, now).expect("stored before");
        let list = overridden.get("stored_list_version").expect("a timestamp is stored with its list");
        files.take_list(&example(&format!("trust/list_{list}.cbor")), now).expect("stored before");
    } else if let Some(hex) = overridden.get("timestamp_hex").and_then(Value::as_str) {
        files.take_timestamp(&unhex(hex), now).expect("the timestamp beside a list is good");
    } else if let Some(path) = overridden.get("timestamp").and_then(Value::as_str) {
        files.take_timestamp(&example(path), now).expect("good");
    }
    let offered = hex_of(case);
    let taken = match case["kind"].as_str().expect("a kind") {
        "root" => files.take_root(&offered).map(|(taken, _)| taken),
        "timestamp" => files.take_timestamp(&offered, now),
        "list" => files.take_list(&offered, now),
        other => panic!("unknown kind {other}"),
    };
    match taken {
        Ok(_) => Answer("TAKEN".into(), String::new(), vec![]),
        Err(code) => not_taken(code.as_str()),
    }
}

fn catalogue_offer(case: &Value, context: &Value) -> Answer {
    let evidence = evidence(context);
    let list = evidence.trust_list().expect("a list").clone();
    let held = evidence.catalogue().expect("a catalogue").clone();
    match catalogue::advance(Some(&held), &hex_of(case), &*list, clock(context)) {
        Ok(Advance::Taken(_)) => Answer("TAKEN".into(), String::new(), vec![]),
        Ok(Advance::Unchanged) => Answer("UNCHANGED".into(), String::new(), vec![]),
        Err(fault) => not_taken(fault.code().as_str()),
    }
}

/// The file that a case files with a receipt: the path of an example, or a text.
fn filed(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?;
    Some(if text.contains('\n') { text.as_bytes().to_vec() } else { example(text) })
}

/// A receipt, filed with what the case names.
fn filed_receipt(case: &Value, context: &Value) -> Answer {
    let evidence = evidence(context);
    let list = evidence.trust_list().expect("a list");
    let [licence, view, token, proof, trust_list, catalogue] =
        ["licence", "view", "status_token", "proof", "trust_list", "catalogue"]
            .map(|name| filed(&case[name]));
    let archive = Archive {
        licence: licence.as_deref(),
        view: view.as_deref(),
        status_token: token.as_deref(),
        log_proof: proof.as_deref(),
        trust_list: trust_list.as_deref(),
        catalogue: catalogue.as_deref(),
    };
    match receipt::check(&hex_of(case), list, &archive) {
        Ok(receipt) => Answer("VALID".into(), receipt.outcome().to_string(), vec![]),
        Err(code) => Answer("INVALID".into(), code.to_string(), vec![code.to_string()]),
    }
}

/// A runner, the members of a case and of its context that it looks at.
type Runner = (fn(&Value, &Value) -> Answer, &'static [&'static str], &'static [&'static str]);

/// Members of a context that make the evidence.
const EVIDENCE: [&str; 6] = ["clock", "root", "trust", "timestamp", "catalogue", "status"];

/// The function that does what `how` says.
fn runner(how: &str) -> Runner {
    match how {
        "verify \"hex\" as a licence" => (licence, &["hex"], &["log_proof", "proof"]),
        "verify licence/small.cbor with \"hex\" as its status token" => {
            (status, &["hex"], &["log_proof", "proof", "stored_iat", "stored_sha256"])
        }
        "verify \"hex\" as a view for the audience, case and item of the context" => {
            (view, &["hex"], &["log_proof", "proof", "audience", "case_number", "service_item"])
        }
        "read \"text\"" => (qr, &["text"], &["fetched_hex"]),
        "offer \"hex\" to the update client as the kind named" => (
            trust,
            &["hex", "kind"],
            &["timestamp_hex", "stored_timestamp_version", "stored_timestamp_sha256", "stored_list_version"],
        ),
        "offer \"hex\" to a client that holds catalogue_1" => (catalogue_offer, &["hex"], &[]),
        "check \"hex\" as a receipt" => (
            filed_receipt,
            &["hex", "licence", "view", "status_token", "proof", "trust_list", "catalogue"],
            &[],
        ),
        how if how.starts_with("verify licence/small.cbor with \"proof\"") => {
            (log, &["proof", "leaf_hex"], &["log_proof", "stored_checkpoint"])
        }
        other => panic!("no runner for: {other}"),
    }
}

fn run(name: &str, count: usize) {
    let file = json(&format!("generated-examples/negative/{name}.json"));
    let (run, members, overrides) = runner(file["how"].as_str().expect("how"));
    let overrides: Vec<&str> = EVIDENCE.iter().chain(overrides).copied().collect();
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), count, "number of cases in {name}.json");
    let mut wrong = Vec::new();
    for case in cases {
        only_known(case, members, &overrides);
        let context = context(&file, case);
        let Answer(outcome, code, codes) = run(case, &context);
        let mut all = case["codes"].as_array().or(case["context"]["codes"].as_array()).into_iter().flatten();
        if case["outcome"] != *outcome
            || case["code"] != *code
            || !all.all(|c| codes.iter().any(|code| c == code))
        {
            wrong.push(format!(
                "{}: {outcome} {code}, not {} {}: {}",
                case["id"], case["outcome"], case["code"], case["reason"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} in {name}.json:\n{}", wrong.len(), wrong.join("\n"));
}

/// A case with a member that is dropped would pass without saying anything.
#[test]
fn a_member_that_no_runner_knows_ends_the_run() {
    for case in [
        serde_json::json!({"id": "a", "hex": "", "stored": 1}),
        serde_json::json!({"id": "b", "hex": "", "context": {"stored_version": 1}}),
    ] {
        let run = std::panic::catch_unwind(|| only_known(&case, &["hex"], &["clock"]));
        assert!(run.is_err(), "{case}");
    }
}

macro_rules! files {
    ($($test:ident $name:literal $count:literal)*) => { $(#[test] fn $test() { run($name, $count); })* };
}

files! {
    every_hostile_licence_answers_as_written "licence" 115
    every_hostile_status_token_answers_as_written "status" 27
    every_hostile_view_answers_as_written "view" 23
    every_hostile_log_proof_answers_as_written "log" 31
    every_hostile_qr_text_answers_as_written "qr" 28
    every_hostile_trust_file_is_not_taken "trust" 49
    every_hostile_catalogue_is_not_taken "catalogue" 17
    every_hostile_receipt_is_refused_as_written "receipt" 29
}
