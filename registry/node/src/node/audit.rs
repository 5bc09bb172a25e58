//! What is put into the audit, and the one way in which rows get their number and their place in the chain.
//!
//! A row is written in the transaction of what it is about: one without the other is not there. Out of scope: the bytes of a row
//! (`licence_spec::audit`), who is told apart how (`access`), reading the audit (`access::audit`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use licence_spec::audit::{AuditAct, AuditRecord, GENESIS, MAX_AUDIT_TEXT, WhoKind, link};
use licence_spec::suite::{Digest, sha256};
use licence_spec::text::check_line;
use licence_spec::time::UnixTime;
use licence_store::{AuditRow, ClientRow, EndedIndexRow, StatusChangeRow, StoreError, Write};

/// A row that has no number yet.
#[derive(Clone, Debug)]
pub struct AuditDraft(AuditRecord);

impl AuditDraft {
    /// An act of somebody, at this time, that was done.
    #[must_use]
    pub fn new(who: WhoKind, id: &str, act: AuditAct, time: UnixTime) -> AuditDraft {
        AuditDraft(AuditRecord {
            number: 1,
            time,
            who,
            id: told(id),
            operator: None,
            act,
            ground: None,
            service_item: None,
            case_number: None,
            licence: None,
            object: None,
            reference: None,
            subject: None,
            result: "done".to_owned(),
            count: None,
        })
    }

    /// The person who asks, as the client names him.
    #[must_use]
    pub fn operator(mut self, operator: &str) -> AuditDraft {
        self.0.operator = Some(told(operator));
        self
    }

    /// Service item and case, as far as they are named.
    #[must_use]
    pub fn case(mut self, service_item: Option<&str>, case_number: Option<&str>) -> AuditDraft {
        (self.0.service_item, self.0.case_number) = (service_item.map(told), case_number.map(told));
        self
    }

    /// On what ground.
    #[must_use]
    pub fn ground(mut self, ground: &str) -> AuditDraft {
        self.0.ground = Some(told(ground));
        self
    }

    /// The licence.
    #[must_use]
    pub fn licence(mut self, licence: Digest) -> AuditDraft {
        self.0.licence = Some(licence);
        self
    }

    /// Digest of the stored object that it is about.
    #[must_use]
    pub fn object(mut self, object: Digest) -> AuditDraft {
        self.0.object = Some(object);
        self
    }

    /// What rows of one use have in common.
    #[must_use]
    pub fn reference(mut self, reference: [u8; 16]) -> AuditDraft {
        self.0.reference = Some(reference);
        self
    }

    /// What else it was about.
    #[must_use]
    pub fn subject(mut self, subject: &str) -> AuditDraft {
        self.0.subject = Some(told(subject));
        self
    }

    /// How it came out.
    #[must_use]
    pub fn result(mut self, result: &str) -> AuditDraft {
        self.0.result = told(result);
        self
    }

    /// How many it stands for.
    #[must_use]
    pub fn count(mut self, count: u64) -> AuditDraft {
        self.0.count = Some(count.max(1));
        self
    }
}

/// A text as a row may hold it: one that may not stand there is named by its digest, so that nothing keeps an act out of the audit.
fn told(text: &str) -> String {
    match check_line(text, MAX_AUDIT_TEXT) {
        Ok(()) => text.to_owned(),
        Err(_) => format!("sha-256:{}", hex::encode(sha256(&[text.as_bytes()]))),
    }
}

/// Appends rows within a transaction: numbers and chain go on from what is stored.
///
/// # Errors
/// [`StoreError`].
pub fn append(write: &mut dyn Write, drafts: &[AuditDraft]) -> Result<(), StoreError> {
    if drafts.is_empty() {
        return Ok(());
    }
    let (mut number, mut head) = write.audit_head()?.unwrap_or((0, GENESIS));
    let mut rows = Vec::with_capacity(drafts.len());
    for AuditDraft(record) in drafts {
        number += 1;
        let record = AuditRecord { number, ..record.clone() };
        let bytes = record.to_bytes();
        head = link(&head, &bytes);
        rows.push(row(&record, head, bytes));
    }
    write.append_audit(&rows)
}

/// The stored row: what stands beside the bytes repeats what they say.
#[must_use]
pub fn row(record: &AuditRecord, digest: Digest, bytes: Vec<u8>) -> AuditRow {
    AuditRow {
        number: record.number,
        time: record.time.0,
        who: record.id.clone(),
        case_number: record.case_number.clone(),
        licence: record.licence,
        digest,
        bytes,
    }
}

/// What a counted act is told apart by: who, what, which licence, how it came out.
type Alike = (WhoKind, String, AuditAct, Option<Digest>, String);

