//! The judgement: bytes, evidence, policy and one clock reading in, a verdict out.
//!
//! In scope: the order of the checks and which code each gives. Out of scope: everything that is not in the arguments.
//! The same inputs give the same verdict, byte for byte, on every node.
//! Format: spec/verify.md; vectors in spec/vectors/licence, view, status, log, qr and verdict.

mod checks;
mod issuer;
mod record;
mod scanned;

pub use checks::is_holder;
pub use scanned::verify_qr;

use alloc::string::String;
use alloc::vec::Vec;

use crate::cbor::{Fault, FaultKind};
use crate::cose::{Sign1, Typ};
use crate::credential::{Credential, FieldMap, StatusReference};
use crate::evidence::{Evidence, Trust};
use crate::kind::{is_one_of_ours, kind_of};
use crate::numbers::{MAX_LICENCE, MAX_VIEW, TYP_VIEW};
use crate::policy::{Policy, Wanted};
use crate::suite::{Digest, name_digest};
use crate::time::UnixTime;
use crate::trust::Role;
use crate::verdict::{Basis, Code, Digests, Group, LicenceData, Verdict};
use crate::view::{Grounds, HolderMark, View};
use record::Record;

/// A licence or a view, as far as the judgement treats them alike.
struct Presented<'a> {
    object: Sign1<'a>,
    iss: &'a str,
    vct: &'a str,
    iat: UnixTime,
    exp: UnixTime,
    nbf: Option<UnixTime>,
    status: Option<StatusReference<'a>>,
    fields: FieldMap<'a>,
    /// Present in views alone.
    view: Option<(&'a str, Grounds<'a>)>,
    /// Of the holder for whom a view was made.
    mark: Option<HolderMark>,
}

