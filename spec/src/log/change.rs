//! Status changes: which act of law changed the status of a licence, and from when on?
//!
//! In scope: the acts, the status that each leads to, the record whose digest stands in the log. Out of scope: who may
//! decide such an act (the node), the status list itself (`status`).
//! Format: spec/log.md §1; example spec/vectors/log/status_change.cbor.

use alloc::vec::Vec;
use core::fmt;

use super::entry::{Entry, Op};
use crate::cbor::{Fault, MapReader, Reader, Writer};
use crate::status::Status;
use crate::suite::{Digest, name_digest};
use crate::time::UnixTime;

/// Bytes of randomness in a record, so that its digest in the public log tells nothing about the change.
pub const CHANGE_SALT_BYTES: usize = 16;
/// Longest record, bytes: members 1 to 6 at their largest are 103; one that ends an entry has no successor and is shorter.
pub const MAX_CHANGE_RECORD: usize = 103;

/// An act of law that changes the status of a licence (numbers of this project).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// 1 注销: ended at the holder's wish or by course of law.
    Cancel,
    /// 2 撤销: taken back because it should not have been granted.
    Revoke,
    /// 3 吊销: taken away as a penalty.
    Forfeit,
    /// 4 暂扣: taken away for a time.
    Suspend,
    /// 5 发还: given back after a suspension.
    Reinstate,
    /// 6 换发 (变更, 延续): a new version takes its place.
    Supersede,
    /// 7 补证: a replacement for a lost one takes its place.
    Replace,
    /// 8 转出: moved to another authority, which issues its own.
    Transfer,
    /// 9 作废: declared void.
    Void,
}

impl Act {
    /// All acts, in the order of their numbers.
    pub const ALL: [Act; 9] = [
        Act::Cancel,
        Act::Revoke,
        Act::Forfeit,
        Act::Suspend,
        Act::Reinstate,
        Act::Supersede,
        Act::Replace,
        Act::Transfer,
        Act::Void,
    ];

    /// The number on the wire, 1 to 9.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Act::Cancel => 1,
            Act::Revoke => 2,
            Act::Forfeit => 3,
            Act::Suspend => 4,
            Act::Reinstate => 5,
            Act::Supersede => 6,
            Act::Replace => 7,
            Act::Transfer => 8,
            Act::Void => 9,
        }
    }

    /// The act of this number; `None` for every other number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Act> {
        Act::ALL.into_iter().find(|act| act.number() == number)
    }

    /// The word of the law.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Act::Cancel => "注销",
            Act::Revoke => "撤销",
            Act::Forfeit => "吊销",
            Act::Suspend => "暂扣",
            Act::Reinstate => "发还",
            Act::Supersede => "换发",
            Act::Replace => "补证",
            Act::Transfer => "转出",
            Act::Void => "作废",
        }
    }

    /// The word in the API and in English texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Act::Cancel => "cancel",
            Act::Revoke => "revoke",
            Act::Forfeit => "forfeit",
            Act::Suspend => "suspend",
            Act::Reinstate => "reinstate",
            Act::Supersede => "supersede",
            Act::Replace => "replace",
            Act::Transfer => "transfer",
            Act::Void => "void",
        }
    }

    /// What the licence is after the act, in English texts.
    #[must_use]
    pub const fn participle(self) -> &'static str {
        match self {
            Act::Cancel => "cancelled",
            Act::Revoke => "revoked",
            Act::Forfeit => "forfeited",
            Act::Suspend => "suspended",
            Act::Reinstate => "reinstated",
            Act::Supersede => "superseded",
            Act::Replace => "replaced",
            Act::Transfer => "transferred",
            Act::Void => "voided",
        }
    }

    /// The status that the act leads to. One act has one status, so a record in which they differ is refused.
    #[must_use]
    pub const fn new_status(self) -> Status {
        match self {
            Act::Reinstate => Status::Valid,
            Act::Suspend => Status::Suspended,
            Act::Supersede | Act::Replace => Status::Superseded,
            Act::Cancel | Act::Revoke | Act::Forfeit | Act::Transfer | Act::Void => Status::Invalid,
        }
    }
}

/// An entry of a status list of the node whose log has the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListEntry {
    /// Number of the list, unique at that node.
    pub list: u64,
    /// Entry in it.
    pub index: u64,
}

