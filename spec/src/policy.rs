//! Policies: the versioned rules of judgement, and the question that is asked under them.
//!
//! In scope: the presets `approval`, `counter`, `archive`; what a look-up in a log came to. Out of scope: what a service item accepts
//! (`catalogue`), looking up (the node).
//! Format: spec/policy.md.

use alloc::borrow::Cow;
use alloc::sync::Arc;

use crate::catalogue::HolderRole;
use crate::log::merkle::{Hash, TreeHead};
use crate::suite::Digest;

/// What the presented bytes must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// A licence or a view, by its own type.
    #[default]
    Either,
    /// A full licence.
    Licence,
    /// A view.
    View,
}

/// The person who is asked about: the applicant, mostly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Subject<'q> {
    /// What he, she or it is in the case: of whom a service item wants which licence.
    pub role: HolderRole,
    /// Kind of the code, such as 001 or 111.
    pub code_type: Option<&'q str>,
    /// The code.
    pub code: &'q str,
    /// The name, if it is to be compared.
    pub name: Option<&'q str>,
}

impl core::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Personal data: never printed.
        f.write_str("Subject(…)")
    }
}

/// An inclusion proof in the tree that the trust list names as the cut of a compromised key. Whoever looked it up need not be
/// believed: it is verified against the root in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutProof<'q> {
    /// Index of the leaf.
    pub index: u64,
    /// The hashes from the leaf to the root.
    pub hashes: &'q [Hash],
}

/// Seconds after its issue by which a licence stands in its log, and the log is known to those who mirror it.
pub const LOGGED_WITHIN_S: i64 = 600;

/// What a look-up of a licence in a log of its issuer came to, by its digest, where no log proof is at hand (spec/policy.md §2).
/// Whoever judges believes who looked it up: the store of the node itself, or its province over a signed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLookUp<'q> {
    /// The log has the licence.
    Found {
        /// Name of the log.
        origin: &'q str,
        /// Where, if that was told.
        place: Option<LeafPlace>,
    },
    /// The log is known beyond the time by which the licence had to be in it, and has it not.
    Missing,
    /// The log is not known that far yet.
    Pending,
    /// Nobody who knows the log could be asked.
    NotAsked,
}

/// A look-up that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// As [`LogLookUp::Found`].
    Found(Arc<str>, Option<LeafPlace>),
    /// As [`LogLookUp::Missing`].
    Missing,
    /// As [`LogLookUp::Pending`].
    Pending,
    /// As [`LogLookUp::NotAsked`].
    NotAsked,
}

impl Remembered {
    /// What it says.
    #[must_use]
    pub fn as_look_up(&self) -> LogLookUp<'_> {
        match self {
            Remembered::Found(origin, place) => LogLookUp::Found { origin, place: *place },
            Remembered::Missing => LogLookUp::Missing,
            Remembered::Pending => LogLookUp::Pending,
            Remembered::NotAsked => LogLookUp::NotAsked,
        }
    }
}

/// What is remembered of licences in logs, by their digest. Asked by `verify` itself, where no proof and no look-up is at hand: so whoever
/// remembers need not read the licence and compute its digest a second time.
#[derive(Clone, Copy)]
pub struct LogMemory<'q>(pub &'q (dyn Fn(&Digest) -> Option<Remembered> + 'q));

impl core::fmt::Debug for LogMemory<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("LogMemory(…)")
    }
}

/// Where a leaf stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafPlace {
    /// Index of the leaf, below the size of the tree.
    pub index: u64,
    /// The tree that has it.
    pub head: TreeHead,
}

/// What is asked about the presented bytes, beside "is it good?".
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'q> {
    /// Licence or view.
    pub wanted: Wanted,
    /// A log proof that came beside the licence; it goes before one in the licence's header.
    pub log_proof: Option<&'q [u8]>,
    /// Where the licence stands in the tree of its key's cut, as whoever holds that log has looked it up.
    pub cut_proof: Option<CutProof<'q>>,
    /// What a look-up in a log of the issuer came to; `None` if nobody looked.
    pub log: Option<LogLookUp<'q>>,
    /// What is remembered of look-ups, where `log` says nothing.
    pub log_memory: Option<LogMemory<'q>>,
    /// Is this the holder?
    pub subject: Option<Subject<'q>>,
    /// Is it what this service item accepts?
    pub service_item: Option<&'q str>,
    /// The asking case; compared with a view's.
    pub case_number: Option<&'q str>,
    /// The asking office; compared with a view's.
    pub audience: Option<&'q str>,
}

/// The rules of judgement.
#[derive(Clone, Debug)]
pub struct Policy<'q> {
    /// Name, such as "approval".
    pub id: Cow<'static, str>,
    /// Version; receipts name it.
    pub version: u64,
    /// Whether a log proof must be at hand. One that is at hand must be good in any case.
    pub log_proof_required: bool,
    /// How many seconds after its issue a licence must be known to stand in its log, by a proof or by a look-up; `None` if that is
    /// not asked.
    pub log_wanted_after_s: Option<i64>,
    /// Seconds that the trust timestamp may be past its end; never the list.
    pub timestamp_grace_s: i64,
    /// Whether a superseded licence passes with the warning NEWER_VERSION.
    pub accept_superseded: bool,
    /// Whether `now` is a past moment, judged from archived evidence.
    pub past_moment: bool,
    /// What is asked.
    pub question: Question<'q>,
}

impl Policy<'static> {
    const fn preset(id: &'static str) -> Policy<'static> {
        Policy {
            id: Cow::Borrowed(id),
            version: 1,
            log_proof_required: false,
            log_wanted_after_s: None,
            timestamp_grace_s: 0,
            accept_superseded: false,
            past_moment: false,
            question: Question {
                wanted: Wanted::Either,
                log_proof: None,
                cut_proof: None,
                log: None,
                log_memory: None,
                subject: None,
                service_item: None,
                case_number: None,
                audience: None,
            },
        }
    }

    /// For approval systems: all evidence fresh, and a licence that is older than [`LOGGED_WITHIN_S`] stands in a log of its issuer,
    /// by a proof or by a look-up (spec/decisions/0057).
    #[must_use]
    pub const fn approval() -> Policy<'static> {
        let mut policy = Policy::preset("approval");
        policy.version = 2;
        policy.log_wanted_after_s = Some(LOGGED_WITHIN_S);
        policy
    }

    /// For counters that may be offline: the trust timestamp may be a day past its end.
    #[must_use]
    pub const fn counter() -> Policy<'static> {
        let mut policy = Policy::preset("counter");
        policy.timestamp_grace_s = 86_400;
        policy
    }

    /// For archives: judge as of a past moment, with a log proof.
    #[must_use]
    pub const fn archive() -> Policy<'static> {
        let mut policy = Policy::preset("archive");
        policy.log_proof_required = true;
        policy.past_moment = true;
        policy
    }

    /// The preset of this name.
    #[must_use]
    pub fn named(id: &str) -> Option<Policy<'static>> {
        match id {
            "approval" => Some(Policy::approval()),
            "counter" => Some(Policy::counter()),
            "archive" => Some(Policy::archive()),
            _ => None,
        }
    }

    /// This policy with a question.
    #[must_use]
    pub fn asking(self, question: Question<'_>) -> Policy<'_> {
        Policy { question, ..self }
    }
}
