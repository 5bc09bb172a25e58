//! The list: authorities, their keys, and the states of these keys.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::cut::{Cut, CutTree, Proved};
use super::root::{Head, Root};
use super::{Role, Scope, is_host, read_cose_key};
use crate::cbor::{Fault, Reader, Writer};
use crate::cose::{self, Sign1, Signed};
use crate::log::note::LogKey;
use crate::log::policy::Policy;
use crate::numbers::{
    MAX_CODE, MAX_ENTRIES, MAX_ENTRY_HOSTS, MAX_ENTRY_KEYS, MAX_ENTRY_LOGS, MAX_KEY_SCOPES, MAX_LIST,
    TYP_LIST,
};
use crate::suite::{Digest, KeyId, KeyTable, PublicKey, SignError, Signer, name_digest};
use crate::time::UnixTime;
use crate::verdict::Code;

/// Tables of precomputed points, 30 KiB each, are kept for this many licence and view keys; 7.5 MiB in all.
const MAX_TABLES: usize = 256;
/// Most former states of a key; a key is retired or compromised once, and seldom reinstated.
const MAX_HISTORY: usize = 16;

/// May what this key signed still be relied on?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// In use.
    Active,
    /// Out of use since a moment; good for what it signed before.
    Retired,
    /// In wrong hands: good only for licences that stood in the log before the cut.
    Compromised(Cut),
}

impl KeyState {
    const fn number(&self) -> i64 {
        match self {
            KeyState::Active => 0,
            KeyState::Retired => 1,
            KeyState::Compromised(_) => 2,
        }
    }
}

/// A key of an authority.
#[derive(Clone, Debug)]
pub struct Key {
    /// The public key.
    pub key: PublicKey,
    /// What it may sign; at least one.
    pub scopes: Vec<Scope>,
    /// Its state.
    pub state: KeyState,
    /// Since when it has been in this state.
    pub since: UnixTime,
    /// Former states, ascending: number of the state, since.
    pub history: Vec<(i64, UnixTime)>,
    table: Option<KeyTable>,
}

impl Key {
    /// A key as an authority offers it.
    #[must_use]
    pub const fn new(key: PublicKey, scopes: Vec<Scope>, state: KeyState, since: UnixTime) -> Key {
        Key { key, scopes, state, since, history: Vec::new(), table: None }
    }

    /// Whether any scope has this role.
    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        self.scopes.iter().any(|scope| scope.role == role)
    }

    /// The cut, if the key is compromised.
    #[must_use]
    pub const fn cut(&self) -> Option<&Cut> {
        match &self.state {
            KeyState::Compromised(cut) => Some(cut),
            KeyState::Active | KeyState::Retired => None,
        }
    }

    /// Puts the key into another state from `since` on, and keeps the state that it leaves.
    pub fn change_state(&mut self, state: KeyState, since: UnixTime) {
        self.history.push((self.state.number(), self.since));
        (self.state, self.since) = (state, since);
    }

    /// What the scopes leave out: role, else type, else region, else time, the first dimension in which no scope is left.
    /// An `area` of `None` asks for no region.
    #[must_use]
    pub fn scope_fault(&self, role: Role, vct: &str, area: Option<&str>, iat: UnixTime) -> Option<Code> {
        let of_type = |scope: &&Scope| scope.has_type(vct);
        let of_region = |scope: &&Scope| area.is_none_or(|area| scope.has_region(area));
        let scopes = || self.scopes.iter().filter(|scope| scope.role == role);
        if scopes().next().is_none() {
            Some(Code::ScopeRole)
        } else if !scopes().any(|scope| of_type(&scope)) {
            Some(Code::ScopeType)
        } else if !scopes().any(|scope| of_type(&scope) && of_region(&scope)) {
            Some(Code::ScopeRegion)
        } else if !scopes().any(|scope| of_type(&scope) && of_region(&scope) && scope.has_time(iat)) {
            Some(Code::ScopeTime)
        } else {
            None
        }
    }

    /// What the state says of a licence that was issued at `iat`, of which `proved` is known. Views, receipts, tokens and
    /// catalogues ask `Key::standing` (trust-list.md §6): nothing tells an early one of a compromised key from a forged one.
    #[must_use]
    pub fn state_fault(&self, iat: UnixTime, proved: Proved<'_>) -> Option<Code> {
        match &self.state {
            KeyState::Active => None,
            KeyState::Retired if iat >= self.since => Some(Code::KeyNotValidAtIssue),
            KeyState::Retired => None,
            KeyState::Compromised(cut) => cut.fault(proved),
        }
    }

    /// The precomputed table, if this key has one.
    #[must_use]
    pub const fn table(&self) -> Option<&KeyTable> {
        self.table.as_ref()
    }

    /// Whether this key signed the object: by its table, if it has one.
    #[must_use]
    pub fn signed(&self, object: &Sign1<'_>) -> bool {
        match &self.table {
            Some(table) => object.verifies_with_table(table),
            None => object.verifies_under(&self.key),
        }
    }
}

