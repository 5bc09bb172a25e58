//! The next trust file as a proposal: what changes against the one in force.
//!
//! In scope: a list with nodes added, keys retired or compromised, authorities removed or succeeded; a root with other
//! officers. Out of scope: who may want that (officers sign), signing, files.

use licence_spec::suite::PublicKey;
use licence_spec::time::UnixTime;
use licence_spec::trust::{
    Cut, Entry, Key, KeyState, ListContent, Proposal, ProposalError, Proposed, RoleKeys, RootContent,
};

use crate::publication::ceremony::{LIST_LIFE_S, OfficerKeys, ROOT_LIFE_S};

/// What changes in a list beside new nodes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Keys that go out of use, each by its kid or thumbprint in hex.
    pub retire: Vec<String>,
    /// Keys in wrong hands, and where they stop being good.
    pub compromise: Vec<(String, Cut)>,
    /// Authorities that leave.
    pub remove: Vec<String>,
    /// Authorities and who took their place.
    pub successors: Vec<(String, String)>,
    /// Another witness policy: who cosigns, and how many a verdict wants.
    pub witness_policy: Option<String>,
}

/// Why a change cannot be made. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No listed key has this name.
    #[error("列表中没有密钥 {0}，请用 trust show 核对 / no listed key is named {0}: compare with trust show")]
    NoKey(String),
    /// Several listed keys have this name.
    #[error(
        "有多把密钥的 kid 为 {0}，请写完整的 64 位指纹 / several keys have kid {0}: give the full thumbprint, 64 digits"
    )]
    ManyKeys(String),
    /// The key is in that state or in a worse one.
    #[error("密钥 {0} 已停用或已列为泄露 / key {0} is retired or compromised already")]
    State(String),
    /// No such authority.
    #[error(
        "列表中没有机关 {0}，请用 trust show 核对 / authority {0} is not listed: compare with trust show"
    )]
    NoAuthority(String),
    /// An authority cannot be its own successor.
    #[error("机关 {0} 不能承继自身 / authority {0} cannot succeed itself")]
    OwnSuccessor(String),
    /// Too few officers for the threshold.
    #[error("签署人 {have} 名少于门槛 {need} / {have} officers cannot meet a threshold of {need}")]
    Officers {
        /// Officers.
        have: usize,
        /// Threshold.
        need: usize,
    },
    /// An officer whose keys the root in force does not have.
    #[error(
        "现行信任根中没有 {0} 的密钥，请核对其公钥文件 / the root in force has no keys of {0}: compare the key file"
    )]
    NotAnOfficer(String),
    /// The result breaks a rule of trust files.
    #[error("所提文件不合规定 / what is proposed breaks a rule: {0}")]
    Format(ProposalError),
}

/// The list after `held`: the new `entries`, the changes as of `at`, and 90 days from `now`.
///
/// # Errors
/// [`ChangeError`].
pub fn next_list(
    held: Option<&ListContent>,
    entries: Vec<Entry>,
    changes: &Changes,
    at: UnixTime,
    now: UnixTime,
) -> Result<Proposal, ChangeError> {
    let mut content = match held {
        Some(held) => held.clone(),
        None => ListContent {
            version: 0,
            iat: now,
            exp: now,
            entries: Vec::new(),
            witness_policy: "quorum none\n".to_owned(),
        },
    };
    (content.version, content.iat, content.exp) = (content.version + 1, now, now.plus(LIST_LIFE_S));
    content.entries.extend(entries);
    content.entries.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(policy) = &changes.witness_policy {
        content.witness_policy.clone_from(policy);
    }
    for name in &changes.retire {
        let key = key_mut(&mut content, name)?;
        if key.state != KeyState::Active {
            return Err(ChangeError::State(name.clone()));
        }
        key.change_state(KeyState::Retired, at);
    }
    for (name, cut) in &changes.compromise {
        let key = key_mut(&mut content, name)?;
        if key.cut().is_some() {
            return Err(ChangeError::State(name.clone()));
        }
        key.change_state(KeyState::Compromised(cut.clone()), at);
    }
    for code in &changes.remove {
        content.entries.remove(place(&content, code)?);
    }
    for (old, new) in &changes.successors {
        place(&content, new)?;
        if old == new {
            return Err(ChangeError::OwnSuccessor(old.clone()));
        }
        let at = place(&content, old)?;
        content.entries[at].successor = Some(new.clone());
    }
    Proposal::new(&Proposed::List(content)).map_err(ChangeError::Format)
}

