//! Licences, views and QR texts; trust files, catalogue, receipts, bundle; requests and identifiers.

use std::fmt::Debug;

use anyhow::{Context as _, Result, anyhow, ensure};
use licence_spec::bundle::Bundle;
use licence_spec::catalogue::{self, Advance, HolderRole};
use licence_spec::evidence::Evidence;
use licence_spec::http_signature::{self, Request, find_node_key};
use licence_spec::identifiers::LicenceId;
use licence_spec::policy::{LogLookUp, Policy, Question, Subject};
use licence_spec::qr::{self, QrContent};
use licence_spec::receipt::{self, Archive, Filing};
use licence_spec::status::StatusToken;
use licence_spec::suite::SeedSigner;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Root, TrustFiles};
use licence_spec::verdict::{Code, Outcome, Verdict};
use licence_spec::verify::{verify, verify_qr};

use crate::cases;
use crate::world::{World, digest};

/// Compares what was got with what the writer expects.
pub(crate) fn same<T: PartialEq + Debug>(got: T, expected: T) -> Result<()> {
    ensure!(got == expected, "got {got:?}, expected {expected:?}");
    Ok(())
}

fn code_of<T>(found: Result<T, Code>) -> Option<&'static str> {
    found.err().map(Code::as_str)
}

fn judge(world: &World, judged: &cases::Judged) -> Result<Verdict> {
    match (&judged.file, &judged.qr) {
        (Some(file), None) => under(world, judged, |evidence, policy, now| {
            Ok(verify(&world.file(file)?, evidence, policy, now))
        }),
        (None, Some(file)) => under(world, judged, |evidence, policy, now| {
            Ok(verify_qr(&String::from_utf8(world.file(file)?)?, evidence, policy, now))
        }),
        _ => Err(anyhow!("a case judges either a file or a QR text")),
    }
}

/// Hands evidence, policy and clock of a case to `work`.
fn under<T>(
    world: &World,
    judged: &cases::Judged,
    work: impl FnOnce(&Evidence, &Policy<'_>, UnixTime) -> Result<T>,
) -> Result<T> {
    let evidence = world.evidence(judged)?;
    let name = judged.policy.as_deref().unwrap_or("approval");
    let asked = &judged.question;
    let proof = judged.proof.as_ref().map(|path| world.file(path)).transpose()?;
    let policy = Policy::named(name).context("a preset")?.asking(Question {
        log_proof: proof.as_deref(),
        log: look_up(judged.look_up.as_deref().unwrap_or("not_asked"))?,
        audience: asked.audience.as_deref(),
        service_item: asked.service_item.as_deref(),
        case_number: asked.case_number.as_deref(),
        subject: asked.subject.as_ref().map(|subject| Subject {
            role: HolderRole::Applicant,
            code_type: Some(&subject.code_type),
            code: &subject.code,
            name: subject.name.as_deref(),
        }),
        ..Question::default()
    });
    let now = judged.now.map_or(world.now, UnixTime);
    work(&evidence, &policy, now)
}

/// The look-up of this word, in the one log of the cases.
fn look_up(word: &str) -> Result<Option<LogLookUp<'static>>> {
    Ok(match word {
        "found" => Some(LogLookUp::Found { origin: "gz.elic.example/log", place: None }),
        "missing" => Some(LogLookUp::Missing),
        "pending" => Some(LogLookUp::Pending),
        "not_asked" => Some(LogLookUp::NotAsked),
        "none" => None,
        other => return Err(anyhow!("no such look-up: {other}")),
    })
}

/// spec/verdict.md, conformance: flipping any byte must never give another licence's data, nor an acceptance.
pub(crate) fn changed(world: &World, case: &cases::Changed) -> Result<()> {
    let bytes = world.file(case.judged.file.as_deref().context("a file")?)?;
    under(world, &case.judged, |evidence, policy, now| {
        let good = verify(&bytes, evidence, policy, now);
        same(good.outcome(), Outcome::Accept)?;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let verdict = verify(&changed, evidence, policy, now);
            let shown = verdict.licence();
            ensure!(verdict.outcome() != Outcome::Accept, "accepted with byte {at} changed");
            ensure!(shown.is_none() || shown == good.licence(), "other data with byte {at} changed");
        }
        Ok(())
    })
}

pub(crate) fn verdict(world: &World, case: &cases::Verdict) -> Result<()> {
    let verdict = judge(world, &case.judged)?;
    let got = (verdict.outcome().as_str(), verdict.code().map(Code::as_str));
    same(got, (case.outcome.as_str(), case.code.as_deref()))?;
    if let (Some(host), Some(named), Some(file)) = (&case.host, &case.digest, &case.judged.qr) {
        let Ok(QrContent::Reference(reference)) = qr::read(&String::from_utf8(world.file(file)?)?) else {
            return Err(anyhow!("not a reference"));
        };
        same((reference.host.as_str(), reference.digest), (host.as_str(), digest(named)?))?;
    }
    Ok(())
}

