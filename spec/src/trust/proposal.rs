//! Proposals: what officers sign, each on his own machine, before it is a trust file.
//!
//! In scope: the unsigned payload of a root or a list, one officer's signature file, putting signature files together. Out of
//! scope: what a proposal ought to say (the province), and taking the finished file ([`super::TrustFiles`]).
//! A proposal is the payload alone. A signature file is the trust file with one signature: no further format.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{ListContent, RoleKeys, RootContent};
use crate::cbor::{Fault, Kind, Reader};
use crate::cose::{self, Signed, merge};
use crate::numbers::{MAX_LIST, MAX_ROOT, MAX_TRUST_SIGNATURES, TYP_LIST, TYP_ROOT};
use crate::suite::{Digest, KeyId, PublicKey, SignError, Signer, name_digest};
use crate::text::{Lines, TextFault, check_written};

/// Room for the signatures and the frame of a file: 16 of 100 bytes each, and 64.
const FRAME: usize = 2_048;

/// What is proposed.
#[derive(Clone, Debug)]
pub enum Proposed {
    /// A root.
    Root(RootContent),
    /// A list.
    List(ListContent),
}

/// A proposal whose payload keeps the rules of its file.
#[derive(Clone, Debug)]
pub struct Proposal {
    proposed: Proposed,
    payload: Vec<u8>,
}

/// Why something cannot be proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalError {
    /// It breaks a rule of its file.
    Format(Fault),
    /// The name of an authority is no text that may be signed (spec/text.md).
    Name {
        /// The authority.
        id: String,
        /// The rule, and the character.
        fault: TextFault,
    },
}

/// Why signature files do not make a trust file of a proposal. Places count from 0, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// No signature file.
    Format(usize, Fault),
    /// A signature of something else.
    OtherProposal(usize),
    /// A key that signed in an earlier file already: one officer does not count twice.
    Twice(usize, KeyId),
    /// A key that has no part in the role.
    NotInRole(usize, KeyId),
    /// The signature does not verify.
    Broken(usize),
    /// Too few of the role's keys signed.
    TooFew {
        /// Different keys of the role that signed.
        have: usize,
        /// How many the role demands.
        need: usize,
        /// Whether the role is that of the root in force, which hands over to the proposed one.
        in_force: bool,
    },
    /// More signatures than a file holds.
    TooMany,
}

impl Proposed {
    /// Whether the names of the authorities may be signed. Who makes a proposal asks, and who is about to sign one; a reader does not,
    /// so a list from before a rule of characters stays readable.
    ///
    /// # Errors
    /// [`ProposalError::Name`] for the first one that may not.
    pub fn check_names(&self) -> Result<(), ProposalError> {
        let Proposed::List(content) = self else { return Ok(()) };
        content.entries.iter().try_for_each(|entry| {
            let checked = check_written(&entry.name, Lines::One);
            checked.map_err(|fault| ProposalError::Name { id: entry.id.clone(), fault })
        })
    }
}

impl Proposal {
    /// A proposal of this content, which nobody has signed yet.
    ///
    /// # Errors
    /// [`ProposalError`] if the content breaks a rule of its file, or a name may not be signed.
    pub fn new(proposed: &Proposed) -> Result<Proposal, ProposalError> {
        // First the names: what no reader would take, either, is told with its authority and character.
        proposed.check_names()?;
        let payload = match proposed {
            Proposed::Root(content) => content.to_payload(),
            Proposed::List(content) => content.to_payload(),
        };
        Proposal::open(&payload).map_err(ProposalError::Format)
    }

    /// Reads a proposal of either kind.
    ///
    /// # Errors
    /// A fault if it is over the cap or breaks a rule of its file.
    pub fn open(payload: &[u8]) -> Result<Proposal, Fault> {
        if payload.len() > MAX_LIST - FRAME {
            return Err(Fault::not_conformant("the proposal is over the cap"));
        }
        let proposed = match is_root(payload)? {
            true if payload.len() > MAX_ROOT - FRAME => {
                return Err(Fault::not_conformant("the proposal is over the cap"));
            }
            true => Proposed::Root(RootContent::from_payload(payload)?),
            false => Proposed::List(ListContent::from_payload(payload)?),
        };
        Ok(Proposal { proposed, payload: payload.to_vec() })
    }

    /// The proposal that a trust file or a signature file carries; its signatures are not looked at.
    ///
    /// # Errors
    /// A fault if the file is neither a root nor a list.
    pub fn of_file(file: &[u8]) -> Result<Proposal, Fault> {
        let signed =
            Signed::parse(file, MAX_ROOT, TYP_ROOT).or_else(|_| Signed::parse(file, MAX_LIST, TYP_LIST))?;
        Proposal::open(signed.payload())
    }

    /// What is proposed.
    #[must_use]
    pub const fn proposed(&self) -> &Proposed {
        &self.proposed
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        match &self.proposed {
            Proposed::Root(content) => content.version,
            Proposed::List(content) => content.version,
        }
    }

    /// The bytes, to be kept and handed to the officers.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// SHA-256 of the payload: what officers read out to each other.
    #[must_use]
    pub fn digest(&self) -> Digest {
        name_digest(&[&self.payload])
    }

