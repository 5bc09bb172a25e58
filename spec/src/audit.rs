//! The audit: who did what, on what ground, and has anybody touched the record since?
//!
//! In scope: one row and its bytes, the chain of digests over all rows, the statement about rows that were dropped, and checking rows
//! against chain and anchors. Out of scope: when a row is written and where it is kept (the node), the log that anchors the head (`log`).
//! A row has no place for a name or number of a holder.
//! Format: spec/audit.md; vectors in spec/vectors/audit/.

mod chain;
mod dropped;

pub use chain::{ANCHOR_EVERY_ROWS, ANCHOR_EVERY_S, Break, Chain, GENESIS, is_anchor_due};
pub use dropped::{Dropped, DroppedError, MAX_DROPPED};

use alloc::string::String;
use alloc::vec::Vec;

use crate::cbor::{Fault, Reader, Writer};
use crate::suite::{Digest, tree_hash};
use crate::text::check_line;
use crate::time::UnixTime;

/// Longest text of a row, characters.
pub const MAX_AUDIT_TEXT: usize = 200;
/// Longest row, bytes: eight texts of 200 characters of four bytes each, and what stands between them.
pub const MAX_AUDIT_ROW: usize = 7_000;

/// What begins the bytes of which a link is the digest: no other digest of this standard begins so.
const CONTEXT: &[u8] = b"elic-audit\n";

/// What kind of caller it was (numbers of this project).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhoKind {
    /// 1: an approval system or another program, by its token.
    Client,
    /// 2: another node, by its signature.
    Node,
    /// 3: whoever may open the data directory.
    Operator,
    /// 4: the node itself, by a job.
    Own,
    /// 5: anybody who knows the address: what is public.
    Anybody,
}

impl WhoKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [WhoKind; 5] =
        [WhoKind::Client, WhoKind::Node, WhoKind::Operator, WhoKind::Own, WhoKind::Anybody];

    /// Its word, as exports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            WhoKind::Client => "client",
            WhoKind::Node => "node",
            WhoKind::Operator => "operator",
            WhoKind::Own => "own",
            WhoKind::Anybody => "anybody",
        }
    }

    /// The number on the wire, 1 to 5.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            WhoKind::Client => 1,
            WhoKind::Node => 2,
            WhoKind::Operator => 3,
            WhoKind::Own => 4,
            WhoKind::Anybody => 5,
        }
    }
}

/// What was done (numbers of this project).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditAct {
    /// 1 签发.
    Issued,
    /// 2 换发: a new version took the place of an old one.
    NewVersion,
    /// 3 状态变更.
    StatusChanged,
    /// 4 作废未经系统签发的证照: an entry of a status list that no licence has was ended.
    EntryEnded,
    /// 5 读取: a client read a licence, or its history.
    Read,
    /// 6 凭引用读取: whoever holds a reference read the licence behind it.
    ReadByReference,
    /// 7 跨节点调取: another node was shown a view of a licence.
    ShownToNode,
    /// 8 告知所在: another node was told where licences of holders are.
    Located,
    /// 9 告知结论: another node was told how a licence stands.
    VerdictTold,
    /// 10 事项核验: a licence was looked at for a service item.
    Checked,
    /// 11 核验并出具回执: a verification was filed.
    Filed,
    /// 12 核验: verifications that show no content and file nothing; counted.
    Verified,
    /// 13 新增客户端.
    ClientAdded,
    /// 14 吊销客户端.
    ClientRevoked,
    /// 15 收下信任文件: a root, list or timestamp came into force.
    TrustTaken,
    /// 16 收下目录: a catalogue came into force.
    CatalogueTaken,
    /// 17 运维命令: a command at the operator's socket, or of the command line on a node that does not run.
    Command,
    /// 18 恢复: the data came from a backup and were caught up.
    Restored,
    /// 19 清除: rows were dropped after their time.
    Dropped,
}