fn place(content: &ListContent, code: &str) -> Result<usize, ChangeError> {
    let at = content.entries.iter().position(|entry| entry.id == code);
    at.ok_or_else(|| ChangeError::NoAuthority(code.to_owned()))
}

/// Whether a key has this name: its kid or its whole thumbprint, in hex of either case.
#[must_use]
pub fn is_named(key: &PublicKey, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == hex::encode(key.kid()) || name == hex::encode(key.thumbprint())
}

fn key_mut<'a>(content: &'a mut ListContent, name: &str) -> Result<&'a mut Key, ChangeError> {
    let keys = content.entries.iter_mut().flat_map(|entry| &mut entry.keys);
    let mut found = keys.filter(|key| is_named(&key.key, name));
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(ChangeError::ManyKeys(name.to_owned())),
        (None, _) => Err(ChangeError::NoKey(name.to_owned())),
    }
}

/// Root 1, of these officers.
///
/// # Errors
/// [`ChangeError`] if the officers cannot meet the threshold, or share a key.
pub fn first_root(
    name: &str,
    officers: &[OfficerKeys],
    threshold: usize,
    timestamp: PublicKey,
    now: UnixTime,
) -> Result<Proposal, ChangeError> {
    let role = |keys: Vec<PublicKey>| RoleKeys { threshold, keys };
    if officers.len() < threshold || threshold == 0 {
        return Err(ChangeError::Officers { have: officers.len(), need: threshold });
    }
    let content = RootContent {
        version: 1,
        iat: now,
        exp: now.plus(ROOT_LIFE_S),
        name: name.to_owned(),
        root: role(officers.iter().map(|officer| officer.root).collect()),
        list: role(officers.iter().map(|officer| officer.list).collect()),
        timestamp: RoleKeys { threshold: 1, keys: vec![timestamp] },
    };
    Proposal::new(&Proposed::Root(content)).map_err(ChangeError::Format)
}

/// The root after `held`: officers replaced, pair by pair, and the timestamp key that the province's node has now.
///
/// # Errors
/// [`ChangeError`] if a replaced officer is none, or the new keys break a rule.
pub fn next_root(
    held: &RootContent,
    replaced: &[(OfficerKeys, OfficerKeys)],
    timestamp: PublicKey,
    now: UnixTime,
) -> Result<Proposal, ChangeError> {
    let mut content = held.clone();
    (content.version, content.iat, content.exp) = (held.version + 1, now, now.plus(ROOT_LIFE_S));
    content.timestamp = RoleKeys { threshold: 1, keys: vec![timestamp] };
    for (old, new) in replaced {
        let pairs = [(&mut content.root, old.root, new.root), (&mut content.list, old.list, new.list)];
        for (role, old_key, new_key) in pairs {
            let held = role.keys.iter_mut().find(|key| **key == old_key);
            *held.ok_or_else(|| ChangeError::NotAnOfficer(old.name.clone()))? = new_key;
        }
    }
    Proposal::new(&Proposed::Root(content)).map_err(ChangeError::Format)
}

#[cfg(test)]
mod tests {
    use licence_spec::suite::{SeedSigner, Signer as _};
    use licence_spec::trust::{Names, Role, Scope};

    use super::*;
    use crate::publication::ceremony::diff::{Fate, diff};

    const NOW: UnixTime = UnixTime(1_795_700_000);
    const THEN: UnixTime = UnixTime(1_795_800_000);

    fn public(seed: u8) -> PublicKey {
        *SeedSigner::from_seed(&[seed; 32]).unwrap().public_key()
    }

    fn kid(seed: u8) -> String {
        hex::encode(public(seed).kid())
    }

