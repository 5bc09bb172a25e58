//! Issue a licence, or a new version of one.
//!
//! Order: fields checked by the catalogue → scope by the trust list → number and status index leased → credential signed
//! → group commit → answer. An acknowledged licence is on disk and in the log.

use licence_catalogue::issue::{CheckedFields, FieldErrors, Holder, IssueFields, NamedFields};
use licence_spec::audit::AuditAct;
use licence_spec::catalogue::LicenceType;
use licence_spec::cose::with_log_proof;
use licence_spec::credential::{self, Draft};
use licence_spec::identifiers::{CreditCode, LICENCE_ID_ROOT, LicenceId, NationalTypeCode, mod37_36_check};
use licence_spec::log::change::Act;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::qr;
use licence_spec::status::Status;
use licence_spec::suite::Signer;
use licence_spec::text::nfc;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Proved, Role};
use licence_spec::verdict::Code;
use licence_store::{LicenceRow, StatusChangeRow, StatusListRow, StoreError, StoredCredential};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::audit;
use crate::access::caller::{About, Caller, Denied, Errand};
use crate::node::Node;
use crate::node::audit::{AuditDraft, change_object};
use crate::node::commit::{Committed, Effect, Job, Remember, Render, WriteError};
use crate::node::compared::ClockAhead;
use crate::node::encoding::digest_text;
use crate::node::holder::holder_key;
use crate::node::keys::Usage;
use crate::node::numbers::Leased;
use crate::node::rng::RngError;
use crate::publication::own_register;
use crate::trips::change_status::{ActOfLaw, change_row};
use crate::trips::reason::{Reason, ReasonFault};

/// A request to issue, as the API takes it.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueRequest {
    /// 证照类型代码.
    #[serde(rename = "type")]
    pub licence_type: String,
    /// Code of the issuing authority.
    pub issuer: String,
    /// 证照编号.
    pub number: String,
    /// 属地编码.
    pub area_code: String,
    /// 持证主体.
    #[schema(value_type = Vec<Object>)]
    pub holders: Vec<Holder>,
    /// 颁发日期.
    pub issued_on: String,
    /// First valid day; the day of issue if absent.
    #[serde(default)]
    pub valid_from: Option<String>,
    /// Last valid day; 长期 if absent.
    #[serde(default)]
    pub valid_until: Option<String>,
    /// Face items by name.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: NamedFields,
}

/// What was issued.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Issued {
    /// 电子证照标识.
    pub id: String,
    /// The statement, base64url.
    pub credential: String,
    /// QR text; the reference form if the licence is too long for a code.
    pub qr: String,
    /// Statement digest, `sha-256:` and hex.
    pub digest: String,
    /// Where its status stands.
    pub status: StatusPlace,
    /// Where the log has it.
    pub log: LogPlace,
    /// The bytes of the credential, for callers in this process.
    #[serde(skip)]
    pub statement: Vec<u8>,
}

/// Where the status of a licence stands.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct StatusPlace {
    /// Name of the list.
    pub uri: String,
    /// Index in it.
    pub idx: u32,
}

/// Where the log has a licence.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LogPlace {
    /// Name of the log.
    pub origin: String,
    /// Leaf index.
    pub index: u64,
    /// The proof file.
    pub proof: String,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The caller may not issue for this authority or of this type.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// The node does not serve this authority.
    #[error("本节点不为该机关签发 / this node does not issue for authority {0}")]
    UnknownAuthority(String),
    /// The catalogue does not know the type.
    #[error("目录中没有该证照类型 / the catalogue has no type {0}")]
    UnknownType(String),
    /// The authority's code is invented, and the node is in production.
    #[error(
        "机关代码为合成代码，正式运行的节点不得签发 / the authority's code is synthetic: a node in production must not issue for it"
    )]
    Synthetic,
    /// The trust list does not let this authority issue this type here, now.
    #[error(
        "该机关无权在此地签发该类证照 / the trust list does not let the authority issue this type here: {0}"
    )]
    OutOfScope(Code),
    /// Fields do not fit the type.
    #[error("{0}")]
    Fields(#[from] FieldErrors),
    /// A date or number makes no licence.
    #[error("证照数据不成立 / the data makes no licence: {0}")]
    Draft(String),
    /// No trust list or catalogue is at hand, or a key is missing.
    #[error("节点未就绪 / the node is not ready: {0}")]
    NotReady(&'static str),
    /// A text of the legal ground is missing, too long or has a character that is not kept.
    #[error("{0}")]
    Reason(ReasonFault),
    /// The previous version is not there, of another authority, type or number, or not in force.
    #[error(
        "原证照不存在、已失效，或机关、类型、编号与其不同 / the licence to be replaced is not there, not in force, or of another authority, type or number"
    )]
    Predecessor,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer refused or failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// Issues a licence, for a client of the API or for the operator.
