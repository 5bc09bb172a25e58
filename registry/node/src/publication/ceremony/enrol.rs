//! Enrolment: the request that a node makes, and what the province asks of one before its keys go into a proposed list.
//!
//! In scope: putting the request together from the node's keys; region, host, authorities, usages and keys against the
//! catalogue's data and the list in force. Out of scope: the bytes and the proofs (`licence_spec::enrolment`), who looks at
//! the request (two people), files.

use licence_catalogue::{Authority, CatalogueData};
use licence_spec::enrolment::{self, Applicant, Enrolment, EnrolmentError, KeyUsage};
use licence_spec::suite::{PublicKey, Signer};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Entry, Key, KeyState, ListContent, Log, Role, RootContent};

use crate::node::Node;
use crate::node::keys::Usage;
use crate::publication::ceremony::{CeremonyError, SCOPE_LIFE_S};

/// Makes the request of a node: every key that its authorities need, and the log's, each signing it.
///
/// # Errors
/// [`CeremonyError`] if a key is missing, or no randomness is to be had.
pub fn request(node: &Node) -> Result<Vec<u8>, CeremonyError> {
    let mut signers = Vec::new();
    let mut add = |authority: &str, of: Usage, usage: KeyUsage| {
        let signer = node.keys.signer(authority, of);
        let signer = signer.ok_or_else(|| CeremonyError::Keys(authority.to_owned()))?;
        signers.push((authority.to_owned(), usage, signer));
        Ok::<_, CeremonyError>(())
    };
    let now = node.clock.now();
    for authority in node.authorities.iter().filter(|authority| !authority.is_over(now)) {
        for role in &authority.roles {
            add(&authority.code, Usage::Role(*role), KeyUsage::Role(*role))?;
        }
    }
    add(&node.authority, Usage::Log, KeyUsage::Log)?;
    let applicant = Applicant { region: &node.region, host: &node.host, nonce: node.rng.bytes()?, iat: now };
    let keys: Vec<(&str, KeyUsage, &dyn Signer)> = signers
        .iter()
        .map(|(authority, usage, signer)| (authority.as_str(), *usage, &**signer as &dyn Signer))
        .collect();
    Ok(enrolment::request(&applicant, &keys)?)
}

/// Why the province does not let a node in.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The request itself is refused.
    #[error(transparent)]
    Request(#[from] EnrolmentError),
    /// The catalogue's data name no authority of the region.
    #[error(
        "目录中没有区划 {0} 的节点，请核对区划代码 / the catalogue names no node of region {0}: compare the code"
    )]
    Region(String),
    /// An authority that is none of the region's.
    #[error(
        "机关 {authority} 不属于区划 {region}，请核对两处目录数据 / authority {authority} is none of region {region}: compare the catalogue data"
    )]
    Stranger {
        /// Its code.
        authority: String,
        /// The region.
        region: String,
    },
    /// A key for what the authority does not do.
    #[error(
        "机关 {0} 没有 {1} 职能，请核对两处目录数据 / authority {0} has no role {1}: compare the catalogue data"
    )]
    Role(String, KeyUsage),
    /// A key that the authority needs.
    #[error(
        "缺少机关 {0} 的 {1} 公钥，请该节点执行 key make 后重新申请 / the {1} key of authority {0} is missing: the node runs key make and asks anew"
    )]
    Missing(String, KeyUsage),
    /// Another host than that of the catalogue's data.
    #[error(
        "主机 {given} 与目录中的 {expected} 不符，请核对 / host {given} is not {expected}, as the catalogue's data have it"
    )]
    Host {
        /// In the request.
        given: String,
        /// In the data.
        expected: String,
    },
    /// The region or the host's log stands in the list or the proposal.
    #[error(
        "区划 {0} 已入网或已在本提案中，同一节点不能入网两次 / region {0} is enrolled or in this proposal already: a node does not enrol twice"
    )]
    Taken(String),
    /// A key that is listed already.
    #[error(
        "机关 {0} 的 {1} 公钥已在信任列表或信任根中，该节点须重新生成密钥 / the {1} key of authority {0} is listed already: the node must make another"
    )]
    Listed(String, KeyUsage),
    /// In production, an authority whose code is invented.
    #[error("正式运行不得列入合成机关 {0} / in production the synthetic authority {0} must not be listed")]
    Synthetic(String),
    /// Its permission is over.
    #[error(
        "机关 {0} 的许可期限已过，请更新目录数据 / the permission of authority {0} is over: bring the catalogue's data up to date"
    )]
    Over(String),
}

