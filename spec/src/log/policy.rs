//! Witness policy: which witnesses have to have seen a checkpoint before it counts?
//!
//! In scope: C2SP tlog-policy text, strictly parsed, and its quorum over the witnesses that cosigned. Out of scope:
//! checking their signatures (`cosignature`), how old a cosignature may be (`verify`).
//! Off-spec: text must be UTF-8; at most 64 logs, 64 witnesses and 64 groups (C2SP asks for 32 of each at least).
//! Format: spec/log.md §8; the witness policy of the trust list is such a text without `log` lines.

use alloc::vec::Vec;
use core::fmt;

use super::cosignature::WitnessKey;
use super::note::{LogKey, Note, NoteError, VkeyError};
use super::text::decimal;
use crate::time::UnixTime;

/// Longest policy, bytes: 192 definitions of at most about 330 bytes.
pub const MAX_POLICY: usize = 65_536;
/// Most logs, most witnesses and most groups: each set is one 64-bit word.
pub const MAX_POLICY_NAMES: usize = 64;

/// Why a policy is refused, and in which line, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The line, from 1; 0 if the policy as a whole is refused.
    pub line: usize,
    /// What is wrong.
    pub kind: PolicyErrorKind,
}

/// What is wrong with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyErrorKind {
    /// Longer than [`MAX_POLICY`] bytes.
    TooLong,
    /// A control character other than tab and LF, or the last line does not end in LF.
    Characters,
    /// An unknown word at the start of a line, or too few or too many words.
    Syntax,
    /// More than [`MAX_POLICY_NAMES`] logs, witnesses or groups.
    TooMany,
    /// The vkey of a log or witness is refused.
    Vkey(VkeyError),
    /// A name or a public key is defined twice, or the name is `none`.
    Duplicate,
    /// A name that no line before defines.
    Unknown,
    /// A name is a member for the second time.
    MemberTwice,
    /// A threshold that is not a decimal number from 1 to the number of members.
    Threshold,
    /// No `quorum` line, or two.
    Quorum,
    /// A `log` line where the logs are known from elsewhere.
    LogLine,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(match self.kind {
            PolicyErrorKind::TooLong => "the policy is longer than 65536 bytes",
            PolicyErrorKind::Characters => "a control character, or no line feed at the end",
            PolicyErrorKind::Syntax => "not a line of a policy",
            PolicyErrorKind::TooMany => "more than 64 logs, witnesses or groups",
            PolicyErrorKind::Vkey(error) => return error.fmt(f),
            PolicyErrorKind::Duplicate => "the name or key is defined before, or the name is \"none\"",
            PolicyErrorKind::Unknown => "a name that is not defined before",
            PolicyErrorKind::MemberTwice => "a name is a member for the second time",
            PolicyErrorKind::Threshold => "the threshold is not between 1 and the number of members",
            PolicyErrorKind::Quorum => "there must be exactly one quorum line",
            PolicyErrorKind::LogLine => "a policy without logs is wanted here",
        })
    }
}

impl core::error::Error for PolicyError {}

/// A parsed policy: logs, witnesses and the quorum among the witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<LogKey>,
    witnesses: Vec<WitnessKey>,
    groups: Vec<Group>,
    quorum: Quorum,
}

/// What a name stands for: the place among witnesses or groups, below 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    None,
    Of(Member),
}

/// A group as two sets, one bit for each witness or earlier group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    witnesses: u64,
    groups: u64,
    threshold: u32,
}

/// Which witnesses of a policy cosigned a checkpoint. Only [`Policy::cosigners`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosigners {
    witnesses: u64,
    /// Without meaning if there is no witness; smaller than an `Option`, as this travels inside errors.
    newest: UnixTime,
}

impl Cosigners {
    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.witnesses.count_ones()
    }

    /// The newest time at which one of them cosigned; `None` if there is none.
    #[must_use]
    pub const fn newest(self) -> Option<UnixTime> {
        if self.witnesses == 0 { None } else { Some(self.newest) }
    }
}

impl Policy {
    /// The policy that asks for no witness: `quorum none`.
    #[must_use]
    pub const fn none() -> Policy {
        Policy { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: Quorum::None }
    }