///
/// # Errors
/// [`IssueError`]; nothing is written then, but a leased number may be skipped.
pub fn issue(
    node: &Node,
    caller: &Caller,
    request: &IssueRequest,
    remember: Option<Remember>,
) -> Result<Issued, IssueError> {
    let asked = About { authority: Some(&request.issuer), ..About::of_type(&request.licence_type) };
    caller.may(Errand::Issue, asked)?;
    let prepared = prepare(node, caller, request, None)?;
    let audit = vec![audit::draft(node, caller, AuditAct::Issued).licence(prepared.row.digest)];
    finish(node, prepared, None, audit, remember).map(|(issued, _)| issued)
}

/// Issues the next version of a licence; the old one becomes superseded in the same transaction.
///
/// # Errors
/// As [`issue`]; [`IssueError::Predecessor`] if the old licence is unknown, of another authority, type or number, or ended.
pub fn new_version(
    node: &Node,
    caller: &Caller,
    id: &str,
    request: &IssueRequest,
    reason: &Reason,
    remember: Option<Remember>,
) -> Result<Issued, IssueError> {
    let asked = About { authority: Some(&request.issuer), ..About::of_type(&request.licence_type) };
    caller.may(Errand::Issue, asked)?;
    reason.check().map_err(IssueError::Reason)?;
    let old = node.store.read()?.licence_by_id(id)?.ok_or(IssueError::Predecessor)?;
    let same_type = credential::type_code(&old.vct) == request.licence_type;
    if old.status != Status::Valid
        || old.authority != request.issuer
        || !same_type
        || old.number != nfc(&request.number)
    {
        return Err(IssueError::Predecessor);
    }
    let prepared = prepare(node, caller, request, Some(&old))?;
    let (now, successor) = (prepared.iat, Some(prepared.row.digest));
    let superseded = ActOfLaw { act: Act::Supersede, effective: now, recorded: now, successor };
    let change = change_row(node, caller, &old, &superseded, reason)?;
    let row = change.0.clone();
    let audit = vec![
        audit::draft(node, caller, AuditAct::NewVersion).licence(prepared.row.digest),
        audit::draft(node, caller, AuditAct::StatusChanged)
            .licence(old.digest)
            .object(change_object(&row))
            .result(Act::Supersede.name()),
    ];
    let (issued, place) = finish(node, prepared, Some(change), audit, remember)?;
    own_register::note(node, &old, &row, place)?;
    Ok(issued)
}

struct Prepared {
    row: LicenceRow,
    uri: String,
    origin: String,
    iat: UnixTime,
}

