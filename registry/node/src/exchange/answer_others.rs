//! Answer the questions of other nodes: where licences are, a view of one, how one stands, whether a log has one.
//!
//! Order of showing a licence: is the service item one of the catalogue, does it accept the type, has the node that asks not asked too much →
//! is the holder one whom it names → view signed → audit rows durable → answer. A licence never leaves its node whole: digests stand in
//! the public log, and whoever knows one is entitled to nothing. Order of saying how one stands: looked up → judged → verdict signed → audit
//! rows durable → answer.
//! Out of scope: signatures and connections of calls (`licence_web`), asking (`ask_others`, `ask_register`, `look_up`).

use licence_spec::audit::AuditAct;
use licence_spec::catalogue::HolderRole;
use licence_spec::credential::Credential;
use licence_spec::identifiers::{AskedCode, SameHolder};
use licence_spec::policy::{Policy, Question, Remembered, Subject};
use licence_spec::receipt::{self, Filing};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_spec::view::{self, Draft};
use licence_store::StoreError;

use crate::access::audit;
use crate::access::authorisation::{Purpose, is_told};
use crate::access::caller::ListedNode;
use crate::exchange::ask_others::find;
use crate::exchange::ask_register::{MAX_ID, MAX_QUESTION, NO_ITEM, RegisterAnswer, RegisterQuestion};
use crate::exchange::index_record::{HOLDER_CODE_TYPES, HOLDER_CODES, parse_digest};
use crate::exchange::look_up::{LogAnswer, LogQuestion, held_here, keep_missing};
use crate::exchange::questions::{
    AskedError, FoundLicences, HandedOut, HolderCode, HolderQuestion, MAX_HOLDERS, MAX_TYPES, ViewQuestion,
};
use crate::node::Node;
use crate::node::commit::{Effect, Job};
use crate::node::encoding::base64url;
use crate::node::keys::Usage;
use crate::trips::file_form;
use crate::trips::verify::judge_stored;

/// How long a view may be relied on, seconds, unless the service item allows less: somebody waits for the answer.
const VIEW_LIFE_S: i64 = 600;

/// Answers where licences are, of other nodes and of this one; those in logs of `caller` are left out, as it has them. The answer
/// must not leave before the job is committed.
///
/// # Errors
/// [`AskedError`].
pub fn where_are(
    node: &Node,
    asker: &ListedNode,
    question: &HolderQuestion,
) -> Result<(FoundLicences, Job), AskedError> {
    check_holders(&question.holders)?;
    if question.types.len() > MAX_TYPES {
        return Err(AskedError::Field("types"));
    }
    let purpose = question.purpose.check().map_err(AskedError::Field)?;
    let catalogue = node.catalogue().ok_or(AskedError::NotReady("catalogue"))?;
    let item = catalogue.service_item(purpose.service_item()).ok_or(AskedError::Item)?;
    if !question.types.iter().all(|vct| ListedNode::may_see(vct, item)) {
        return Err(AskedError::Item);
    }
    node.ceilings.ask(&asker.authority, node.clock.now())?;
    let found = find(node, &asker.logs, &question.holders, &question.types)?;
    let digests: Vec<Digest> = found.licences.iter().filter_map(|one| parse_digest(&one.digest)).collect();
    let job = record(node, asker, &purpose, AuditAct::Located, &digests);
    Ok((found, job))
}

fn check_holders(holders: &[HolderCode]) -> Result<(), AskedError> {
    match holders.is_empty() || holders.len() > MAX_HOLDERS {
        true => Err(AskedError::Field("holders")),
        false => Ok(()),
    }
}

/// Shows a licence of this node to another one: as a view, for a service item that accepts its type, of a holder whom it names. A licence of
/// anybody else, or of another type, is answered like one that is not there. The answer must not leave before the job is committed.
///
/// # Errors
/// [`AskedError`].
pub fn hand_out(
    node: &Node,
    asker: &ListedNode,
    digest: &str,
    question: &ViewQuestion,
) -> Result<(HandedOut, Job), AskedError> {
    let wanted = parse_digest(digest).ok_or(AskedError::Field("digest"))?;
    check_holders(&question.holders)?;
    let purpose = question.purpose.check().map_err(AskedError::Field)?;
    let catalogue = node.catalogue().ok_or(AskedError::NotReady("catalogue"))?;
    let item = catalogue.service_item(purpose.service_item()).ok_or(AskedError::Item)?;
    let now = node.clock.now();
    node.ceilings.ask(&asker.authority, now)?;
    let in_vain = || {
        node.ceilings.in_vain(&asker.authority, now);
        AskedError::Unknown
    };
    // Whose bytes were lost in a restore is not here to be shown.
    let row = node.store.read()?.licence(&wanted)?.ok_or_else(in_vain)?;
    let licence = Credential::parse(row.credential.whole().ok_or_else(in_vain)?)
        .map_err(|_| StoreError::Corrupt("a stored credential".to_owned()))?;
    let holder = question.holders.iter().find(|named| is_held_by(&licence, named));
    let (Some(accepted), Some(holder)) = (item.accepted(&row.vct), holder) else { return Err(in_vain()) };
    let signer = node.signer(&node.authority, Usage::VIEW)?.ok_or(AskedError::NotReady("view key"))?;
    let draft = Draft {
        licence: &licence,
        iss: &node.authority,
        aud: &asker.authority,
        iat: now,
        exp: now.plus(VIEW_LIFE_S.min(item.longest_view_life_s)),
        cti: node.rng.bytes()?,
        permitted: &accepted.fields,
        service_item: &item.code,
        case_number: purpose.case_number(),
        catalogue_version: catalogue.version(),
        holder: (&holder.code_type, &holder.code),
    };
    let view = base64url(&view::sign(&draft, &*signer).map_err(AskedError::View)?);
    let log_proof = file_form::proof(node, &row)?;
    let job = record(node, asker, &purpose, AuditAct::ShownToNode, &[wanted]);
    Ok((HandedOut { view, log_proof }, job))
}