    /// Parses a policy text.
    ///
    /// # Errors
    /// [`PolicyError`] with the first line that is refused.
    pub fn parse(text: &str) -> Result<Policy, PolicyError> {
        let whole = |kind| PolicyError { line: 0, kind };
        if text.len() > MAX_POLICY {
            return Err(whole(PolicyErrorKind::TooLong));
        }
        let control =
            text.bytes().any(|byte| (byte < b' ' && byte != b'\n' && byte != b'\t') || byte == 0x7f);
        if control || !text.ends_with('\n') {
            return Err(whole(PolicyErrorKind::Characters));
        }
        let mut parser = Parser::default();
        for (at, line) in text.lines().enumerate() {
            parser.line(line).map_err(|kind| PolicyError { line: at + 1, kind })?;
        }
        let Parser { logs, witnesses, groups, quorum, .. } = parser;
        let quorum = quorum.ok_or(whole(PolicyErrorKind::Quorum))?;
        Ok(Policy { logs, witnesses, groups, quorum })
    }

    /// Parses a policy that must not name logs, as in the trust list, whose entries name them.
    ///
    /// # Errors
    /// As [`Policy::parse`], and [`PolicyErrorKind::LogLine`].
    pub fn parse_without_logs(text: &str) -> Result<Policy, PolicyError> {
        let policy = Policy::parse(text)?;
        if policy.logs.is_empty() {
            Ok(policy)
        } else {
            Err(PolicyError { line: 0, kind: PolicyErrorKind::LogLine })
        }
    }

    /// The logs that the policy names, in order.
    #[must_use]
    pub fn logs(&self) -> &[LogKey] {
        &self.logs
    }

    /// The witnesses that the policy names, in order. Some may not count towards the quorum.
    #[must_use]
    pub fn witnesses(&self) -> &[WitnessKey] {
        &self.witnesses
    }

    /// Checks the cosignatures of every witness of the policy on a note, and says whose are there.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] if any line of any of them does not verify.
    pub fn cosigners(&self, note: &Note<'_>) -> Result<Cosigners, NoteError> {
        self.cosigners_by(|key| note.cosigned_at(key))
    }

    /// As [`Policy::cosigners`], of the cosignatures from before this moment alone.
    ///
    /// # Errors
    /// As [`Policy::cosigners`].
    pub fn cosigners_before(&self, note: &Note<'_>, time: UnixTime) -> Result<Cosigners, NoteError> {
        self.cosigners_by(|key| Ok(note.first_cosigned_at(key)?.filter(|first| *first < time)))
    }

    fn cosigners_by(
        &self,
        mut cosigned_at: impl FnMut(&WitnessKey) -> Result<Option<UnixTime>, NoteError>,
    ) -> Result<Cosigners, NoteError> {
        let mut cosigners = Cosigners { witnesses: 0, newest: UnixTime(0) };
        for (at, key) in self.witnesses.iter().enumerate() {
            if let Some(time) = cosigned_at(key)? {
                cosigners.witnesses |= 1 << at;
                cosigners.newest = cosigners.newest.max(time);
            }
        }
        Ok(cosigners)
    }

    /// Whether these cosigners are a quorum.
    #[must_use]
    pub fn is_met_by(&self, cosigners: Cosigners) -> bool {
        let mut groups = 0_u64;
        // A group names earlier groups only, so one pass in order settles them all.
        for (at, group) in self.groups.iter().enumerate() {
            let present =
                (group.witnesses & cosigners.witnesses).count_ones() + (group.groups & groups).count_ones();
            if present >= group.threshold {
                groups |= 1 << at;
            }
        }
        match self.quorum {
            Quorum::None => true,
            Quorum::Of(Member::Witness(at)) => cosigners.witnesses >> at & 1 == 1,
            Quorum::Of(Member::Group(at)) => groups >> at & 1 == 1,
        }
    }
}

/// What the lines so far have defined.
#[derive(Default)]
struct Parser<'a> {
    logs: Vec<LogKey>,
    witnesses: Vec<WitnessKey>,
    groups: Vec<Group>,
    quorum: Option<Quorum>,
    /// Name, what it stands for, whether it is a member of a group already.
    names: Vec<(&'a str, Member, bool)>,
}