    const fn typ(&self) -> &'static str {
        match self.proposed {
            Proposed::Root(_) => TYP_ROOT,
            Proposed::List(_) => TYP_LIST,
        }
    }

    /// One officer's signature file.
    ///
    /// # Errors
    /// [`SignError`] from the signer.
    pub fn sign(&self, officer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        cose::sign(self.typ(), &self.payload, &[officer])
    }

    /// Whether this file carries signatures of this proposal.
    #[must_use]
    pub fn is_signed_in(&self, file: &[u8]) -> bool {
        Signed::parse(file, MAX_LIST, self.typ()).is_ok_and(|signed| signed.payload() == self.payload)
    }

    /// The trust file: all signatures together. Every one must be of a role's key and verify, and each role must have its
    /// threshold. `in_force` is the role in the root that is held; `next` is that of the proposed root, for a root alone.
    ///
    /// # Errors
    /// [`SignatureError`] for the first thing that is wrong: nothing is passed over in silence.
    pub fn assemble(
        &self,
        files: &[impl AsRef<[u8]>],
        in_force: Option<&RoleKeys>,
        next: Option<&RoleKeys>,
    ) -> Result<Vec<u8>, SignatureError> {
        if files.len() > MAX_TRUST_SIGNATURES {
            return Err(SignatureError::TooMany);
        }
        let roles = || in_force.into_iter().chain(next);
        let keys: Vec<PublicKey> = roles().flat_map(|role| &role.keys).copied().collect();
        let mut signed: Vec<Signed<'_>> = Vec::new();
        for (at, bytes) in files.iter().enumerate() {
            let file = Signed::parse(bytes.as_ref(), MAX_LIST, self.typ());
            let file = file.map_err(|fault| SignatureError::Format(at, fault))?;
            if file.payload() != self.payload {
                return Err(SignatureError::OtherProposal(at));
            }
            let stands = |kid: &KeyId| signed.iter().flat_map(Signed::kids).any(|held| held == *kid);
            if let Some(kid) = file.kids().find(stands) {
                return Err(SignatureError::Twice(at, kid));
            }
            if let Some(kid) = file.kids().find(|kid| !keys.iter().any(|key| key.kid() == *kid)) {
                return Err(SignatureError::NotInRole(at, kid));
            }
            file.count(&keys).map_err(|_| SignatureError::Broken(at))?;
            signed.push(file);
        }
        for role in roles() {
            let have = signed.iter().filter_map(|file| file.count(&role.keys).ok()).sum();
            if have < role.threshold {
                let in_force = in_force.is_some_and(|held| core::ptr::eq(held, role));
                return Err(SignatureError::TooFew { have, need: role.threshold, in_force });
            }
        }
        merge(&signed).map_err(|fault| SignatureError::Format(0, fault))
    }
}

/// Member 4 is the scheme's name in a root, and the entries in a list.
fn is_root(payload: &[u8]) -> Result<bool, Fault> {
    let mut reader = Reader::new(payload);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(&mut reader)? {
        if key == 4 {
            return Ok(reader.kind()? == Kind::Text);
        }
        reader.skip()?;
    }
    Ok(false)
}

/// A kid as people read it.
struct Hex(KeyId);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for ProposalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProposalError::Format(fault) => fault.fmt(f),
            ProposalError::Name { id, fault } => write!(
                f,
                "机关 {id} 的名称：{}，请更正目录数据 / name of authority {id}: {}; correct the catalogue's data",
                fault.zh(),
                fault.en()
            ),
        }
    }
}

impl core::error::Error for ProposalError {}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignatureError::Format(at, fault) => {
                write!(f, "第 {0} 份不是签名文件 / file {0} is no signature: {fault}", at + 1)
            }
            SignatureError::OtherProposal(at) => {
                write!(
                    f,
                    "第 {0} 份签的是另一份提案，请重新签署本提案 / signature {0} is of another proposal: have this one signed",
                    at + 1
                )
            }
            SignatureError::Twice(at, kid) => write!(
                f,
                "第 {0} 份与前面的签名出自同一密钥 {1}，一人不算两人，请另一名签署人签署 / signature {0} is by key {1} once more: one officer does \
                 not count twice, have another one sign",
                at + 1,
                Hex(*kid)
            ),
            SignatureError::NotInRole(at, kid) => write!(
                f,
                "第 {0} 份的密钥 {1} 不在信任根规定的签署人中 / signature {0} is by key {1}, which the root does not name for this",
                at + 1,
                Hex(*kid)
            ),
            SignatureError::Broken(at) => {
                write!(
                    f,
                    "第 {0} 份签名无效，请重新签署 / signature {0} does not verify: have it signed anew",
                    at + 1
                )
            }
            SignatureError::TooFew { have, need, in_force: true } => write!(
                f,
                "现行信任根规定须 {need} 名签署人，现有 {have} 名，请其他签署人签署 / {have} of the {need} officers signed whom the root in force \
                 demands: have others sign"
            ),
            SignatureError::TooFew { have, need, in_force: false } => write!(
                f,
                "新信任根规定须 {need} 名签署人，现有 {have} 名，请其他签署人签署 / {have} of the {need} officers signed whom the new root \
                 demands: have others sign"
            ),
            SignatureError::TooMany => f.write_str("签名文件超过 16 份 / more than 16 signatures"),
        }
    }
}

impl core::error::Error for SignatureError {}
