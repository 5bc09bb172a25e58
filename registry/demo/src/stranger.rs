//! A stranger's bundle: all that the nodes publish, and under a root of his own one key more. Whoever believes the root that
//! comes with a bundle accepts what that key signed; whoever has compared and pinned a root does not.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::status::StatusToken;
use licence_spec::suite::{Digest, PublicKey, SeedSigner, Signer as _, name_digest};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Key, KeyState, ListContent, Role, RoleKeys, RootContent, TrustFiles};

use crate::Stage;
use licence_node::publication::ceremony;

/// How long the stranger's files say that they are good.
const LIFE_S: i64 = 86_400;

/// The genuine bundle under a stranger's trust files, which list `key` beside the licence key of `issuer`.
pub(super) fn bundle(stage: &Stage, genuine: &Bundle, issuer: &str, key: &PublicKey) -> Result<Bundle> {
    let node = stage.shenzhen.node();
    let now = node.clock.now();
    let fresh = || -> Result<SeedSigner> {
        let mut seed = [0; 32];
        node.rng.fill(&mut seed)?;
        Ok(SeedSigner::from_seed(&seed)?)
    };
    let (root, lists, timestamps) = (fresh()?, fresh()?, fresh()?);
    let role = |signer: &SeedSigner| RoleKeys { threshold: 1, keys: vec![*signer.public_key()] };
    let content = RootContent {
        version: 1,
        iat: now,
        exp: now.plus(LIFE_S),
        name: "elicence.gd.demo".to_owned(),
        root: role(&root),
        list: role(&lists),
        timestamp: role(&timestamps),
    };
    let mut entries = stage.entries.clone();
    let entry = entries.iter_mut().find(|entry| entry.id == issuer).context("issuer")?;
    let own = entry.keys.iter().find(|own| own.has_role(Role::Licence)).context("licence key")?;
    let added = Key::new(*key, own.scopes.clone(), KeyState::Active, own.since);
    entry.keys.push(added);
    let evidence = node.evidence.snapshot();
    let witness_policy = evidence.trust_list().context("trust list")?.content().witness_policy.clone();
    let list = ListContent { version: 1, iat: now, exp: now.plus(LIFE_S), entries, witness_policy };
    let list = list.sign(&[&lists])?;
    let timestamp = ceremony::timestamp(1, 1, &list, (now, LIFE_S), &timestamps)?;
    let trust = [
        (bundle::root_path(1), content.sign(&[&root])?),
        (bundle::TIMESTAMP.to_owned(), timestamp),
        (bundle::LIST.to_owned(), list),
    ];
    let others = genuine.parts().filter(|(path, _)| !path.starts_with("trust/"));
    let others = others.map(|(path, bytes)| (path.to_owned(), bytes.to_vec()));
    Bundle::new(trust.into_iter().chain(others)).context("a bundle")
}

/// The digest of a bundle's first root.
pub(super) fn first_root(bundle: &Bundle) -> Option<Digest> {
    bundle.part(&bundle::root_path(1)).map(|root| name_digest(&[root]))
}

/// The evidence in a bundle for somebody who has pinned this root, or none.
pub(super) fn evidence(bundle: &Bundle, pinned: Option<&Digest>, now: UnixTime) -> Evidence {
    let (timestamp, list) = (bundle.part(bundle::TIMESTAMP), bundle.part(bundle::LIST));
    let files = TrustFiles::load_pinned(pinned, &bundle.roots(), timestamp, list);
    let mut evidence = Evidence::new(files.map_or_else(Trust::Refused, |files| Trust::Held(Arc::new(files))));
    let Some(list) = evidence.trust_list().cloned() else { return evidence };
    let opened = bundle.part(bundle::CATALOGUE).map(|bytes| catalogue::open(bytes, &*list, now));
    if let Some(Ok(opened)) = opened {
        evidence.set_catalogue(Arc::new(opened));
    }
    for (_, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("status/")) {
        if let Ok(token) = StatusToken::parse(bytes) {
            evidence.add_token(Arc::new(token));
        }
    }
    evidence
}
