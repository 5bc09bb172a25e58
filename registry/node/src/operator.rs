//! What an operator may ask of a node, whether it runs or not: one command, one answer, both JSON.
//!
//! In scope: the commands and what they do. Out of scope: how a command reaches a running node (`admin`), the words of the
//! command line (`cli`). Nothing here asks who is asking: whoever may open the data directory is the operator.

pub mod answers;
mod audit;
mod index;
mod log;
pub mod socket;
mod status;
mod trust;

use std::collections::BTreeMap;

use licence_catalogue::KeyRole;
use licence_catalogue::approval::{Officers, Proposal};
use licence_spec::status::Status;
use licence_spec::trust::KeyState;
use licence_store::ClientRow;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::audit::Search;
use crate::access::caller::Caller;
use crate::access::clients::{self, ClientError, NewClient};
use crate::node::Node;
use crate::node::encoding::{base64url, digest_text, from_base64url};
use crate::node::keys::Usage;
use crate::node::strict_json;
use crate::publication::ceremony::NodeKeys;
use crate::publication::documents::{self, TakeError};
use crate::publication::timestamp::{TimestampError, sign_timestamp};
use crate::trips::issue::{IssueError, IssueRequest, issue};
use crate::trips::reason::Reason;
use crate::upkeep::doctor::{diagnose, diagnose_stored};
use answers::{
    HeldTrustFiles, ListedClient, ShownAuthority, ShownCatalogue, ShownFile, ShownKey, ShownTrust,
};

/// How many officers must approve a version of the catalogue (spec/decisions/0032).
const APPROVALS: usize = 2;

/// One command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Make a client; answers its token.
    AddClient(NewClient),
    /// All clients, without their tokens, which nobody has.
    ListClients,
    /// Revoke the token of a client.
    RevokeClient {
        /// Its id.
        id: String,
    },
    /// Issue a licence, as `POST /v1/licences` does.
    Issue {
        /// The request.
        request: Value,
    },
    /// The public keys of the node.
    NodeKeys,
    /// The trust files in force, as bytes in base64url.
    TrustFiles,
    /// What the trust list says, for people.
    ShowTrust,
    /// Pin the first root.
    PinRoot {
        /// The file, base64url.
        root: String,
    },
    /// Publish a list that the officers have signed: the node signs the timestamp.
    PublishList {
        /// Its version.
        version: u64,
        /// The file, base64url.
        list: String,
    },
    /// Publish proposals of a root, a list or both that officers have signed apart: the node puts the signatures together.
    PublishTrust {
        /// Payloads, base64url; at most one of each kind.
        proposals: Vec<String>,
        /// Signature files, base64url, in any order.
        signatures: Vec<String>,
    },
    /// The root of the first leaves of a log, as this node holds it.
    LogRoot {
        /// Name of the log.
        log: String,
        /// How many leaves.
        size: u64,
    },
    /// How many licences in force here would get another verdict by another list.
    CountVerdicts {
        /// Payload of one list, base64url.
        before: String,
        /// Payload of the other.
        after: String,
    },
    /// The request of this node to be enrolled, base64url.
    Enrolment,
    /// The catalogue in force, as bytes in base64url, or null.
    Catalogue,
    /// What is wrong, and what to do.
    Diagnose,
    /// Clear the stored tokens of other nodes that may not speak for their lists.
    ClearStrangers,
    /// How many licences of each type are in force here.
    CountLicences,
    /// What the index has of each day of the cities' logs.
    CountIndex {
        /// Name of one log; absent for all.
        log: Option<String>,
    },
    /// What was rejected of a log.
    ListRejects {
        /// Name of the log.
        log: String,
        /// First log index.
        from: u64,
    },
    /// Forget the index of a log, so that it is told again.
    GatherAgain {
        /// Name of the log.
        log: String,
    },
    /// The cases of forked logs, open and closed.
    ListCases,
    /// Close a case of a forked log; the record stays.
    CloseCase {
        /// Name of the log.
        log: String,
        /// Leaves of the offered head, as the case is named.
        size: u64,
        /// Who closes it.
        officer: String,
        /// Why.
        reason: String,
    },
    /// End the entry of a status list that a licence names which was signed beside the system.
    EndIndex {
        /// The licence, base64url.
        credential: String,
        /// Legal basis, document number, officer.
        reason: Reason,
    },
    /// Rows of the audit that fit, after a number; reading them is a row itself.
    ListAudit {
        /// Which rows.
        search: Search,
        /// Number of the row after which they come; 0 for the first.
        after: u64,
        /// At most so many.
        limit: u32,
        /// Whether they are taken away in a file.
        export: bool,
    },
    /// Has anybody touched the audit, or what it is about?
    CheckAudit,
    /// Sign and publish a version that two officers have approved.
    PublishCatalogue {
        /// Its payload, base64url.
        proposal: String,
        /// The officers' approvals, base64url.
        approvals: Vec<String>,
    },
}