/// Most acts of different kinds that are counted at once.
const MAX_COUNTED: usize = 10_000;

/// Acts that are counted and written down from time to time, as so many of them show nothing: verifications without a receipt, and what
/// is public. What a process has counted and not written is lost if it dies.
#[derive(Clone, Default)]
pub struct Counted(Arc<Mutex<BTreeMap<Alike, u64>>>);

impl Counted {
    /// Counts an act.
    pub fn count(&self, who: WhoKind, id: &str, act: AuditAct, result: &str) {
        let mut counts = self.counts();
        // A client is told apart as long as there is room, which is far beyond all clients and codes.
        let id = if counts.len() < MAX_COUNTED { id } else { "*" };
        *counts.entry((who, id.to_owned(), act, None, result.to_owned())).or_default() += 1;
    }

    /// Whether a read of what is public has to be written down at once: the first of a licence since the last time that all was written.
    /// Others are counted.
    #[must_use]
    pub fn is_first(&self, licence: Digest) -> bool {
        let mut counts = self.counts();
        let key = (
            WhoKind::Anybody,
            WhoKind::Anybody.name().to_owned(),
            AuditAct::ReadByReference,
            Some(licence),
            "done".to_owned(),
        );
        if let Some(count) = counts.get_mut(&key) {
            *count += 1;
            return false;
        }
        if counts.len() < MAX_COUNTED {
            counts.insert(key, 0);
        }
        true
    }

    /// Takes out what was counted, as rows.
    #[must_use]
    pub fn take(&self, now: UnixTime) -> Vec<AuditDraft> {
        let counts = std::mem::take(&mut *self.counts());
        let counted = counts.into_iter().filter(|(_, count)| *count > 0);
        let row = |((who, id, act, licence, result), count): (Alike, u64)| {
            let draft = AuditDraft::new(who, &id, act, now).result(&result).count(count);
            licence.map_or(draft.clone(), |licence| draft.licence(licence))
        };
        counted.map(row).collect()
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, BTreeMap<Alike, u64>> {
        // A poisoned map is whole: each count is changed in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digest of texts and bytes, each after its length: no two lists of them have the same.
fn digest_of(parts: &[&[u8]]) -> Digest {
    let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
    let all: Vec<&[u8]> =
        lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), *part]).collect();
    sha256(&all)
}

/// The digest of a stored change of status: all that it says, the officer too.
#[must_use]
pub fn change_object(row: &StatusChangeRow) -> Digest {
    digest_of(&[
        &row.digest,
        &row.record,
        &[row.previous.value(), row.value.value()],
        row.legal_basis.as_bytes(),
        row.document_number.as_bytes(),
        row.officer.as_bytes(),
        row.client.as_deref().unwrap_or_default().as_bytes(),
    ])
}

/// The digest of a stored end of an entry that no licence has.
#[must_use]
pub fn ended_object(row: &EndedIndexRow) -> Digest {
    digest_of(&[
        &row.digest,
        &row.record,
        row.legal_basis.as_bytes(),
        row.document_number.as_bytes(),
        row.officer.as_bytes(),
    ])
}

/// The digest of a client as it was made: its scope, its token and its life; whether it was revoked is a row of its own.
#[must_use]
pub fn client_object(row: &ClientRow) -> Digest {
    let list = |names: &[String]| names.join("\n").into_bytes();
    digest_of(&[
        row.id.as_bytes(),
        row.name.as_bytes(),
        &row.token_hash,
        &list(&row.authorities),
        &list(&row.types),
        &list(&row.calls),
        &row.created_at.to_be_bytes(),
        &row.expires_at.to_be_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_keeps_an_act_out_of_the_audit() {
        let draft = AuditDraft::new(WhoKind::Client, "sp", AuditAct::Filed, UnixTime(7));
        for text in ["", "a\nb", "a\u{200b}b", &"甲".repeat(MAX_AUDIT_TEXT + 1)] {
            let AuditDraft(record) = draft.clone().operator(text).case(Some(text), Some(text)).subject(text);
            assert_eq!(AuditRecord::parse(&record.to_bytes()), Ok(record), "{text:?}");
        }
        let AuditDraft(record) = draft.operator("示例经办").count(0);
        assert_eq!((record.operator.as_deref(), record.count), (Some("示例经办"), Some(1)));
    }

    #[test]
    fn what_moves_from_one_field_to_the_next_has_another_digest() {
        assert_ne!(digest_of(&[b"ab", b"c"]), digest_of(&[b"a", b"bc"]));
        assert_ne!(digest_of(&[b"ab"]), digest_of(&[b"ab", b""]));
    }
}
