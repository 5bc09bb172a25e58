//! One transaction for many jobs: who has to be left out, leaves and tiles, rows, the signed head, kept answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use licence_spec::log::tiled_tree::TileEdge;
use licence_spec::status::Status;
use licence_spec::suite::Digest;
use licence_store::{AnswerKey, IdempotentAnswer, Store, StoreError, Taken, Write, transact};

use crate::node::audit::append as append_audit;
use crate::node::commit::{Committed, Effect, Job, Remember, WriteError};
use crate::node::log::{LogError, OwnLog, Proofs, append_entries};

/// Media type of kept answers.
const JSON: &str = "application/json";

/// The log index of each effect of one job.
type Indexes = Vec<Option<u64>>;

/// Writes all jobs in one transaction, except those that have to be refused, and publishes the new head.
///
/// # Errors
/// [`LogError`]: nothing is acknowledged, and the log must be reloaded before the next attempt.
pub(super) fn commit(
    store: &dyn Store,
    log: &mut OwnLog,
    jobs: &mut [Job],
) -> Result<Vec<Result<Committed, WriteError>>, LogError> {
    let (edge, checkpoint, answers) = transact(store, "group_commit", |write| {
        let refused = refused(write, jobs)?;
        // Another process may have appended since the last commit of this one.
        let stored = log.stored(write)?;
        let (edge, indexes) = append(write, log, stored, jobs, &refused)?;
        write_rows(write, jobs, &refused)?;
        let checkpoint =
            if edge.size() == log.edge().size() { log.published().checkpoint() } else { log.sign(&edge)? };
        let answers = prove(write, jobs, refused, indexes, edge.size(), &checkpoint)?;
        keep_answers(write, jobs, &answers)?;
        Ok::<_, LogError>((edge, checkpoint, answers))
    })?;
    log.publish(edge, checkpoint);
    Ok(answers)
}

/// What each job is told once it is durable.
fn prove(
    write: &dyn Write,
    jobs: &[Job],
    refused: Vec<Option<WriteError>>,
    indexes: Vec<Indexes>,
    size: u64,
    checkpoint: &Arc<str>,
) -> Result<Vec<Result<Committed, WriteError>>, LogError> {
    let mut proofs = Proofs::new(write, size);
    let mut answers = Vec::with_capacity(jobs.len());
    for ((job, refused), indexes) in jobs.iter().zip(refused).zip(indexes) {
        answers.push(match refused {
            Some(error) => Err(error),
            None => Ok(committed(job, indexes, &mut proofs, checkpoint)?),
        });
    }
    Ok(answers)
}

fn committed(
    job: &Job,
    indexes: Indexes,
    proofs: &mut Proofs<'_>,
    checkpoint: &Arc<str>,
) -> Result<Committed, LogError> {
    let proof = match (job.effects.first(), indexes.first()) {
        (Some((Effect::Licence(_), _)), Some(Some(index))) => Some(proofs.file(*index, checkpoint)?),
        _ => None,
    };
    Ok(Committed { indexes, proof })
}

/// Which jobs cannot be written, so that the others need not wait for them: a number or id that is taken, a status that
/// has moved, a key that has been answered. Within the batch, the first comer wins.
fn refused(write: &dyn Write, jobs: &[Job]) -> Result<Vec<Option<WriteError>>, StoreError> {
    let mut refused: Vec<Option<WriteError>> = jobs.iter().map(|_| None).collect();
    // First: what another process has done under the same key has taken the number, too.
    answered(write, jobs, &mut refused)?;
    taken(write, jobs, &mut refused)?;
    moved(write, jobs, &mut refused)?;
    Ok(refused)
}

fn taken(write: &dyn Write, jobs: &[Job], refused: &mut [Option<WriteError>]) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    let mut owners = Vec::new();
    for (at, (job, _)) in jobs.iter().zip(&*refused).enumerate().filter(|(_, (_, refused))| refused.is_none())
    {
        for (effect, _) in &job.effects {
            if let Effect::Licence(row) = effect {
                rows.push(row.clone());
                owners.push(at);
            }
        }
    }
    for (owner, found) in owners.into_iter().zip(write.taken_licences(&rows)?) {
        if let (Some(slot), Some(found)) = (refused.get_mut(owner), found) {
            *slot = Some(WriteError::Taken(match found {
                Taken::Number => "number",
                Taken::Id => "id",
            }));
        }
    }
    Ok(())
}

