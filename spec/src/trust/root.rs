//! The root, which names the keys of all three roles, and the timestamp, which names the newest list.

use alloc::string::String;
use alloc::vec::Vec;

use super::read_cose_key;
use crate::cbor::{Fault, Reader, Writer};
use crate::cose::{self, Signed};
use crate::numbers::{
    MAX_LIST, MAX_ROLE_KEYS, MAX_ROOT, MAX_TIMESTAMP, MAX_TIMESTAMP_LIFE_S, TYP_ROOT, TYP_TIMESTAMP,
};
use crate::suite::{Digest, PublicKey, SignError, Signer, name_digest};
use crate::time::UnixTime;

/// The keys of one role, and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleKeys {
    /// 1 ..= number of keys.
    pub threshold: usize,
    /// 1 to 16 keys; written in ascending order of their kids.
    pub keys: Vec<PublicKey>,
}

impl RoleKeys {
    fn read(reader: &mut Reader<'_>, former: Option<&RootContent>) -> Result<RoleKeys, Fault> {
        reader.array_of(2)?;
        let threshold = usize::try_from(reader.uint()?).unwrap_or(usize::MAX);
        let count = reader.array()?;
        if count > MAX_ROLE_KEYS || threshold == 0 || threshold > count {
            return Err(Fault::not_conformant("a threshold that the keys of the role cannot meet"));
        }
        let mut keys: Vec<PublicKey> = Vec::with_capacity(count);
        for _ in 0..count {
            // Keys of the root before have passed their import check.
            let key = read_cose_key(reader, |x| former?.keys().find(|key| key.bytes() == x).copied())?;
            if keys.last().is_some_and(|last| last.kid() >= key.kid()) {
                return Err(Fault::not_conformant("role keys are doubled or out of order"));
            }
            keys.push(key);
        }
        Ok(RoleKeys { threshold, keys })
    }

    fn write(&self, writer: &mut Writer) {
        let mut keys: Vec<&PublicKey> = self.keys.iter().collect();
        keys.sort_by_key(|key| key.kid());
        writer.array(2).uint(self.threshold as u64).array(keys.len());
        for key in keys {
            writer.encoded(&key.cose_key());
        }
    }

    /// Checks that the threshold of this role signed.
    pub(super) fn check(&self, signed: &Signed<'_>) -> Result<(), Fault> {
        if signed.count(&self.keys)? >= self.threshold {
            Ok(())
        } else {
            Err(Fault::not_conformant("fewer signatures than the role demands"))
        }
    }
}

/// What a root says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootContent {
    /// 1, 2, 3 …
    pub version: u64,
    /// Signing time.
    pub iat: UnixTime,
    /// End.
    pub exp: UnixTime,
    /// Name of the trust scheme; never changes.
    pub name: String,
    /// Who signs roots.
    pub root: RoleKeys,
    /// Who signs lists.
    pub list: RoleKeys,
    /// Who signs timestamps.
    pub timestamp: RoleKeys,
}

/// A root that was opened: signed by its own threshold and, unless it is the first, by that of the version before.
#[derive(Clone, Debug)]
pub struct Root {
    content: RootContent,
    digest: Digest,
}

impl Root {
    /// Opens the first root, which came by a trusted way (in the tool, on paper, by an officer's hand).
    ///
    /// # Errors
    /// A fault if the file is not conformant or not signed by its own threshold.
    pub fn open_first(bytes: &[u8]) -> Result<Root, Fault> {
        Root::open(bytes, None)
    }

    fn open(bytes: &[u8], former: Option<&RootContent>) -> Result<Root, Fault> {
        let (signed, content) = read_root(bytes, former)?;
        content.root.check(&signed)?;
        Ok(Root { content, digest: name_digest(&[bytes]) })
    }

    /// Opens a root offered as the successor of `self`; its version is the caller's question.
    pub(super) fn open_next(&self, bytes: &[u8]) -> Result<Root, Fault> {
        let next = Root::open(bytes, Some(&self.content))?;
        if next.content.name != self.content.name {
            return Err(Fault::not_conformant("the root is of another trust scheme"));
        }
        let signed = Signed::parse(bytes, MAX_ROOT, TYP_ROOT)?;
        self.content.root.check(&signed)?;
        Ok(next)
    }

    /// What the root says.
    #[must_use]
    pub const fn content(&self) -> &RootContent {
        &self.content
    }

    /// SHA-256 of the whole file.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// The version that a root file claims, so that an update client can refuse an older one by its name.
pub(super) fn claimed_version(bytes: &[u8], held: &Root) -> Result<u64, Fault> {
    read_root(bytes, Some(&held.content)).map(|(_, content)| content.version)
}

fn read_root<'a>(bytes: &'a [u8], former: Option<&RootContent>) -> Result<(Signed<'a>, RootContent), Fault> {
    let signed = Signed::parse(bytes, MAX_ROOT, TYP_ROOT)?;
    let content = read_content(signed.payload(), former)?;
    Ok((signed, content))
}

fn read_content(payload: &[u8], former: Option<&RootContent>) -> Result<RootContent, Fault> {
    let mut reader = Reader::new(payload);
    let (mut head, mut name, mut roles) = (Head::default(), None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(&mut reader)? {
        match key {
            1..=3 => head.read(key, &mut reader)?,
            4 => name = Some(String::from(reader.short_text(64)?)),
            5 => roles = Some(read_roles(&mut reader, former)?),
            _ => return Err(Fault::not_conformant("an unknown member in a root")),
        }
    }
    reader.end()?;
    let (version, iat, exp) = head.finish()?;
    let ([root, list, timestamp], Some(name)) = (roles.ok_or(MISSING)?, name) else { return Err(MISSING) };
    let mut all: Vec<&PublicKey> = [&root, &list, &timestamp].iter().flat_map(|role| &role.keys).collect();
    all.sort_by_key(|key| *key.thumbprint());
    if all.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(Fault::not_conformant("one key in two roles"));
    }
    Ok(RootContent { version, iat, exp, name, root, list, timestamp })
}

