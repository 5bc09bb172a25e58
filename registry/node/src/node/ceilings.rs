//! How much one node may ask of another in a day, and how often in vain: a listed key is no title to a whole city's licences.
//!
//! In scope: counts by node and day of China's calendar, in this process. Out of scope: what is handed out (`exchange::answer_others`).
//! Counts are lost in a restart, and each process of a node counts for itself (spec/decisions/0066).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use licence_spec::time::UnixTime;

/// Most licences shown to one node, and questions about ids answered to it, in a day. The busiest city has some thousand cases a day.
pub const MAX_A_DAY: u32 = 10_000;
/// Most questions in vain in a day: for licences that are not there, or of nobody whom the case names. An honest node learns from the
/// province where a holder's licences are, and asks in vain only while the index is a little behind.
pub const MAX_IN_VAIN: u32 = 100;

/// What one node has asked on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Day, counted from 1970-01-01.
    day: i64,
    /// Answered.
    pub answered: u32,
    /// Asked in vain.
    pub in_vain: u32,
    /// Refused for too much.
    pub refused: u64,
}

/// The counts of all nodes that ask: those of the trust list, so there are few.
#[derive(Clone, Default)]
pub struct Ceilings(Arc<Mutex<BTreeMap<String, Asked>>>);

/// One node asks too much.
#[derive(Debug, thiserror::Error)]
#[error(
    "该节点今日查询过多，已暂停答复并告警 / this node has asked too much today: it gets no more answers, and the operator is alarmed"
)]
pub struct TooMuch;

impl Ceilings {
    /// Counts a question before it is looked into.
    ///
    /// # Errors
    /// [`TooMuch`] once a ceiling is reached; it alarms, and names the node.
    pub fn ask(&self, node: &str, now: UnixTime) -> Result<(), TooMuch> {
        self.with(node, now, |asked| {
            if asked.answered < MAX_A_DAY && asked.in_vain < MAX_IN_VAIN {
                asked.answered += 1;
                return Ok(());
            }
            asked.refused += 1;
            tracing::error!(
                alarm = true, node, answered = asked.answered, in_vain = asked.in_vain,
                "某节点查询过多，已暂停答复 / a node asks for more licences than its cases can need: it gets no more answers today"
            );
            Err(TooMuch)
        })
    }

    /// Notes that a question which was counted was in vain.
    pub fn in_vain(&self, node: &str, now: UnixTime) {
        self.with(node, now, |asked| {
            asked.answered = asked.answered.saturating_sub(1);
            asked.in_vain += 1;
        });
    }

    /// What each node has asked on the last day on which it asked.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with<T>(&self, node: &str, now: UnixTime, change: impl FnOnce(&mut Asked) -> T) -> T {
        let day = now.civil_date().days();
        // A poisoned map is whole: counts are changed in one step.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = all.entry(node.to_owned()).or_default();
        if asked.day != day {
            *asked = Asked { day, refused: asked.refused, ..Asked::default() };
        }
        change(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixTime = UnixTime(1_796_097_600);

    #[test]
    fn a_node_is_answered_so_often_a_day_and_another_one_all_the_same() {
        let ceilings = Ceilings::default();
        for _ in 0..MAX_A_DAY {
            assert!(ceilings.ask("a", NOON).is_ok());
        }
        assert!(ceilings.ask("a", NOON).is_err());
        assert!(ceilings.ask("b", NOON).is_ok());
        assert!(ceilings.ask("a", NOON.plus(86_400)).is_ok(), "the next day");
        assert_eq!(ceilings.all()["a"].refused, 1, "what was refused is told longer than a day");
    }

    #[test]
    fn who_asks_in_vain_again_and_again_is_answered_no_more() {
        let ceilings = Ceilings::default();
        for _ in 0..MAX_IN_VAIN {
            assert!(ceilings.ask("a", NOON).is_ok());
            ceilings.in_vain("a", NOON);
        }
        assert!(ceilings.ask("a", NOON).is_err());
        assert_eq!(ceilings.all()["a"].answered, 0);
    }
}
