//! Is this machine's clock ahead of everybody else's? Then nothing is signed: what is signed ahead of its time is worth nothing to others
//! until that time has come, and pushes out what was good.
//!
//! In scope: what came of asking others for their time, and the one question that every signing asks ([`Compared::may_sign`]). Out of scope:
//! asking them (`exchange::compare_clocks`), a clock that is behind (`doctor`, and the dates of what others sign).

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use licence_spec::log::witness_time;
use licence_spec::time::UnixTime;

use crate::node::clock::Stopwatch;

/// Longest time that a signing waits for the first round: no longer than a round takes.
const FIRST: Duration = Duration::from_secs(4);
/// How long an answer is enough, as long as the clock is not ahead.
const ENOUGH: Duration = Duration::from_secs(55);
/// After how many seconds without an answer `doctor` says so.
const ALONE_S: i64 = 900;

/// The clock is ahead of all who answered; nothing is signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "本机时钟比 {host} 快 {seconds} 秒，校正（NTP）之前不签发任何内容 / this machine's clock is {seconds} s ahead of {host}: nothing is signed until it is set (NTP)"
)]
pub struct ClockAhead {
    /// By how much it is ahead of the nearest answer.
    pub seconds: i64,
    /// Who gave that answer.
    pub host: String,
    /// What the own clock read.
    read: UnixTime,
}

/// What is known of the clocks of others.
#[derive(Default)]
struct State {
    /// The first round is not over.
    is_first: bool,
    /// By how many seconds the own clock was ahead of each host at its last answer; negative if behind.
    leads: BTreeMap<String, i64>,
    /// When somebody last answered, or the first round began; `None` as long as nobody can be asked.
    since: Option<UnixTime>,
    ahead: Option<ClockAhead>,
    /// Since the last round in which somebody answered.
    answered: Option<Stopwatch>,
}

/// The own clock, compared with others. All clones know the same. One that is never compared keeps nothing from being signed.
#[derive(Clone, Default)]
pub struct Compared(Arc<(Mutex<State>, Condvar)>);

impl Compared {
    /// Whether something that carries a time may be signed now. Waits for the first round if that is still going on: not for async threads.
    ///
    /// # Errors
    /// [`ClockAhead`]
    pub fn may_sign(&self) -> Result<(), ClockAhead> {
        let waited = self.0.1.wait_timeout_while(self.state(), FIRST, |state| state.is_first);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        // Nobody waits twice in vain.
        state.is_first = false;
        state.ahead.clone().map_or(Ok(()), Err)
    }

    /// By how much the clock is known to be ahead; waits for nothing.
    #[must_use]
    pub fn ahead(&self) -> Option<ClockAhead> {
        self.state().ahead.clone()
    }

    /// By how many seconds the own clock was ahead of each host.
    #[must_use]
    pub fn leads(&self) -> BTreeMap<String, i64> {
        self.state().leads.clone()
    }

    /// Since when nobody has answered, if that is long.
    #[must_use]
    pub fn alone_since(&self, now: UnixTime) -> Option<UnixTime> {
        self.state().since.filter(|since| now.since(*since) > ALONE_S)
    }

    /// Whether it is time to ask again: soon if nobody has answered, or if nothing is signed until somebody does.
    pub(crate) fn is_due(&self) -> bool {
        let state = self.state();
        state.ahead.is_some() || state.answered.is_none_or(|last| last.elapsed() >= ENOUGH)
    }

    /// From here on signings wait for a round.
    pub(crate) fn expect_round(&self) {
        self.state().is_first = true;
    }

    /// What a round has found.
    pub(crate) fn take(&self, round: &[Told], asked: bool, now: UnixTime) {
        let mut state = self.state();
        let ahead = judged(round, state.ahead.as_ref(), now);
        match (&state.ahead, &ahead) {
            (None, Some(ahead)) => {
                tracing::error!(
                    host = ahead.host,
                    seconds = ahead.seconds,
                    "the clock is ahead: nothing is signed"
                );
            }
            (Some(_), None) => {
                tracing::warn!("the clock agrees with others again: what was waiting is signed")
            }
            _ => {}
        }
        state.ahead = ahead;
        state.since = match asked {
            false => None,
            true if round.is_empty() => state.since.or(Some(now)),
            true => Some(now),
        };
        if !round.is_empty() {
            state.answered = Some(Stopwatch::start());
        }
        state.leads.extend(round.iter().map(|told| (told.host.clone(), told.sent.since(told.theirs))));
        state.is_first = false;
        self.0.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in there is replaced member by member, each whole.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer.
pub(crate) struct Told {
    /// Who gave it.
    pub(crate) host: String,
    /// Own time when the question was sent.
    pub(crate) sent: UnixTime,
    /// What the other clock read.
    pub(crate) theirs: UnixTime,
}

/// What a round says of the own clock. If nobody answers, it stays as it was, unless the clock has been set back since.
fn judged(round: &[Told], before: Option<&ClockAhead>, now: UnixTime) -> Option<ClockAhead> {
    if round.is_empty() {
        return before.filter(|before| now >= before.read).cloned();
    }
    let answers = round.iter().map(|told| (told, told.sent, told.theirs));
    let (told, seconds) = witness_time::ahead(answers)?;
    Some(ClockAhead { seconds, host: told.host.clone(), read: told.sent })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_795_424_500);

    fn told(lead: i64) -> Told {
        Told { host: format!("{lead}.example"), sent: NOW, theirs: NOW.plus(-lead) }
    }

    #[test]
    fn silence_neither_raises_the_alarm_nor_ends_it_unless_the_clock_was_set_back() {
        assert_eq!(judged(&[], None, NOW), None);
        let ahead = judged(&[told(86_400), told(90)], None, NOW).unwrap();
        assert_eq!((ahead.seconds, ahead.host.as_str()), (90, "90.example"));
        assert_eq!(judged(&[], Some(&ahead), NOW.plus(60)), Some(ahead.clone()));
        assert_eq!(judged(&[], Some(&ahead), NOW.plus(-90)), None);
        assert_eq!(judged(&[told(86_400), told(3)], Some(&ahead), NOW), None);
    }

    #[test]
    fn nothing_is_signed_while_the_clock_is_ahead_and_it_ends_by_itself() {
        let compared = Compared::default();
        assert_eq!(compared.may_sign(), Ok(()), "never compared");
        compared.expect_round();
        compared.take(&[told(86_400)], true, NOW);
        let ahead = compared.may_sign().unwrap_err();
        assert!(ahead.to_string().contains("86400 s ahead of 86400.example"), "{ahead}");
        assert_eq!(compared.leads(), BTreeMap::from([("86400.example".to_owned(), 86_400)]));
        compared.take(&[told(0)], true, NOW);
        assert_eq!(compared.may_sign(), Ok(()));
        assert_eq!(compared.alone_since(NOW.plus(ALONE_S)), None);
        compared.take(&[], true, NOW.plus(ALONE_S + 1));
        assert_eq!(compared.alone_since(NOW.plus(ALONE_S + 1)), Some(NOW));
        compared.take(&[], false, NOW.plus(ALONE_S + 1));
        assert_eq!(compared.alone_since(NOW.plus(ALONE_S + 1)), None, "nobody can be asked");
    }

    #[test]
    fn a_signing_waits_for_the_first_round() {
        let compared = Compared::default();
        compared.expect_round();
        let signing = std::thread::spawn({
            let compared = compared.clone();
            move || compared.may_sign()
        });
        compared.take(&[told(61)], true, NOW);
        assert!(signing.join().unwrap().is_err());
    }
}