/// A log of an authority.
#[derive(Clone, Debug)]
pub struct Log {
    /// Name and key of the log; the name is the origin.
    pub key: LogKey,
    /// The vkey text.
    pub vkey: String,
    /// First moment.
    pub since: UnixTime,
    /// First moment that is no longer within; `None` while in use.
    pub until: Option<UnixTime>,
}

/// One authority.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Code of the authority, the `iss` of what it signs.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Hosts on which its status lists and references lie.
    pub hosts: Vec<String>,
    /// Its logs.
    pub logs: Vec<Log>,
    /// Its keys.
    pub keys: Vec<Key>,
    /// Code of the authority that succeeded it.
    pub successor: Option<String>,
}

impl Log {
    /// Whether the moment lies within the period of the log.
    #[must_use]
    pub fn has_time(&self, time: UnixTime) -> bool {
        self.since <= time && self.until.is_none_or(|until| time < until)
    }
}

impl Entry {
    /// The keys with this kid; kids may collide.
    pub fn keys_with(&self, kid: KeyId) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.key.kid() == kid)
    }

    /// Whether this host is one of the authority's.
    #[must_use]
    pub fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own == host)
    }
}

/// What a list says.
#[derive(Clone, Debug)]
pub struct ListContent {
    /// 1, 2, 3 …
    pub version: u64,
    /// Signing time.
    pub iat: UnixTime,
    /// End.
    pub exp: UnixTime,
    /// Authorities, ascending by id.
    pub entries: Vec<Entry>,
    /// Witness policy, C2SP tlog-policy text without `log` lines.
    pub witness_policy: String,
}

/// A list that was opened: signed by the threshold of its role, all keys import-checked.
#[derive(Clone, Debug)]
pub struct TrustList {
    content: ListContent,
    policy: Policy,
    digest: Digest,
}

impl TrustList {
    /// Opens a list; keys that the `former` list had are not checked again, and keep their tables, which take longer still.
    pub(super) fn open(bytes: &[u8], root: &Root, former: Option<&TrustList>) -> Result<TrustList, Fault> {
        let signed = Signed::parse(bytes, MAX_LIST, TYP_LIST)?;
        root.content().list.check(&signed)?;
        let (mut content, policy) = read_content(signed.payload(), &Checked::of(former))?;
        let tables = former.into_iter().flat_map(TrustList::keys).filter_map(|(_, key)| key.table());
        let tables: BTreeMap<_, _> = tables.map(|table| (*table.key().thumbprint(), table)).collect();
        let signing = content.entries.iter_mut().flat_map(|entry| &mut entry.keys);
        for key in
            signing.filter(|key| key.has_role(Role::Licence) || key.has_role(Role::View)).take(MAX_TABLES)
        {
            let held = tables.get(key.key.thumbprint()).copied().cloned();
            key.table = Some(held.unwrap_or_else(|| KeyTable::new(key.key)));
        }
        Ok(TrustList { content, policy, digest: name_digest(&[bytes]) })
    }