fn moved(write: &dyn Write, jobs: &[Job], refused: &mut [Option<WriteError>]) -> Result<(), StoreError> {
    let mut statuses: BTreeMap<Digest, Option<Status>> = BTreeMap::new();
    for (job, refused) in jobs.iter().zip(refused).filter(|(_, refused)| refused.is_none()) {
        for (effect, _) in &job.effects {
            let Effect::StatusChange(row) = effect else { continue };
            let held = match statuses.get(&row.licence) {
                Some(held) => *held,
                None => write.licence(&row.licence)?.map(|licence| licence.status),
            };
            if held == Some(row.previous) {
                statuses.insert(row.licence, Some(row.value));
            } else {
                *refused = Some(WriteError::Moved);
            }
        }
    }
    Ok(())
}

fn answered(write: &dyn Write, jobs: &[Job], refused: &mut [Option<WriteError>]) -> Result<(), StoreError> {
    let keys: Vec<AnswerKey> =
        jobs.iter().filter_map(|job| job.answer.as_ref()).map(|(remember, _)| remember.key.clone()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let mut found = write.idempotent_answers(&keys)?.into_iter();
    let mut seen = BTreeSet::new();
    for (job, refused) in jobs.iter().zip(refused) {
        let Some((Remember { key, .. }, _)) = &job.answer else { continue };
        let stored = found.next().flatten().is_some();
        let again = !seen.insert((&key.caller, &key.key));
        if stored || again {
            *refused = Some(WriteError::Answered);
        }
    }
    Ok(())
}

/// Appends the leaves of all jobs that are written, and fills the log index into their rows.
fn append(
    write: &mut dyn Write,
    log: &OwnLog,
    edge: TileEdge,
    jobs: &mut [Job],
    refused: &[Option<WriteError>],
) -> Result<(TileEdge, Vec<Indexes>), StoreError> {
    let (mut entries, mut indexes) = (Vec::new(), Vec::new());
    for (job, refused) in jobs.iter_mut().zip(refused) {
        let mut own = Vec::new();
        for (effect, entry) in job.effects.iter_mut().filter(|_| refused.is_none()) {
            let index = entry.map(|entry| {
                let index = edge.size() + entries.len() as u64;
                entries.push(entry);
                effect.set_log_index(index);
                index
            });
            own.push(index);
        }
        indexes.push(own);
    }
    Ok((append_entries(write, log.origin(), edge, &entries)?, indexes))
}

impl Effect {
    const fn set_log_index(&mut self, index: u64) {
        match self {
            Effect::Licence(row) => row.log_index = index,
            Effect::StatusChange(row) => row.log_index = index,
            Effect::EndedIndex(row) => row.log_index = index,
            Effect::StatusToken(row) => row.log_index = index,
            Effect::Receipt(_) | Effect::Document(_) | Effect::Forget(..) | Effect::Audit(_) => {}
        }
    }
}

fn write_rows(write: &mut dyn Write, jobs: &[Job], refused: &[Option<WriteError>]) -> Result<(), StoreError> {
    let written =
        jobs.iter().zip(refused).filter(|(_, refused)| refused.is_none()).flat_map(|(job, _)| &job.effects);
    let (mut licences, mut changes, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tokens, mut receipts, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    let mut audit = Vec::new();
    for (effect, _) in written {
        match effect {
            Effect::Licence(row) => licences.push(row.clone()),
            Effect::StatusChange(row) => changes.push(row.clone()),
            Effect::EndedIndex(row) => ended.push(row.clone()),
            Effect::StatusToken(row) => tokens.push(row.clone()),
            Effect::Receipt(row) => receipts.push(row.clone()),
            Effect::Document(row) => documents.push(row.clone()),
            Effect::Audit(draft) => audit.push(draft.clone()),
            Effect::Forget(kind, name) => {
                // In the order of the jobs: what an earlier one puts is forgotten, what a later one puts stays.
                write.put_documents(&documents)?;
                documents.clear();
                write.delete_document(kind, name)?;
            }
        }
    }
    write.add_licences(&licences)?;
    write.change_statuses(&changes)?;
    if !ended.is_empty() {
        write.end_indexes(&ended)?;
    }
    write.add_status_tokens(&tokens)?;
    write.add_receipts(&receipts)?;
    write.put_documents(&documents)?;
    // In the order of the jobs; another process may have appended rows since the last commit of this one.
    append_audit(write, &audit)
}

fn keep_answers(
    write: &mut dyn Write,
    jobs: &[Job],
    answers: &[Result<Committed, WriteError>],
) -> Result<(), StoreError> {
    let kept: Vec<IdempotentAnswer> = jobs
        .iter()
        .zip(answers)
        .filter_map(|(job, answer)| {
            let ((remember, render), committed) = (job.answer.as_ref()?, answer.as_ref().ok()?);
            Some(IdempotentAnswer {
                key: remember.key.clone(),
                fingerprint: remember.fingerprint,
                status: remember.status,
                content_type: JSON.to_owned(),
                body: render(committed),
                created_at: remember.now,
            })
        })
        .collect();
    write.add_idempotent_answers(&kept)
}
