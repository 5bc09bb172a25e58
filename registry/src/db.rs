//! The group-commit writer: the one thread that appends to the log.
//!
//! In scope: gathering all waiting jobs into one transaction, and answering each after it is durable.
//! Out of scope: deciding what a job writes (`trips`).
//!
//! # The order of durable steps
//! 1. numbers and status indexes are leased, in a transaction of their own (the trips);
//! 2. credentials and tokens are signed, outside any transaction (the trips);
//! 3. one transaction writes the rows, leaves, tiles and the log head of all waiting jobs, and is fsynced;
//! 4. the checkpoint over the committed head is signed;
//! 5. each job is answered with its indexes and that checkpoint. Nothing is acknowledged before step 3 has returned.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use licence_spec::log::entry::Entry;
use licence_spec::log::tiled_tree::TileEdge;
use licence_store::{
    DocumentRow, LeafRow, LicenceRow, ReceiptRow, StatusChangeRow, StatusTokenRow, Store, StoreError, Taken,
    TileKey, TileRow, Write, transact,
};
use tokio::sync::oneshot;

use crate::log::OwnLog;

/// Most jobs in one transaction: 512 licences are about 1 MiB of rows.
const MAX_BATCH: usize = 512;
/// Most jobs that may wait; one more is refused, and the client is told to come again.
const MAX_WAITING: usize = 4_096;

/// One thing to write. The log index in a row is filled in by the writer.
pub enum Effect {
    /// A new licence.
    Licence(LicenceRow),
    /// A change of status.
    StatusChange(StatusChangeRow),
    /// A status token.
    StatusToken(StatusTokenRow),
    /// A receipt; has no leaf.
    Receipt(ReceiptRow),
    /// A trust file or catalogue.
    Document(DocumentRow),
}

/// What one request writes, all or nothing.
pub struct Job {
    /// Effects in order, each with its leaf, if it has one.
    pub effects: Vec<(Effect, Option<Entry>)>,
}

/// How a job came out.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The log index of each effect, in order; `None` for effects without a leaf.
    pub indexes: Vec<Option<u64>>,
    /// Size of the tree under the checkpoint.
    pub size: u64,
    /// The signed checkpoint that contains them.
    pub checkpoint: Arc<str>,
}

/// Why a job was not written. Nothing of it is there.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The number or id is given out already.
    #[error("编号已被使用 / the number or id is in use already: {0}")]
    Taken(&'static str),
    /// Too many jobs are waiting.
    #[error("节点繁忙，请稍后重试 / the node is busy: try again")]
    Busy,
    /// The row does not follow from what is stored.
    #[error("与已存数据冲突 / conflicts with what is stored: {0}")]
    Conflict(String),
    /// The store or the writer failed.
    #[error("存储不可用 / the store is not available: {0}")]
    Unavailable(String),
}

/// The log index of each effect of one job.
type Indexes = Vec<Option<u64>>;

type Reply = oneshot::Sender<Result<Committed, WriteError>>;

/// A handle on the writer thread.
#[derive(Clone)]
pub struct Writer {
    sender: SyncSender<(Job, Reply)>,
}

impl Writer {
    /// Starts the writer thread. It ends, after all waiting jobs, when the last handle is dropped.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(store: Arc<dyn Store>, log: OwnLog) -> std::io::Result<(Writer, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let thread = std::thread::Builder::new()
            .name("group-commit".to_owned())
            .spawn(move || run(&*store, log, &receiver))?;
        Ok((Writer { sender }, thread))
    }

    /// Hands a job over. The answer comes once it is durable.
    ///
    /// # Errors
    /// [`WriteError::Busy`] if too many wait; [`WriteError::Unavailable`] if the writer has ended.
    pub fn submit(&self, job: Job) -> Result<oneshot::Receiver<Result<Committed, WriteError>>, WriteError> {
        let (reply, answer) = oneshot::channel();
        self.sender.try_send((job, reply)).map_err(|error| match error {
            TrySendError::Full(_) => WriteError::Busy,
            TrySendError::Disconnected(_) => WriteError::Unavailable("the writer has ended".to_owned()),
        })?;
        Ok(answer)
    }

    /// As [`Writer::submit`], and waits. Not for async threads.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, job: Job) -> Result<Committed, WriteError> {
        let gone = |_| WriteError::Unavailable("the writer has ended".to_owned());
        self.submit(job)?.blocking_recv().map_err(gone)?
    }
}

fn run(store: &dyn Store, mut log: OwnLog, receiver: &Receiver<(Job, Reply)>) {
    while let Ok(first) = receiver.recv() {
        let mut waiting = vec![first];
        while waiting.len() < MAX_BATCH {
            match receiver.try_recv() {
                Ok(next) => waiting.push(next),
                Err(_) => break,
            }
        }
        let (mut jobs, replies): (Vec<Job>, Vec<Reply>) = waiting.into_iter().unzip();
        let answers = match commit(store, &mut log, &mut jobs) {
            // Somebody's row conflicts: each goes alone, so that the others are not refused with it.
            Err(StoreError::Conflict(_)) if jobs.len() > 1 => {
                jobs.chunks_mut(1).flat_map(|job| answer_one(store, &mut log, job)).collect()
            }
            Ok(answers) => answers,
            Err(error) => jobs.iter().map(|_| Err(refusal(&error))).collect::<Vec<_>>(),
        };
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A client that has gone away misses its answer; what it asked for is durable all the same.
            drop(reply.send(answer));
        }
    }
}