/// What a request is held against.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// The catalogue's data: who is who, and may do what.
    pub data: &'a CatalogueData,
    /// The root in force.
    pub root: &'a RootContent,
    /// Whether licences count: then no authority may be invented.
    pub production: bool,
    /// The moment.
    pub now: UnixTime,
}

impl Against<'_> {
    /// The entries that a request gives, if nothing stands against it. An authority whose permission is over is left out
    /// ([`Against::over`]) and keeps no other from coming in. `listed`: the entries of the list in force and of the
    /// proposal so far.
    ///
    /// # Errors
    /// [`EnrolError`]: the first thing that is wrong.
    pub fn entries(&self, request: &Enrolment, listed: &[Entry]) -> Result<Vec<Entry>, EnrolError> {
        request.check_time(self.now)?;
        let region = request.region().as_str();
        let authorities: Vec<&Authority> = self.data.authorities_of_node(region).collect();
        if authorities.is_empty() {
            return Err(EnrolError::Region(region.to_owned()));
        }
        self.check_free(request, &authorities, listed)?;
        check_keys(request, &authorities)?;
        let (over, standing): (Vec<&Authority>, Vec<&Authority>) =
            authorities.into_iter().partition(|authority| authority.is_over(self.now));
        match (over.first(), standing.is_empty()) {
            (Some(over), true) => Err(EnrolError::Over(over.code.clone())),
            _ => standing.into_iter().map(|authority| self.entry(request, authority)).collect(),
        }
    }

    /// The authorities of a region that are left out because their permission is over.
    pub fn over<'a>(&'a self, region: &'a str) -> impl Iterator<Item = &'a Authority> {
        self.data.authorities_of_node(region).filter(|authority| authority.is_over(self.now))
    }

    fn check_free(
        &self,
        request: &Enrolment,
        authorities: &[&Authority],
        listed: &[Entry],
    ) -> Result<(), EnrolError> {
        let origin = request.log().name();
        let is_taken = |entry: &Entry| {
            authorities.iter().any(|authority| authority.code == entry.id)
                || entry.logs.iter().any(|log| log.key.name() == origin)
        };
        if listed.iter().any(is_taken) {
            return Err(EnrolError::Taken(request.region().as_str().to_owned()));
        }
        let roles = [&self.root.root, &self.root.list, &self.root.timestamp];
        let role_keys = roles.into_iter().flat_map(|role| &role.keys);
        let known: Vec<&PublicKey> = listed
            .iter()
            .flat_map(|entry| {
                let logs = entry.logs.iter().map(|log| log.key.public_key());
                entry.keys.iter().map(|key| &key.key).chain(logs)
            })
            .chain(role_keys)
            .collect();
        match request.keys().iter().find(|own| known.contains(&&own.key)) {
            Some(own) => Err(EnrolError::Listed(own.authority.clone(), own.usage)),
            None => Ok(()),
        }
    }

    fn entry(&self, request: &Enrolment, authority: &Authority) -> Result<Entry, EnrolError> {
        if self.production && authority.synthetic {
            return Err(EnrolError::Synthetic(authority.code.clone()));
        }
        let mut keys = Vec::new();
        for role in &authority.roles {
            let usage = KeyUsage::Role(*role);
            let own = request.keys().iter().find(|own| own.authority == authority.code && own.usage == usage);
            let own = own.ok_or_else(|| EnrolError::Missing(authority.code.clone(), usage))?;
            let scope = authority.scope(*role, self.now, self.now.plus(SCOPE_LIFE_S));
            if scope.to <= scope.from {
                return Err(EnrolError::Over(authority.code.clone()));
            }
            keys.push(Key::new(own.key, vec![scope], KeyState::Active, self.now));
        }
        let key = request.log().clone();
        Ok(Entry {
            id: authority.code.clone(),
            name: authority.name.clone(),
            hosts: vec![authority.host.clone()],
            logs: vec![Log { vkey: key.to_string(), key, since: self.now, until: None }],
            keys,
            successor: None,
        })
    }
}

