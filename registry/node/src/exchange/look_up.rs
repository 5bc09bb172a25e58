//! Is a licence in the log of its issuer? Looked up by its digest where no proof is at hand and the policy wants the log (spec/policy.md §2).
//!
//! Order: what memory knows → the verdict → if the log is what it lacks: own log, mirrored log, province → the verdict once more.
//! In scope: looking up, answering other nodes, keeping what was missing. Out of scope: what that means for a verdict (`licence_spec`),
//! following logs (`mirror`, `gather_index`), connections (`fetch`).
//! Only a licence whose signature holds under a listed key comes to the store or to another node: junk costs no look-up.

use licence_spec::credential::Credential;
use licence_spec::evidence::Evidence;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::TreeHead;
use licence_spec::policy::{LOGGED_WITHIN_S, LeafPlace, LogMemory, Policy, Question, Remembered};
use licence_spec::suite::{Digest, name_digest};
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Code, Verdict};
use licence_store::{DocumentRow, INDEX_LICENCE, Read, StoreError, transact};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::exchange::error::ExchangeError;
use crate::exchange::mirror::{self, MirrorError};
use crate::node::Node;
use crate::node::encoding::digest_text;
use crate::node::shelf::Kind;

/// Kind of the documents that name licences that are in no log; named by log and digest.
pub const MISSING: &str = Kind::LogMissing.name();
/// How long it is remembered that a province does not know a licence, or cannot be asked, seconds.
const NO_S: i64 = 60;
/// Most leaves without a right record that are looked at for one licence.
const MAX_GAPS: u32 = 64;
/// Most missing licences that are kept; more are counted and logged alone.
const MAX_KEPT: usize = 1_000;
/// Leaves of a bundle.
const BUNDLE: u64 = 256;

/// Does a log have this licence?
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogQuestion {
    /// 日志名称 / name of the log, `<host>/log`.
    pub origin: String,
    /// 证照摘要 / statement digest, `sha-256:` and hex.
    pub digest: String,
    /// 签发时间 / when the licence was issued, Unix seconds.
    pub issued_at: i64,
}

/// Whether a log has a licence, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogAnswer {
    /// true: it does; false: it does not, though it is known beyond the time by which it had to; null: it is not known so far.
    pub logged: Option<bool>,
}

/// Asks the province; `None` if there is none to ask.
pub type AskLog<'a> = &'a dyn Fn(&LogQuestion) -> Option<Result<LogAnswer, ExchangeError>>;

/// Why a log cannot be looked in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookUpError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mirror(#[from] MirrorError),
}

/// Judges a licence by what is remembered of its log, and once more with a look-up if the log is what the verdict lacks. With `ask` absent
/// only memory is asked, so that nothing waits: [`lacks_the_log`] tells that there is more to be looked up.
pub fn judge_with_log(
    node: &Node,
    (evidence, now): (&Evidence, UnixTime),
    policy: &Policy<'_>,
    bytes: &[u8],
    ask: Option<AskLog<'_>>,
    judge: impl Fn(&Policy<'_>) -> Verdict,
) -> Verdict {
    if policy.log_wanted_after_s.is_none() {
        return judge(policy);
    }
    let memory = |digest: &Digest| node.logged.get(digest, now);
    let remembering = Question { log_memory: Some(LogMemory(&memory)), ..policy.question };
    let verdict = judge(&Policy { id: policy.id.clone(), question: remembering, ..*policy });
    let Some(ask) = ask.filter(|_| lacks_the_log(&verdict)) else { return verdict };
    let Ok(licence) = Credential::parse(bytes) else { return verdict };
    let known = look_up(node, evidence, (licence.iss, licence.object.statement_digest(), licence.iat), ask);
    let asked = Question { log: Some(known.as_look_up()), ..policy.question };
    judge(&Policy { id: policy.id.clone(), question: asked, ..*policy })
}

/// Whether a verdict lacks a look-up in the log: its signature holds, and its policy takes a look-up in place of a proof.
#[must_use]
pub fn lacks_the_log(verdict: &Verdict) -> bool {
    let takes_one =
        || Policy::named(&verdict.basis().policy.0).is_some_and(|own| own.log_wanted_after_s.is_some());
    verdict.codes().any(|code| code == Code::LogProofMissing) && takes_one()
}

/// Looks a licence up in the logs of its issuer, remembers what came out, and keeps what was missing.
fn look_up(
    node: &Node,
    evidence: &Evidence,
    (issuer, digest, issued_at): (&str, Digest, UnixTime),
    ask: AskLog<'_>,
) -> Remembered {
    let entry = evidence.trust_list().and_then(|list| list.entry(issuer));
    // A log that had ended by then cannot have it. When a log began is not asked: a thief writes any time into a licence.
    let logs = entry.iter().flat_map(|entry| &entry.logs);
    let logs = logs.filter(|log| log.until.is_none_or(|until| issued_at < until));
    let looked = logs.map(|log| in_log(node, log.key.name(), &digest, issued_at, ask));
    // An issuer without a log cannot be asked about one.
    let (known, is_ours) =
        looked.max_by_key(|(known, _)| rank(known)).unwrap_or((Remembered::NotAsked, false));
    let now = node.clock.now();
    match (&known, is_ours) {
        (Remembered::Found(..), _) => node.logged.put(digest, known.clone(), i64::MAX),
        // What this node looks up itself it looks up anew: the licence may be there a moment later.
        (_, true) => {}
        (_, false) => node.logged.put(digest, known.clone(), now.plus(NO_S).0),
    }
    if matches!(known, Remembered::Missing) {
        keep_missing(node, issuer, &digest, &node.authority);
    }
    known
}

/// How much of a doubt it is: of several logs of one issuer, the one that leaves most decides, unless one has the licence.
const fn rank(known: &Remembered) -> u8 {
    match known {
        Remembered::Missing => 0,
        Remembered::Pending => 1,
        Remembered::NotAsked => 2,
        Remembered::Found(..) => 3,
    }
}

/// What one log says, and whether this node holds it.
fn in_log(
    node: &Node,
    origin: &str,
    digest: &Digest,
    issued_at: UnixTime,
    ask: AskLog<'_>,
) -> (Remembered, bool) {
    match held_here(node, origin, digest, issued_at) {
        Ok(Some(known)) => return (known, true),
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(%error, origin, "a log cannot be looked in");
            return (Remembered::NotAsked, true);
        }
    }
    let question =
        LogQuestion { origin: origin.to_owned(), digest: digest_text(digest), issued_at: issued_at.0 };
    let known = match ask(&question) {
        Some(Ok(LogAnswer { logged: Some(true) })) => Remembered::Found(origin.into(), None),
        Some(Ok(LogAnswer { logged: Some(false) })) => Remembered::Missing,
        Some(Ok(LogAnswer { logged: None })) => Remembered::Pending,
        Some(Err(_)) | None => Remembered::NotAsked,
    };
    (known, false)
}

