//! From a bundle to evidence, as spec/bundle.md §2 says: each part is verified on load, what does not hold is left out,
//! and what is older than the newest seen is refused.

use std::sync::Arc;

use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::merkle::TreeHead;
use licence_spec::status::StatusToken;
use licence_spec::suite::{Digest, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::{TrustFiles, TrustList};
use licence_spec::verdict::Code;

/// The evidence in `bundle` for somebody who has pinned its first root, and has seen what is in `seen`.
pub(crate) fn evidence(bundle: &Bundle, seen: Option<&Bundle>, now: UnixTime) -> Evidence {
    evidence_under(first_root(bundle).as_ref(), bundle, seen, now)
}

/// The digest of a bundle's first root.
pub(crate) fn first_root(bundle: &Bundle) -> Option<Digest> {
    bundle.part(&bundle::root_path(1)).map(|first| sha256(&[first]))
}

/// The evidence in `bundle` for somebody who has pinned this root, and has seen what is in `seen`.
pub(crate) fn evidence_under(
    pinned: Option<&Digest>,
    bundle: &Bundle,
    seen: Option<&Bundle>,
    now: UnixTime,
) -> Evidence {
    let before = seen.map(|seen| evidence_under(pinned, seen, None, now));
    let mut evidence = Evidence::new(trust(pinned, bundle, before.as_ref()));
    let Some(list) = evidence.trust_list().cloned() else { return evidence };
    if let Some(Ok(opened)) = bundle.part(bundle::CATALOGUE).map(|bytes| catalogue::open(bytes, &*list, now))
    {
        evidence.set_catalogue(Arc::new(opened));
    }
    for (path, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("status/")) {
        let token = StatusToken::parse(bytes).ok().filter(|token| bundle::status_path(token.uri()) == path);
        token.into_iter().for_each(|token| evidence.add_token(Arc::new(token)));
    }
    for (origin, head) in heads(bundle, &list, now) {
        evidence.add_head(&origin, head);
    }
    if let Some(before) = &before {
        for held in before.tokens() {
            let token = held.token();
            evidence.note_newest_token(token.uri(), token.iat(), Some(*token.digest()));
        }
    }
    evidence
}

fn trust(pinned: Option<&Digest>, bundle: &Bundle, before: Option<&Evidence>) -> Trust {
    let roots = bundle.roots();
    if roots.is_empty() {
        return Trust::Unavailable;
    }
    let (timestamp, list) = (bundle.part(bundle::TIMESTAMP), bundle.part(bundle::LIST));
    match TrustFiles::load_pinned(pinned, &roots, timestamp, list) {
        Ok(files) => match before.and_then(Evidence::trust_files) {
            Some(held) if goes_back(held, &files) => Trust::Refused(Code::TrustListRollback),
            _ => Trust::Held(Arc::new(files)),
        },
        Err(code) => Trust::Refused(code),
    }
}

/// Whether any file is older than the one held, or another one of its version.
fn goes_back(held: &TrustFiles, offered: &TrustFiles) -> bool {
    marks(held).into_iter().zip(marks(offered)).any(|(held, offered)| match (held, offered) {
        (Some(held), Some(offered)) => offered.0 < held.0 || (offered.0 == held.0 && offered.1 != held.1),
        _ => false,
    })
}

fn marks(files: &TrustFiles) -> [Option<(u64, Digest)>; 3] {
    [
        Some((files.root().content().version, *files.root().digest())),
        files.timestamp().map(|file| (file.content().version, *file.digest())),
        files.list().map(|list| (list.content().version, *list.digest())),
    ]
}

fn heads(bundle: &Bundle, list: &TrustList, now: UnixTime) -> Vec<(String, TreeHead)> {
    let checkpoints = bundle.parts().filter(|(path, _)| path.starts_with("log/"));
    checkpoints
        .filter_map(|(path, bytes)| {
            let checkpoint = SignedCheckpoint::parse(bytes).ok()?;
            list.speaker_of_checkpoint(&checkpoint, now)?;
            let is_its_own = bundle::checkpoint_path(checkpoint.origin()) == path;
            is_its_own.then(|| (checkpoint.origin().to_owned(), checkpoint.head()))
        })
        .collect()
}