/// Why and when the status of one licence changed. The node keeps the record and shows it to those entitled; the log
/// has its digest alone, blinded by the salt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChangeRecord {
    /// Statement digest of the licence.
    pub licence: Digest,
    /// The act of law; it implies the new status.
    pub act: Act,
    /// From when on.
    pub effective: UnixTime,
    /// Statement digest of the licence that takes its place, where there is one.
    pub successor: Option<Digest>,
    /// Random bytes, fresh for each record.
    pub salt: [u8; CHANGE_SALT_BYTES],
    /// The entry that is ended, where the log has no leaf of the licence: it was signed beside the log. `None` for every licence that
    /// the node issued. Such a record ends the entry (status 1) and has no successor.
    pub ends: Option<ListEntry>,
}

impl ChangeRecord {
    /// The bytes of the record: `{1: licence, 2: status, 3: act, 4: effective, 5?: successor, 6: salt, 7?: [list, index]}`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(MAX_CHANGE_RECORD);
        writer.map(5 + usize::from(self.successor.is_some()) + usize::from(self.ends.is_some()));
        writer.uint(1).bytes(&self.licence);
        writer.uint(2).uint(u64::from(self.act.new_status().value()));
        writer.uint(3).uint(self.act.number());
        writer.uint(4).int(self.effective.0);
        if let Some(successor) = &self.successor {
            writer.uint(5).bytes(successor);
        }
        writer.uint(6).bytes(&self.salt);
        if let Some(entry) = &self.ends {
            writer.uint(7).array(2).uint(entry.list).uint(entry.index);
        }
        writer.into_bytes()
    }

    /// Reads a record, strictly.
    ///
    /// # Errors
    /// A [`Fault`] for any other encoding, an unknown member or act, a missing member, a status that is not the
    /// one of the act, or a record that ends an entry and has another status than 1 or a successor.
    pub fn parse(bytes: &[u8]) -> Result<ChangeRecord, Fault> {
        if bytes.len() > MAX_CHANGE_RECORD {
            return Err(Fault::not_conformant("a status change record is too long"));
        }
        let mut reader = Reader::new(bytes);
        let mut map = reader.map()?;
        let licence = member(&mut map, &mut reader, 1)?.byte_array()?;
        let status = member(&mut map, &mut reader, 2)?.uint()?;
        let act = member(&mut map, &mut reader, 3)?.uint()?;
        let act = Act::from_number(act).ok_or(Fault::not_conformant("a status change has an unknown act"))?;
        if status != u64::from(act.new_status().value()) {
            return Err(Fault::not_conformant("a status change has another status than its act"));
        }
        let effective = member(&mut map, &mut reader, 4)?.time()?;
        let (successor, key) = match map.next_int(&mut reader)? {
            Some(5) => (Some(reader.byte_array()?), map.next_int(&mut reader)?),
            key => (None, key),
        };
        if key != Some(6) {
            return Err(Fault::not_conformant("a member is missing or unknown"));
        }
        let salt = reader.byte_array()?;
        let ends = ended_entry(&mut map, &mut reader)?;
        if ends.is_some() && (status != 1 || successor.is_some()) {
            return Err(Fault::not_conformant(
                "an entry is ended by another status than 1, or with a successor",
            ));
        }
        reader.end()?;
        Ok(ChangeRecord { licence, act, effective, successor, salt, ends })
    }

    /// The log entry of the record: op 2, the effective time, the digest of the bytes.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry { op: Op::StatusChange, time: self.effective, digest: name_digest(&[&self.to_bytes()]) }
    }
}

/// Member 7, the last one, if it is there.
fn ended_entry<'a>(map: &mut MapReader<'a>, reader: &mut Reader<'a>) -> Result<Option<ListEntry>, Fault> {
    match map.next_int(reader)? {
        None => return Ok(None),
        Some(7) => reader.array_of(2)?,
        Some(_) => return Err(Fault::not_conformant("a member is missing or unknown")),
    }
    let entry = ListEntry { list: reader.uint()?, index: reader.uint()? };
    match map.next_int(reader)? {
        None => Ok(Some(entry)),
        Some(_) => Err(Fault::not_conformant("a member is missing or unknown")),
    }
}

fn member<'r, 'a>(
    map: &mut MapReader<'a>,
    reader: &'r mut Reader<'a>,
    key: i64,
) -> Result<&'r mut Reader<'a>, Fault> {
    if map.next_int(reader)? == Some(key) {
        Ok(reader)
    } else {
        Err(Fault::not_conformant("a member is missing or unknown"))
    }
}

impl fmt::Debug for ChangeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.licence;
        write!(f, "ChangeRecord({a:02x}{b:02x}{c:02x}{d:02x}…, {:?}, {})", self.act, self.effective.0)
    }
}