/// Host, authorities and usages are those of the catalogue's data; what is missing is found when the entry is made.
fn check_keys(request: &Enrolment, authorities: &[&Authority]) -> Result<(), EnrolError> {
    if let Some(other) = authorities.iter().find(|authority| authority.host != request.host()) {
        let (given, expected) = (request.host().to_owned(), other.host.clone());
        return Err(EnrolError::Host { given, expected });
    }
    for own in request.keys() {
        let Some(authority) = authorities.iter().find(|authority| authority.code == own.authority) else {
            let (authority, region) = (own.authority.clone(), request.region().as_str().to_owned());
            return Err(EnrolError::Stranger { authority, region });
        };
        let has = |role: Role| authority.roles.contains(&role);
        if matches!(own.usage, KeyUsage::Role(role) if !has(role)) {
            return Err(EnrolError::Role(authority.code.clone(), own.usage));
        }
    }
    Ok(())
}

/// Entries of a list, or none.
#[must_use]
pub fn listed(list: Option<&ListContent>) -> &[Entry] {
    list.map_or(&[], |list| &list.entries)
}

#[cfg(test)]
mod tests {
    use licence_catalogue::embedded;
    use licence_spec::enrolment::{ENROLMENT_LIFE_S, request};
    use licence_spec::suite::SeedSigner;
    use licence_spec::trust::RoleKeys;

    use super::*;

    const NOW: UnixTime = UnixTime(1_795_700_000);

    /// A key for each number; no two tests need to agree on them.
    fn signer(number: u64) -> SeedSigner {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        SeedSigner::from_seed(&seed).unwrap()
    }

    fn root() -> RootContent {
        let role = |number| RoleKeys { threshold: 1, keys: vec![*signer(number).public_key()] };
        RootContent {
            version: 1,
            iat: NOW,
            exp: NOW.plus(1_000_000),
            name: "elicence.gd".to_owned(),
            root: role(901),
            list: role(902),
            timestamp: role(903),
        }
    }

    /// What a node asks, changed as told: authority, usage and number of the key.
    type Wanted = Vec<(String, KeyUsage, u64)>;

    fn wanted(data: &CatalogueData, region: &str, first: u64) -> Wanted {
        let mut wanted: Wanted = Vec::new();
        for authority in data.authorities_of_node(region) {
            for role in &authority.roles {
                let number = first + wanted.len() as u64;
                wanted.push((authority.code.clone(), KeyUsage::Role(*role), number));
            }
        }
        let own = wanted[0].0.clone();
        wanted.push((own, KeyUsage::Log, first + 99));
        wanted
    }

    fn asked(region: &str, host: &str, wanted: &Wanted) -> Enrolment {
        let signers: Vec<_> = wanted.iter().map(|(.., number)| signer(*number)).collect();
        let keys: Vec<(&str, KeyUsage, &dyn Signer)> = wanted
            .iter()
            .zip(&signers)
            .map(|((authority, usage, _), signer)| (authority.as_str(), *usage, signer as &dyn Signer))
            .collect();
        let applicant = Applicant { region, host, nonce: [1; 16], iat: NOW };
        Enrolment::open(&request(&applicant, &keys).unwrap()).unwrap()
    }

    /// What the province says to 佛山, asked with these changes.
    fn answer(change: impl FnOnce(&mut Wanted), listed: &[Entry]) -> Result<Vec<Entry>, EnrolError> {
        let (data, root) = (embedded().unwrap(), root());
        let mut wanted = wanted(&data, "440600", 1);
        change(&mut wanted);
        let against = Against { data: &data, root: &root, production: false, now: NOW };
        against.entries(&asked("440600", "fs.elic.example", &wanted), listed)
    }

