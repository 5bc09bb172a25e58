//! Publishing status lists: read what changed, sign, log, and only then serve.
//!
//! Order: revision and values in one snapshot → sign → token and leaf in the group commit → evidence swapped.
//! A change that comes in between leaves the list dirty and is published by the next run.

use std::sync::Arc;

use licence_spec::credential::uri_host;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::status::{self, StatusArray, StatusToken, signed_ahead};
use licence_spec::suite::SignError;
use licence_spec::time::UnixTime;
use licence_spec::trust::Role;
use licence_store::{StatusListRow, StatusTokenRow, StoreError, transact};

use crate::node::Node;
use crate::node::commit::{Effect, Job, WriteError};
use crate::node::compared::ClockAhead;
use crate::node::keys::Usage;
use crate::node::rng::RngError;
use crate::publication::own_register::refresh_list;

/// Entries of a list (spec/status.md): 2^20.
pub const LIST_SIZE: u32 = 1 << 20;
/// How long a token may be relied on, seconds.
pub const TOKEN_LIFE_S: i64 = 86_400;
/// After how many seconds to ask again.
pub const TOKEN_TTL_S: i64 = 300;
/// Age at which a list that has not changed is signed anew, seconds: 24 leaves a day and list, and 23 failures do no harm.
const TOKEN_RENEWAL_S: i64 = 3_600;

/// Why a list was not published. The last token stays in force until its own end.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The status key gave no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// No randomness for a new list.
    #[error(transparent)]
    Rng(#[from] RngError),
    /// The authority has no status key on this node.
    #[error("该机关没有状态列表密钥 / the authority has no status key on this node")]
    NoKey,
    /// This clock is behind what others have signed: what is signed by it would be older than what is held elsewhere.
    #[error(
        "本机时钟落后于他方签发的时刻，校正之前不再签发 / this machine's clock is behind what others have signed: nothing is published until it is set"
    )]
    ClockBehind,
    /// The token that was made does not read back.
    #[error("状态列表无法读回 / the token does not read back: {0}")]
    Token(#[from] licence_spec::cbor::Fault),
}

/// A list with fewer free entries than this gets a successor before it is full.
const FEW: u32 = LIST_SIZE / 16;

/// Makes sure that every authority that issues licences has an open list with room, and publishes what has to be. A
/// list is used once its first token is published (`lease`).
///
/// # Errors
/// [`PublishError`] for the first authority that fails.
pub fn open_lists(node: &Node) -> Result<(), PublishError> {
    let lists = node.store.read()?.status_lists()?;
    for authority in node.authorities.iter().filter(|authority| !authority.vcts.is_empty()) {
        let has_room = |list: &StatusListRow| list.open && list.size - list.next_counter >= FEW;
        if lists.iter().any(|list| list.authority == authority.code && has_room(list)) {
            continue;
        }
        let mut secret = [0; 32];
        node.rng.fill(&mut secret)?;
        transact(&*node.store, "open_status_list", |write| {
            let id = write.lease("status_list", 1)?;
            let uri = format!("https://{}/v1/status-lists/{id}", authority.host);
            write.add_status_lists(&[StatusListRow::new(id, uri, authority.code.clone(), LIST_SIZE, secret)])
        })?;
    }
    publish(node, false)
}

/// Publishes all lists that changed, whose token is an hour old or from before its key was listed, or, if `all`, every list.
///
/// # Errors
/// [`PublishError`] for the first list that fails; the others are published all the same.
pub fn publish(node: &Node, all: bool) -> Result<(), PublishError> {
    let now = node.clock.now();
    let lists = node.store.read()?.status_lists()?;
    let mut outcome = Ok(());
    for list in lists {
        take_stored(node, &list)?;
        // What was signed by a clock that was ahead gives way (spec/status.md, rule 5), unless it is this clock that is behind.
        let ahead = list.token_iat.is_some_and(|iat| signed_ahead(UnixTime(iat), now));
        if ahead && is_behind(node, &list.uri, now) {
            outcome = outcome.and(Err(PublishError::ClockBehind));
            continue;
        }
        let old = ahead || list.token_iat.is_none_or(|iat| now.0 - iat >= TOKEN_RENEWAL_S);
        let early = list.token_iat.is_some_and(|iat| is_early(node, &list.authority, UnixTime(iat), now));
        // Two tokens of one second would be a fork to every reader: wait for the next second.
        let same_second = !ahead && list.token_iat.is_some_and(|iat| iat >= now.0);
        if (all || old || early || list.dirty_since.is_some())
            && !same_second
            && may_sign(node, &list.authority, now)
        {
            // One list that fails must not keep the revocations of all others from being published.
            outcome = outcome.and(publish_one(node, &list, now));
        }
    }
    outcome
}

