//! What must never be (failure conditions) and what may well be (non-failure conditions), written before the operations.
//!
//! The numbers are those of ARCHITECTURE.md (what must always be true). Conditions 6 (bounds) and 7 (privacy) are tested elsewhere: nothing in a simulation
//! without sockets and clients could break them.

use std::fmt;

/// A failure condition: a run ends at the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// §7.1. A licence or change of status that was acknowledged is not in the store, or not at its place in the log, now or
    /// after a crash.
    AcknowledgedIsLost,
    /// §7.1. One idempotency key, or one number, has two licences, or a repeated request gets another answer.
    DoneTwice,
    /// §7.1. A status index or a log index is given out twice, or a counter is behind what it gave out.
    IndexTwice,
    /// §7.2. ACCEPT without all of the evidence, by what is true of lists, keys, tokens and clock.
    AcceptWithoutEvidence,
    /// §7.3. REJECT without proof: only evidence is missing or old.
    RejectWithoutProof,
    /// §7.3. A published token does not show an acknowledged change, or a revocation that a node has seen is un-seen.
    RevocationUnseen,
    /// §7.4. A list, timestamp, catalogue, token, log head or cosigned head goes back, or one version has two contents.
    WentBackwards,
    /// §7.4. A node that was restored from a backup is followed or cosigned, and nobody notices.
    RestoreUnnoticed,
    /// §7.4. A log that has one tree is taken for one that has forked: its node is cut off for what a cache has shown.
    FalseFork,
    /// §7.4. A head is cosigned that is not in the witness's mirror: a node that is lost then cannot come back from it.
    CosignedUnmirrored,
    /// §7.5. A node that has what it needs does not issue, change, publish or verify, whatever links are cut.
    Stuck,
    /// §7.5. After all links are healed, a mirror is not the log, or evidence is not the same everywhere.
    NotCaughtUp,
    /// §7.8. Two nodes with equal evidence and clocks answer different JSON.
    VerdictsDiffer,
    /// `fsck` finds a fault in a store.
    StoreDamaged,
}

/// What may happen and is no failure. Each is counted, and a long run must have met every one: else it shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Allowed {
    /// INDETERMINATE because a list, timestamp or token is too old or has not come yet.
    Indeterminate,
    /// A request is refused as unavailable because the store failed in it.
    Unavailable,
    /// A request of which the answer was lost is found to be done.
    DoneUnanswered,
    /// Issuing is refused: the trust list is too old, or does not list the key (yet, or any more).
    IssueRefused,
    /// Another node cannot be reached.
    Unreachable,
    /// An older document, token or head is offered and refused.
    RollbackRefused,
    /// A restored node is noticed by mirror or witness.
    RestoreNoticed,
    /// An old head of a log is shown to its mirror, and passed over.
    OldHeadShown,
    /// Officers have closed the case of a fork.
    CaseClosed,
    /// A restart, by order or by a crash.
    Restarted,
    /// ACCEPT.
    Accepted,
    /// REJECT with proof.
    Rejected,
    /// A checkpoint was cosigned.
    Cosigned,
    /// All links healed, and all nodes equal.
    CaughtUp,
}

impl Allowed {
    pub(crate) const ALL: [Allowed; 14] = [
        Allowed::Indeterminate,
        Allowed::Unavailable,
        Allowed::DoneUnanswered,
        Allowed::IssueRefused,
        Allowed::Unreachable,
        Allowed::RollbackRefused,
        Allowed::RestoreNoticed,
        Allowed::OldHeadShown,
        Allowed::CaseClosed,
        Allowed::Restarted,
        Allowed::Accepted,
        Allowed::Rejected,
        Allowed::Cosigned,
        Allowed::CaughtUp,
    ];
}

/// A condition that holds, and what was seen.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) condition: Condition,
    pub(crate) text: String,
}

impl Broken {
    pub(crate) fn new(condition: Condition, text: impl Into<String>) -> Broken {
        Broken { condition, text: text.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.condition, self.text)
    }
}

/// Ends the run unless `holds`.
pub(crate) fn must(holds: bool, condition: Condition, text: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(condition, text())) }
}