impl Command {
    /// Whether it signs something that carries a time, or is to say whether that could be done.
    #[must_use]
    pub const fn asks_the_clock(&self) -> bool {
        use Command as C;
        matches!(
            self,
            C::Issue { .. }
                | C::PublishList { .. }
                | C::PublishTrust { .. }
                | C::PublishCatalogue { .. }
                | C::Enrolment
                | C::Diagnose
        )
    }
}

/// Why a command was refused.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// What is wrong.
    pub text: String,
    /// Whether the command itself was wrong, and not something around it.
    pub usage: bool,
}

impl Refusal {
    fn usage(error: impl ToString) -> Refusal {
        Refusal { text: error.to_string(), usage: true }
    }

    fn failed(error: impl ToString) -> Refusal {
        Refusal { text: error.to_string(), usage: false }
    }
}

impl From<ClientError> for Refusal {
    fn from(error: ClientError) -> Refusal {
        match error {
            ClientError::Store(_) | ClientError::Rng(_) => Refusal::failed(error),
            _ => Refusal::usage(error),
        }
    }
}

impl From<TimestampError> for Refusal {
    fn from(error: TimestampError) -> Refusal {
        Refusal::failed(error)
    }
}

impl From<TakeError> for Refusal {
    fn from(error: TakeError) -> Refusal {
        Refusal::failed(error)
    }
}

/// Does what is asked, and writes it down. Whoever reads the audit is written down before he sees it; of everything else the outcome is
/// written down, and a store that cannot take that row keeps no remedy back.
///
/// # Errors
/// [`Refusal`]; nothing is changed then.
pub fn execute(node: &Node, command: &Command) -> Result<Value, Refusal> {
    match command {
        Command::ListAudit { after, export, .. } => {
            if *after == 0 {
                audit::write_down(node, if *export { "export_audit" } else { "list_audit" }, "done")?;
            }
            perform(node, command)
        }
        Command::CheckAudit => {
            audit::write_down(node, "check_audit", "done")?;
            perform(node, command)
        }
        _ => {
            let outcome = perform(node, command);
            let result = if outcome.is_ok() { "done" } else { "refused" };
            if let Err(refusal) = audit::write_down(node, &audit::word(command), result) {
                tracing::error!(error = refusal.text, "a command could not be written down in the audit");
            }
            outcome
        }
    }
}

