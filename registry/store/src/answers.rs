//! Who asks, and what they were answered: client tokens, receipts, and answers kept for idempotency keys.
//! Out of scope: hashing tokens and deciding what a client may do (`http`), signing receipts (`trips`).

use crate::{Digest, Result, Short};

/// A client of the API and what it may do. The token itself is never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRow {
    /// Short name, unique, stays for ever in logs and receipts.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// SHA-256 of its token; unique.
    pub token_hash: Digest,
    /// Codes of the authorities for which it may act. Items of the three lists are not empty and have no line feed.
    pub authorities: Vec<String>,
    /// Licence types that it may handle.
    pub types: Vec<String>,
    /// Calls that it may make.
    pub calls: Vec<String>,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds; the token is good before this moment.
    pub expires_at: i64,
    /// Unix seconds, once the token has been revoked.
    pub revoked_at: Option<i64>,
}

/// Shows the id and the times, not the hash.
impl std::fmt::Debug for ClientRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientRow")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}

/// One verification receipt that this node signed.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Its cti; unique.
    pub id: [u8; 16],
    /// Id of the client that asked.
    pub client: String,
    /// Unix seconds.
    pub made_at: i64,
    /// SHA-256 of the receipt in statement form.
    pub digest: Digest,
    /// The receipt.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for ReceiptRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiptRow")
            .field("client", &self.client)
            .field("made_at", &self.made_at)
            .field("digest", &Short(&self.digest))
            .finish_non_exhaustive()
    }
}

/// Scope of an idempotency key: each caller has its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    /// Client id, or key id of a node.
    pub caller: String,
    /// The key as sent, without quotes.
    pub key: String,
}

/// The finished answer to a request, kept so that a repeated request gets the same bytes.
///
/// It is written in the transaction of its effect: there is an answer if and only if there is an effect. What is still
/// running is known to the process alone.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotentAnswer {
    /// Whose key.
    pub key: AnswerKey,
    /// SHA-256 over method, target and digest of the body, see spec/http-signature.md.
    pub fingerprint: Digest,
    /// HTTP status.
    pub status: u16,
    /// Media type of `body`.
    pub content_type: String,
    /// Body as sent.
    pub body: Vec<u8>,
    /// Unix seconds.
    pub created_at: i64,
}

/// Shows whose it is, not what was answered.
impl std::fmt::Debug for IdempotentAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdempotentAnswer")
            .field("key", &self.key)
            .field("status", &self.status)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

/// Reading clients, receipts and answers.
pub trait ReadAnswers {
    /// The client with this token hash, revoked or expired ones too.
    /// # Errors
    /// Those of the connection, here and in every read below.
    fn client_by_token(&self, token_hash: &Digest) -> Result<Option<ClientRow>>;

    /// All clients, ascending by the bytes of their ids.
    /// # Errors
    /// As [`ReadAnswers::client_by_token`].
    fn clients(&self) -> Result<Vec<ClientRow>>;

    /// The receipt with this id.
    /// # Errors
    /// As [`ReadAnswers::client_by_token`].
    fn receipt(&self, id: &[u8; 16]) -> Result<Option<ReceiptRow>>;

    /// Receipts after this id, ascending by id, at most `limit`.
    /// # Errors
    /// As [`ReadAnswers::client_by_token`].
    fn receipts_after(&self, after: Option<&[u8; 16]>, limit: u32) -> Result<Vec<ReceiptRow>>;

    /// For each key, in order, the answer kept for it. Whether the fingerprint is the same is the caller's question.
    /// # Errors
    /// As [`ReadAnswers::client_by_token`].
    fn idempotent_answers(&self, keys: &[AnswerKey]) -> Result<Vec<Option<IdempotentAnswer>>>;

    /// Answers after this key, ascending by the bytes of caller and key, at most `limit`.
    /// # Errors
    /// As [`ReadAnswers::client_by_token`].
    fn idempotent_answers_after(
        &self,
        after: Option<&AnswerKey>,
        limit: u32,
    ) -> Result<Vec<IdempotentAnswer>>;
}

/// Writing clients, receipts and answers.
pub trait WriteAnswers {
    /// Adds clients.
    /// # Errors
    /// [`crate::Conflict::ClientExists`]; [`crate::StoreError::OutOfRange`] if a list item is empty or has a line feed.
    fn add_clients(&mut self, rows: &[ClientRow]) -> Result<()>;

    /// Revokes a client's token; false if there is no such client. The first time of revocation stays.
    /// # Errors
    /// Those of the connection.
    fn revoke_client(&mut self, id: &str, revoked_at: i64) -> Result<bool>;

    /// Keeps receipts.
    /// # Errors
    /// [`crate::Conflict::ReceiptExists`].
    fn add_receipts(&mut self, rows: &[ReceiptRow]) -> Result<()>;

    /// Keeps answers, in the transaction of their effects.
    /// # Errors
    /// [`crate::Conflict::IdempotencyKeyExists`]: the request has been answered already, so its effect must not be repeated.
    fn add_idempotent_answers(&mut self, rows: &[IdempotentAnswer]) -> Result<()>;

    /// Takes the nonce of a signed request, by the thumbprint of its key; false if it was taken before. Two writers at once: one of them.
    /// # Errors
    /// Those of the connection.
    fn take_nonce(&mut self, signer: &Digest, nonce: &[u8; 16], seen_at: i64) -> Result<bool>;

    /// Forgets up to `limit` nonces seen before `before`, oldest first, and says how many.
    /// # Errors
    /// Those of the connection.
    fn purge_nonces(&mut self, before: i64, limit: u32) -> Result<u64>;

    /// Forgets up to `limit` answers created before `before`, and says how many.
    /// # Errors
    /// Those of the connection.
    fn purge_idempotent_answers(&mut self, before: i64, limit: u32) -> Result<u64>;
}