impl AuditAct {
    /// All acts, in the order of their numbers.
    pub const ALL: [AuditAct; 19] = [
        AuditAct::Issued,
        AuditAct::NewVersion,
        AuditAct::StatusChanged,
        AuditAct::EntryEnded,
        AuditAct::Read,
        AuditAct::ReadByReference,
        AuditAct::ShownToNode,
        AuditAct::Located,
        AuditAct::VerdictTold,
        AuditAct::Checked,
        AuditAct::Filed,
        AuditAct::Verified,
        AuditAct::ClientAdded,
        AuditAct::ClientRevoked,
        AuditAct::TrustTaken,
        AuditAct::CatalogueTaken,
        AuditAct::Command,
        AuditAct::Restored,
        AuditAct::Dropped,
    ];

    /// Its word, as exports and filters write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AuditAct::Issued => "issued",
            AuditAct::NewVersion => "new_version",
            AuditAct::StatusChanged => "status_changed",
            AuditAct::EntryEnded => "entry_ended",
            AuditAct::Read => "read",
            AuditAct::ReadByReference => "read_by_reference",
            AuditAct::ShownToNode => "shown_to_node",
            AuditAct::Located => "located",
            AuditAct::VerdictTold => "verdict_told",
            AuditAct::Checked => "checked",
            AuditAct::Filed => "filed",
            AuditAct::Verified => "verified",
            AuditAct::ClientAdded => "client_added",
            AuditAct::ClientRevoked => "client_revoked",
            AuditAct::TrustTaken => "trust_taken",
            AuditAct::CatalogueTaken => "catalogue_taken",
            AuditAct::Command => "command",
            AuditAct::Restored => "restored",
            AuditAct::Dropped => "dropped",
        }
    }

    /// The number on the wire, from 1.
    #[must_use]
    pub fn number(self) -> u64 {
        // Cannot fail: every act stands in the list.
        AuditAct::ALL.iter().position(|act| *act == self).map_or(0, |at| at as u64 + 1)
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// 1: 1, 2, …, without a gap.
    pub number: u64,
    /// 2: when.
    pub time: UnixTime,
    /// 3: what kind of caller.
    pub who: WhoKind,
    /// 4: the id of the client, the authority code of the node, or the word of the kind.
    pub id: String,
    /// 5: the person who asks, as the client names him.
    pub operator: Option<String>,
    /// 6: what was done.
    pub act: AuditAct,
    /// 7: on what ground: number of the holder's authorisation, or a law.
    pub ground: Option<String>,
    /// 8: for which service item.
    pub service_item: Option<String>,
    /// 9: for which case.
    pub case_number: Option<String>,
    /// 10: statement digest of the licence.
    pub licence: Option<Digest>,
    /// 11: digest of the stored object that the row is about: what `audit check` compares with what is stored.
    pub object: Option<Digest>,
    /// 12: 16 bytes that rows of one use have in common, or the id of the receipt.
    pub reference: Option<[u8; 16]>,
    /// 13: what else it was about: the id of a client, the name of a document, the word of a command.
    pub subject: Option<String>,
    /// 14: how it came out: `done`, or a code.
    pub result: String,
    /// 15: how many, in a row that counts; at least 1.
    pub count: Option<u64>,
}

impl AuditRecord {
    /// The bytes of the row: one deterministic CBOR map.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let texts = [&self.operator, &self.ground, &self.service_item, &self.case_number, &self.subject];
        let digests = [self.licence.is_some(), self.object.is_some(), self.reference.is_some()];
        let optional = texts.iter().filter(|text| text.is_some()).count()
            + digests.iter().filter(|there| **there).count()
            + usize::from(self.count.is_some());
        let mut writer = Writer::with_capacity(256);
        writer.map(6 + optional).int(1).uint(self.number).int(2).int(self.time.0);
        writer.int(3).uint(self.who.number()).int(4).text(&self.id);
        let text = |key: i64, value: &Option<String>, writer: &mut Writer| {
            if let Some(value) = value {
                writer.int(key).text(value);
            }
        };
        text(5, &self.operator, &mut writer);
        writer.int(6).uint(self.act.number());
        text(7, &self.ground, &mut writer);
        text(8, &self.service_item, &mut writer);
        text(9, &self.case_number, &mut writer);
        for (key, digest) in [(10, &self.licence), (11, &self.object)] {
            if let Some(digest) = digest {
                writer.int(key).bytes(digest);
            }
        }
        if let Some(reference) = &self.reference {
            writer.int(12).bytes(reference);
        }
        text(13, &self.subject, &mut writer);
        writer.int(14).text(&self.result);
        if let Some(count) = self.count {
            writer.int(15).uint(count);
        }
        writer.into_bytes()
    }

    /// Reads a row, strictly.
    ///
    /// # Errors
    /// A [`Fault`] for anything but the one encoding of a row: unknown or missing members, an unknown kind or act, texts that are empty,
    /// too long or hold what texts may not hold (spec/text.md), a number or count of 0.
    pub fn parse(bytes: &[u8]) -> Result<AuditRecord, Fault> {
        if bytes.len() > MAX_AUDIT_ROW {
            return Err(Fault::not_conformant("an audit row is too long"));
        }
        let mut reader = Reader::new(bytes);
        let mut map = reader.map()?;
        let mut read = Members::default();
        while let Some(key) = map.next_int(&mut reader)? {
            read.take(key, &mut reader)?;
        }
        reader.end()?;
        read.whole().ok_or(Fault::not_conformant("an audit row lacks a member"))
    }

    /// The digest of the chain after this row.
    #[must_use]
    pub fn link(&self, before: &Digest) -> Digest {
        link(before, &self.to_bytes())
    }
}