impl<'a> Parser<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), PolicyErrorKind> {
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        match words.next() {
            Some("log") => self.log(words),
            Some("witness") => self.witness(words),
            Some("group") => self.group(words),
            Some("quorum") => self.quorum(words),
            _ => Err(PolicyErrorKind::Syntax),
        }
    }

    /// `log <vkey> [<url>]`. The url has no meaning here.
    fn log(&mut self, mut words: impl Iterator<Item = &'a str>) -> Result<(), PolicyErrorKind> {
        let vkey = words.next().ok_or(PolicyErrorKind::Syntax)?;
        at_most_one_more(words)?;
        let key = LogKey::parse(vkey).map_err(PolicyErrorKind::Vkey)?;
        if self.logs.iter().any(|log| log.public_key() == key.public_key()) {
            return Err(PolicyErrorKind::Duplicate);
        }
        push(&mut self.logs, key)
    }

    /// `witness <name> <vkey> [<url>]`. The url has no meaning here.
    fn witness(&mut self, mut words: impl Iterator<Item = &'a str>) -> Result<(), PolicyErrorKind> {
        let name = words.next().ok_or(PolicyErrorKind::Syntax)?;
        let vkey = words.next().ok_or(PolicyErrorKind::Syntax)?;
        at_most_one_more(words)?;
        let key = WitnessKey::parse(vkey).map_err(PolicyErrorKind::Vkey)?;
        if self.witnesses.iter().any(|witness| witness.public_key() == key.public_key()) {
            return Err(PolicyErrorKind::Duplicate);
        }
        self.define(name, Member::Witness(self.witnesses.len()))?;
        push(&mut self.witnesses, key)
    }

    /// `group <name> all|any|<k> <member>...`
    fn group(&mut self, mut words: impl Iterator<Item = &'a str>) -> Result<(), PolicyErrorKind> {
        let name = words.next().ok_or(PolicyErrorKind::Syntax)?;
        let threshold = words.next().ok_or(PolicyErrorKind::Syntax)?;
        let mut group = Group { witnesses: 0, groups: 0, threshold: 0 };
        for word in words {
            match self.take_member(word)? {
                Member::Witness(at) => group.witnesses |= 1 << at,
                Member::Group(at) => group.groups |= 1 << at,
            }
        }
        let members = u64::from(group.witnesses.count_ones() + group.groups.count_ones());
        if members == 0 {
            return Err(PolicyErrorKind::Syntax);
        }
        let threshold = match threshold {
            "all" => members,
            "any" => 1,
            k => decimal(k).filter(|k| (1..=members).contains(k)).ok_or(PolicyErrorKind::Threshold)?,
        };
        // Cannot fail: at most 64 + 64 members.
        group.threshold = u32::try_from(threshold).map_err(|_| PolicyErrorKind::Threshold)?;
        self.define(name, Member::Group(self.groups.len()))?;
        push(&mut self.groups, group)
    }

    /// `quorum none` or `quorum <name>`
    fn quorum(&mut self, mut words: impl Iterator<Item = &'a str>) -> Result<(), PolicyErrorKind> {
        let (Some(name), None) = (words.next(), words.next()) else {
            return Err(PolicyErrorKind::Syntax);
        };
        let quorum = match name {
            "none" => Quorum::None,
            name => Quorum::Of(self.find(name)?.1),
        };
        match self.quorum.replace(quorum) {
            None => Ok(()),
            Some(_) => Err(PolicyErrorKind::Quorum),
        }
    }

    fn define(&mut self, name: &'a str, member: Member) -> Result<(), PolicyErrorKind> {
        if name == "none" || self.find(name).is_ok() {
            return Err(PolicyErrorKind::Duplicate);
        }
        self.names.push((name, member, false));
        Ok(())
    }

    fn find(&mut self, name: &str) -> Result<&mut (&'a str, Member, bool), PolicyErrorKind> {
        self.names.iter_mut().find(|(known, ..)| *known == name).ok_or(PolicyErrorKind::Unknown)
    }

    /// Each name is a member once in the whole policy, so that a witness counts in one way only.
    fn take_member(&mut self, name: &str) -> Result<Member, PolicyErrorKind> {
        let (_, member, taken) = self.find(name)?;
        if core::mem::replace(taken, true) { Err(PolicyErrorKind::MemberTwice) } else { Ok(*member) }
    }
}

fn push<T>(items: &mut Vec<T>, item: T) -> Result<(), PolicyErrorKind> {
    if items.len() == MAX_POLICY_NAMES {
        return Err(PolicyErrorKind::TooMany);
    }
    items.push(item);
    Ok(())
}

fn at_most_one_more<'a>(words: impl Iterator<Item = &'a str>) -> Result<(), PolicyErrorKind> {
    if words.count() > 1 { Err(PolicyErrorKind::Syntax) } else { Ok(()) }
}
