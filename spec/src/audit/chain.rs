//! Is the chain of rows whole, and is it the one that was anchored?

use alloc::collections::BTreeMap;

use super::{AuditRecord, link};
use crate::suite::Digest;
use crate::time::UnixTime;

/// The digest before the first row.
pub const GENESIS: Digest = [0; 32];

/// What is wrong with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// A row is not the one of this number: rows before it are missing, or it is there twice.
    Number {
        /// The number that must stand here.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// The bytes of this row are no audit row.
    Unreadable(u64),
    /// The row, or one before it, is not the one of which the stored digest was made.
    Changed(u64),
    /// A head that stands in the log at this index is the head after no row: rows were changed or cut off after it was anchored.
    Anchor(u64),
}

/// Rows are handed in in order, then the anchors are asked for.
pub struct Chain {
    next: u64,
    head: Digest,
    /// Index in the log by the digest that is anchored there, as long as no row has led to it.
    open: BTreeMap<Digest, u64>,
}

impl Chain {
    /// A chain that goes on after row `dropped` with this head, or from the beginning; `anchors` are the digests of the log's entries
    /// with operation 6 and their log indexes.
    #[must_use]
    pub fn new(dropped: Option<(u64, Digest)>, anchors: impl IntoIterator<Item = (u64, Digest)>) -> Chain {
        let (last, head) = dropped.unwrap_or((0, GENESIS));
        let mut open: BTreeMap<Digest, u64> =
            anchors.into_iter().map(|(index, digest)| (digest, index)).collect();
        open.remove(&head);
        Chain { next: last + 1, head, open }
    }

    /// Number and digest of the newest row; 0 and zeros before the first.
    #[must_use]
    pub const fn head(&self) -> (u64, Digest) {
        (self.next - 1, self.head)
    }

    /// Takes the next row: its bytes, and the digest that is stored beside it. After a break the chain goes on from what is stored, so
    /// that one changed row is one break.
    ///
    /// # Errors
    /// A [`Break`].
    pub fn take(&mut self, bytes: &[u8], stored: &Digest) -> Result<AuditRecord, Break> {
        let Ok(row) = AuditRecord::parse(bytes) else {
            let number = self.next;
            self.go_on(number, stored);
            return Err(Break::Unreadable(number));
        };
        let expected = self.next;
        let holds = link(&self.head, bytes) == *stored;
        self.go_on(row.number, stored);
        match () {
            () if row.number != expected => Err(Break::Number { expected, found: row.number }),
            () if !holds => Err(Break::Changed(row.number)),
            () => Ok(row),
        }
    }

    fn go_on(&mut self, number: u64, stored: &Digest) {
        self.next = number.saturating_add(1);
        self.head = *stored;
        self.open.remove(stored);
    }

    /// The anchors to which no row has led, by their index in the log: each is a [`Break::Anchor`].
    pub fn unmet(self) -> impl Iterator<Item = Break> {
        self.open.into_values().map(Break::Anchor)
    }
}

/// Whether the head has to be anchored now: after an hour, or after a thousand rows, whichever comes first.
#[must_use]
pub const fn is_anchor_due(rows_since: u64, last: Option<UnixTime>, now: UnixTime) -> bool {
    let waited = match last {
        Some(last) => now.0 - last.0 >= ANCHOR_EVERY_S || now.0 < last.0,
        None => true,
    };
    rows_since >= ANCHOR_EVERY_ROWS || (rows_since > 0 && waited)
}

/// Longest time between a row and its anchor, seconds.
pub const ANCHOR_EVERY_S: i64 = 3_600;
/// Most rows without an anchor.
pub const ANCHOR_EVERY_ROWS: u64 = 1_000;