/// Whether the trust list lets this authority issue this type, here, now, with the key that the node holds.
fn check_scope(node: &Node, authority: &str, vct: &str, area: &str, now: UnixTime) -> Result<(), IssueError> {
    let evidence = node.evidence.snapshot();
    let list = evidence.trust_list().ok_or(IssueError::NotReady("trust list"))?;
    // A city that is cut off goes on issuing: what it may do was said by the list that it holds, and whoever verifies asks a fresh one.
    if let Some(limit) = node.disconnection.issue_after_end_s
        && evidence.trust_files().and_then(|files| files.end()).is_none_or(|end| now >= end.plus(limit))
    {
        return Err(IssueError::NotReady("trust list expired"));
    }
    // An authority of this node that issues nothing, such as the one that its log and receipts are signed for.
    let signer = node
        .keys
        .signer(authority, Usage::LICENCE)
        .ok_or_else(|| IssueError::UnknownAuthority(authority.to_owned()))?;
    let entry = list.entry(authority).ok_or(IssueError::OutOfScope(Code::IssuerNotListed))?;
    let own = *signer.public_key();
    let key =
        entry.keys.iter().find(|key| key.key == own).ok_or(IssueError::OutOfScope(Code::IssuerNotListed))?;
    // What a verifier asks, by the functions that it asks with: nothing may be signed that nobody would accept.
    let fault = key.scope_fault(Role::Licence, vct, Some(area), now).or_else(|| match key.cut() {
        Some(_) => Some(Code::KeyCompromisedAfterCut),
        None => key.state_fault(now, Proved::default()),
    });
    fault.map_or(Ok(()), |code| Err(IssueError::OutOfScope(code)))
}

/// Checks a request, gives it a number and a status index, signs it.
///
/// # Errors
/// [`IssueError`], the cheapest question first; after the lease a number may be skipped.
fn prepare(
    node: &Node,
    caller: &Caller,
    request: &IssueRequest,
    old: Option<&LicenceRow>,
) -> Result<Prepared, IssueError> {
    let authority = node.authority(&request.issuer).ok_or_else(|| unknown(&request.issuer))?;
    let catalogue = node.catalogue().ok_or(IssueError::NotReady("catalogue"))?;
    let kind = catalogue
        .type_of_code(&request.licence_type)
        .ok_or_else(|| IssueError::UnknownType(request.licence_type.chars().take(64).collect()))?;
    if node.production {
        CheckedFields::check_production(kind)?;
        if authority.synthetic {
            return Err(IssueError::Synthetic);
        }
    }
    // First of all that asks the clock: by one that is ahead, what is in force may seem to have ended.
    let signer = node.signer(&authority.code, Usage::LICENCE)?;
    let now = node.clock.now();
    let checked = check_fields(request, old, kind, &authority.name, now)?;
    check_scope(node, &authority.code, &kind.vct, &request.area_code, now)?;
    let given = give_place(node, kind, &authority.code, old, now)?;
    let signer = signer.ok_or(IssueError::NotReady("licence key"))?;
    let statement = sign(&*signer, &authority.code, kind, &checked, &given, now)?;
    let digest = licence_spec::cose::statement_digest(&statement, MAX_LICENCE)
        .map_err(|fault| IssueError::Draft(fault.to_string()))?;
    let key = |(code_type, code): (&str, &str)| holder_key(&node.holder_secret, code_type, code);
    let row = LicenceRow {
        digest,
        id: given.id,
        cti: given.cti,
        vct: kind.vct.clone(),
        number: checked.number().to_owned(),
        version: next_version(old),
        authority: authority.code.clone(),
        area: request.area_code.clone(),
        holders: checked.holder_codes().map(key).collect(),
        issued_at: now.0,
        expires_at: checked.exp(now).0,
        credential: StoredCredential::Whole(statement),
        status_list: given.list.id,
        status_index: given.status_index,
        log_index: 0,
        status: Status::Valid,
        predecessor: old.map(|old| old.digest),
        client: caller.client().map(str::to_owned),
        successor: None,
    };
    Ok(Prepared { row, uri: given.list.uri, origin: node.origin(), iat: now })
}

fn unknown(authority: &str) -> IssueError {
    IssueError::UnknownAuthority(authority.chars().take(64).collect())
}

/// The fields of a request, as its type wants them.
fn check_fields(
    request: &IssueRequest,
    old: Option<&LicenceRow>,
    kind: &LicenceType,
    authority_name: &str,
    now: UnixTime,
) -> Result<CheckedFields, IssueError> {
    let fields = IssueFields {
        number: &request.number,
        area_code: &request.area_code,
        holders: &request.holders,
        authority_name,
        issued_on: &request.issued_on,
        valid_from: request.valid_from.as_deref(),
        valid_until: request.valid_until.as_deref(),
        today: now.civil_date(),
        version: u16::try_from(next_version(old)).map_err(|_| IssueError::Draft("version".to_owned()))?,
        replaces: old.map(|old| old.digest),
        fields: &request.fields,
    };
    Ok(CheckedFields::check(kind, &fields)?)
}