/// What the own log or a mirrored one says; `None` if this node holds neither.
pub(crate) fn held_here(
    node: &Node,
    origin: &str,
    digest: &Digest,
    issued_at: UnixTime,
) -> Result<Option<Remembered>, LookUpError> {
    let read = node.store.read()?;
    if origin == node.origin() {
        return Ok(Some(in_own(&*read, origin, digest, issued_at)?));
    }
    let cursors = read.index_cursors()?;
    let Some(told) = cursors.iter().find(|cursor| cursor.origin == origin).map(|cursor| cursor.next) else {
        return Ok(None);
    };
    let found = match read.index_place(origin, digest)? {
        Some(index) => Some(index),
        None => in_gaps(&*read, origin, digest)?,
    };
    Ok(Some(match found {
        Some(index) => {
            let head = mirror::held(&*read, origin)?;
            let place = (index < head.size).then_some(LeafPlace { index, head });
            Remembered::Found(origin.into(), place)
        }
        None if newest_time(&*read, origin, told)? >= issued_at.plus(LOGGED_WITHIN_S) => Remembered::Missing,
        None => Remembered::Pending,
    }))
}

/// The own log is what it is: what is not there by now was never issued here.
fn in_own(
    read: &dyn Read,
    origin: &str,
    digest: &Digest,
    issued_at: UnixTime,
) -> Result<Remembered, StoreError> {
    let leaf = Entry { op: Op::Issued, time: issued_at, digest: *digest }.leaf_hash();
    let Some(index) = read.leaf_indexes_of(&[leaf])?.into_iter().flatten().next() else {
        return Ok(Remembered::Missing);
    };
    let head = read.log_head()?.map(|head| TreeHead { size: head.size, root: head.root });
    Ok(Remembered::Found(origin.into(), head.map(|head| LeafPlace { index, head })))
}

/// Whether a leaf of which no right record was told is that of the licence: an index with gaps must not make it suspicious.
fn in_gaps(read: &dyn Read, origin: &str, digest: &Digest) -> Result<Option<u64>, MirrorError> {
    for reject in read.index_rejects_from(origin, 0, MAX_GAPS)? {
        if reject.logged && reject.kind == INDEX_LICENCE {
            let leaf = mirror::leaves(read, origin, reject.log_index, reject.log_index + 1)?;
            if leaf.into_iter().flatten().any(|entry| entry.digest == *digest) {
                return Ok(Some(reject.log_index));
            }
        }
    }
    Ok(None)
}

/// The newest time in the last leaves of which all was told: how far the log is known. No clock of this node is asked.
fn newest_time(read: &dyn Read, origin: &str, told: u64) -> Result<UnixTime, MirrorError> {
    // With more gaps than are looked at, the log is not known at all.
    let gaps = read.index_rejects_from(origin, 0, MAX_GAPS)?.len();
    if told == 0 || gaps >= MAX_GAPS as usize {
        return Ok(UnixTime(i64::MIN));
    }
    let last = mirror::leaves(read, origin, (told - 1) / BUNDLE * BUNDLE, told)?;
    Ok(last.into_iter().flatten().map(|entry| entry.time).max().unwrap_or(UnixTime(i64::MIN)))
}

/// Names a licence that is in no log, once, in the log file and in the store, where `doctor` and the metrics find it.
pub(crate) fn keep_missing(node: &Node, issuer: &str, digest: &Digest, asked_by: &str) {
    let licence = digest_text(digest);
    let name = format!("{issuer} {licence}");
    let kept = transact::<_, StoreError>(&*node.store, "log_missing", |write| {
        if write.document(MISSING, &name)?.is_some() {
            return Ok(());
        }
        tracing::error!(
            issuer,
            licence,
            asked_by,
            "a licence with a good signature is in no log: its key may be stolen; the issuer must look at it"
        );
        if write.documents(MISSING)?.len() >= MAX_KEPT {
            return Ok(());
        }
        let (now, bytes) = (node.clock.now().0, asked_by.as_bytes().to_vec());
        let row = DocumentRow {
            kind: MISSING.to_owned(),
            name: name.clone(),
            version: 1,
            iat: now,
            digest: name_digest(&[&bytes]),
            bytes,
            stored_at: now,
        };
        write.put_documents(&[row]).map(drop)
    });
    if let Err(error) = kept {
        tracing::warn!(%error, "a missing licence could not be noted");
    }
}
