//! The log: append-only, one head, no gap, no leaf lost.

use super::{Open, make, read, refused, write};
use crate::{Conflict, LeafRow, LogHead, Store, TileKey, TileRow, Write};

fn with_log(open: Open<'_>) -> Box<dyn Store> {
    let store = open();
    write(&*store, |write| write.create_log(make::ORIGIN, &make::digest(0x4e, 0)));
    store
}

/// Appends leaves `old..new` with the first tile; `new` is at most 256.
fn append(write: &mut dyn Write, old: u64, new: u64) -> crate::Result<()> {
    let leaves: Vec<_> = (old..new).map(make::leaf).collect();
    write.append_log(old, &leaves, &[make::tile(0, new)], &make::head(new))
}

fn size(store: &dyn Store) -> u64 {
    read(store, |read| read.log_head()).unwrap().size
}

pub(super) fn leaves_tiles_and_head_read_back(open: Open<'_>) {
    let store = with_log(open);
    assert_eq!(read(&*store, |read| read.log_head()), Some(make::head(0)));
    write(&*store, |write| append(write, 0, 3));
    write(&*store, |write| append(write, 3, 256));
    let upper = TileRow { key: TileKey { level: 1, index: 0 }, hashes: vec![7; 32] };
    let next = [make::tile(1, 1), upper.clone()];
    write(&*store, |write| write.append_log(256, &[make::leaf(256)], &next, &make::head(257)));
    read(&*store, |read| {
        assert_eq!(read.log_head()?, Some(make::head(257)));
        assert_eq!(read.log_leaves(255, 10)?, [make::leaf(255), make::leaf(256)]);
        assert_eq!(read.log_leaves(1, 2)?, [make::leaf(1), make::leaf(2)]);
        assert_eq!(read.log_leaves(257, 2)?, []);
        let hashes = [make::leaf(256).hash, make::leaf(999).hash, make::leaf(0).hash];
        assert_eq!(read.leaf_indexes_of(&hashes)?, [Some(256), None, Some(0)]);
        let keys = [make::tile(1, 1).key, upper.key, TileKey { level: 2, index: 0 }, make::tile(0, 1).key];
        let tiles = [
            Some(make::tile(1, 1).hashes),
            Some(upper.hashes.clone()),
            None,
            Some(make::tile(0, 256).hashes),
        ];
        assert_eq!(read.log_tiles(&keys)?, tiles);
        Ok(())
    });
}

pub(super) fn an_append_from_a_stale_size_is_refused(open: Open<'_>) {
    let store = with_log(open);
    write(&*store, |write| append(write, 0, 3));
    let error = refused(&*store, |write| append(write, 2, 4));
    assert_eq!(error, Conflict::LogHeadMoved { expected: 2, found: 3 }.into());
    assert!(error.retryable());
    let error = refused(&*store, |write| append(write, 4, 5));
    assert_eq!(error, Conflict::LogHeadMoved { expected: 4, found: 3 }.into());
    assert_eq!(read(&*store, |read| read.log_leaves(0, 9)).len(), 3);
}

pub(super) fn an_append_with_a_gap_is_refused(open: Open<'_>) {
    let store = with_log(open);
    write(&*store, |write| append(write, 0, 2));
    let wrong: [(&[LeafRow], u64); 5] = [
        (&[make::leaf(3)], 3),
        (&[make::leaf(2), make::leaf(4)], 4),
        (&[make::leaf(2)], 4),
        (&[make::leaf(3), make::leaf(2)], 4),
        (&[], 3),
    ];
    for (leaves, new_size) in wrong {
        let error = refused(&*store, |write| write.append_log(2, leaves, &[], &make::head(new_size)));
        assert_eq!(error, Conflict::LogGap.into(), "{leaves:?} to {new_size}");
    }
    let error = refused(&*store, |write| write.append_log(2, &[], &[], &make::head(1)));
    assert_eq!(error, Conflict::LogGap.into(), "a log never shrinks");
    assert_eq!(size(&*store), 2);
}

pub(super) fn one_object_has_one_leaf(open: Open<'_>) {
    let store = with_log(open);
    write(&*store, |write| append(write, 0, 2));
    let twice = LeafRow { hash: make::leaf(1).hash, ..make::leaf(2) };
    let error = refused(&*store, |write| {
        write.append_log(2, std::slice::from_ref(&twice), &[make::tile(0, 3)], &make::head(3))
    });
    assert_eq!(error, Conflict::LeafExists.into());
    read(&*store, |read| {
        assert_eq!(read.log_head()?, Some(make::head(2)));
        assert_eq!(read.log_tiles(&[make::tile(0, 1).key])?, [Some(make::tile(0, 2).hashes)]);
        Ok(())
    });
}

pub(super) fn a_tile_only_grows(open: Open<'_>) {
    let store = with_log(open);
    write(&*store, |write| append(write, 0, 4));
    let mut other = make::tile(0, 5);
    other.hashes[0] ^= 1;
    for tile in [other, make::tile(0, 3)] {
        let error = refused(&*store, |write| {
            write.append_log(4, &[make::leaf(4)], std::slice::from_ref(&tile), &make::head(5))
        });
        assert_eq!(error, Conflict::TileRewritten.into(), "width {}", tile.hashes.len() / 32);
    }
    assert_eq!(size(&*store), 4);
    write(&*store, |write| append(write, 4, 5));
}

pub(super) fn a_log_keeps_its_origin(open: Open<'_>) {
    let store = open();
    let error = refused(&*store, |write| append(write, 0, 1));
    assert_eq!(error, Conflict::LogDiffers.into(), "no log yet");
    let store = with_log(open);
    write(&*store, |write| append(write, 0, 1));
    write(&*store, |write| write.create_log(make::ORIGIN, &make::digest(0x4e, 0)));
    assert_eq!(size(&*store), 1, "creating it again changes nothing");
    let error = refused(&*store, |write| write.create_log("sz.elic.example/log", &make::digest(0x4e, 0)));
    assert_eq!(error, Conflict::LogDiffers.into());
    let foreign = LogHead { origin: "sz.elic.example/log".into(), ..make::head(2) };
    let error = refused(&*store, |write| write.append_log(1, &[make::leaf(1)], &[], &foreign));
    assert_eq!(error, Conflict::LogDiffers.into());
}

pub(super) fn an_append_of_nothing_cannot_change_the_root(open: Open<'_>) {
    let store = with_log(open);
    write(&*store, |write| append(write, 0, 1));
    write(&*store, |write| write.append_log(1, &[], &[], &make::head(1)));
    let fork = LogHead { root: make::digest(0xff, 1), ..make::head(1) };
    let error = refused(&*store, |write| write.append_log(1, &[], &[], &fork));
    assert_eq!(error, Conflict::LogDiffers.into());
    assert_eq!(read(&*store, |read| read.log_head()), Some(make::head(1)));
}

pub(super) fn racing_appenders_lose_no_leaf(open: Open<'_>) {
    let store = with_log(open);
    let store = &*store;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    write(store, |write| {
                        // The size is read inside the transaction, as the group commit does.
                        let old = write.log_head()?.unwrap().size;
                        append(write, old, old + 2)
                    });
                }
            });
        }
    });
    assert_eq!(size(store), 80);
    let leaves: Vec<_> = (0..80).map(make::leaf).collect();
    assert_eq!(read(store, |read| read.log_leaves(0, 99)), leaves);
}
