//! Tiles against logs of other programs, against the tree itself, and against wrong paths and lengths.

mod log_common;

use std::collections::BTreeMap;

use licence_spec::log::checkpoint::{CheckpointError, SignedCheckpoint};
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::merkle::{Hash, TreeHead, leaf_hash, root_of, verify_consistency, verify_inclusion};
use licence_spec::log::note::LogKey;
use licence_spec::log::tile::{Bundle, MAX_ENTRY, TILE_BYTES, Tile, TileError, TilePath, append_entry};
use licence_spec::log::tiled_tree::{TileEdge, TiledTree, changed_bundles, changed_tiles};
use log_common::{hash, leaf, leaves, vector, vector_json};
use proptest::prelude::*;

const TESSERA: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
const SKYLIGHT_LOG: &str = "000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706";

/// Stored tiles as a node keeps them: for each place the widest tile.
#[derive(Default)]
struct Tiles(BTreeMap<(u8, u64), Vec<u8>>);

impl Tiles {
    /// A tree grown leaf by leaf, with the tiles that a node stores.
    fn of(leaves: &[Hash]) -> (Tiles, TileEdge) {
        let (mut tiles, mut edge) = (Tiles::default(), TileEdge::default());
        tiles.grow(&mut edge, leaves);
        (tiles, edge)
    }

    fn grow(&mut self, edge: &mut TileEdge, leaves: &[Hash]) {
        for leaf in leaves {
            edge.push(leaf, |tile, bytes| {
                assert!(tile.is_full());
                self.0.insert((tile.level(), tile.index()), bytes);
            });
        }
        for (tile, bytes) in edge.partial_tiles() {
            assert_eq!(bytes.len(), tile.byte_len());
            self.0.insert((tile.level(), tile.index()), bytes.to_vec());
        }
    }

    fn read<'t>(&'t self) -> impl FnMut(Tile) -> Result<&'t [u8], TileError> {
        |tile| self.0.get(&(tile.level(), tile.index())).map(Vec::as_slice).ok_or(TileError::Missing(tile))
    }
}

#[test]
fn the_tessera_log_gives_every_signature_root_leaf_and_proof() {
    let key = LogKey::parse(TESSERA).expect("a vkey");
    for size in 0..=15_u64 {
        let note = vector(&format!("tessera-log/log/checkpoint.{size}"));
        let checkpoint = SignedCheckpoint::open(&note, &key).expect("a good checkpoint");
        assert_eq!(checkpoint.head().size, size);
        let file = |tile: Tile| Ok::<_, TileError>(vector(&format!("tessera-log/log/{tile}")));
        let mut tree = TiledTree::new(size, file);
        assert_eq!(tree.root(size), Ok(checkpoint.head().root), "size {size}");
        assert_eq!(TileEdge::load(size, file).map(|edge| edge.head()), Ok(checkpoint.head()), "size {size}");
        let Some(bundle) = Bundle::of_tree(0, size) else {
            assert_eq!(size, 0, "only the empty tree has no entries");
            continue;
        };
        let bytes = vector(&format!("tessera-log/log/{bundle}"));
        let entries = bundle.entries(&bytes).expect("a good bundle");
        for (index, entry) in (0_u64..).zip(&entries) {
            assert_eq!(tree.leaf(index), Ok(leaf_hash(entry)), "leaf {index} of {size}");
            let proof = tree.inclusion_proof(index, size).expect("inside the tree");
            let head = checkpoint.head();
            assert_eq!(
                verify_inclusion(index, &leaf_hash(entry), &proof, &head),
                Ok(()),
                "leaf {index} of {size}"
            );
        }
    }
}