fn next_version(old: Option<&LicenceRow>) -> u32 {
    old.map_or(1, |old| old.version + 1)
}

/// What nobody else will ever be given.
struct Given {
    id: String,
    cti: [u8; 16],
    list: StatusListRow,
    status_index: u32,
}

/// Id, random number and entry of the status list; a new version keeps the serial number of the old one.
fn give_place(
    node: &Node,
    kind: &LicenceType,
    authority: &str,
    old: Option<&LicenceRow>,
    now: UnixTime,
) -> Result<Given, IssueError> {
    let mut cti = [0; 16];
    node.rng.fill(&mut cti)?;
    let leased = node.leases.next(&*node.store, authority, now.civil_date().year())?;
    let Leased { list, status_index, serial } = leased.ok_or(IssueError::NotReady("status list"))?;
    let serial = old.map_or(serial, |old| serial_of(&old.id));
    Ok(Given { id: compose_id(kind.code(), authority, &serial, next_version(old))?, cti, list, status_index })
}

/// The signed statement; what was written is read back by the strict reader.
fn sign(
    signer: &dyn Signer,
    authority: &str,
    kind: &LicenceType,
    checked: &CheckedFields,
    given: &Given,
    now: UnixTime,
) -> Result<Vec<u8>, IssueError> {
    let draft = Draft {
        iss: authority,
        sub: checked.sub(),
        exp: checked.exp(now),
        nbf: checked.nbf(),
        iat: now,
        cti: given.cti,
        vct: &kind.vct,
        status_index: u64::from(given.status_index),
        status_uri: &given.list.uri,
        fields: &checked.with_id(&given.id),
    };
    credential::sign(&draft, signer).map_err(|error| IssueError::Draft(error.to_string()))
}

/// The 电子证照标识. A provincial type has no national code yet: its 9-digit code stands in the type part, and the check
/// is computed in the same way (spec/decisions/0003).
pub(super) fn compose_id(
    code: &str,
    authority: &str,
    serial: &str,
    version: u32,
) -> Result<String, IssueError> {
    let wrong = |what: &str| IssueError::Draft(what.to_owned());
    let version = u16::try_from(version).map_err(|_| wrong("version"))?;
    let issuer = CreditCode::parse(authority).map_err(|error| wrong(&error.to_string()))?;
    if let Ok(national) = NationalTypeCode::parse(code) {
        let id = LicenceId::compose(&national, &issuer, serial, version);
        return id.map(|id| id.to_string()).map_err(|error| wrong(&error.to_string()));
    }
    let check =
        mod37_36_check(&format!("{code}{authority}{serial}{version:03}")).ok_or_else(|| wrong("type"))?;
    Ok(format!("{LICENCE_ID_ROOT}.{code}.{authority}.{serial}.{version:03}.{check}"))
}

/// The 流水号 inside a 电子证照标识 that this node composed: the third of the last five parts.
pub(crate) fn serial_of(id: &str) -> String {
    id.rsplit('.').nth(2).unwrap_or_default().to_owned()
}