fn perform(node: &Node, command: &Command) -> Result<Value, Refusal> {
    match command {
        Command::AddClient(new) => Ok(json!({"id": new.id, "token": clients::add(node, new)?})),
        Command::ListClients => list_clients(node).map(|answer| json!(answer)),
        Command::RevokeClient { id } => {
            clients::revoke(node, id)?;
            Ok(json!({"id": id}))
        }
        Command::Issue { request } => {
            // The place of a fault is not told: a request is one line, and the fault might hold what it says.
            let request: IssueRequest = strict_json::from_value(request.clone())
                .map_err(|_| Refusal::usage("请求不合规定 / wrong request"))?;
            let refused = |error: IssueError| match error {
                IssueError::Fields(_) => Refusal::usage(error),
                other => Refusal::failed(other),
            };
            Ok(json!(issue(node, &Caller::Operator, &request, None).map_err(refused)?))
        }
        Command::NodeKeys => Ok(json!(NodeKeys::of(node).map_err(Refusal::failed)?)),
        Command::TrustFiles => trust_files(node).map(|answer| json!(answer)),
        Command::ShowTrust => Ok(json!(show_trust(node))),
        Command::PinRoot { root } => {
            documents::pin_root(node, &bytes(root)?)?;
            Ok(json!({}))
        }
        Command::PublishList { version, list } => {
            let (timestamp, taken) = sign_timestamp(node, *version, &bytes(list)?)?;
            Ok(json!({"list": version, "timestamp": timestamp, "new": taken}))
        }
        Command::PublishTrust { proposals, signatures } => trust::publish(node, proposals, signatures),
        Command::LogRoot { log, size } => trust::log_root(node, log, *size).map(|answer| json!(answer)),
        Command::CountVerdicts { before, after } => {
            trust::count_verdicts(node, before, after).map(|answer| json!(answer))
        }
        Command::Enrolment => {
            node.compared.may_sign().map_err(Refusal::failed)?;
            trust::enrolment(node).map(|answer| json!(answer))
        }
        Command::Catalogue => {
            let read = node.store.read().map_err(Refusal::failed)?;
            let row =
                read.document(documents::CATALOGUE.0, documents::CATALOGUE.1).map_err(Refusal::failed)?;
            Ok(json!(row.map(|row| base64url(&row.bytes))))
        }
        Command::Diagnose => {
            let mut found = diagnose(node);
            found.extend(diagnose_stored(node));
            Ok(json!(found))
        }
        Command::ClearStrangers => trust::clear_strangers(node).map(|answer| json!(answer)),
        Command::CountLicences => count_licences(node).map(|answer| json!(answer)),
        Command::CountIndex { log } => index::counts(node, log.as_deref()).map(|answer| json!(answer)),
        Command::ListRejects { log, from } => index::rejects(node, log, *from).map(|answer| json!(answer)),
        Command::GatherAgain { log } => index::again(node, log),
        Command::ListCases => log::cases(node).map(|answer| json!(answer)),
        Command::CloseCase { log, size, officer, reason } => {
            log::close(node, log, *size, officer, reason).map(|answer| json!(answer))
        }
        Command::EndIndex { credential, reason } => status::end(node, &bytes(credential)?, reason),
        Command::ListAudit { search, after, limit, .. } => audit::list(node, search, *after, *limit),
        Command::CheckAudit => audit::check(node),
        Command::PublishCatalogue { proposal, approvals } => publish_catalogue(node, proposal, approvals),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Refusal> {
    from_base64url(text).ok_or_else(|| Refusal::usage("base64url"))
}

fn list_clients(node: &Node) -> Result<Vec<ListedClient>, Refusal> {
    let rows = node.store.read().and_then(|read| read.clients()).map_err(Refusal::failed)?;
    let time = |seconds: i64| licence_spec::time::UnixTime(seconds).to_string();
    let listed = |row: ClientRow| ListedClient {
        created_at: time(row.created_at),
        expires_at: time(row.expires_at),
        revoked_at: row.revoked_at.map(time),
        id: row.id,
        name: row.name,
        authorities: row.authorities,
        types: row.types,
        calls: row.calls,
    };
    Ok(rows.into_iter().map(listed).collect())
}

fn trust_files(node: &Node) -> Result<HeldTrustFiles, Refusal> {
    let read = node.store.read().map_err(Refusal::failed)?;
    let one = |place: (&str, &str)| {
        let row = read.document(place.0, place.1).map_err(Refusal::failed)?;
        Ok::<_, Refusal>(row.map(|row| base64url(&row.bytes)))
    };
    let roots = read.documents(documents::ROOT).map_err(Refusal::failed)?;
    let roots = roots.iter().map(|row| base64url(&row.bytes)).collect();
    Ok(HeldTrustFiles { roots, list: one(documents::LIST)?, timestamp: one(documents::TIMESTAMP)? })
}

fn show_trust(node: &Node) -> ShownTrust {
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    let Some(files) = evidence.trust_files() else { return ShownTrust::default() };
    let root = files.root().content();
    let timestamp = files.timestamp().map(|held| held.content());
    let list = files.list().map(|held| held.content());
    ShownTrust {
        name: Some(root.name.clone()),
        fresh: files.is_fresh(now, 0),
        root: Some(ShownFile::new(root.version, root.exp)),
        timestamp: timestamp.map(|content| ShownFile::new(content.version, content.exp)),
        list: list.map(|content| ShownFile::new(content.version, content.exp)),
        catalogue: evidence.catalogue().map(|held| ShownCatalogue { version: held.version() }),
        authorities: list.iter().flat_map(|list| &list.entries).map(authority).collect(),
    }
}

fn authority(entry: &licence_spec::trust::Entry) -> ShownAuthority {
    let keys = entry.keys.iter().map(|key| {
        let roles: Vec<&str> = key.scopes.iter().map(|scope| scope.role.as_str()).collect();
        ShownKey {
            kid: hex::encode(key.key.kid()),
            roles: roles.join(","),
            state: state_word(&key.state).to_owned(),
            since: key.since.to_string(),
        }
    });
    ShownAuthority { code: entry.id.clone(), name: entry.name.clone(), keys: keys.collect() }
}

const fn state_word(state: &KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Retired => "retired",
        KeyState::Compromised(_) => "compromised",
    }
}

/// How many licences of each type are in force, by vct.
fn count_licences(node: &Node) -> Result<BTreeMap<String, u64>, Refusal> {
    let read = node.store.read().map_err(Refusal::failed)?;
    let counts = read.licence_counts().map_err(Refusal::failed)?;
    let in_force = counts.into_iter().filter(|count| count.status == Status::Valid);
    Ok(in_force.map(|count| (count.vct, count.licences)).collect())
}

/// Signs a version with the key of the authority that publishes the catalogue, if two officers have approved exactly its
/// bytes, keeps their approvals, and takes it. The same version again changes nothing.
fn publish_catalogue(node: &Node, proposal: &str, approvals: &[String]) -> Result<Value, Refusal> {
    let publisher = node.authorities.iter().find(|authority| authority.has(KeyRole::Catalogue));
    let signer = match publisher {
        Some(publisher) => node.signer(&publisher.code, Usage::CATALOGUE).map_err(Refusal::failed)?,
        None => None,
    };
    let signer =
        signer.ok_or_else(|| Refusal::failed("本节点没有目录密钥 / this node has no catalogue key"))?;
    let proposal = Proposal::open(&bytes(proposal)?).map_err(Refusal::usage)?;
    let approvals = approvals.iter().map(|text| bytes(text)).collect::<Result<Vec<_>, _>>()?;
    let officers = Officers::new(node.officers.clone(), APPROVALS).map_err(Refusal::failed)?;
    let held = node.catalogue();
    let signed = proposal.sign(held.as_deref(), &officers, &approvals, &*signer).map_err(Refusal::failed)?;
    let version = proposal.content().version;
    documents::keep_approvals(node, version, &approvals)?;
    documents::take_catalogue(node, &signed)?;
    Ok(json!({"version": version, "digest": digest_text(&proposal.digest())}))
}