#[test]
fn the_skylight_mirror_tiles_have_the_cosigned_root() {
    let mirror = format!("sunlight-skylight/witness/mirror/{SKYLIGHT_LOG}");
    let note = vector(&format!("{mirror}/checkpoint"));
    let checkpoint = SignedCheckpoint::parse(&note).expect("a checkpoint");
    let key = "mirror.example.org+3fb148ef+BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O";
    let key = WitnessKey::parse(key).expect("a vkey");
    assert!(checkpoint.note().cosigned_at(&key).expect("a good cosignature").is_some());
    let file = |tile: Tile| Ok::<_, TileError>(vector(&format!("{mirror}/{tile}")));
    let mut tree = TiledTree::new(300, file);
    assert_eq!(checkpoint.head().size, 300);
    assert_eq!(tree.root(300), Ok(checkpoint.head().root));
    assert_eq!(TileEdge::load(300, file).map(|edge| edge.root()), Ok(checkpoint.head().root));
}

#[test]
fn the_skylight_witness_line_verifies_beside_a_log_line_of_an_unknown_kind() {
    let note = vector(&format!("sunlight-skylight/witness/{SKYLIGHT_LOG}/checkpoint"));
    let checkpoint = SignedCheckpoint::parse(&note).expect("a checkpoint");
    let key = "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN";
    let key = WitnessKey::parse(key).expect("a vkey");
    assert!(checkpoint.note().cosigned_at(&key).expect("a good cosignature").is_some());

    let alone = vector("sunlight-skylight/tree/checkpoint");
    let alone = SignedCheckpoint::parse(&alone).expect("a checkpoint");
    assert_eq!(alone.note().cosigned_at(&key), Ok(None));
    assert_eq!(alone.head(), checkpoint.head());
    // The log signs with ECDSA (type 05): for any key of ours the note is not signed.
    let ours = LogKey::new("rome2026h1.example.org", *key.public_key()).expect("a name");
    let bytes = vector("sunlight-skylight/tree/checkpoint");
    assert_eq!(SignedCheckpoint::open(&bytes, &ours).err(), Some(CheckpointError::NotSigned));
}

#[test]
fn the_example_log_tiles_hold_its_entries_and_root() {
    let log = vector_json("log/log.json");
    let bundle = Bundle::of_tree(0, 14).expect("14 entries");
    let bytes = vector(&format!("log/{bundle}"));
    let entries = bundle.entries(&bytes).expect("a good bundle");
    let mut tree = TiledTree::new(14, |tile: Tile| Ok::<_, TileError>(vector(&format!("log/{tile}"))));
    let mut written = Vec::new();
    for (index, entry) in (0_u64..).zip(&entries) {
        let expected = hash(&log["entries"][index as usize]["leaf_hash_hex"]).expect("a hash");
        assert_eq!((leaf_hash(entry), tree.leaf(index)), (expected, Ok(expected)));
        append_entry(&mut written, entry).expect("a short entry");
    }
    assert_eq!(written, bytes);
    assert_eq!(tree.root(14).ok(), hash(&log["roots"]["14"]));
}

#[test]
fn a_path_has_one_spelling() {
    let good = [
        "tile/0/000",
        "tile/0/000.p/1",
        "tile/1/255.p/255",
        "tile/0/x001/x234/067",
        "tile/0/x001/000",
        "tile/63/999.p/9",
        "tile/entries/x001/x234/067.p/8",
        "tile/entries/000",
        "tile/7/x018/x014/x398/x509/x481/984",
    ];
    for path in good {
        assert_eq!(TilePath::parse(path).map(|parsed| parsed.to_string()), Ok(path.to_owned()));
    }
    let bad = [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/00/000",
        "tile/+1/000",
        "tile/-1/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/xx01/002",
        "tile/0/+01",
        "tile/0/000/",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/+1",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/0/000.p/1/",
        "tile/0/../000",
        "tile/data/000",
        "tile/0/０００",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/x001/x001/x001/x001/x001/x001/001",
    ];
    for path in bad {
        assert_eq!(TilePath::parse(path), Err(TileError::Path), "{path}");
    }
}

