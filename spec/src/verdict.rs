//! Verdicts: what a verification answers, on every node and in every tool.
//!
//! In scope: outcomes, codes, checks, warnings, the basis, and their one JSON form. The outcome is computed from the
//! checks, so a verdict that contradicts itself cannot be made.
//! Out of scope: making the checks (`verify`), and layout for people (the clerk's tool).
//! Format: spec/verdict.md; vectors in spec/vectors/verdict/.

mod codes;
mod json;

pub use codes::{Class, Code};

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::kind::Kind;
use crate::log::change::Act;
use crate::status::Status;
use crate::suite::Digest;
use crate::time::UnixTime;
use crate::view::HolderMark;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All members, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The string of the contract.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// The answer in one word.
    Outcome {
        /// 有效: every required check passed.
        Accept "ACCEPT",
        /// 无效: at least one required check failed; there is proof.
        Reject "REJECT",
        /// 无法确认: none failed, but at least one required check could not be made.
        Indeterminate "INDETERMINATE",
        /// 未识别: nothing that could be judged.
        NoCredential "NO_CREDENTIAL",
    }
}

words! {
    /// The nine groups of checks, in the order in which they are made.
    Group {
        /// Is it a conformant object?
        Format "FORMAT",
        /// Did the key that it names sign it?
        Crypto "CRYPTO",
        /// May this issuer issue this, here, then?
        Issuer "ISSUER",
        /// Is now within its dates, and is the clock to be believed?
        Time "TIME",
        /// Does the content fit the catalogue?
        Schema "SCHEMA",
        /// Is it suspended, ended or superseded?
        Status "STATUS",
        /// Is it in the log?
        Log "LOG",
        /// Is the applicant the holder?
        Subject "SUBJECT",
        /// Is it what was asked for?
        Policy "POLICY",
    }
}

words! {
    /// How a check came out.
    CheckResult {
        /// The check was made and passed.
        Pass "PASS",
        /// The check was made and failed.
        Fail "FAIL",
        /// The check could not be made.
        Inconclusive "INCONCLUSIVE",
        /// The check was not asked for, or came after a stop. Never counts as passed.
        Skipped "SKIPPED",
    }
}

words! {
    /// What the reader should do next.
    Advice {
        /// Rely on the licence.
        Rely "rely",
        /// Do not rely on it.
        DoNotRely "do_not_rely",
        /// Refresh the evidence and try again.
        RefreshAndRetry "refresh_and_retry",
        /// Scan again.
        Rescan "rescan",
        /// Ask the issuing authority.
        ReferToIssuer "refer_to_issuer",
        /// A person decides.
        ManualReview "manual_review",
    }
}

words! {
    /// Remarks that never change the outcome.
    Warning {
        /// The licence expires within 30 days.
        ExpiresSoon "EXPIRES_SOON",
        /// Judged without a network.
        Offline "OFFLINE",
        /// The status list is older than its ttl.
        StatusAge "STATUS_AGE",
        /// The timestamp is past its end, within the grace of the policy.
        GraceUsed "GRACE_USED",
        /// The licence is not known to stand in its log, and the policy does not ask for that, or not yet.
        LogPending "LOG_PENDING",
        /// The issuer has a successor authority.
        IssuerSucceeded "ISSUER_SUCCEEDED",
        /// A newer version of the licence exists.
        NewerVersion "NEWER_VERSION",
        /// The algorithm will be switched off soon.
        AlgorithmSunsetSoon "ALGORITHM_SUNSET_SOON",
        /// Nobody who knows the log of the issuer could be asked whether the licence is in it.
        LogNotAsked "LOG_NOT_ASKED",
    }
}

impl Outcome {
    /// The word for a clerk, in Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Outcome::Accept => "有效",
            Outcome::Reject => "无效",
            Outcome::Indeterminate => "无法确认",
            Outcome::NoCredential => "未识别",
        }
    }

    /// The exit code of the clerk's tool.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Outcome::Accept => 0,
            Outcome::Reject => 1,
            Outcome::Indeterminate => 2,
            Outcome::NoCredential => 3,
        }
    }
}

