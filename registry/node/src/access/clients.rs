//! Clients of the API: who may ask, for which authorities and types, which calls, until when.
//!
//! In scope: making, listing and revoking tokens, what a client may ask for. Out of scope: reading the header of a request (`licence_web`),
//! finding the client of a token (`node::clients`).

use licence_spec::audit::AuditAct;
use licence_spec::suite::sha256;
use licence_spec::text::check_line;
use licence_store::{ClientRow, Conflict, StoreError, transact};
use serde::{Deserialize, Serialize};

use crate::access::audit;
use crate::access::caller::{Caller, Errand};
use crate::node::Node;
use crate::node::audit::{append, client_object};
use crate::node::encoding::base64url;
use crate::node::rng::RngError;

/// Longest life of a token, days.
const MAX_DAYS: i64 = 3 * 366;
/// Longest id and name, bytes.
const MAX_TEXT: usize = 128;

/// A client to be made.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Short name, unique, stays for ever in logs and receipts.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Codes of authorities, or `*`.
    pub authorities: Vec<String>,
    /// Codes of licence types, or `*`.
    pub types: Vec<String>,
    /// Names of [`Errand::OF_CLIENTS`], or `*`.
    pub calls: Vec<String>,
    /// Life of the token, days.
    pub days: i64,
}

/// Why no client was made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A value cannot be.
    #[error("{0}")]
    Wrong(String),
    /// The id is in use.
    #[error("客户端 {0} 已存在 / client {0} exists already")]
    Exists(String),
    /// No such client.
    #[error("没有客户端 {0} / there is no client {0}")]
    Unknown(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

impl NewClient {
    fn check(&self, node: &Node) -> Result<(), ClientError> {
        let wrong = |what: String| Err(ClientError::Wrong(what));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if self.id.is_empty() || self.id.len() > 64 || !self.id.bytes().all(plain) {
            return wrong(
                "客户端标识须为 1–64 个字母、数字、-、_、. / the id is 1 to 64 letters, digits, -, _, ."
                    .to_owned(),
            );
        }
        if let Err(fault) = check_line(&self.name, MAX_TEXT) {
            return wrong(format!("客户端名称 name：{fault}"));
        }
        if !(1..=MAX_DAYS).contains(&self.days) {
            return wrong(format!(
                "有效天数应在 1 至 {MAX_DAYS} 之间 / days must lie between 1 and {MAX_DAYS}"
            ));
        }
        let names = Errand::OF_CLIENTS.map(Errand::name);
        if let Some(call) = self.calls.iter().find(|call| *call != "*" && !names.contains(&call.as_str())) {
            return wrong(format!("没有此调用 / there is no call {call}: {}", names.join(", ")));
        }
        if let Some(code) =
            self.authorities.iter().find(|code| *code != "*" && node.authority(code).is_none())
        {
            return wrong(format!("本节点没有此机关 / this node does not serve authority {code}"));
        }
        if self.calls.is_empty() || self.authorities.is_empty() || self.types.is_empty() {
            return wrong(
                "机关、类型、调用均不可为空 / authorities, types and calls must not be empty".to_owned(),
            );
        }
        self.check_types(node)
    }

    fn check_types(&self, node: &Node) -> Result<(), ClientError> {
        // Without a catalogue nobody knows the types yet; an unknown one simply never matches.
        let Some(catalogue) = node.catalogue() else { return Ok(()) };
        match self.types.iter().find(|code| *code != "*" && catalogue.type_of_code(code).is_none()) {
            Some(code) => {
                Err(ClientError::Wrong(format!("目录中没有此类型 / the catalogue has no type {code}")))
            }
            None => Ok(()),
        }
    }
}

/// Makes a client and answers its token, which is shown once and kept nowhere.
///
/// # Errors
/// [`ClientError`]; nothing is written then.
pub fn add(node: &Node, new: &NewClient) -> Result<String, ClientError> {
    new.check(node)?;
    let mut secret = [0; 32];
    node.rng.fill(&mut secret)?;
    let token = format!("elt_{}", base64url(&secret));
    let now = node.clock.now();
    let row = ClientRow {
        id: new.id.clone(),
        name: new.name.clone(),
        token_hash: sha256(&[token.as_bytes()]),
        authorities: new.authorities.clone(),
        types: new.types.clone(),
        calls: new.calls.clone(),
        created_at: now.0,
        expires_at: now.plus(new.days * 86_400).0,
        revoked_at: None,
    };
    let draft = audit::draft(node, &Caller::Operator, AuditAct::ClientAdded);
    let draft = draft.subject(&row.id).object(client_object(&row));
    let written = transact(&*node.store, "add_client", |write| {
        write.add_clients(std::slice::from_ref(&row))?;
        append(write, std::slice::from_ref(&draft))
    });
    written.map_err(|error| match error {
        StoreError::Conflict(Conflict::ClientExists) => ClientError::Exists(new.id.clone()),
        other => other.into(),
    })?;
    node.clients.reload(&*node.store)?;
    Ok(token)
}

/// Revokes the token of a client, at once.
///
/// # Errors
/// [`ClientError::Unknown`], [`ClientError::Store`].
pub fn revoke(node: &Node, id: &str) -> Result<(), ClientError> {
    let now = node.clock.now().0;
    let draft = audit::draft(node, &Caller::Operator, AuditAct::ClientRevoked).subject(id);
    let revoked = transact::<_, StoreError>(&*node.store, "revoke_client", |write| {
        let revoked = write.revoke_client(id, now)?;
        append(write, if revoked { std::slice::from_ref(&draft) } else { &[] })?;
        Ok(revoked)
    });
    if !revoked? {
        return Err(ClientError::Unknown(id.to_owned()));
    }
    Ok(node.clients.reload(&*node.store)?)
}