    fn entry(id: &str, seed: u8) -> Entry {
        let regions = Names::Some(vec!["4401".to_owned()]);
        let types = Names::Some(vec!["urn:elic:cn:11100000MB0143028R001".to_owned()]);
        let scope = Scope { role: Role::Licence, types, regions, from: NOW, to: NOW.plus(1_000_000) };
        Entry {
            id: id.to_owned(),
            name: id.to_owned(),
            hosts: vec!["gz.elic.example".to_owned()],
            logs: Vec::new(),
            keys: vec![Key::new(public(seed), vec![scope], KeyState::Active, NOW)],
            successor: None,
        }
    }

    fn cut(index: u64) -> Cut {
        Cut { index, tree: None }
    }

    fn content(proposal: &Proposal) -> ListContent {
        match proposal.proposed() {
            Proposed::List(content) => content.clone(),
            Proposed::Root(_) => panic!("a list"),
        }
    }

    fn held() -> ListContent {
        let first = next_list(None, vec![entry("B", 2), entry("A", 1)], &Changes::default(), NOW, NOW);
        content(&first.unwrap())
    }

    fn after(changes: &Changes) -> Result<ListContent, ChangeError> {
        next_list(Some(&held()), Vec::new(), changes, THEN, THEN).map(|proposal| content(&proposal))
    }

    #[test]
    fn a_list_grows_by_versions_and_keys_keep_their_history() {
        assert_eq!((held().version, held().entries[0].id.as_str()), (1, "A"));
        let changes = Changes {
            retire: vec![kid(1)],
            compromise: vec![(hex::encode(public(2).thumbprint()).to_uppercase(), cut(6))],
            ..Changes::default()
        };
        let next = after(&changes).unwrap();
        assert_eq!((next.version, next.iat), (2, THEN));
        let state = |at: usize| (next.entries[at].keys[0].state.clone(), next.entries[at].keys[0].since);
        assert_eq!(state(0), (KeyState::Retired, THEN));
        assert_eq!(state(1), (KeyState::Compromised(cut(6)), THEN));
        assert_eq!(next.entries[0].keys[0].history, [(0, NOW)]);
        let late = UnixTime(THEN.0 + 5);
        let stolen = Changes { compromise: vec![(kid(1), cut(3))], ..Changes::default() };
        let third = content(&next_list(Some(&next), Vec::new(), &stolen, late, late).unwrap());
        assert_eq!(third.entries[0].keys[0].history, [(0, NOW), (1, THEN)], "retired, then known as stolen");
    }

    #[test]
    fn a_change_that_cannot_be_made_names_its_cause() {
        let retire = |name: &str| after(&Changes { retire: vec![name.to_owned()], ..Changes::default() });
        assert!(matches!(retire("0011223344556677"), Err(ChangeError::NoKey(_))));
        assert!(matches!(retire(""), Err(ChangeError::NoKey(_))));
        let twice = Changes { retire: vec![kid(1), kid(1)], ..Changes::default() };
        assert!(matches!(after(&twice), Err(ChangeError::State(_))));
        let remove = Changes { remove: vec!["C".to_owned()], ..Changes::default() };
        assert!(matches!(after(&remove), Err(ChangeError::NoAuthority(_))));
        let succeed = |old: &str, new: &str| {
            after(&Changes { successors: vec![(old.to_owned(), new.to_owned())], ..Changes::default() })
        };
        assert!(matches!(succeed("A", "C"), Err(ChangeError::NoAuthority(_))));
        assert!(matches!(succeed("A", "A"), Err(ChangeError::OwnSuccessor(_))));
        assert_eq!(succeed("A", "B").unwrap().entries[0].successor.as_deref(), Some("B"));
        let policy =
            |text: &str| after(&Changes { witness_policy: Some(text.to_owned()), ..Changes::default() });
        assert!(matches!(policy("quorum w1\n"), Err(ChangeError::Format(_))), "a quorum of nobody");
        let witness = SeedSigner::from_seed(&[7; 32]).unwrap();
        let vkey =
            licence_spec::log::cosignature::WitnessKey::new("fs.elic.example/w1", *witness.public_key());
        let one = format!("witness w1 {}\nquorum w1\n", vkey.unwrap());
        assert_eq!(policy(&one).unwrap().witness_policy, one);
        let doubled = next_list(Some(&held()), vec![entry("C", 1)], &Changes::default(), THEN, THEN);
        assert!(matches!(doubled, Err(ChangeError::Format(_))), "one key for two authorities");
    }