/// Whether the licence is certainly of this holder.
fn is_held_by(licence: &Credential<'_>, named: &HolderCode) -> bool {
    let (types, codes) = (licence.fields.texts(HOLDER_CODE_TYPES), licence.fields.texts(HOLDER_CODES));
    AskedCode::parse(Some(&named.code_type), &named.code)
        .is_ok_and(|asked| asked.is_among(&types, &codes).0 == SameHolder::Yes)
}

/// What is written down at the node that is asked: by whom, for what, and which licences, a row each. Never whose.
fn record(node: &Node, asker: &ListedNode, purpose: &Purpose, act: AuditAct, licences: &[Digest]) -> Job {
    let draft = audit::for_purpose(audit::of_node(node, asker, act), purpose);
    let mut rows: Vec<_> = licences.iter().map(|digest| draft.clone().licence(*digest)).collect();
    if rows.is_empty() {
        rows.push(draft.result("nothing"));
    }
    Job::new(rows.into_iter().map(|row| (Effect::Audit(row), None)).collect())
}

/// Answers how a licence of this node stands. The answer must not leave before the job is committed.
///
/// # Errors
/// [`AskedError`].
pub fn how_it_stands(
    node: &Node,
    asker: &ListedNode,
    question: &RegisterQuestion,
) -> Result<(RegisterAnswer, Job), AskedError> {
    check_register(question)?;
    let policy = Policy::named(&question.policy).ok_or(AskedError::Field("policy"))?;
    let policy = policy.asking(Question {
        subject: question.subject.as_ref().map(|subject| Subject {
            role: HolderRole::Applicant,
            code_type: subject.code_type.as_deref(),
            code: &subject.code,
            name: subject.name.as_deref(),
        }),
        service_item: question.service_item.as_deref(),
        ..Question::default()
    });
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    node.ceilings.ask(&asker.authority, now)?;
    let found = node.store.read()?.licence_by_id(&question.id)?;
    let draft = audit::of_node(node, asker, AuditAct::VerdictTold);
    let draft = draft.case(question.service_item.as_deref(), None);
    let draft = match &found {
        Some(row) => draft.licence(row.digest),
        None => draft.result("nothing"),
    };
    let job = Job::new(vec![(Effect::Audit(draft), None)]);
    let Some(row) = found else {
        node.ceilings.in_vain(&asker.authority, now);
        return Ok((RegisterAnswer { receipt: None }, job));
    };
    // Whose bytes were lost in a restore cannot be judged: whoever holds the licence can hand it in.
    let verdict = judge_stored(node, &row, &evidence, &policy, now).ok_or(AskedError::Unknown)?;
    let mut cti = [0; 16];
    node.rng.fill(&mut cti)?;
    let filing = Filing {
        node: &node.authority,
        audience: &asker.authority,
        case_number: &question.question,
        service_item: question.service_item.as_deref().unwrap_or(NO_ITEM),
        materials: &[],
        holder: None,
        cti,
    };
    let signer = node.signer(&node.authority, Usage::RECEIPT)?.ok_or(AskedError::NotReady("receipt key"))?;
    let signed = receipt::sign(&verdict, &filing, &*signer)
        .map_err(|error| StoreError::Corrupt(format!("a verdict that cannot be signed: {error}")))?;
    Ok((RegisterAnswer { receipt: Some(base64url(&signed)) }, job))
}

fn check_register(question: &RegisterQuestion) -> Result<(), AskedError> {
    let short = |text: &str, most: usize| !text.is_empty() && text.chars().count() <= most;
    let item = question.service_item.as_deref().is_none_or(is_told);
    let texts = [
        ("id", short(&question.id, MAX_ID)),
        ("question", short(&question.question, MAX_QUESTION)),
        ("service_item", item),
    ];
    texts.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(name, _)| Err(AskedError::Field(name)))
}

/// Answers another node whether a log that this node holds has a licence.
///
/// # Errors
/// [`AskedError`].
pub fn is_logged(node: &Node, asker: &ListedNode, question: &LogQuestion) -> Result<LogAnswer, AskedError> {
    let digest = parse_digest(&question.digest).ok_or(AskedError::Field("digest"))?;
    let evidence = node.evidence.snapshot();
    let list = evidence.trust_list();
    let mut entries = list.iter().flat_map(|list| &list.content().entries);
    let entry = entries.find(|entry| entry.logs.iter().any(|log| log.key.name() == question.origin));
    let issuer = entry.ok_or(AskedError::Field("origin"))?.id.clone();
    let held = held_here(node, &question.origin, &digest, UnixTime(question.issued_at));
    let known = held.unwrap_or_else(|error| {
        tracing::warn!(%error, origin = question.origin, "a log cannot be looked in");
        None
    });
    let logged = match known {
        Some(Remembered::Found(..)) => Some(true),
        Some(Remembered::Missing) => Some(false),
        Some(Remembered::Pending | Remembered::NotAsked) | None => None,
    };
    if logged == Some(false) {
        keep_missing(node, &issuer, &digest, &asker.authority);
    }
    Ok(LogAnswer { logged })
}
