//! A store that fails when it is told to, and the defects that are planted outside the product to see whether they are found.
//!
//! In scope: transactions that are lost, kept but reported lost, refused for want of space, cut off by a crash; reads that fail;
//! transactions that lie. Out of scope: torn pages and lost fsyncs (SQLite's own tests, `tests/tests/node/crash.rs`).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use licence_store::{Read, Result, Store, StoreError, Timing, Write};
use licence_store_sqlite::SqliteStore;

use super::conditions::Condition;

/// What goes wrong with one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Rolled back, and said so.
    Lost,
    /// On disk, and reported as lost.
    KeptButLost,
    /// No space left.
    Full,
    /// The process dies before the commit.
    CrashBefore,
    /// The process dies after the commit, before it is told.
    CrashAfter,
    /// The next read fails.
    Read,
}

impl Fault {
    pub(crate) const ALL: [Fault; 6] =
        [Fault::Lost, Fault::KeptButLost, Fault::Full, Fault::CrashBefore, Fault::CrashAfter, Fault::Read];

    pub(crate) const fn is_crash(self) -> bool {
        matches!(self, Fault::CrashBefore | Fault::CrashAfter)
    }
}

/// What is planted: each must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// A group commit that is answered as durable and then rolled back.
    AcknowledgedBeforeCommit,
    /// A crash takes back what had been committed since the last copy of the disk.
    LostByCrash,
    /// The head of a city's log is taken without asking whether it extends the one held.
    MirrorWithoutProof,
    /// A second trust list of the version held is taken.
    EqualVersionOtherBytes,
    /// After a restart the node holds a token from before a revocation.
    RevocationDroppedByRestart,
    /// Leased numbers are handed out and not written down.
    LeaseNotDurable,
    /// A node that was restored from a backup publishes before it has caught up.
    UnrevokedByRestore,
    /// New trust list first, the rest of the evidence later.
    TornSwap,
    /// The witness cosigns and does not write down what.
    WitnessForgets,
    /// Requests with a known idempotency key are done again.
    IdempotencyForgotten,
    /// A node judges by a clock that stands still.
    StandingClock,
    /// A status token older than the one held is taken.
    OlderTokenTaken,
    /// An old head that is shown again is kept as evidence of a fork.
    OldHeadIsFork,
    /// The witness cosigns what it does not mirror.
    CosignedUnmirrored,
}

impl Defect {
    pub(crate) const ALL: [Defect; 14] = [
        Defect::AcknowledgedBeforeCommit,
        Defect::LostByCrash,
        Defect::MirrorWithoutProof,
        Defect::EqualVersionOtherBytes,
        Defect::RevocationDroppedByRestart,
        Defect::LeaseNotDurable,
        Defect::UnrevokedByRestore,
        Defect::TornSwap,
        Defect::WitnessForgets,
        Defect::IdempotencyForgotten,
        Defect::StandingClock,
        Defect::OlderTokenTaken,
        Defect::OldHeadIsFork,
        Defect::CosignedUnmirrored,
    ];

    /// The conditions that it breaks.
    pub(crate) const fn found_by(self) -> &'static [Condition] {
        use Condition::{
            AcceptWithoutEvidence, AcknowledgedIsLost, CosignedUnmirrored, DoneTwice, FalseFork, IndexTwice,
            NotCaughtUp, RestoreUnnoticed, RevocationUnseen, Stuck, WentBackwards,
        };
        match self {
            // A token that was answered as durable and rolled back is held, and another one published.
            Defect::AcknowledgedBeforeCommit => &[AcknowledgedIsLost, Stuck],
            Defect::LostByCrash => &[AcknowledgedIsLost, WentBackwards, RevocationUnseen],
            // Such a mirror has no entries either.
            Defect::MirrorWithoutProof => &[RestoreUnnoticed, NotCaughtUp],
            // The store refuses the second row of an index, so the client sees a refusal for which there is no reason.
            Defect::LeaseNotDurable => &[IndexTwice, Stuck],
            Defect::EqualVersionOtherBytes | Defect::RevocationDroppedByRestart | Defect::TornSwap => {
                &[WentBackwards]
            }
            Defect::OlderTokenTaken | Defect::WitnessForgets => &[WentBackwards],
            Defect::OldHeadIsFork => &[FalseFork],
            Defect::CosignedUnmirrored => &[CosignedUnmirrored],
            Defect::UnrevokedByRestore => &[RevocationUnseen, WentBackwards],
            Defect::IdempotencyForgotten => &[DoneTwice, Stuck],
            // Behind the others it takes what they sign for signed in the future, before what is old looks fresh to it.
            Defect::StandingClock => &[AcceptWithoutEvidence, Stuck],
        }
    }

    /// The named transactions that this defect answers as durable and rolls back, once in so many times.
    const fn forges(self) -> Option<(&'static str, u64)> {
        match self {
            Defect::AcknowledgedBeforeCommit => Some(("group_commit", 40)),
            Defect::LeaseNotDurable => Some(("lease_numbers", 1)),
            Defect::WitnessForgets => Some(("witness", 3)),
            _ => None,
        }
    }
}

