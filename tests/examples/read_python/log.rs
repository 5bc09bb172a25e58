//! The log: tiles, consistency, what a witness answers, change records.

use anyhow::{Result, anyhow, ensure};
use licence_spec::cbor::FaultKind;
use licence_spec::log::change::ChangeRecord;
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::entry::Entry;
use licence_spec::log::merkle::verify_consistency;
use licence_spec::log::note::LogKey;
use licence_spec::log::tile::{Bundle as EntryBundle, TileError};
use licence_spec::log::tiled_tree::TiledTree;
use licence_spec::log::witness::AddCheckpoint;

use crate::cases;
use crate::objects::same;
use crate::world::{World, hash, tree_head};

pub(crate) fn tiles(world: &World, case: &cases::Tiles) -> Result<()> {
    let hashes = world.file(&format!("log/tile/0/000.p/{}", case.size))?;
    let mut tree = TiledTree::new(case.size, |_| Ok::<_, TileError>(&hashes));
    same(tree.root(case.size).map_err(|error| anyhow!("{error}"))?, hash(&case.root)?)?;
    let bytes = world.file(&format!("log/tile/entries/000.p/{}", case.size))?;
    let bundle = EntryBundle::of_tree(0, case.size).ok_or_else(|| anyhow!("no entry bundle"))?;
    for (at, entry) in (0..).zip(bundle.entries(&bytes).map_err(|error| anyhow!("{error}"))?) {
        let leaf = tree.leaf(at).map_err(|error| anyhow!("{error}"))?;
        same(Entry::parse(entry)?.leaf_hash(), leaf)?;
    }
    Ok(())
}

fn key(vkey: &str, origin: &str) -> Result<LogKey> {
    let key = LogKey::parse(vkey).map_err(|error| anyhow!("{error}"))?;
    ensure!(key.name() == origin, "the key of another log");
    Ok(key)
}

pub(crate) fn consistency(world: &World, case: &cases::Consistency) -> Result<()> {
    let key = key(&case.vkey, &case.origin)?;
    let head = |path: &str| -> Result<_> {
        let bytes = world.file(path)?;
        Ok(SignedCheckpoint::open(&bytes, &key).map_err(|error| anyhow!("{error}"))?.head())
    };
    let proof = case.proof.iter().map(|line| hash(line)).collect::<Result<Vec<_>>>()?;
    same(verify_consistency(&head(&case.old)?, &head(&case.new)?, &proof).is_ok(), case.holds)
}

pub(crate) fn witness(case: &cases::Witness) -> Result<()> {
    let key = key(&case.vkey, &case.origin)?;
    let parsed = AddCheckpoint::parse(case.body.as_bytes());
    let stored = Some(tree_head(&case.stored)?);
    let decided = parsed.and_then(|request| request.decide([&key], stored).map(|_| ()));
    same(decided.map_or_else(|refusal| refusal.status(), |()| 200), case.status)
}

pub(crate) fn change(world: &World, case: &cases::Change) -> Result<()> {
    let bytes = world.file(&case.file)?;
    let record = match ChangeRecord::parse(&bytes) {
        Ok(record) => record,
        Err(fault) => {
            let code = if fault.kind == FaultKind::Unreadable { "UNREADABLE" } else { "NOT_CONFORMANT" };
            return same(Some(code), case.code.as_deref());
        }
    };
    let says = (Some(record.act.new_status().value()), Some(record.act.number()), Some(record.effective.0));
    same(says, (case.status, case.act, case.effective))?;
    same(Some(record.entry().leaf_hash()), case.leaf.as_deref().map(hash).transpose()?)?;
    ensure!(record.to_bytes() == bytes, "our encoding of the record has other bytes than the writer's");
    Ok(())
}
