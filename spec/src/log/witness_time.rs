//! The time of a witness: what does its clock say, now, to whoever asks?
//!
//! In scope: the text that a witness cosigns for a nonce, its answer made and checked, and whether an own clock is ahead of it.
//! Out of scope: HTTP, whom to ask and how often (the node).
//! Format: spec/log.md §9.
//!
//! The text has two lines and a checkpoint has three ([`super::checkpoint`]): neither can be taken for the other.

use alloc::format;
use alloc::string::String;

use super::cosignature::WitnessKey;
use super::note::Note;
use crate::numbers::CLOCK_SKEW_S;
use crate::suite::{SignError, Signer};
use crate::time::UnixTime;

/// Bytes of the nonce that binds an answer to its question.
pub const NONCE_BYTES: usize = 16;

/// Longest answer, bytes: one line with a name of 255 bytes and 76 signed bytes in Base64.
pub const MAX_WITNESS_TIME: usize = 512;

/// What the asker chose at random for this one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub [u8; NONCE_BYTES]);

impl Nonce {
    /// Reads 32 lower-case hex digits: a nonce has one spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Nonce> {
        let digit = |byte: &u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; NONCE_BYTES];
        if text.len() != 2 * NONCE_BYTES {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [high, low] = digits else { return None };
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Some(Nonce(bytes))
    }
}

/// The nonce as it stands in the path and in the text.
impl core::fmt::Display for Nonce {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn text(host: &str, nonce: Nonce) -> String {
    format!("{host}/time\n{nonce}\n")
}

/// The answer of the witness on `host`: one cosignature line.
///
/// # Errors
/// As [`WitnessKey::cosign`].
pub fn answer(
    key: &WitnessKey,
    host: &str,
    nonce: Nonce,
    now: UnixTime,
    signer: &dyn Signer,
) -> Result<String, SignError> {
    key.cosign(&text(host, nonce), now, signer)
}

/// The time that one of the witnesses on `host` answered to this nonce; `None` if the answer is not one line of one of them over it.
#[must_use]
pub fn read<'a>(
    bytes: &[u8],
    witnesses: impl IntoIterator<Item = &'a WitnessKey>,
    host: &str,
    nonce: Nonce,
) -> Option<UnixTime> {
    let line = core::str::from_utf8(bytes).ok().filter(|line| line.len() <= MAX_WITNESS_TIME)?;
    let note = format!("{}\n{line}", text(host, nonce));
    let note = Note::parse(note.as_bytes()).ok()?;
    if note.text() != text(host, nonce) {
        return None;
    }
    let mut own = witnesses.into_iter().filter(|key| is_of(key, host));
    own.find_map(|key| note.cosigned_at(key).ok().flatten())
}

/// Whether a witness is one of this host, by its name.
#[must_use]
pub fn is_of(key: &WitnessKey, host: &str) -> bool {
    key.name().split_once('/').is_some_and(|(own, _)| own == host)
}