const MISSING: Fault = Fault::not_conformant("a required member is missing");

fn read_roles(reader: &mut Reader<'_>, former: Option<&RootContent>) -> Result<[RoleKeys; 3], Fault> {
    let mut map = reader.map()?;
    let mut roles = [const { None }; 3];
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => roles[0] = Some(RoleKeys::read(reader, former)?),
            2 => roles[1] = Some(RoleKeys::read(reader, former)?),
            3 => roles[2] = Some(RoleKeys::read(reader, former)?),
            _ => return Err(Fault::not_conformant("an unknown role in a root")),
        }
    }
    let [Some(root), Some(list), Some(timestamp)] = roles else { return Err(MISSING) };
    Ok([root, list, timestamp])
}

/// Members 1 to 3 of every trust file: version, iat, exp.
#[derive(Default)]
pub(super) struct Head {
    version: Option<u64>,
    iat: Option<UnixTime>,
    exp: Option<UnixTime>,
}

impl Head {
    pub(super) fn read(&mut self, key: i64, reader: &mut Reader<'_>) -> Result<(), Fault> {
        match key {
            1 => self.version = Some(reader.uint()?),
            2 => self.iat = Some(reader.time()?),
            _ => self.exp = Some(reader.time()?),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(u64, UnixTime, UnixTime), Fault> {
        match (self.version, self.iat, self.exp) {
            (Some(version), Some(iat), Some(exp)) if version >= 1 && exp > iat => Ok((version, iat, exp)),
            (Some(_), Some(_), Some(_)) => {
                Err(Fault::not_conformant("version 0, or an end before the beginning"))
            }
            _ => Err(MISSING),
        }
    }
}

impl RootContent {
    fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        [&self.root, &self.list, &self.timestamp].into_iter().flat_map(|role| &role.keys)
    }

    /// Reads a payload, whose signatures are another question: a proposal has none.
    ///
    /// # Errors
    /// A fault for every breach of spec/trust-list.md §1.
    pub fn from_payload(payload: &[u8]) -> Result<RootContent, Fault> {
        read_content(payload, None)
    }

    /// Signs the root.
    ///
    /// # Errors
    /// [`SignError`] from a signer.
    pub fn sign(&self, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        cose::sign(TYP_ROOT, &self.to_payload(), signers)
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(5).int(1).uint(self.version).int(2).int(self.iat.0).int(3).int(self.exp.0);
        writer.int(4).text(&self.name).int(5).map(3);
        for (number, role) in [(1, &self.root), (2, &self.list), (3, &self.timestamp)] {
            writer.int(number);
            role.write(&mut writer);
        }
        writer.into_bytes()
    }
}

/// What a timestamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampContent {
    /// 1, 2, 3 …
    pub version: u64,
    /// Signing time.
    pub iat: UnixTime,
    /// End; at most seven days after iat.
    pub exp: UnixTime,
    /// Version of the newest list.
    pub list_version: u64,
    /// Its length in bytes.
    pub list_length: u64,
    /// SHA-256 of its bytes.
    pub list_digest: Digest,
}

/// A timestamp that was opened: signed by the threshold of its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    content: TimestampContent,
    digest: Digest,
}

impl Timestamp {
    pub(super) fn open(bytes: &[u8], root: &Root) -> Result<Timestamp, Fault> {
        let signed = Signed::parse(bytes, MAX_TIMESTAMP, TYP_TIMESTAMP)?;
        root.content.timestamp.check(&signed)?;
        let mut reader = Reader::new(signed.payload());
        let (mut head, mut list) = (Head::default(), None);
        let mut map = reader.map()?;
        while let Some(key) = map.next_int(&mut reader)? {
            match key {
                1..=3 => head.read(key, &mut reader)?,
                4 => {
                    reader.array_of(3)?;
                    list = Some((reader.uint()?, reader.uint()?, reader.byte_array()?));
                }
                _ => return Err(Fault::not_conformant("an unknown member in a timestamp")),
            }
        }
        reader.end()?;
        let (version, iat, exp) = head.finish()?;
        let (list_version, list_length, list_digest) = list.ok_or(MISSING)?;
        if exp.since(iat) > MAX_TIMESTAMP_LIFE_S || list_version == 0 || list_length > MAX_LIST as u64 {
            return Err(Fault::not_conformant("a timestamp that lives too long or names no list"));
        }
        let content = TimestampContent { version, iat, exp, list_version, list_length, list_digest };
        Ok(Timestamp { content, digest: name_digest(&[bytes]) })
    }

    /// What the timestamp says.
    #[must_use]
    pub const fn content(&self) -> &TimestampContent {
        &self.content
    }

    /// SHA-256 of the whole file.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl TimestampContent {
    /// Signs the timestamp.
    ///
    /// # Errors
    /// [`SignError`] from a signer.
    pub fn sign(&self, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        let mut writer = Writer::default();
        writer.map(4).int(1).uint(self.version).int(2).int(self.iat.0).int(3).int(self.exp.0);
        writer.int(4).array(3).uint(self.list_version).uint(self.list_length).bytes(&self.list_digest);
        cose::sign(TYP_TIMESTAMP, &writer.into_bytes(), signers)
    }
}