    /// What the list says.
    #[must_use]
    pub const fn content(&self) -> &ListContent {
        &self.content
    }

    /// The witness policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// SHA-256 of the whole file.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The entry of an authority.
    #[must_use]
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        let entries = &self.content.entries;
        entries.binary_search_by(|entry| entry.id.as_str().cmp(id)).ok().and_then(|at| entries.get(at))
    }

    /// Whether any authority has this host.
    #[must_use]
    pub fn has_host(&self, host: &str) -> bool {
        self.content.entries.iter().any(|entry| entry.has_host(host))
    }

    /// All keys with their entries.
    pub fn keys(&self) -> impl Iterator<Item = (&Entry, &Key)> {
        self.content.entries.iter().flat_map(|entry| entry.keys.iter().map(move |key| (entry, key)))
    }
}

/// Keys that passed their import check in a list before, by their bytes and vkeys.
#[derive(Default)]
struct Checked<'a> {
    keys: BTreeMap<&'a [u8], PublicKey>,
    logs: BTreeMap<&'a str, &'a LogKey>,
}

impl<'a> Checked<'a> {
    fn of(list: Option<&'a TrustList>) -> Checked<'a> {
        let entries = || list.into_iter().flat_map(|list| &list.content.entries);
        let keys = entries().flat_map(|entry| &entry.keys).map(|key| (key.key.bytes(), key.key));
        let logs = entries().flat_map(|entry| &entry.logs).map(|log| (log.vkey.as_str(), &log.key));
        Checked { keys: keys.collect(), logs: logs.collect() }
    }

    fn key(&self, bytes: &[u8]) -> Option<PublicKey> {
        self.keys.get(bytes).copied()
    }
}

const MISSING: Fault = Fault::not_conformant("a required member is missing");

fn read_content(payload: &[u8], checked: &Checked<'_>) -> Result<(ListContent, Policy), Fault> {
    let mut reader = Reader::new(payload);
    let (mut head, mut entries, mut policy) = (Head::default(), None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(&mut reader)? {
        match key {
            1..=3 => head.read(key, &mut reader)?,
            4 => entries = Some(read_entries(&mut reader, checked)?),
            5 => policy = Some(reader.text()?),
            _ => return Err(Fault::not_conformant("an unknown member in a trust list")),
        }
    }
    reader.end()?;
    let (version, iat, exp) = head.finish()?;
    let (entries, text) = (entries.ok_or(MISSING)?, policy.ok_or(MISSING)?);
    let policy = Policy::parse_without_logs(text)
        .map_err(|_| Fault::not_conformant("the witness policy is broken"))?;
    check_unique_keys(&entries)?;
    Ok((ListContent { version, iat, exp, entries, witness_policy: String::from(text) }, policy))
}

fn check_unique_keys(entries: &[Entry]) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for key in entries.iter().flat_map(|entry| &entry.keys) {
        if !seen.insert(key.key.bytes()) {
            return Err(Fault::not_conformant("one public key in two places"));
        }
    }
    Ok(())
}

fn read_entries(reader: &mut Reader<'_>, checked: &Checked<'_>) -> Result<Vec<Entry>, Fault> {
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..bounded(reader.array()?, MAX_ENTRIES)? {
        let entry = read_entry(reader, checked)?;
        if entries.last().is_some_and(|last| last.id >= entry.id) {
            return Err(Fault::not_conformant("entries are doubled or out of order"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn bounded(count: usize, most: usize) -> Result<usize, Fault> {
    if count <= most { Ok(count) } else { Err(Fault::not_conformant("too many members in a trust list")) }
}

fn read_entry(reader: &mut Reader<'_>, checked: &Checked<'_>) -> Result<Entry, Fault> {
    let (mut id, mut name, mut hosts, mut logs, mut keys, mut successor) =
        (None, None, None, None, None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => id = Some(String::from(reader.short_text(MAX_CODE)?)),
            2 => name = Some(String::from(reader.short_text(256)?)),
            3 => hosts = Some(read_all(reader, MAX_ENTRY_HOSTS, read_host)?),
            4 => logs = Some(read_all(reader, MAX_ENTRY_LOGS, |reader| read_log(reader, checked))?),
            5 => keys = Some(read_all(reader, MAX_ENTRY_KEYS, |reader| read_key(reader, checked))?),
            6 => successor = Some(String::from(reader.short_text(MAX_CODE)?)),
            _ => return Err(Fault::not_conformant("an unknown member in an entry")),
        }
    }
    match (id, name, hosts, logs, keys) {
        (Some(id), Some(name), Some(hosts), Some(logs), Some(keys)) => {
            let entry = Entry { id, name, hosts, logs, keys, successor };
            check_cuts(&entry)?;
            Ok(entry)
        }
        _ => Err(MISSING),
    }
}

/// The tree of a cut is one of a log of the same entry.
fn check_cuts(entry: &Entry) -> Result<(), Fault> {
    let trees = entry.keys.iter().filter_map(|key| key.cut()).filter_map(|cut| cut.tree.as_ref());
    let is_known = |tree: &CutTree| entry.logs.iter().any(|log| log.key.name() == tree.origin);
    match trees.into_iter().all(is_known) {
        true => Ok(()),
        false => Err(Fault::not_conformant("a cut in a log that the entry does not name")),
    }
}

fn read_all<T>(
    reader: &mut Reader<'_>,
    most: usize,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    (0..bounded(reader.array()?, most)?).map(|_| read(reader)).collect()
}

fn read_host(reader: &mut Reader<'_>) -> Result<String, Fault> {
    let host = reader.text()?;
    if is_host(host) {
        Ok(String::from(host))
    } else {
        Err(Fault::not_conformant("a host has a wrong shape"))
    }
}

fn read_log(reader: &mut Reader<'_>, checked: &Checked<'_>) -> Result<Log, Fault> {
    reader.array_of(4)?;
    let (origin, vkey) = (reader.text()?, reader.text()?);
    let since = reader.time()?;
    let until = if reader.null()? { None } else { Some(reader.time()?) };
    let key = match checked.logs.get(vkey) {
        Some(key) => (*key).clone(),
        None => LogKey::parse(vkey).map_err(|_| Fault::not_conformant("a vkey is broken"))?,
    };
    if key.name() != origin || until.is_some_and(|until| until <= since) {
        return Err(Fault::not_conformant("a log whose key or period does not fit"));
    }
    Ok(Log { key, vkey: String::from(vkey), since, until })
}

fn read_key(reader: &mut Reader<'_>, checked: &Checked<'_>) -> Result<Key, Fault> {
    let (mut key, mut scopes, mut state, mut since, mut cut, mut history, mut tree) =
        (None, None, None, None, None, Vec::new(), None);
    let mut map = reader.map()?;
    while let Some(member) = map.next_int(reader)? {
        match member {
            1 => key = Some(read_cose_key(reader, |x| checked.key(x))?),
            2 => scopes = Some(read_all(reader, MAX_KEY_SCOPES, Scope::read)?),
            3 => state = Some(reader.int()?),
            4 => since = Some(reader.time()?),
            5 => cut = Some(reader.uint()?),
            6 => history = read_history(reader)?,
            7 => tree = Some(CutTree::read(reader)?),
            _ => return Err(Fault::not_conformant("an unknown member in a key")),
        }
    }
    let (Some(key), Some(scopes), Some(since)) = (key, scopes, since) else { return Err(MISSING) };
    let state = match (state, cut) {
        (Some(0), None) => KeyState::Active,
        (Some(1), None) => KeyState::Retired,
        (Some(2), Some(index)) => KeyState::Compromised(Cut { index, tree: tree.take() }),
        _ => return Err(Fault::not_conformant("a key state that is unknown or has a wrong cut")),
    };
    if tree.is_some() {
        return Err(Fault::not_conformant("a tree of a cut beside a key that has no cut"));
    }
    if scopes.is_empty() || history.last().is_some_and(|(_, last)| *last > since) {
        return Err(Fault::not_conformant("a key without scope, or with a history that does not ascend"));
    }
    Ok(Key { key, scopes, state, since, history, table: None })
}

fn read_history(reader: &mut Reader<'_>) -> Result<Vec<(i64, UnixTime)>, Fault> {
    let mut history: Vec<(i64, UnixTime)> = Vec::new();
    for _ in 0..bounded(reader.array()?, MAX_HISTORY)? {
        reader.array_of(2)?;
        let (state, since) = (reader.int()?, reader.time()?);
        if !(0..=2).contains(&state) || history.last().is_some_and(|(_, last)| *last >= since) {
            return Err(Fault::not_conformant("a history that does not ascend"));
        }
        history.push((state, since));
    }
    Ok(history)
}

impl ListContent {
    /// Reads a payload, whose signatures are another question: a proposal has none.
    ///
    /// # Errors
    /// A fault for every breach of spec/trust-list.md §3 to §5.
    pub fn from_payload(payload: &[u8]) -> Result<ListContent, Fault> {
        read_content(payload, &Checked::default()).map(|(content, _)| content)
    }

    /// Signs the list; entries are written in ascending order of their ids.
    ///
    /// # Errors
    /// [`SignError`] from a signer.
    pub fn sign(&self, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        cose::sign(TYP_LIST, &self.to_payload(), signers)
    }

    /// The bytes that are signed; entries are written in ascending order of their ids.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        let mut writer = Writer::default();
        writer.map(5).int(1).uint(self.version).int(2).int(self.iat.0).int(3).int(self.exp.0);
        writer.int(4).array(entries.len());
        entries.iter().for_each(|entry| write_entry(&mut writer, entry));
        writer.int(5).text(&self.witness_policy);
        writer.into_bytes()
    }
}

fn write_entry(writer: &mut Writer, entry: &Entry) {
    writer.map(5 + usize::from(entry.successor.is_some()));
    writer.int(1).text(&entry.id).int(2).text(&entry.name).int(3).array(entry.hosts.len());
    entry.hosts.iter().for_each(|host| {
        writer.text(host);
    });
    writer.int(4).array(entry.logs.len());
    for log in &entry.logs {
        writer.array(4).text(log.key.name()).text(&log.vkey).int(log.since.0);
        match log.until {
            Some(until) => writer.int(until.0),
            None => writer.null(),
        };
    }
    writer.int(5).array(entry.keys.len());
    entry.keys.iter().for_each(|key| write_key(writer, key));
    if let Some(successor) = &entry.successor {
        writer.int(6).text(successor);
    }
}

fn write_key(writer: &mut Writer, key: &Key) {
    let cut = key.cut();
    let tree = cut.and_then(|cut| cut.tree.as_ref());
    let members = [cut.is_some(), !key.history.is_empty(), tree.is_some()];
    writer.map(4 + members.into_iter().filter(|is_there| *is_there).count());
    writer.int(1).encoded(&key.key.cose_key()).int(2).array(key.scopes.len());
    key.scopes.iter().for_each(|scope| scope.write(writer));
    writer.int(3).int(key.state.number()).int(4).int(key.since.0);
    if let Some(cut) = cut {
        writer.int(5).uint(cut.index);
    }
    if !key.history.is_empty() {
        writer.int(6).array(key.history.len());
        for (state, since) in &key.history {
            writer.array(2).int(*state).int(since.0);
        }
    }
    if let Some(tree) = tree {
        writer.int(7);
        tree.write(writer);
    }
}