fn answer_one(store: &dyn Store, log: &mut OwnLog, job: &mut [Job]) -> Vec<Result<Committed, WriteError>> {
    commit(store, log, job).unwrap_or_else(|error| vec![Err(refusal(&error))])
}

fn refusal(error: &StoreError) -> WriteError {
    match error {
        StoreError::Conflict(conflict) => WriteError::Conflict(conflict.to_string()),
        other => WriteError::Unavailable(other.to_string()),
    }
}

/// Writes all jobs in one transaction, except those whose number is taken, and signs the new head.
fn commit(
    store: &dyn Store,
    log: &mut OwnLog,
    jobs: &mut [Job],
) -> Result<Vec<Result<Committed, WriteError>>, StoreError> {
    let (taken, indexes, edge) = transact(store, "group_commit", |write| {
        let taken = taken_jobs(write, jobs)?;
        let (edge, indexes) = append(write, log, jobs, &taken)?;
        write_rows(write, jobs, &taken)?;
        Ok::<_, StoreError>((taken, indexes, edge))
    })?;
    let size = edge.size();
    let checkpoint = match log.committed(edge) {
        Ok(checkpoint) => checkpoint,
        // The rows are durable and in the log; only the signature is missing until the next append or start.
        Err(error) => return Err(StoreError::Unavailable(error.to_string())),
    };
    let answer = |(taken, indexes): (Option<&'static str>, Vec<Option<u64>>)| match taken {
        Some(what) => Err(WriteError::Taken(what)),
        None => Ok(Committed { indexes, size, checkpoint: Arc::clone(&checkpoint) }),
    };
    Ok(taken.into_iter().zip(indexes).map(answer).collect())
}

/// Which jobs want a number or id that is taken already.
fn taken_jobs(write: &mut dyn Write, jobs: &[Job]) -> Result<Vec<Option<&'static str>>, StoreError> {
    let mut rows = Vec::new();
    let mut owners = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        for (effect, _) in &job.effects {
            if let Effect::Licence(row) = effect {
                rows.push(row.clone());
                owners.push(at);
            }
        }
    }
    let mut taken = vec![None; jobs.len()];
    for (owner, found) in owners.into_iter().zip(write.taken_licences(&rows)?) {
        if let (Some(slot), Some(found)) = (taken.get_mut(owner), found) {
            *slot = Some(match found {
                Taken::Number => "number",
                Taken::Id => "id",
            });
        }
    }
    Ok(taken)
}

/// Appends the leaves of all jobs that are written, and fills the log index into their rows.
fn append(
    write: &mut dyn Write,
    log: &OwnLog,
    jobs: &mut [Job],
    taken: &[Option<&'static str>],
) -> Result<(TileEdge, Vec<Indexes>), StoreError> {
    let mut edge = log.edge().clone();
    let old_size = edge.size();
    let (mut leaves, mut tiles, mut indexes) = (Vec::new(), Vec::new(), Vec::new());
    for (job, taken) in jobs.iter_mut().zip(taken) {
        let mut own = Vec::new();
        for (effect, entry) in job.effects.iter_mut().filter(|_| taken.is_none()) {
            let index = entry.map(|entry| {
                let (index, hash) = (edge.size(), entry.leaf_hash());
                edge.push(&hash, |tile, hashes| {
                    tiles.push(TileRow { key: TileKey { level: tile.level(), index: tile.index() }, hashes });
                });
                leaves.push(LeafRow { index, hash, entry: entry.to_bytes() });
                effect.set_log_index(index);
                index
            });
            own.push(index);
        }
        indexes.push(own);
    }
    if !leaves.is_empty() {
        tiles.extend(edge.partial_tiles().filter(|(_, bytes)| !bytes.is_empty()).map(|(tile, bytes)| {
            TileRow { key: TileKey { level: tile.level(), index: tile.index() }, hashes: bytes.to_vec() }
        }));
        write.append_log(old_size, &leaves, &tiles, &log.head_row(&edge))?;
    }
    Ok((edge, indexes))
}

impl Effect {
    const fn set_log_index(&mut self, index: u64) {
        match self {
            Effect::Licence(row) => row.log_index = index,
            Effect::StatusChange(row) => row.log_index = index,
            Effect::StatusToken(row) => row.log_index = index,
            Effect::Receipt(_) | Effect::Document(_) => {}
        }
    }
}

fn write_rows(write: &mut dyn Write, jobs: &[Job], taken: &[Option<&'static str>]) -> Result<(), StoreError> {
    let written =
        jobs.iter().zip(taken).filter(|(_, taken)| taken.is_none()).flat_map(|(job, _)| &job.effects);
    let (mut licences, mut changes, mut tokens, mut receipts, mut documents) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (effect, _) in written {
        match effect {
            Effect::Licence(row) => licences.push(row.clone()),
            Effect::StatusChange(row) => changes.push(row.clone()),
            Effect::StatusToken(row) => tokens.push(row.clone()),
            Effect::Receipt(row) => receipts.push(row.clone()),
            Effect::Document(row) => documents.push(row.clone()),
        }
    }
    write.add_licences(&licences)?;
    write.change_statuses(&changes)?;
    write.add_status_tokens(&tokens)?;
    write.add_receipts(&receipts)?;
    write.put_documents(&documents).map(drop)
}
