//! The group-commit writer: the one thread that appends to the log.
//!
//! In scope: gathering all waiting jobs into one transaction, answering each after it is durable, and coming back after
//! a failure of the store. Out of scope: deciding what a job writes (`trips`).
//!
//! # The order of durable steps
//! 1. numbers and status indexes are leased, in a transaction of their own (the trips);
//! 2. credentials and tokens are signed, outside any transaction (the trips);
//! 3. one transaction writes the rows, leaves, tiles and the log head of all waiting jobs, and the answers that are kept
//!    under idempotency keys; it is fsynced. The checkpoint is signed inside it, because the kept answers carry it, but
//!    nobody sees it before the transaction has returned (spec/decisions/0020);
//! 4. the checkpoint is published;
//! 5. each job is answered with its indexes and that checkpoint. Nothing is acknowledged before step 3 has returned.
//!
//! On PostgreSQL other processes append to the same log: writers take turns, and each reads the stored head inside its transaction and
//! extends that (spec/decisions/0040).
//!
//! A failed transaction may have been kept all the same (a disk that reports an error after the fact). So after a
//! failure nothing is written before the stored head has been read again: it is the one held, or an extension of it.

mod group;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use licence_spec::log::entry::Entry;
use licence_spec::suite::Digest;
use licence_store::{
    AnswerKey, DocumentRow, EndedIndexRow, LicenceRow, ReceiptRow, StatusChangeRow, StatusTokenRow, Store,
    StoreError, transact,
};
use tokio::sync::oneshot;

use crate::node::audit::AuditDraft;
use crate::node::log::{LogError, OwnLog};

/// Most jobs in one transaction: 512 licences are about 1 MiB of rows.
const MAX_BATCH: usize = 512;
/// Most jobs that may wait; one more is refused, and the client is told to come again.
const MAX_WAITING: usize = 4_096;
/// How long after a failure an idle writer tries whether the store is back.
const RETRY: Duration = Duration::from_secs(2);

/// One thing to write. The log index in a row is filled in by the writer.
pub enum Effect {
    /// A new licence.
    Licence(LicenceRow),
    /// A change of status.
    StatusChange(StatusChangeRow),
    /// The end of an entry that no licence has.
    EndedIndex(EndedIndexRow),
    /// A status token.
    StatusToken(StatusTokenRow),
    /// A receipt; has no leaf.
    Receipt(ReceiptRow),
    /// A trust file or catalogue.
    Document(DocumentRow),
    /// A row of the audit, about the other effects of the same job; has no leaf.
    Audit(AuditDraft),
    /// Kind and name of a document that is forgotten: any version may follow it.
    Forget(String, String),
}

/// Under which idempotency key an answer is kept.
#[derive(Clone, Debug)]
pub struct Remember {
    /// Caller and key.
    pub key: AnswerKey,
    /// Fingerprint of the request.
    pub fingerprint: Digest,
    /// Status of the answer, once there is an effect.
    pub status: u16,
    /// Unix seconds.
    pub now: i64,
}

/// What makes the body of a kept answer, once the log index is known.
pub type Render = Box<dyn Fn(&Committed) -> Vec<u8> + Send>;

/// What one request writes, all or nothing.
pub struct Job {
    /// Effects in order, each with its leaf, if it has one.
    pub effects: Vec<(Effect, Option<Entry>)>,
    /// The answer to keep with them, as JSON.
    pub answer: Option<(Remember, Render)>,
}

impl Job {
    /// A job without a kept answer.
    #[must_use]
    pub fn new(effects: Vec<(Effect, Option<Entry>)>) -> Job {
        Job { effects, answer: None }
    }
}

/// How a job came out.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The log index of each effect, in order; `None` for effects without a leaf.
    pub indexes: Vec<Option<u64>>,
    /// The proof file of the first effect, if it is a licence.
    pub proof: Option<String>,
}

impl Committed {
    /// The log index of the first effect; `None` if it has no leaf.
    #[must_use]
    pub fn index(&self) -> Option<u64> {
        self.indexes.first().copied().flatten()
    }
}