/// What was issued, and where the log has the last leaf of it: that of the change, if there is one.
fn finish(
    node: &Node,
    prepared: Prepared,
    change: Option<(StatusChangeRow, Entry)>,
    audit: Vec<AuditDraft>,
    remember: Option<Remember>,
) -> Result<(Issued, u64), IssueError> {
    let Prepared { row, uri, origin, iat } = prepared;
    let reference = || qr::Reference { cti: row.cti, digest: row.digest, host: node.host.clone() };
    let statement = row.credential.as_column();
    let text = qr::write_object(statement).unwrap_or_else(|_| qr::write_reference(&reference()));
    let issued = Issued {
        id: row.id.clone(),
        credential: crate::node::encoding::base64url(statement),
        qr: text,
        digest: digest_text(&row.digest),
        status: StatusPlace { uri, idx: row.status_index },
        log: LogPlace { origin, index: 0, proof: String::new() },
        statement: statement.to_vec(),
    };
    let entry = Entry { op: Op::Issued, time: iat, digest: row.digest };
    let mut effects = vec![(Effect::Licence(row), Some(entry))];
    effects.extend(change.map(|(row, entry)| (Effect::StatusChange(row), Some(entry))));
    effects.extend(audit.into_iter().map(|draft| (Effect::Audit(draft), None)));
    let answer = remember.map(|remember| {
        let draft = issued.clone();
        // Cannot fail: the answer is made of texts and numbers.
        let render =
            move |done: &Committed| serde_json::to_vec(&draft.clone().logged(done)).unwrap_or_default();
        (remember, Box::new(render) as Render)
    });
    let committed = node.writer.write(Job { effects, answer })?;
    let place = committed.indexes.iter().copied().flatten().last().unwrap_or_default();
    Ok((issued.logged(&committed), place))
}

impl Issued {
    /// The same with its place in the log.
    fn logged(mut self, committed: &Committed) -> Issued {
        self.log.index = committed.index().unwrap_or_default();
        self.log.proof = committed.proof.clone().unwrap_or_default();
        self
    }
}

/// The file form of an issued licence: its bytes with the log proof in the header.
///
/// # Errors
/// If the statement is not conformant, which an issued one never is.
pub fn file_bytes(issued: &Issued) -> Result<Vec<u8>, licence_spec::cbor::Fault> {
    with_log_proof(&issued.statement, MAX_LICENCE, issued.log.proof.as_bytes())
}

#[cfg(test)]
mod tests {
    use licence_spec::log::change::Act;
    use licence_store::AuditFilter;

    use super::*;
    use crate::node::compared::Told;
    use crate::node::config::Disconnection;
    use crate::testing::{TYPE, licence, reason, rehearse, request};
    use crate::trips::change_status::{ChangeRequest, change_status};

    fn size(node: &Node) -> u64 {
        node.store.read().unwrap().log_head().unwrap().unwrap().size
    }

    #[test]
    fn what_is_issued_is_stored_logged_and_written_down_at_once() {
        let city = rehearse().city;
        let before = size(&city);
        let issued = licence(&city, 1);
        let row = city.store.read().unwrap().licence_by_id(&issued.id).unwrap().unwrap();
        assert_eq!(row.credential.whole(), Some(issued.statement.as_slice()));
        assert_eq!((row.log_index, size(&city)), (before, before + 1));
        assert_eq!(issued.log.index, before);
        let about = AuditFilter { licence: Some(&row.digest), ..AuditFilter::default() };
        assert_eq!(city.store.read().unwrap().audit_rows(0, &about, 10).unwrap().len(), 1);
    }

    #[test]
    fn nothing_is_signed_that_no_verifier_would_accept() {
        let city = rehearse().city;
        let before = size(&city);
        let ask = |change: &dyn Fn(&mut IssueRequest)| {
            let mut request = request(&city, 1);
            change(&mut request);
            issue(&city, &Caller::Operator, &request, None).map(|issued| issued.id)
        };
        let area = ask(&|request| request.area_code = "440300".to_owned());
        assert!(matches!(area, Err(IssueError::OutOfScope(Code::ScopeRegion))), "{area:?}");
        let kind = ask(&|request| request.licence_type = "11100000MB0143028R999".to_owned());
        assert!(matches!(kind, Err(IssueError::UnknownType(_))), "{kind:?}");
        let stranger = ask(&|request| request.issuer = "11440300X00000028X".to_owned());
        assert!(matches!(stranger, Err(IssueError::UnknownAuthority(_))), "{stranger:?}");
        let own = city.authority.clone();
        let no_issuer = ask(&|request| request.issuer = own.clone());
        assert!(
            matches!(no_issuer, Err(IssueError::UnknownAuthority(_) | IssueError::OutOfScope(_))),
            "{no_issuer:?}"
        );
        let field = ask(&|request| request.issued_on = "2027-01-01".to_owned());
        assert!(matches!(field, Err(IssueError::Fields(_))), "{field:?}");
        assert_eq!(size(&city), before);
    }