/// One entry of the list of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The group.
    pub group: Group,
    /// How it came out.
    pub result: CheckResult,
    /// Why, for FAIL and INCONCLUSIVE.
    pub code: Option<Code>,
    /// The evidence that decided: its digest and its time. Both or neither.
    pub source: Option<(Digest, UnixTime)>,
}

/// What a verdict did look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The one clock reading.
    pub now: UnixTime,
    /// Policy id and version.
    pub policy: (Cow<'static, str>, u64),
    /// Trust list: version, digest of the file, iat of the timestamp.
    pub trust_list: Option<(u64, Digest, UnixTime)>,
    /// Status token: uri, iat, statement digest.
    pub status_list: Option<(String, UnixTime, Digest)>,
    /// Log proof, or what a look-up came to.
    pub log: Option<LogBasis>,
    /// Catalogue: version, statement digest.
    pub catalogue: Option<(u64, Digest)>,
}

/// Where a verdict found the licence in a log: by a proof, or by a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogBasis {
    /// Origin of the log.
    pub origin: String,
    /// Where in it; `None` if whoever was asked says no more than that it is there.
    pub place: Option<LogPlace>,
    /// Digest of the proof file; `None` after a look-up. Never without a place.
    pub proof_digest: Option<Digest>,
}

/// A leaf in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// Size of the tree: of the checkpoint in the proof, or of the one that was looked in.
    pub size: u64,
    /// Its root hash.
    pub root: Digest,
    /// Index of the leaf, below the size.
    pub index: u64,
}

/// The whole answer. The outcome is computed from the checks; nothing else can set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    outcome: Outcome,
    code: Option<Code>,
    checks: Vec<Check>,
    warnings: Vec<Warning>,
    licence: Option<LicenceData>,
    digests: Digests,
    basis: Basis,
    /// What kind of file was presented, if it is no licence and no view that could be judged.
    presented: Option<Kind>,
    change: Option<LastChange>,
}

/// The act of law behind the status of a licence, where the register that has it is asked. It stands in the text, never decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// The act.
    pub act: Act,
    /// From when on it counts in law.
    pub effective: UnixTime,
    /// 电子证照标识 of the licence that takes its place.
    pub successor: Option<String>,
}

/// The digests by which receipts name what was presented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// Statement digest of the full licence; of the bytes as presented if FORMAT failed.
    pub licence: Digest,
    /// Statement digest of the view, if a view was presented.
    pub view: Option<Digest>,
}

/// What a licence says, readable only after its signature passed.
#[derive(Clone, PartialEq, Eq)]
pub struct LicenceData {
    /// Authority that issued it.
    pub issuer: String,
    /// Verifiable credential type.
    pub vct: String,
    /// Signing time.
    pub issued_at: UnixTime,
    /// Takes effect; absent in a view.
    pub not_before: Option<UnixTime>,
    /// Technical end.
    pub expires_at: UnixTime,
    /// The encoded field map (spec/credential.md §4), already checked to be conformant CBOR.
    pub fields: Vec<u8>,
    /// Whether it is a view.
    pub is_view: bool,
    /// Of the holder for whom a view was made; not shown.
    pub mark: Option<HolderMark>,
}

impl fmt::Debug for LicenceData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Fields are personal data: neither names nor numbers may reach a log by way of Debug.
        f.debug_struct("LicenceData").field("vct", &self.vct).finish_non_exhaustive()
    }
}

impl LastChange {
    fn zh(&self) -> String {
        let (act, from) = (self.act.zh(), self.effective);
        let mut text = match self.act.new_status() {
            Status::Suspended => alloc::format!("证照已被{act}，自 {from} 起"),
            Status::Superseded => alloc::format!("证照已被新证照取代（{act}），自 {from} 起"),
            Status::Valid | Status::Invalid => alloc::format!("证照已{act}，自 {from} 起失效"),
        };
        if let Some(successor) = &self.successor {
            text.push_str("，新证照为 ");
            text.push_str(successor);
        }
        text
    }