/// By how many seconds an own clock is ahead of every answer of a round, and of which it is ahead least; `None` unless it is by more than
/// clocks may differ. Each answer comes with the own time at which the question was sent: what the answer took on its way is not held
/// against the own clock.
#[must_use]
pub fn ahead<T>(answers: impl IntoIterator<Item = (T, UnixTime, UnixTime)>) -> Option<(T, i64)> {
    let leads = answers.into_iter().map(|(who, sent, theirs)| (who, sent.since(theirs)));
    leads.min_by_key(|(_, lead)| *lead).filter(|(_, lead)| *lead > CLOCK_SKEW_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::checkpoint::SignedCheckpoint;
    use crate::suite::SeedSigner;

    const HOST: &str = "gd.elic.example";
    const NONCE: Nonce = Nonce([0xa5; NONCE_BYTES]);
    const NOW: UnixTime = UnixTime(1_795_424_500);

    /// The answer of the witness of the seed of ones, as `cryptography` for Python makes it.
    const LINE: &str = "\u{2014} gd.elic.example/w1 XcrD0gAAAABrBAD0HlwJLd+WTVoqCwJlE5DkIGZc/mxjZODOH3q/+DPx2ssKUgEo2FbG1knMKpntCHXPTBCJxwF1FdGgwGTpdM9JCQ==\n";

    fn witness(name: &str, seed: u8) -> (WitnessKey, SeedSigner) {
        let signer = SeedSigner::from_seed(&[seed; 32]).unwrap();
        (WitnessKey::new(name, *signer.public_key()).unwrap(), signer)
    }

    #[test]
    fn an_answer_is_good_for_its_nonce_its_host_and_a_listed_key_of_it_alone() {
        let (key, signer) = witness("gd.elic.example/w1", 1);
        let (other, _) = witness("gd.elic.example/w1", 2);
        let (elsewhere, _) = witness("sz.elic.example/w1", 1);
        let line = answer(&key, HOST, NONCE, NOW, &signer).unwrap();
        assert_eq!(line, LINE);
        let told =
            |keys: &[&WitnessKey], host, nonce| read(line.as_bytes(), keys.iter().copied(), host, nonce);
        assert_eq!(told(&[&other, &key], HOST, NONCE), Some(NOW));
        assert_eq!(told(&[&key], HOST, Nonce([0; NONCE_BYTES])), None, "an old answer");
        assert_eq!(told(&[&key, &elsewhere], "sz.elic.example", NONCE), None, "another host's answer");
        assert_eq!(told(&[&other], HOST, NONCE), None, "a key that is not listed");
        let mut late = line.clone().into_bytes();
        let digit = late.iter().rposition(|byte| *byte == b'A').unwrap();
        late[digit] = b'B';
        assert_eq!(read(&late, [&key], HOST, NONCE), None, "another signature");
        for bytes in [b"".as_slice(), b"\n", b"\xff", &[b'a'; MAX_WITNESS_TIME + 1]] {
            assert_eq!(read(bytes, [&key], HOST, NONCE), None);
        }
    }

    #[test]
    fn an_answer_is_no_cosigned_checkpoint_and_a_cosignature_no_answer() {
        let (key, signer) = witness("gd.elic.example/w1", 1);
        let line = answer(&key, HOST, NONCE, NOW, &signer).unwrap();
        let note = format!("{}\n{line}", text(HOST, NONCE));
        assert!(Note::parse(note.as_bytes()).is_ok() && SignedCheckpoint::parse(note.as_bytes()).is_err());
        let tree = "gd.elic.example/time\n14\n2QIE5at7RTvzxrjpqAfBJB8onEAfS+xDa1j/9xA8UNM=\n";
        let line = key.cosign(tree, NOW, &signer).unwrap();
        assert_eq!(read(line.as_bytes(), [&key], HOST, NONCE), None);
    }

    #[test]
    fn a_nonce_has_one_spelling() {
        assert_eq!(Nonce::parse(&format!("{NONCE}")), Some(NONCE));
        let long = "a5".repeat(17);
        for other in
            ["", "a5", "A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5", "g5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5", long.as_str()]
        {
            assert_eq!(Nonce::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_clock_is_ahead_only_if_it_is_ahead_of_every_answer() {
        // Own time at sending less the time of each answer; and by how much the clock is ahead of whom, if it is.
        type Case<'a> = (&'a [i64], Option<(usize, i64)>);
        let cases: [Case<'_>; 7] = [
            (&[], None),
            (&[60], None),
            (&[61], Some((0, 61))),
            (&[86_400, 61], Some((1, 61))),
            (&[86_400, 60], None),
            (&[86_400, -30], None),
            (&[-86_400], None),
        ];
        for (leads, expected) in cases {
            let answers = leads.iter().enumerate().map(|(who, lead)| (who, NOW, NOW.plus(-lead)));
            assert_eq!(ahead(answers), expected, "{leads:?}");
        }
    }
}
