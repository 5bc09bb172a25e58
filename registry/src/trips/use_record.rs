//! The record of use: who asked for licences of somebody, for which case and on what ground. Never whose they are.
//!
//! In scope: the form of the record and the purpose that a node names to another one. Out of scope: when it is written (it is
//! durable before what it is about leaves the node), how long it is kept.

use licence_spec::suite::sha256;
use licence_spec::text::check_line;
use licence_store::DocumentRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::node::Node;
use crate::rng::RngError;

/// Kind of the stored records of use.
const USE: &str = "use";
/// Longest part of a purpose, characters.
pub const MAX_TEXT: usize = 64;

/// What licences are wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// 事项编码 / code of the service item.
    pub service_item: String,
    /// 办件编号 / case number.
    pub case_number: String,
    /// 授权依据 / on what ground licences may be used.
    pub authorisation: String,
}

impl Purpose {
    /// The first part that is missing or too long.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let parts = [
            ("service_item", &self.service_item),
            ("case_number", &self.case_number),
            ("authorisation", &self.authorisation),
        ];
        parts.into_iter().find(|(_, text)| !is_told(text)).map(|(name, _)| name)
    }
}

/// Whether a text is there, in one line of at most [`MAX_TEXT`] characters, and of characters that are kept (spec/text.md).
#[must_use]
pub fn is_told(text: &str) -> bool {
    check_line(text, MAX_TEXT).is_ok()
}

/// The row of a record, and its id. `content` must hold nothing of a person.
///
/// # Errors
/// [`RngError`].
pub fn row(node: &Node, content: &Value) -> Result<(String, DocumentRow), RngError> {
    let mut id = [0; 16];
    node.rng.fill(&mut id)?;
    let (record, now) = (hex::encode(id), node.clock.now().0);
    let bytes = content.to_string().into_bytes();
    let row = DocumentRow {
        kind: USE.to_owned(),
        name: record.clone(),
        version: 1,
        iat: now,
        digest: sha256(&[&bytes]),
        bytes,
        stored_at: now,
    };
    Ok((record, row))
}