#[derive(Default)]
struct State {
    /// What goes wrong, after how many more transactions.
    plan: Option<(u32, Fault)>,
    /// Whether the plan came about.
    tripped: bool,
    /// The process is dead: nothing answers any more.
    dead: bool,
    /// Transactions that a defect might forge.
    seen: u64,
}

/// What to do with a transaction.
enum Turn {
    Go,
    Fail(Fault),
    Forge,
    Dead,
}

/// A store over a disk that outlives it.
pub(crate) struct FaultyStore {
    disk: Arc<SqliteStore>,
    defect: Option<Defect>,
    state: Mutex<State>,
    /// The leaves of the log on the disk, if nothing has been written since they were counted.
    leaves: Mutex<Option<u64>>,
    /// Bytes that are free on the disk.
    room: AtomicU64,
}

impl FaultyStore {
    pub(crate) fn over(disk: Arc<SqliteStore>, defect: Option<Defect>) -> FaultyStore {
        let room = AtomicU64::new(u64::MAX);
        FaultyStore { disk, defect, state: Mutex::default(), leaves: Mutex::default(), room }
    }

    /// From now on so many bytes are free.
    #[cfg(test)]
    pub(crate) fn set_room(&self, free: u64) {
        self.room.store(free, Ordering::Relaxed);
    }

    /// After `after` more transactions, this goes wrong.
    pub(crate) fn arm(&self, after: u32, fault: Fault) {
        let mut state = self.lock();
        state.plan = Some((after, fault));
        state.tripped = false;
    }

    /// Takes the plan back. Whether it came about, and whether the process is dead of it.
    pub(crate) fn disarm(&self) -> (bool, bool) {
        let mut state = self.lock();
        state.plan = None;
        (std::mem::take(&mut state.tripped), state.dead)
    }

    /// The leaves of the log on the disk. Nobody writes a log but through this store, so they are counted once after each write.
    pub(crate) fn leaves(&self) -> Result<u64> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = *leaves {
            return Ok(known);
        }
        let known = self.disk.read()?.log_head()?.map_or(0, |head| head.size);
        Ok(*leaves.insert(known))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, name: &'static str) -> Turn {
        let mut state = self.lock();
        if state.dead {
            return Turn::Dead;
        }
        if let Some((forged, every)) = self.defect.and_then(Defect::forges)
            && forged == name
        {
            state.seen += 1;
            if state.seen.is_multiple_of(every) {
                return Turn::Forge;
            }
        }
        // The writer's own probe runs by the machine's clock: it must not move the plan.
        let Some((after, fault)) = state.plan.filter(|(_, fault)| name != "probe" && *fault != Fault::Read)
        else {
            return Turn::Go;
        };
        if after > 0 {
            state.plan = Some((after - 1, fault));
            return Turn::Go;
        }
        state.plan = None;
        state.tripped = true;
        state.dead = fault.is_crash();
        Turn::Fail(fault)
    }

    fn roll_back(
        &self,
        name: &'static str,
        body: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        match self.disk.write(name, &mut |write| body(write).and(Err(StoreError::Aborted))) {
            Err(StoreError::Aborted) | Ok(()) => Ok(()),
            Err(own) => Err(own),
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the simulated process is dead".to_owned())
}

fn injected() -> StoreError {
    StoreError::Unavailable("the simulated disk failed".to_owned())
}

impl Store for FaultyStore {
    fn migrated(&self) -> licence_store::Migrated {
        self.disk.migrated()
    }

    fn read(&self) -> Result<Box<dyn Read + '_>> {
        {
            let mut state = self.lock();
            if state.dead {
                return Err(gone());
            }
            if let Some((after, Fault::Read)) = state.plan {
                if after == 0 {
                    (state.plan, state.tripped) = (None, true);
                    return Err(injected());
                }
                state.plan = Some((after - 1, Fault::Read));
            }
        }
        self.disk.read()
    }

    fn write(&self, name: &'static str, body: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        let written = match self.turn(name) {
            Turn::Go => self.disk.write(name, body),
            Turn::Dead => Err(gone()),
            Turn::Forge => self.roll_back(name, body),
            Turn::Fail(Fault::KeptButLost | Fault::CrashAfter) => {
                self.disk.write(name, body).and_then(|()| Err(injected()))
            }
            Turn::Fail(Fault::Full) => self
                .roll_back(name, body)
                .and_then(|()| Err(StoreError::Full("the simulated disk is full".to_owned()))),
            Turn::Fail(_) => self.roll_back(name, body).and_then(|()| Err(injected())),
        };
        *self.leaves.lock().unwrap_or_else(PoisonError::into_inner) = None;
        written
    }

    fn timings(&self) -> Vec<Timing> {
        self.disk.timings()
    }

    fn room(&self) -> Option<u64> {
        Some(self.room.load(Ordering::Relaxed))
    }
}