/// Why a job was not written. Nothing of it is there, unless the store says so by [`WriteError::Unavailable`]: then it
/// may be there all the same, and the same request with its idempotency key brings the answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The number or id is given out already.
    #[error("编号已被使用 / the number or id is in use already: {0}")]
    Taken(&'static str),
    /// The licence has another status by now.
    #[error("证照状态已被另一请求改变 / another request has changed the status of the licence")]
    Moved,
    /// The idempotency key has been answered in the meantime.
    #[error("该幂等键的请求已完成 / a request with this idempotency key has been answered already")]
    Answered,
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

type Reply = oneshot::Sender<Result<Committed, WriteError>>;

/// A handle on the writer thread.
#[derive(Clone)]
pub struct Writer {
    sender: SyncSender<(Job, Reply)>,
    failing: Arc<AtomicBool>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    /// Starts the writer thread. It ends, after all waiting jobs, when the last handle is dropped.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(store: Arc<dyn Store>, log: OwnLog) -> std::io::Result<Writer> {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let failing = Arc::new(AtomicBool::new(false));
        let (flag, writing) = (Arc::clone(&failing), Writing { store, log });
        let thread = std::thread::Builder::new()
            .name("group-commit".to_owned())
            .spawn(move || writing.run(&receiver, &flag))?;
        Ok(Writer { sender, failing, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Whether the last transaction succeeded. After a failure the writer tries again by itself.
    #[must_use]
    pub fn is_well(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }

    /// Hands a job over. The answer comes once it is durable.
    ///
    /// # Errors
    /// [`WriteError::Busy`] if too many wait; [`WriteError::Unavailable`] if the writer has ended.
    pub fn submit(&self, job: Job) -> Result<oneshot::Receiver<Result<Committed, WriteError>>, WriteError> {
        let (reply, answer) = oneshot::channel();
        self.sender.try_send((job, reply)).map_err(|error| match error {
            TrySendError::Full(_) => WriteError::Busy,
            TrySendError::Disconnected(_) => ended(),
        })?;
        Ok(answer)
    }

    /// As [`Writer::submit`], and waits. Not for async threads.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, job: Job) -> Result<Committed, WriteError> {
        self.submit(job)?.blocking_recv().map_err(|_| ended())?
    }

    /// Drops this handle and, if it was the last one, waits until the writer has written what was handed over.
    pub fn finish(self) {
        let Writer { sender, thread, .. } = self;
        drop(sender);
        let last =
            Arc::into_inner(thread).map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
        if let Some(thread) = last.flatten() {
            // A writer that panicked has said so on standard error; there is nothing left to wait for.
            drop(thread.join());
        }
    }
}

fn ended() -> WriteError {
    WriteError::Unavailable("the writer has ended".to_owned())
}

/// What the writer thread owns.
struct Writing {
    store: Arc<dyn Store>,
    log: OwnLog,
}

impl Writing {
    fn run(mut self, receiver: &Receiver<(Job, Reply)>, failing: &AtomicBool) {
        while let Some(first) = self.next(receiver, failing) {
            let mut waiting = vec![first];
            while waiting.len() < MAX_BATCH {
                match receiver.try_recv() {
                    Ok(next) => waiting.push(next),
                    Err(_) => break,
                }
            }
            let (mut jobs, replies): (Vec<Job>, Vec<Reply>) = waiting.into_iter().unzip();
            let answers = self.answer(&mut jobs, failing);
            for (reply, answer) in replies.into_iter().zip(answers) {
                // A client that has gone away misses its answer; what it asked for is durable all the same.
                drop(reply.send(answer));
            }
        }
    }

    /// Waits for a job; while the store is failing, tries it every [`RETRY`]. `None` once all handles are gone.
    fn next(&mut self, receiver: &Receiver<(Job, Reply)>, failing: &AtomicBool) -> Option<(Job, Reply)> {
        loop {
            if !failing.load(Ordering::Relaxed) {
                return receiver.recv().ok();
            }
            match receiver.recv_timeout(RETRY) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    let back = self.log.reload(&*self.store).is_ok() && probe(&*self.store).is_ok();
                    failing.store(!back, Ordering::Relaxed);
                }
            }
        }
    }

    fn answer(&mut self, jobs: &mut [Job], failing: &AtomicBool) -> Vec<Result<Committed, WriteError>> {
        if failing.load(Ordering::Relaxed)
            && let Err(error) = self.log.reload(&*self.store)
        {
            return jobs.iter().map(|_| Err(WriteError::Unavailable(error.to_string()))).collect();
        }
        match group::commit(&*self.store, &mut self.log, jobs) {
            Ok(answers) => {
                failing.store(false, Ordering::Relaxed);
                answers
            }
            // Somebody's row conflicts: each goes alone, so that the others are not refused with it.
            Err(LogError::Store(StoreError::Conflict(_))) if jobs.len() > 1 => {
                jobs.chunks_mut(1).flat_map(|job| self.answer(job, failing)).collect()
            }
            Err(LogError::Store(StoreError::Conflict(conflict))) => {
                vec![Err(WriteError::Conflict(conflict.to_string()))]
            }
            Err(error) => {
                failing.store(true, Ordering::Relaxed);
                tracing::error!(%error, "the store failed; nothing is written until its log head has been read again");
                jobs.iter().map(|_| Err(WriteError::Unavailable(error.to_string()))).collect()
            }
        }
    }
}

/// Whether a transaction can be made durable.
fn probe(store: &dyn Store) -> Result<(), StoreError> {
    transact(store, "probe", |write| write.lease("probe", 1).map(drop))
}
