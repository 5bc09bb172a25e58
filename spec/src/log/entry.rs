//! Log entries: which leaf belongs to an object?
//!
//! In scope: the entry that is hashed into a leaf, and what it is made of for each kind of object. Out of scope: the
//! tree (`merkle`), the record behind a status change (`change`).
//! An entry names an object by digest and time; it holds no personal data and can be public for ever.
//! Format: spec/log.md §1; vectors in spec/vectors/log/.

use alloc::vec::Vec;
use core::fmt;

use super::merkle::{Hash, leaf_hash};
use crate::cbor::{Fault, Reader, Writer};
use crate::suite::Digest;
use crate::time::UnixTime;

/// The version number at the head of every entry.
const ENTRY_VERSION: u64 = 1;
/// Longest entry, bytes: 42 for times below 2^32, four more above.
pub const MAX_ENTRY_BYTES: usize = 46;

/// What happened to the object whose digest is logged (spec/cose.md; numbers of this project).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// 1: a licence was issued; its iat and statement digest.
    Issued,
    /// 2: a status changed; effective time and digest of the [`super::change::ChangeRecord`].
    StatusChange,
    /// 3: a status token was signed; its iat and statement digest.
    StatusToken,
    /// 4: a trust root or trust list was published; its iat and file digest.
    TrustFile,
    /// 5: a catalogue was published; its iat and statement digest.
    Catalogue,
    /// 6: the head of the audit; the time of its newest row and the digest of the chain after it ([`crate::audit`]).
    AuditHead,
}

impl Op {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Op; 6] =
        [Op::Issued, Op::StatusChange, Op::StatusToken, Op::TrustFile, Op::Catalogue, Op::AuditHead];

    /// The number on the wire, 1 to 6.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Op::Issued => 1,
            Op::StatusChange => 2,
            Op::StatusToken => 3,
            Op::TrustFile => 4,
            Op::Catalogue => 5,
            Op::AuditHead => 6,
        }
    }

    /// The kind of this number; `None` for every other number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Op> {
        Op::ALL.into_iter().find(|op| op.number() == number)
    }
}

/// One entry of the log: `[1, op, time, digest]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// What happened.
    pub op: Op,
    /// When: see [`Op`]. Within 0 ..= 253402300799.
    pub time: UnixTime,
    /// Digest of the object: see [`Op`].
    pub digest: Digest,
}

impl Entry {
    /// The bytes of the entry, 42 for times below 2^32.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(MAX_ENTRY_BYTES);
        writer.array(4).uint(ENTRY_VERSION).uint(self.op.number()).int(self.time.0).bytes(&self.digest);
        writer.into_bytes()
    }

    /// Reads an entry, strictly.
    ///
    /// # Errors
    /// A [`Fault`] for anything but the one encoding of a known version and op.
    pub fn parse(bytes: &[u8]) -> Result<Entry, Fault> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(Fault::not_conformant("a log entry is too long"));
        }
        let mut reader = Reader::new(bytes);
        reader.array_of(4)?;
        if reader.uint()? != ENTRY_VERSION {
            return Err(Fault::not_conformant("a log entry has another version"));
        }
        let op =
            Op::from_number(reader.uint()?).ok_or(Fault::not_conformant("a log entry has an unknown op"))?;
        let entry = Entry { op, time: reader.time()?, digest: reader.byte_array()? };
        reader.end()?;
        Ok(entry)
    }

    /// The hash of the leaf that holds this entry.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.to_bytes())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.digest;
        write!(f, "Entry({:?}, {}, {a:02x}{b:02x}{c:02x}{d:02x}…)", self.op, self.time.0)
    }
}