impl<'a> Presented<'a> {
    fn parse(bytes: &'a [u8], wanted: Wanted) -> Result<Presented<'a>, Fault> {
        let object =
            Sign1::parse(bytes, const { if MAX_LICENCE > MAX_VIEW { MAX_LICENCE } else { MAX_VIEW } })?;
        let is_view = object.typ() == Typ::Text(TYP_VIEW);
        match (wanted, is_view) {
            (Wanted::Licence, true) => Err(Fault::not_conformant("a view where the full licence is wanted")),
            (Wanted::View, false) => Err(Fault::not_conformant("a full licence where a view is wanted")),
            (_, true) => View::from_object(object).map(Presented::from_view),
            (_, false) => Credential::from_object(object).map(Presented::from_licence),
        }
    }

    fn from_licence(licence: Credential<'a>) -> Presented<'a> {
        let Credential { object, iss, exp, nbf, iat, vct, status, fields, .. } = licence;
        Presented { object, iss, vct, iat, exp, nbf: Some(nbf), status, fields, view: None, mark: None }
    }

    fn from_view(view: View<'a>) -> Presented<'a> {
        let mark = view.holder_mark();
        let View { object, iss, aud, exp, iat, vct, status, fields, grounds, .. } = view;
        Presented { object, iss, vct, iat, exp, nbf: None, status, fields, view: Some((aud, grounds)), mark }
    }

    const fn role(&self) -> Role {
        if self.view.is_some() { Role::View } else { Role::Licence }
    }

    /// The authority that issued the licence itself, and whose status lists and logs count.
    fn licence_issuer(&self) -> &'a str {
        self.view.as_ref().map_or(self.iss, |(_, grounds)| grounds.licence_iss)
    }

    fn digests(&self) -> Digests {
        let own = self.object.statement_digest();
        match &self.view {
            Some((_, grounds)) => Digests { licence: grounds.licence, view: Some(own) },
            None => Digests { licence: own, view: None },
        }
    }

    fn data(&self) -> LicenceData {
        LicenceData {
            issuer: String::from(self.iss),
            vct: String::from(self.vct),
            issued_at: self.iat,
            not_before: self.nbf,
            expires_at: self.exp,
            fields: Vec::from(self.fields.encoded()),
            is_view: self.view.is_some(),
            mark: self.mark,
        }
    }
}

/// All that the single checks look at.
struct Case<'a> {
    presented: &'a Presented<'a>,
    digests: Digests,
    evidence: &'a Evidence,
    policy: &'a Policy<'a>,
    now: UnixTime,
}

/// Judges a licence or a view, given as the bytes of its file.
///
/// Not a `Result`: forged and cannot-tell are answers. Licence data is in the verdict only once the signature passed.
/// Stale or missing evidence gives INDETERMINATE, never ACCEPT and never REJECT. Source: spec/verify.md.
#[must_use]
pub fn verify(presented: &[u8], evidence: &Evidence, policy: &Policy<'_>, now: UnixTime) -> Verdict {
    let basis = empty_basis(evidence, policy, now);
    match Presented::parse(presented, policy.question.wanted) {
        Ok(object) => judge(&object, evidence, policy, now, basis),
        Err(fault) => stopped(fault_code(presented, fault), name_digest(&[presented]), basis)
            .of_kind(kind_of(presented)),
    }
}

/// Whether a reference may be fetched: its host must be in an entry of the trust list, else nothing is sent.
///
/// # Errors
/// `ISSUER_NOT_LISTED` if the list is fresh, `ISSUER_UNKNOWN_LIST_STALE` if it is not: an old list proves nothing against
/// a host. Else the code that says why no list can be asked.
pub fn reference_host_is_listed(
    host: &str,
    evidence: &Evidence,
    policy: &Policy<'_>,
    now: UnixTime,
) -> Result<(), Code> {
    let files = match evidence.trust() {
        Trust::Held(files) => files,
        Trust::Refused(code) => return Err(*code),
        Trust::Unavailable => return Err(Code::TrustListUnavailable),
    };
    match files.list() {
        Some(list) if list.has_host(host) => Ok(()),
        Some(_) if files.is_fresh(now, policy.timestamp_grace_s) => Err(Code::IssuerNotListed),
        Some(_) => Err(Code::IssuerUnknownListStale),
        None => Err(Code::TrustListUnavailable),
    }
}

/// As [`verify`], for what a reference led to. Bytes with another digest than the reference names are thrown away, as
/// if nothing had been found.
#[must_use]
pub fn verify_fetched(
    fetched: &[u8],
    wanted: &Digest,
    evidence: &Evidence,
    policy: &Policy<'_>,
    now: UnixTime,
) -> Verdict {
    match Sign1::parse(fetched, MAX_LICENCE) {
        Ok(object) if object.statement_digest() == *wanted => verify(fetched, evidence, policy, now),
        _ => Verdict::not_found(empty_basis(evidence, policy, now)),
    }
}

/// The verdict on a licence that was asked for by number and that no register knows.
#[must_use]
pub fn not_found(evidence: &Evidence, policy: &Policy<'_>, now: UnixTime) -> Verdict {
    Verdict::not_found(empty_basis(evidence, policy, now))
}

/// The verdict on what only a register knows, a number or a reference, where that register was not asked or did not answer: no register
/// has said that there is no such licence. `presented` is the text that was asked about.
#[must_use]
pub fn not_asked(presented: &str, evidence: &Evidence, policy: &Policy<'_>, now: UnixTime) -> Verdict {
    stopped(Code::NotAsked, name_digest(&[presented.as_bytes()]), empty_basis(evidence, policy, now))
}

/// What a fault of the reader means. REJECT needs proof: bytes that are none of our objects break no rule of ours.
pub(crate) fn fault_code(bytes: &[u8], fault: Fault) -> Code {
    match fault.kind {
        FaultKind::NotConformant if is_one_of_ours(bytes) => Code::NotConformant,
        FaultKind::NotConformant | FaultKind::Unreadable => Code::Unreadable,
    }
}

fn stopped(code: Code, digest: Digest, basis: Basis) -> Verdict {
    let mut record = Record::new();
    record.pass_before(code.group());
    record.stop(code);
    record.finish(None, Digests { licence: digest, view: None }, basis)
}

fn empty_basis(evidence: &Evidence, policy: &Policy<'_>, now: UnixTime) -> Basis {
    let trust_list = evidence.trust_files().and_then(|files| {
        let (list, timestamp) = (files.list()?, files.vouching()?);
        Some((list.content().version, *list.digest(), timestamp.content().iat))
    });
    let catalogue = evidence.catalogue().map(|catalogue| (catalogue.version(), *catalogue.digest()));
    let policy = (policy.id.clone(), policy.version);
    Basis { now, policy, trust_list, status_list: None, log: None, catalogue }
}

fn judge(
    object: &Presented<'_>,
    evidence: &Evidence,
    policy: &Policy<'_>,
    now: UnixTime,
    mut basis: Basis,
) -> Verdict {
    let case = Case { presented: object, digests: object.digests(), evidence, policy, now };
    let mut record = Record::new();
    record.pass(Group::Format, None);
    let entry = match issuer::check_signature(&case, &mut record) {
        Some(entry) => entry,
        None => return record.finish(None, case.digests, basis),
    };
    // The log comes after the issuer in the list of checks, but a compromised key is judged by where the log has it.
    let log = checks::log(&case);
    issuer::check(&case, entry, &log, &mut record);
    checks::time(&case, &mut record);
    checks::schema(&case, &mut record);
    basis.status_list = checks::status(&case, &mut record);
    basis.log = checks::record_log(&case, log, &mut record);
    checks::subject(&case, &mut record);
    checks::policy(&case, &mut record);
    // An office for which a view was not made learns nothing from it.
    let data = (!record.use_is_refused()).then(|| object.data());
    record.finish(data, case.digests, basis)
}