pub(crate) fn token(world: &World, case: &cases::Token) -> Result<()> {
    same(StatusToken::parse(&world.file(&case.file)?).is_ok(), case.good)
}

pub(crate) fn trust(world: &World, case: &cases::Trust) -> Result<()> {
    let first = Root::open_first(&world.file("bundle/trust/root_1.cbor")?)?;
    let mut files = TrustFiles::new(first);
    let mut take = |path: &String| -> Result<Option<&'static str>> {
        let bytes = world.file(path)?;
        let name = path.rsplit('/').next().unwrap_or_default();
        Ok(if name.starts_with("root") {
            code_of(files.take_root(&bytes))
        } else if name.starts_with("timestamp") {
            code_of(files.take_timestamp(&bytes, world.now))
        } else {
            code_of(files.take_list(&bytes, world.now))
        })
    };
    let (last, before) = case.steps.split_last().context("a step")?;
    for path in before {
        same(take(path)?, None).with_context(|| path.clone())?;
    }
    same(take(last)?, case.code.as_deref())?;
    ensure!(case.code.is_some() || files.is_fresh(world.now, 0), "the files taken are not fresh");
    Ok(())
}

pub(crate) fn catalogue(world: &World, case: &cases::Catalogue) -> Result<()> {
    let list = world.list()?;
    let held = catalogue::open(&world.file(&case.held)?, &*list, world.now)?;
    let taken = catalogue::advance(Some(&held), &world.file(&case.file)?, &*list, world.now);
    same(taken.as_ref().err().map(|fault| fault.code().as_str()), case.code.as_deref())?;
    ensure!(case.code.is_some() || matches!(taken, Ok(Advance::Taken(_))), "nothing new was taken");
    Ok(())
}

pub(crate) fn receipt(world: &World, case: &cases::Receipt) -> Result<()> {
    let bytes = world.file(&case.file)?;
    let filed = |name: &str| case.archive.get(name).map(|path| world.file(path)).transpose();
    let (licence, view, trust_list) = (filed("licence")?, filed("view")?, filed("trust_list")?);
    let (status_token, log_proof, catalogue) =
        (filed("status_token")?, filed("log_proof")?, filed("catalogue")?);
    let archive = Archive {
        licence: licence.as_deref(),
        view: view.as_deref(),
        trust_list: trust_list.as_deref(),
        status_token: status_token.as_deref(),
        log_proof: log_proof.as_deref(),
        catalogue: catalogue.as_deref(),
    };
    let checked = receipt::check(&bytes, &*world.list()?, &archive);
    same(code_of(checked.clone()), case.code.as_deref())?;
    if let (Ok(checked), Some(judged), Some(seed)) = (checked, &case.judged, &case.seed) {
        let filing = Filing {
            materials: &[],
            holder: None,
            node: checked.issuer(),
            audience: checked.audience(),
            case_number: checked.case_number(),
            service_item: checked.service_item(),
            cti: *checked.cti(),
        };
        let verdict = judge(world, judged)?;
        let signer = SeedSigner::from_seed(&digest(seed)?)?;
        let own = receipt::sign(&verdict, &filing, &signer).map_err(|error| anyhow!("{error}"))?;
        ensure!(own == bytes, "our node's receipt has other bytes than the writer's");
    }
    Ok(())
}

pub(crate) fn bundle(world: &World, case: &cases::Bundle) -> Result<()> {
    let bytes = world.file(&case.file)?;
    let bundle = Bundle::parse(&bytes)?;
    ensure!(bundle.parts().count() >= 7, "the bundle has less parts than a world needs");
    for (path, part) in bundle.parts() {
        ensure!(world.file(&format!("bundle/{path}"))? == part, "{path} differs between file and folder");
    }
    ensure!(bundle.to_bytes() == bytes, "our encoding of the bundle has other bytes than the writer's");
    Ok(())
}

pub(crate) fn http(world: &World, case: &cases::Http) -> Result<()> {
    let (list, now, request) = (world.list()?, UnixTime(case.now), &case.request);
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let parts = Request {
        method: &request.method,
        target_uri: &request.target_uri,
        content_type: header("content-type"),
        content_digest: header("content-digest"),
        idempotency_key: header("idempotency-key"),
        signature_input: header("signature-input"),
        signature: header("signature"),
        body: request.body.as_bytes(),
    };
    let found = http_signature::verify(
        &parts,
        now,
        |thumbprint| find_node_key(&list, thumbprint, now).map(|(_, key)| key.key),
        |_, _| true,
    );
    same(found.err().map(|fault| fault.slug()), case.fault.as_deref())
}

pub(crate) fn identifier(case: &cases::Identifier) -> Result<()> {
    same(LicenceId::parse(&case.id).is_ok(), case.good)
}