    #[test]
    fn a_right_request_gives_entries_with_the_scopes_of_the_catalogue() {
        let entries = answer(|_| (), &[]).unwrap();
        let data = embedded().unwrap();
        assert_eq!(entries.len(), data.authorities_of_node("440600").count());
        for entry in &entries {
            let authority = data.authority(&entry.id).unwrap();
            assert_eq!((entry.keys.len(), entry.hosts.len()), (authority.roles.len(), 1));
            assert!(entry.logs.iter().all(|log| log.key.name() == "fs.elic.example/log"));
            for (key, role) in entry.keys.iter().zip(&authority.roles) {
                assert_eq!(key.scopes, [authority.scope(*role, NOW, NOW.plus(SCOPE_LIFE_S))]);
            }
        }
    }

    #[test]
    fn a_region_that_is_listed_or_in_the_proposal_is_taken_and_so_a_replayed_request_is_refused() {
        let entries = answer(|_| (), &[]).unwrap();
        assert!(matches!(answer(|_| (), &entries), Err(EnrolError::Taken(region)) if region == "440600"));
        // One authority of the region is enough, and so is its log under another authority.
        assert!(matches!(answer(|_| (), &entries[..1]), Err(EnrolError::Taken(_))));
        let renamed = Entry { id: "11440100X00000027D".to_owned(), keys: Vec::new(), ..entries[0].clone() };
        assert!(matches!(answer(|_| (), &[renamed]), Err(EnrolError::Taken(_))));
    }

    #[test]
    fn a_key_that_is_listed_elsewhere_is_refused() {
        let (data, root) = (embedded().unwrap(), root());
        let against = Against { data: &data, root: &root, production: false, now: NOW };
        let elsewhere = wanted(&data, "440700", 500);
        let host = data.authorities_of_node("440700").next().unwrap().host.clone();
        let listed = against.entries(&asked("440700", &host, &elsewhere), &[]).unwrap();
        assert!(answer(|_| (), &listed).is_ok());
        // Its key, its log's key, and the keys of the root's roles.
        for number in [500, 599, 901, 902, 903] {
            let reused = answer(|wanted| wanted[0].2 = number, &listed);
            assert!(matches!(reused, Err(EnrolError::Listed(_, KeyUsage::Role(Role::Licence)))), "{number}");
        }
    }

    #[test]
    fn what_does_not_fit_the_catalogue_is_refused_with_its_name() {
        let missing = answer(|wanted| drop(wanted.remove(1)), &[]);
        assert!(matches!(missing, Err(EnrolError::Missing(_, KeyUsage::Role(Role::Status)))));
        let stranger = |wanted: &mut Wanted| {
            wanted.push(("11440100X00000027D".to_owned(), KeyUsage::Role(Role::Licence), 77));
        };
        assert!(matches!(answer(stranger, &[]), Err(EnrolError::Stranger { .. })));
        let role = |wanted: &mut Wanted| {
            let own = wanted[0].0.clone();
            wanted.push((own, KeyUsage::Role(Role::Catalogue), 78));
        };
        assert!(matches!(answer(role, &[]), Err(EnrolError::Role(_, KeyUsage::Role(Role::Catalogue)))));
        let (data, root) = (embedded().unwrap(), root());
        let against = Against { data: &data, root: &root, production: false, now: NOW };
        let own = wanted(&data, "440600", 1);
        let entries = |region, host| against.entries(&asked(region, host, &own), &[]);
        assert!(matches!(entries("440600", "gz.elic.example"), Err(EnrolError::Host { .. })));
        assert!(matches!(entries("440101", "fs.elic.example"), Err(EnrolError::Region(_))));
        // The keys of one city under the region of another.
        assert!(matches!(entries("440100", "gz.elic.example"), Err(EnrolError::Stranger { .. })));
        let production = Against { production: true, ..against };
        let refused = production.entries(&asked("440600", "fs.elic.example", &own), &[]);
        assert!(matches!(refused, Err(EnrolError::Synthetic(_))));
        let late = Against { now: NOW.plus(ENROLMENT_LIFE_S + 1), ..against };
        let refused = late.entries(&asked("440600", "fs.elic.example", &own), &[]);
        assert!(matches!(refused, Err(EnrolError::Request(EnrolmentError::TooOld(_)))));
    }
}