    fn en(&self) -> String {
        let (act, from) = (self.act.participle(), self.effective);
        let mut text = alloc::format!("The licence has been {act}, with effect from {from}");
        if let Some(successor) = &self.successor {
            text.push_str(": its successor is ");
            text.push_str(successor);
        }
        text
    }
}

impl Verdict {
    /// Puts a verdict together. Checks come in group order; groups without a check are added as SKIPPED.
    #[must_use]
    pub(crate) fn from_checks(
        checks: Vec<Check>,
        warnings: Vec<Warning>,
        licence: Option<LicenceData>,
        digests: Digests,
        basis: Basis,
    ) -> Verdict {
        let (outcome, code) = judge(&checks);
        Verdict { outcome, code, checks, warnings, licence, digests, basis, change: None, presented: None }
    }

    /// This verdict, which then tells what kind of file was presented in place of a licence.
    #[must_use]
    pub(crate) fn of_kind(self, presented: Option<Kind>) -> Verdict {
        let is_wrong_kind = |kind: &Kind| !matches!(kind, Kind::Licence | Kind::View);
        Verdict { presented: presented.filter(is_wrong_kind), ..self }
    }

    /// The verdict on a licence that was asked for by number and that no register knows.
    #[must_use]
    pub fn not_found(basis: Basis) -> Verdict {
        let mut checks = Vec::with_capacity(Group::ALL.len());
        fill_checks(&mut checks, Code::NotFound);
        Verdict::from_checks(checks, Vec::new(), None, Digests::default(), basis)
    }