    #[test]
    fn in_production_neither_invented_authorities_nor_provisional_types_are_signed() {
        let city = Node { production: true, ..rehearse().city };
        let refused = issue(&city, &Caller::Operator, &request(&city, 1), None).map(|issued| issued.id);
        assert!(matches!(refused, Err(IssueError::Synthetic | IssueError::Fields(_))), "{refused:?}");
    }

    #[test]
    fn a_city_that_is_cut_off_issues_for_the_hours_that_are_set_and_no_longer() {
        let strict = Disconnection { issue_after_end_s: Some(3_600), ..Disconnection::default() };
        let city = Node { disconnection: strict, ..rehearse().city };
        let end = city.evidence.snapshot().trust_files().unwrap().end().unwrap();
        city.clock.set(end.plus(3_599));
        licence(&city, 1);
        city.clock.set(end.plus(3_600));
        let over = issue(&city, &Caller::Operator, &request(&city, 2), None).map(|issued| issued.id);
        assert!(matches!(over, Err(IssueError::NotReady("trust list expired"))), "{over:?}");
    }

    #[test]
    fn a_clock_that_is_ahead_signs_nothing() {
        let city = rehearse().city;
        let (sent, host) = (city.clock.now(), "gd.elic.example".to_owned());
        city.compared.take(&[Told { host, sent, theirs: sent.plus(-600) }], true, sent);
        let refused = issue(&city, &Caller::Operator, &request(&city, 1), None).map(|issued| issued.id);
        assert!(matches!(refused, Err(IssueError::ClockAhead(_))), "{refused:?}");
    }

    #[test]
    fn a_new_version_ends_the_old_one_and_follows_only_what_is_in_force() {
        let city = rehearse().city;
        let old = licence(&city, 1);
        let again = |id: &str, request: &IssueRequest| {
            new_version(&city, &Caller::Operator, id, request, &reason(), None)
        };
        let other = again(&old.id, &request(&city, 2)).map(|issued| issued.id);
        assert!(matches!(other, Err(IssueError::Predecessor)), "another number: {other:?}");
        let new = again(&old.id, &request(&city, 1)).unwrap();
        let read = city.store.read().unwrap();
        let (row, next) =
            (read.licence_by_id(&old.id).unwrap().unwrap(), read.licence_by_id(&new.id).unwrap().unwrap());
        assert_eq!((row.status, row.successor), (Act::Supersede.new_status(), Some(next.digest)));
        assert_eq!((next.version, next.predecessor), (2, Some(row.digest)));
        assert_eq!(serial_of(&new.id), serial_of(&old.id));
        drop(read);
        let ended = again(&old.id, &request(&city, 1)).map(|issued| issued.id);
        assert!(matches!(ended, Err(IssueError::Predecessor)), "it has ended: {ended:?}");
    }

    #[test]
    fn a_revoked_licence_has_no_next_version() {
        let city = rehearse().city;
        let old = licence(&city, 1);
        let revoke = ChangeRequest { act: "revoke".to_owned(), reason: reason(), effective_at: None };
        change_status(&city, &Caller::Operator, &old.id, &revoke, None).unwrap();
        let refused = new_version(&city, &Caller::Operator, &old.id, &request(&city, 1), &reason(), None);
        assert!(matches!(refused.map(|issued| issued.id), Err(IssueError::Predecessor)));
    }

    #[test]
    fn the_serial_number_and_the_check_of_an_id_are_those_of_the_standard() {
        let id = compose_id(TYPE, "11440100X00000027D", "20260000006", 1).unwrap();
        assert_eq!(serial_of(&id), "20260000006");
        assert!(LicenceId::parse(&id).is_ok(), "{id}");
        assert!(compose_id(TYPE, "no code", "1", 1).is_err());
    }
}