/// Whether something that others have signed lies further after `now` than clocks may differ: then this clock is behind. Own lists say nothing.
fn is_behind(node: &Node, own: &str, now: UnixTime) -> bool {
    let (evidence, own) = (node.evidence.snapshot(), uri_host(own));
    let files = evidence.trust_files().map(|files| files.newest_iat());
    let tokens =
        evidence.tokens().filter(|held| held.signer().is_some() && uri_host(held.token().uri()) != own);
    files.into_iter().chain(tokens.map(|held| held.token().iat())).any(|iat| signed_ahead(iat, now))
}

/// Whether the trust list lets the authority's status key sign now: what is signed with a key that is not listed yet counts nowhere. Before
/// there is a trust list, nobody can tell.
fn may_sign(node: &Node, authority: &str, now: UnixTime) -> bool {
    let evidence = node.evidence.snapshot();
    let Some(list) = evidence.trust_list() else { return true };
    // A key that is missing is an error of the publishing.
    let Some(own) = node.keys.signer(authority, Usage::STATUS) else { return true };
    let keys = list.entry(authority).into_iter().flat_map(|entry| &entry.keys);
    keys.filter(|key| key.key == *own.public_key()).any(|key| key.standing(Role::Status, now).is_ok())
}

/// Whether a token of `iat` is worth nothing to readers because the authority's status key was not listed for that time,
/// though it is now: a node that runs before its enrolment is published has signed such tokens.
fn is_early(node: &Node, authority: &str, iat: UnixTime, now: UnixTime) -> bool {
    let evidence = node.evidence.snapshot();
    let entry = evidence.trust_list().and_then(|list| list.entry(authority));
    let own = node.keys.signer(authority, Usage::STATUS);
    let (Some(entry), Some(own)) = (entry, own) else { return false };
    let keys = entry.keys.iter().filter(|key| key.key == *own.public_key());
    let scopes: Vec<_> =
        keys.flat_map(|key| &key.scopes).filter(|scope| scope.role == Role::Status).collect();
    let covers = |time| scopes.iter().any(|scope| scope.has_time(time));
    covers(now) && !covers(iat)
}

/// Takes over a token that is stored and not in the evidence: one that was kept though its write was reported as lost.
fn take_stored(node: &Node, list: &StatusListRow) -> Result<(), PublishError> {
    let held = node.evidence.snapshot().token(&list.uri).map(|held| held.token().iat().0);
    // Not only a newer one: what another process signed ahead has given way in the store.
    if list.token_iat.is_none() || list.token_iat == held {
        return Ok(());
    }
    // The view is given back before the register is read.
    let row = node.store.read()?.status_token(list.id)?;
    if let Some(row) = row {
        let token = Arc::new(StatusToken::parse(&row.bytes)?);
        node.evidence.change(|evidence| evidence.add_token(Arc::clone(&token)));
        // What was noted before this token was signed is settled: it would speak louder than a later change that the token shows.
        refresh_list(node, list, &token)?;
    }
    Ok(())
}

fn publish_one(node: &Node, list: &StatusListRow, now: UnixTime) -> Result<(), PublishError> {
    let read = node.store.read()?;
    let Some(revision) = read.list_revision(list.id)? else { return Ok(()) };
    // Of the same moment: changes with a leaf below this are in the token.
    let shown = read.log_head()?.map_or(0, |head| head.size);
    drop(read);
    let signer = node.signer(&list.authority, Usage::STATUS)?.ok_or(PublishError::NoKey)?;
    let mut array = StatusArray::new(u64::from(list.size));
    for value in &revision.values {
        array.set(u64::from(value.index), value.value);
    }
    let exp = now.plus(TOKEN_LIFE_S);
    let bytes = status::sign(&list.uri, now, exp, TOKEN_TTL_S, &array, &*signer)?;
    let token = StatusToken::parse(&bytes)?;
    let row = StatusTokenRow {
        list: list.id,
        iat: now.0,
        exp: exp.0,
        digest: *token.digest(),
        bytes,
        revision: revision.revision,
        log_index: 0,
    };
    let entry = Entry { op: Op::StatusToken, time: now, digest: row.digest };
    node.writer.write(Job::new(vec![(Effect::StatusToken(row), Some(entry))]))?;
    node.evidence.change(|evidence| {
        evidence.add_token(Arc::new(token));
        evidence.settle_statuses(&list.uri, shown);
    });
    Ok(())
}