    #[test]
    fn the_diff_says_who_comes_who_goes_and_what_may_issue_no_more() {
        let before = Proposed::List(held());
        let changes = Changes { retire: vec![kid(1)], remove: vec!["B".to_owned()], ..Changes::default() };
        let next = next_list(Some(&held()), vec![entry("C", 3)], &changes, THEN, THEN).unwrap();
        let found = diff(&before, next.proposed()).unwrap();
        let fates: Vec<_> = found.changes.iter().map(|change| (change.id.as_str(), change.fate)).collect();
        assert_eq!(fates, [("A", Fate::Changed), ("B", Fate::Removed), ("C", Fate::Added)]);
        assert!(found.gained.authorities.iter().eq(["C"]) && found.lost.authorities.iter().eq(["A", "B"]));
        assert!(found.lost.types.is_empty(), "C issues the same type");
        assert_eq!((found.gained.keys.len(), found.lost.keys.len()), (1, 2));
        // A name that would look like a line of the diff is not proposed, and stays on its own line whoever proposes it.
        let spoof = Entry { name: "A\n移除 removed  B".to_owned(), ..entry("D", 4) };
        let refused = next_list(Some(&held()), vec![spoof.clone()], &Changes::default(), THEN, THEN);
        assert!(matches!(refused, Err(ChangeError::Format(ProposalError::Name { id, .. })) if id == "D"));
        let mut spoofed = held();
        spoofed.entries.push(spoof);
        let found = diff(&before, &Proposed::List(spoofed)).unwrap();
        assert!(found.changes.iter().all(|change| !change.name.contains('\n')));
        let same = diff(&before, &before).unwrap();
        assert!(same.changes.is_empty() && same.gained == same.lost);
    }

    fn officer(name: &str, seed: u8) -> OfficerKeys {
        let (root, list, approval) = (public(seed), public(seed + 10), public(seed + 20));
        OfficerKeys { name: name.to_owned(), root, list, approval }
    }

    #[test]
    fn an_officer_is_replaced_in_every_role_and_only_one_who_is_in_office() {
        let three = [officer("officer-1", 1), officer("officer-2", 2), officer("officer-3", 3)];
        let first = first_root("elicence.gd", &three, 2, public(99), NOW).unwrap();
        let Proposed::Root(held) = first.proposed() else { panic!("a root") };
        let new = officer("officer-2", 4);
        let next = next_root(held, &[(three[1].clone(), new.clone())], public(99), THEN).unwrap();
        let Proposed::Root(content) = next.proposed() else { panic!("a root") };
        assert_eq!((content.version, content.root.threshold, &content.name), (2, 2, &held.name));
        for (role, old, new) in
            [(&content.root, three[1].root, new.root), (&content.list, three[1].list, new.list)]
        {
            assert!(role.keys.contains(&new) && !role.keys.contains(&old) && role.keys.len() == 3);
        }
        let stranger = next_root(held, &[(new.clone(), officer("x", 5))], public(99), THEN);
        assert!(matches!(stranger, Err(ChangeError::NotAnOfficer(_))));
        let doubled = next_root(held, &[(three[1].clone(), three[0].clone())], public(99), THEN);
        assert!(matches!(doubled, Err(ChangeError::Format(_))), "one officer in two places");
        let few = first_root("elicence.gd", &three[..1], 2, public(99), NOW);
        assert!(matches!(few, Err(ChangeError::Officers { have: 1, need: 2 })));
        assert_eq!(OfficerKeys::from_toml(&new.to_toml()).unwrap(), new);
        assert!(OfficerKeys::from_toml(&new.to_toml().replace("officer-2", "../x")).is_err());
        assert!(OfficerKeys::from_toml("name = \"officer-2\"").is_err());
    }
}
