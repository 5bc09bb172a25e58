//! Signed documents that have versions and never go backwards: trust files, catalogues, checkpoints, evidence of peers.
//!
//! One row for each (kind, name); what the names mean is the caller's affair. Where every version is kept (trust roots,
//! catalogues) the version is part of the name. Out of scope: whether a document is true, which its `open` or `advance` has decided.

use crate::{Digest, Result, Short};

/// One document, the newest of its name.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// Family, for example `trust-list`. Compared byte by byte, as is `name`.
    pub kind: String,
    /// Name within the family, for example an origin or a URI; may be empty.
    pub name: String,
    /// Grows with the document: its version, the `iat` of a token, the size of a checkpoint.
    pub version: u64,
    /// When it was signed, Unix seconds.
    pub iat: i64,
    /// What two documents of one version must have in common. Normally the digest of all bytes; for checkpoints that of
    /// the note's body, so that cosignatures may be added.
    pub digest: Digest,
    /// The document.
    pub bytes: Vec<u8>,
    /// When this node stored it, Unix seconds.
    pub stored_at: i64,
}

impl std::fmt::Debug for DocumentRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DocumentRow")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("version", &self.version)
            .field("iat", &self.iat)
            .field("digest", &Short(&self.digest))
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Reading documents.
pub trait ReadDocuments {
    /// The document of this kind and name.
    /// # Errors
    /// Those of the connection.
    fn document(&self, kind: &str, name: &str) -> Result<Option<DocumentRow>>;

    /// All documents of a kind, ascending by version, then by the bytes of their names.
    /// # Errors
    /// Those of the connection.
    fn documents(&self, kind: &str) -> Result<Vec<DocumentRow>>;

    /// Documents of all kinds after this kind and name, ascending by the bytes of both, at most `limit`; a document may have 4 MiB.
    /// # Errors
    /// Those of the connection.
    fn documents_after(&self, after: Option<(&str, &str)>, limit: u32) -> Result<Vec<DocumentRow>>;
}

/// Writing documents.
pub trait WriteDocuments {
    /// Puts each document in the place of the stored one of its kind and name, which must not be newer. Answers how many
    /// rows changed: equal version and equal bytes change nothing; equal version and equal digest take the new bytes.
    /// # Errors
    /// [`crate::Conflict::DocumentBackwards`] on a lower version; [`crate::Conflict::DocumentDiffers`] on an equal version with another digest.
    fn put_documents(&mut self, rows: &[DocumentRow]) -> Result<u64>;

    /// Forgets a document, so that any version may follow; false if there was none. Only for the recovery that TUF calls
    /// fast-forward: the keys of the role have changed, and the stored version may be a thief's.
    /// # Errors
    /// Those of the connection.
    fn delete_document(&mut self, kind: &str, name: &str) -> Result<bool>;
}
