//! Who may speak for what, at which time: the one question that is asked wherever a signed object came from elsewhere.
//!
//! In scope: status tokens, checkpoints of logs, catalogues; whether a key stands for a role at a time. Out of scope: licences and
//! views, whose types and regions count too (`verify`), witnesses (`log::policy`), who asks over HTTP (`http_signature`).
//! Rule: spec/trust-list.md §6. Every path asks here: taking, storing, loading, handing on, judging.

use alloc::vec::Vec;
use core::fmt;

use super::{Entry, Key, KeyState, Log, Role, TrustList};
use crate::catalogue::{Candidate, CatalogueKeys};
use crate::credential::uri_host;
use crate::log::checkpoint::SignedCheckpoint;
use crate::status::{StatusToken, signed_ahead};
use crate::suite::KeyId;
use crate::time::UnixTime;
use crate::verdict::Code;

/// Why a signed object does not count as said by whom it would have to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeakFault {
    /// No entry of the trust list has the host of the status list.
    Host,
    /// No key of an authority on that host signed it.
    Signer,
    /// The key that signed it may not speak so at that time.
    Standing(Code),
    /// It says to be from the future.
    Future,
}

impl SpeakFault {
    /// The code of a verdict or refusal.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            SpeakFault::Future => Code::StatusUnavailable,
            SpeakFault::Host | SpeakFault::Signer | SpeakFault::Standing(_) => Code::StatusSignerUntrusted,
        }
    }
}

impl fmt::Display for SpeakFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpeakFault::Host => {
                f.write_str("信任列表中无此主机 / no authority in the trust list has this host")
            }
            SpeakFault::Signer => {
                f.write_str("并非该主机上机关的密钥所签 / no key of an authority on this host signed it")
            }
            SpeakFault::Standing(code) => write!(f, "{code}: {} / {}", code.zh(), code.en()),
            SpeakFault::Future => f.write_str("签名时间在将来 / it is signed in the future"),
        }
    }
}

impl core::error::Error for SpeakFault {}

impl Key {
    /// What the key may say at the time of an object, leaving type and region aside: role, then time, then state.
    ///
    /// # Errors
    /// `SCOPE_ROLE`, `SCOPE_TIME`, `KEY_NOT_VALID_AT_ISSUE`, `KEY_COMPROMISED_AFTER_CUT`: views, receipts, tokens and
    /// catalogues of compromised keys are refused, as no log proof tells them apart.
    pub fn standing(&self, role: Role, iat: UnixTime) -> Result<(), Code> {
        if !self.has_role(role) {
            return Err(Code::ScopeRole);
        }
        if !self.scopes.iter().any(|scope| scope.role == role && scope.has_time(iat)) {
            return Err(Code::ScopeTime);
        }
        match self.state {
            KeyState::Active => Ok(()),
            KeyState::Retired if iat < self.since => Ok(()),
            KeyState::Retired => Err(Code::KeyNotValidAtIssue),
            KeyState::Compromised(_) => Err(Code::KeyCompromisedAfterCut),
        }
    }
}

impl TrustList {
    /// The key that speaks with this token for the list of its uri: a key of an authority that has the host of the list, whose status
    /// role stands at the token's iat. With a clock at hand (`now`), a token from the future speaks for nothing.
    ///
    /// # Errors
    /// [`SpeakFault`]: the token is not evidence.
    pub fn speaker_of_token(
        &self,
        token: &StatusToken,
        now: Option<UnixTime>,
    ) -> Result<(&Entry, &Key), SpeakFault> {
        if now.is_some_and(|now| signed_ahead(token.iat(), now)) {
            return Err(SpeakFault::Future);
        }
        let host = uri_host(token.uri()).ok_or(SpeakFault::Host)?;
        let mut fault = SpeakFault::Host;
        for entry in self.content().entries.iter().filter(|entry| entry.has_host(host)) {
            if fault == SpeakFault::Host {
                fault = SpeakFault::Signer;
            }
            for key in entry.keys_with(token.kid()).filter(|key| token.verifies_under(&key.key)) {
                match key.standing(Role::Status, token.iat()) {
                    Ok(()) => return Ok((entry, key)),
                    Err(code) => fault = SpeakFault::Standing(code),
                }
            }
        }
        Err(fault)
    }

    /// The logs whose period has this moment, with their entries: what another log signs counts for nothing then.
    pub fn logs_at(&self, time: UnixTime) -> impl Iterator<Item = (&Entry, &Log)> {
        let all =
            self.content().entries.iter().flat_map(|entry| entry.logs.iter().map(move |log| (entry, log)));
        all.filter(move |(_, log)| log.has_time(time))
    }

    /// The log that says this checkpoint at `time`, which is now for a checkpoint that comes from elsewhere: nothing in it dates it.
    #[must_use]
    pub fn speaker_of_checkpoint(
        &self,
        checkpoint: &SignedCheckpoint<'_>,
        time: UnixTime,
    ) -> Option<(&Entry, &Log)> {
        let is_signed = |log: &Log| {
            log.key.name() == checkpoint.origin() && checkpoint.note().is_signed_by(&log.key) == Ok(true)
        };
        self.logs_at(time).find(|(_, log)| is_signed(log))
    }
}

impl CatalogueKeys for TrustList {
    fn candidates(&self, kid: &KeyId, issued_at: UnixTime) -> Vec<Candidate<'_>> {
        self.keys()
            .filter(|(_, key)| key.key.kid() == *kid)
            .map(|(_, key)| Candidate { key: &key.key, standing: key.standing(Role::Catalogue, issued_at) })
            .collect()
    }
}