    /// The answer in one word.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The primary code: the first failing one in group order, else the first inconclusive one; `None` for ACCEPT.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        self.code
    }

    /// The primary code of the licence alone, whatever was asked beside: without SUBJECT, and without what a service item
    /// demands. With it, fit explains what an item demands in words of its own.
    #[must_use]
    pub fn own_code(&self) -> Option<Code> {
        let is_asked = |code: Code| {
            code.group() == Group::Subject
                || matches!(
                    code,
                    Code::TypeNotAccepted
                        | Code::FieldMissing
                        | Code::FieldConstraintFailed
                        | Code::PolicyUnavailable
                )
        };
        let own = self.checks.iter().filter(|check| !check.code.is_some_and(is_asked));
        judge(own).1
    }

    /// All checks in group order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// All codes, the primary one wherever it stands.
    pub fn codes(&self) -> impl Iterator<Item = Code> + '_ {
        self.checks.iter().filter_map(|check| check.code)
    }

    /// Remarks that do not change the outcome.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Adds a remark of the tool that asked, such as OFFLINE; it cannot change the outcome.
    pub fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
            self.warnings.sort_unstable();
        }
    }

    /// What the licence says; only after the signature passed, and never when the use itself was refused.
    #[must_use]
    pub const fn licence(&self) -> Option<&LicenceData> {
        self.licence.as_ref()
    }

    /// Takes the licence's content out, for a caller who may see less of it.
    pub fn withhold_licence(&mut self) -> Option<LicenceData> {
        self.licence.take()
    }

    /// Names the act that led to the status. It is passed over unless the verdict's own code is what the act leads to.
    pub fn name_change(&mut self, change: LastChange) {
        let follows = match self.code {
            Some(Code::Revoked) => change.act.new_status() == Status::Invalid,
            Some(Code::Suspended) => change.act.new_status() == Status::Suspended,
            Some(Code::Superseded) => change.act.new_status() == Status::Superseded,
            _ => false,
        };
        self.change = follows.then_some(change);
    }

    /// The digests by which a receipt names what was presented.
    #[must_use]
    pub const fn digests(&self) -> &Digests {
        &self.digests
    }

    /// What was looked at.
    #[must_use]
    pub const fn basis(&self) -> &Basis {
        &self.basis
    }

    /// Whether any code is a sign of attack.
    #[must_use]
    pub fn alarm(&self) -> bool {
        self.codes().any(Code::alarm)
    }

    /// The number of the Chinese platforms, 核验信息 0-6.
    #[must_use]
    pub fn gb_result(&self) -> u8 {
        self.code.map_or(0, Code::gb_result)
    }

    /// What the reader should do next.
    #[must_use]
    pub fn advice(&self) -> Advice {
        self.code.map_or(Advice::Rely, Code::advice)
    }

    /// The sentence for a clerk, in Chinese; dates stand in it where they decide.
    #[must_use]
    pub fn zh(&self) -> Cow<'static, str> {
        let Some(code) = self.code else { return Cow::Borrowed("证照有效") };
        if let Some(change) = &self.change {
            return Cow::Owned(change.zh());
        }
        if let Some(kind) = self.presented {
            let word = if kind.is_own() { "不是证照" } else { "无法识读" };
            let kind = kind.zh();
            return Cow::Owned(alloc::format!("{word}：这是{kind}，请提交证照文件（.elic）或其二维码"));
        }
        match self.deciding_date(code) {
            Some((from, date)) if from => Cow::Owned(alloc::format!("{}，自 {date} 起有效", code.zh())),
            Some((_, date)) => Cow::Owned(alloc::format!("{}，有效期至 {date}", code.zh())),
            None => Cow::Borrowed(code.zh()),
        }
    }

    /// The sentence for a clerk, in English.
    #[must_use]
    pub fn en(&self) -> Cow<'static, str> {
        let Some(code) = self.code else { return Cow::Borrowed("The licence is valid") };
        if let Some(change) = &self.change {
            return Cow::Owned(change.en());
        }
        if let Some(kind) = self.presented {
            let word = if kind.is_own() { "No licence" } else { "Unreadable" };
            let kind = kind.en();
            return Cow::Owned(alloc::format!(
                "{word}: this is a {kind}; present the file of the licence (.elic) or its QR code"
            ));
        }
        match self.deciding_date(code) {
            Some((from, date)) if from => Cow::Owned(alloc::format!("{}: valid from {date}", code.en())),
            Some((_, date)) => Cow::Owned(alloc::format!("{}: valid until {date}", code.en())),
            None => Cow::Borrowed(code.en()),
        }
    }

    /// The date that a text on dates gives: `(true, from)` or `(false, until)`.
    fn deciding_date(&self, code: Code) -> Option<(bool, UnixTime)> {
        let licence = self.licence.as_ref()?;
        match code {
            Code::NotYetValid => licence.not_before.map(|from| (true, from)),
            Code::Expired | Code::ViewExpired => Some((false, licence.expires_at)),
            _ => None,
        }
    }
}

/// The outcome and primary code of a list of checks.
pub(crate) fn judge<'a>(
    checks: impl IntoIterator<Item = &'a Check, IntoIter: Clone>,
) -> (Outcome, Option<Code>) {
    let checks = checks.into_iter();
    let first = |result| checks.clone().find(|check| check.result == result).and_then(|check| check.code);
    if let Some(code) = first(CheckResult::Fail) {
        return (Outcome::Reject, Some(code));
    }
    match first(CheckResult::Inconclusive) {
        Some(code) => (code.outcome(), Some(code)),
        None => (Outcome::Accept, None),
    }
}

/// Ends the list of checks with `code` and marks all later groups as SKIPPED.
pub(crate) fn fill_checks(checks: &mut Vec<Check>, code: Code) {
    // NO_CREDENTIAL codes proved nothing against a licence, so their check is inconclusive, not failed.
    let result = if code.class() == Class::Fail { CheckResult::Fail } else { CheckResult::Inconclusive };
    checks.push(Check { group: code.group(), result, code: Some(code), source: None });
    for group in Group::ALL.iter().copied().filter(|group| *group > code.group()) {
        checks.push(Check { group, result: CheckResult::Skipped, code: None, source: None });
    }
}