/// The digest of the chain after a row with these bytes.
#[must_use]
pub fn link(before: &Digest, row: &[u8]) -> Digest {
    tree_hash(&[CONTEXT, before, row])
}

/// What has been read of a row.
#[derive(Default)]
struct Members {
    number: Option<u64>,
    time: Option<UnixTime>,
    who: Option<WhoKind>,
    id: Option<String>,
    operator: Option<String>,
    act: Option<AuditAct>,
    ground: Option<String>,
    service_item: Option<String>,
    case_number: Option<String>,
    licence: Option<Digest>,
    object: Option<Digest>,
    reference: Option<[u8; 16]>,
    subject: Option<String>,
    result: Option<String>,
    count: Option<u64>,
}

impl Members {
    fn take(&mut self, key: i64, reader: &mut Reader<'_>) -> Result<(), Fault> {
        match key {
            1 => self.number = Some(positive(reader)?),
            2 => self.time = Some(reader.time()?),
            3 => self.who = Some(one_of(reader, &WhoKind::ALL)?),
            4 => self.id = Some(text(reader)?),
            5 => self.operator = Some(text(reader)?),
            6 => self.act = Some(one_of(reader, &AuditAct::ALL)?),
            7 => self.ground = Some(text(reader)?),
            8 => self.service_item = Some(text(reader)?),
            9 => self.case_number = Some(text(reader)?),
            10 => self.licence = Some(reader.byte_array()?),
            11 => self.object = Some(reader.byte_array()?),
            12 => self.reference = Some(reader.byte_array()?),
            13 => self.subject = Some(text(reader)?),
            14 => self.result = Some(text(reader)?),
            15 => self.count = Some(positive(reader)?),
            _ => return Err(Fault::not_conformant("an audit row has an unknown member")),
        }
        Ok(())
    }

    fn whole(self) -> Option<AuditRecord> {
        Some(AuditRecord {
            number: self.number?,
            time: self.time?,
            who: self.who?,
            id: self.id?,
            operator: self.operator,
            act: self.act?,
            ground: self.ground,
            service_item: self.service_item,
            case_number: self.case_number,
            licence: self.licence,
            object: self.object,
            reference: self.reference,
            subject: self.subject,
            result: self.result?,
            count: self.count,
        })
    }
}

/// The item of this number, counted from 1.
fn one_of<T: Copy>(reader: &mut Reader<'_>, all: &[T]) -> Result<T, Fault> {
    let number = usize::try_from(positive(reader)?).unwrap_or(usize::MAX);
    all.get(number - 1).copied().ok_or(Fault::not_conformant("an audit row has an unknown number"))
}

fn positive(reader: &mut Reader<'_>) -> Result<u64, Fault> {
    match reader.uint()? {
        0 => Err(Fault::not_conformant("an audit row counts from 1")),
        number => Ok(number),
    }
}

fn text(reader: &mut Reader<'_>) -> Result<String, Fault> {
    let text = reader.text()?;
    check_line(text, MAX_AUDIT_TEXT)
        .map_err(|_| Fault::not_conformant("an audit row has a text that may not be there"))?;
    Ok(String::from(text))
}

#[cfg(test)]
mod tests;