#[test]
fn the_example_of_the_tiles_document_has_the_tiles_it_says() {
    // C2SP tlog-tiles: a tree of 70,000 leaves.
    let tiles: Vec<Tile> = changed_tiles(0, 70_000).collect();
    let count =
        |level, full| tiles.iter().filter(|tile| tile.level() == level && tile.is_full() == full).count();
    assert_eq!((count(0, true), count(0, false)), (273, 1));
    assert_eq!((count(1, true), count(1, false)), (1, 1));
    assert_eq!((count(2, true), count(2, false)), (0, 1));
    let partial: Vec<String> = tiles.iter().filter(|tile| !tile.is_full()).map(Tile::to_string).collect();
    assert_eq!(partial, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    let tiles: Vec<String> = changed_tiles(0, 256).map(|tile| tile.to_string()).collect();
    assert_eq!(tiles, ["tile/0/000", "tile/1/000.p/1"]);
    let bundles: Vec<String> = changed_bundles(255, 257).map(|bundle| bundle.to_string()).collect();
    assert_eq!(bundles, ["tile/entries/000", "tile/entries/001.p/1"]);
    assert_eq!(changed_tiles(300, 300).count() + changed_bundles(300, 300).count(), 0);
    assert_eq!(changed_tiles(300, 200).count() + changed_bundles(300, 200).count(), 0);
}

#[test]
fn a_tile_of_the_wrong_length_is_refused_and_a_wider_one_is_welcome() {
    let (tiles, _) = Tiles::of(&leaves(300));
    let whole = &tiles.0[&(0, 1)];
    let served = |bytes: Vec<u8>| {
        let source = move |tile: Tile| {
            let stored = (tile.level(), tile.index()) == (0, 1);
            if stored { Ok(bytes.clone()) } else { (tiles_of_300().read())(tile).map(<[u8]>::to_vec) }
        };
        (TiledTree::new(300, source.clone()).root(300), TileEdge::load(300, source).map(|edge| edge.root()))
    };
    let good = (Ok(root_of(&leaves(300))), Ok(root_of(&leaves(300))));
    let mut wider = whole.clone();
    wider.resize(TILE_BYTES, 7);
    assert_eq!((served(whole.clone()), served(wider.clone())), (good, good));
    let wrong = Err(TileError::TileLength(Tile::new(0, 1, 44).expect("a tile")));
    wider.extend_from_slice(&[7; 32]);
    for bytes in [whole[..whole.len() - 32].to_vec(), [&whole[..], &[0]].concat(), wider, Vec::new()] {
        assert_eq!(served(bytes), (wrong, wrong.map(|_: Hash| [0; 32])));
    }
}

fn tiles_of_300() -> Tiles {
    Tiles::of(&leaves(300)).0
}

#[test]
fn a_missing_tile_and_a_question_outside_the_tree_are_told_apart() {
    let mut tree = TiledTree::new(300, |tile: Tile| Err::<Vec<u8>, _>(TileError::Missing(tile)));
    assert_eq!(tree.leaf(299), Err(TileError::Missing(Tile::new(0, 1, 44).expect("a tile"))));
    assert_eq!(tree.leaf(300), Err(TileError::OutOfRange));
    assert_eq!(tree.root(301), Err(TileError::OutOfRange));
    assert_eq!(tree.inclusion_proof(300, 300), Err(TileError::OutOfRange));
    assert_eq!(tree.consistency_proof(301, 300), Err(TileError::OutOfRange));
    assert_eq!(tree.leaf(u64::MAX), Err(TileError::OutOfRange));
    let nothing = |tile: Tile| Err::<Vec<u8>, _>(TileError::Missing(tile));
    assert_eq!(TileEdge::load((1 << 62) + 1, nothing), Err(TileError::OutOfRange));
}

#[test]
fn a_bundle_holds_exactly_its_entries() {
    let mut bytes = Vec::new();
    for entry in [&b"one"[..], b"", &[7; MAX_ENTRY]] {
        append_entry(&mut bytes, entry).expect("not too long");
    }
    assert_eq!(append_entry(&mut bytes.clone(), &[7; MAX_ENTRY + 1]), Err(TileError::EntryLength));
    let bundle = |width| Bundle::new(0, width).expect("a width from 1 to 256");
    assert_eq!(bundle(3).entries(&bytes), Ok(vec![&b"one"[..], b"", &[7; MAX_ENTRY]]));
    for (width, bytes) in
        [(2, &bytes[..]), (4, &bytes), (3, &bytes[..bytes.len() - 1]), (3, &bytes[..4]), (1, &[])]
    {
        assert_eq!(bundle(width).entries(bytes), Err(TileError::BundleLength), "width {width}");
    }
    assert_eq!((Bundle::new(0, 0), Bundle::new(0, 257)), (None, None));
    assert_eq!((Tile::new(0, 0, 0), Tile::new(0, 0, 257), Tile::new(64, 0, 1)), (None, None, None));
    assert_eq!(bundle(256).to_string(), "tile/entries/000");
}

#[test]
fn a_level_becomes_full_exactly_at_its_boundary() {
    let (tiles, edge) = Tiles::of(&leaves(65_537));
    assert_eq!(edge.root(), root_of(&leaves(65_537)));
    let partial: Vec<String> = edge.partial_tiles().map(|(tile, _)| tile.to_string()).collect();
    assert_eq!(partial, ["tile/0/256.p/1", "tile/2/000.p/1"]);
    assert_eq!(TileEdge::load(65_537, tiles.read()), Ok(edge));
    let mut tree = TiledTree::new(65_537, tiles.read());
    for (index, size) in [(0, 65_536), (65_535, 65_536), (65_536, 65_537), (12_345, 65_537), (255, 256)] {
        let head = TreeHead { size, root: tree.root(size).expect("stored") };
        let proof = tree.inclusion_proof(index, size).expect("stored");
        assert_eq!(verify_inclusion(index, &leaf(index), &proof, &head), Ok(()), "leaf {index} of {size}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 1 of ARCHITECTURE.md: what is acknowledged can be proved, whatever the batches were and however old the checkpoint is.
    #[test]
    fn proofs_from_tiles_verify_for_any_growth(
        batches in prop::collection::vec(1_u64..900, 1..6),
        picks in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 8),
    ) {
        let all = leaves(batches.iter().sum());
        let (mut tiles, mut edge) = Tiles::of(&[]);
        for batch in batches {
            let (old, new) = (edge.size(), edge.size() + batch);
            let before: Vec<_> = tiles.0.clone().into_iter().collect();
            tiles.grow(&mut edge, &all[old as usize..new as usize]);
            // Exactly the tiles that are said to change have changed, and old ones only grew.
            let changed: Vec<_> = changed_tiles(old, new).map(|tile| (tile.level(), tile.index())).collect();
            for (place, bytes) in before {
                prop_assert!(tiles.0[&place].starts_with(&bytes));
                prop_assert_eq!(changed.contains(&place), tiles.0[&place] != bytes);
            }
            for tile in changed_tiles(old, new) {
                prop_assert_eq!(tiles.0[&(tile.level(), tile.index())].len(), tile.byte_len(), "{}", tile);
            }
        }
        let size = edge.size();
        prop_assert_eq!(edge.root(), root_of(&all));
        prop_assert_eq!(&TileEdge::load(size, tiles.read()), &Ok(edge));
        let mut tree = TiledTree::new(size, tiles.read());
        for (a, b) in picks {
            let at = 1 + a.index(all.len()) as u64;
            let head = TreeHead { size: at, root: root_of(&all[..at as usize]) };
            prop_assert_eq!(tree.root(at), Ok(head.root));
            let index = b.index(at as usize) as u64;
            let proof = tree.inclusion_proof(index, at).expect("stored");
            prop_assert_eq!(verify_inclusion(index, &all[index as usize], &proof, &head), Ok(()));
            let new = TreeHead { size, root: root_of(&all) };
            let proof = tree.consistency_proof(at, size).expect("stored");
            prop_assert_eq!(verify_consistency(&head, &new, &proof), Ok(()));
        }
    }

    /// Invariant 6 of ARCHITECTURE.md: whatever is asked for, a path is one coordinate or refused, without panic.
    #[test]
    fn any_text_is_a_path_or_not(path in "(tile/)?(entries|[0-9]{0,3})/(x?[0-9]{0,4}/){0,7}[0-9]{0,4}(\\.p/[0-9]{0,4})?") {
        if let Ok(parsed) = TilePath::parse(&path) {
            prop_assert_eq!(parsed.to_string(), path);
        }
    }
}
