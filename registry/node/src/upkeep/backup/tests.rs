//! Backups that come back, and hostile ones whose maker knows the passphrase.

use std::io::Cursor;

use super::*;

const PASSPHRASE: &str = "words";

/// Kind, name and content.
type Entry = (tar::EntryType, &'static str, Vec<u8>);

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (DATABASE, (0..200_000u32).map(|at| at as u8).collect()),
        (CONFIG, b"role = \"city\"\n".to_vec()),
        ("keys/11440100X00000027D.log.pem", b"a key".to_vec()),
        ("keys/11440100X00000027D.node.pem", b"another".to_vec()),
    ]
}

fn manifest(files: &[(&str, Vec<u8>)]) -> Manifest {
    Manifest {
        format: FORMAT.into(),
        role: "city".into(),
        region: "440100".into(),
        origin: "gz.elic.example/log".into(),
        program: "0.1.0".into(),
        schema: 2,
        log_size: 7,
        log_root: digest_text(&[7; 32]),
        made_at: 1_795_000_000,
        files: files.iter().map(|(name, bytes)| measure(name, bytes.as_slice()).unwrap()).collect(),
    }
}

fn seal() -> (&'static str, Cost, Rng) {
    (PASSPHRASE, Cost::CHEAP, Rng::seeded(1))
}

fn made() -> (Manifest, Vec<u8>) {
    let (files, (passphrase, cost, rng)) = (files(), seal());
    let manifest = manifest(&files);
    let mut contents = files.into_iter();
    let bytes = write(Vec::new(), (passphrase, cost, &rng), &manifest, &mut |part| {
        let (name, bytes) = contents.next().unwrap();
        assert_eq!(part.name, name);
        Ok(Box::new(Cursor::new(bytes)))
    });
    (manifest, bytes.unwrap())
}

/// A sealed archive of these entries, whatever they are.
fn sealed(entries: &[(tar::EntryType, &str, Vec<u8>)], after: &[u8]) -> Vec<u8> {
    let (passphrase, cost, rng) = seal();
    let mut archive = tar::Builder::new(Sealing::begin(Vec::new(), passphrase, cost, &rng).unwrap());
    for (kind, name, bytes) in entries {
        let mut header = header("x", bytes.len() as u64, 0).unwrap();
        // Not by `set_path`, which refuses what a hostile maker writes.
        let field = &mut header.as_old_mut().name;
        field.fill(0);
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_cksum();
        archive.append(&header, bytes.as_slice()).unwrap();
    }
    let mut sealing = archive.into_inner().unwrap();
    sealing.write_all(after).unwrap();
    sealing.finish().unwrap()
}

/// The entries of a good backup.
fn good(manifest: &Manifest) -> Vec<Entry> {
    let json = serde_json::to_vec(manifest).unwrap();
    let rest = files().into_iter().map(|(name, bytes)| (tar::EntryType::Regular, name, bytes));
    std::iter::once((tar::EntryType::Regular, MANIFEST, json)).chain(rest).collect()
}

fn refused(entries: &[(tar::EntryType, &str, Vec<u8>)]) -> String {
    check(sealed(entries, b"").as_slice(), PASSPHRASE).unwrap_err().to_string()
}

#[test]
fn a_backup_reads_back_with_its_passphrase_alone() {
    let (manifest, bytes) = made();
    assert_eq!(check(bytes.as_slice(), PASSPHRASE).unwrap(), manifest);
    let wrong = check(bytes.as_slice(), "word").unwrap_err();
    assert!(matches!(wrong, BackupError::Seal(SealError::Passphrase)), "{wrong}");
    let hand_made = sealed(&good(&manifest), b"");
    assert_eq!(
        check(hand_made.as_slice(), PASSPHRASE).unwrap(),
        manifest,
        "the hostile ones differ by their fault only"
    );
}

#[test]
fn a_backup_that_is_cut_off_or_damaged_anywhere_is_refused() {
    let (_, bytes) = made();
    for end in (0..bytes.len()).step_by(4_099).chain([bytes.len() - 1]) {
        let error = check(&bytes[..end], PASSPHRASE).unwrap_err();
        assert!(matches!(error, BackupError::Seal(_)), "cut at {end}: {error}");
        let mut other = bytes.clone();
        other[end] ^= 0x10;
        let error = check(other.as_slice(), PASSPHRASE).unwrap_err();
        assert!(matches!(error, BackupError::Seal(_)), "changed at {end}: {error}");
    }
}

#[test]
fn entries_of_other_names_and_kinds_are_refused() {
    let manifest = manifest(&files());
    for name in ["../config.toml", "/etc/passwd", "keys/../x.pem", "passphrase", ""] {
        let mut entries = good(&manifest);
        entries[2].1 = name;
        assert!(refused(&entries).contains("another name or kind"), "{name}");
    }
    for kind in [b'1', b'2', b'3', b'5', b'L', b'K', b'S', b'x', b'g', b'7'] {
        for at in [0, 1, 3] {
            let mut entries = good(&manifest);
            entries[at].0 = tar::EntryType::new(kind);
            assert!(refused(&entries).contains("another name or kind"), "{} at {at}", char::from(kind));
        }
    }
}

#[test]
fn entries_that_are_missing_added_swapped_or_changed_are_refused() {
    let manifest = manifest(&files());
    let change = |change: &dyn Fn(&mut Vec<Entry>)| {
        let mut entries = good(&manifest);
        change(&mut entries);
        refused(&entries)
    };
    assert!(change(&|entries| drop(entries.pop())).contains("missing"));
    assert!(change(&|entries| entries.clear()).contains("missing"));
    assert!(change(&|entries| entries.swap(1, 2)).contains("another name"));
    assert!(change(&|entries| entries.push(entries[4].clone())).contains("does not list"));
    assert!(change(&|entries| entries[3].2[0] ^= 1).contains("keys/11440100X00000027D.log.pem"));
    assert!(change(&|entries| entries[3].2.push(0)).contains("keys/11440100X00000027D.log.pem"));
    assert!(change(&|entries| entries[0].2 = vec![b' '; MAX_MANIFEST as usize + 1]).contains("too long"));
    assert!(change(&|entries| entries[0].2.truncate(9)).contains("does not read"));
    let after = check(sealed(&good(&manifest), b"more").as_slice(), PASSPHRASE).unwrap_err();
    assert!(after.to_string().contains("after the archive"), "{after}");
}

#[test]
fn manifests_that_ask_for_other_files_are_refused_before_they_are_read() {
    let change = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = manifest(&files());
        change(&mut manifest);
        let (passphrase, cost, rng) = seal();
        let mut never = |_: &Part| -> io::Result<Box<dyn Read>> { panic!("nothing is read") };
        let own = write(Vec::new(), (passphrase, cost, &rng), &manifest, &mut never).unwrap_err();
        let theirs = refused(&good(&manifest));
        assert_eq!(own.to_string(), theirs, "we never write what we refuse to read");
        theirs
    };
    assert!(change(&|manifest| manifest.format = "elic-backup/2".into()).contains("format"));
    assert!(change(&|manifest| manifest.files.truncate(1)).contains("missing"));
    assert!(change(&|manifest| manifest.files.swap(0, 1)).contains("names of files"));
    for name in
        ["keys/../../x.pem", "keys/a/b.pem", "keys/.x.pem", "keys/x", "passphrase", "keys/\u{202e}.pem"]
    {
        assert!(change(&|manifest| manifest.files[3].name = name.into()).contains("names of keys"), "{name}");
    }
    assert!(change(&|manifest| manifest.files.swap(2, 3)).contains("names of keys"));
    let twice = |manifest: &mut Manifest| manifest.files.push(manifest.files[3].clone());
    assert!(change(&twice).contains("names of keys"));
    assert!(change(&|manifest| manifest.files[1].size = MAX_SMALL_FILE + 1).contains("sizes"));
    assert!(change(&|manifest| manifest.files[2].size = u64::MAX).contains("sizes"));
}

#[test]
fn a_file_that_changes_while_it_is_written_spoils_the_backup() {
    let manifest = manifest(&files());
    let (passphrase, cost, rng) = seal();
    for change in [b"role = \"citz\"\n".as_slice(), b"role", b""] {
        let mut open = |part: &Part| -> io::Result<Box<dyn Read>> {
            let bytes = files().into_iter().find(|(name, _)| *name == part.name).unwrap().1;
            let bytes = if part.name == CONFIG { change.to_vec() } else { bytes };
            Ok(Box::new(Cursor::new(bytes)))
        };
        let error = write(Vec::new(), (passphrase, cost, &rng), &manifest, &mut open).unwrap_err();
        assert!(matches!(&error, BackupError::Differs(name) if name == CONFIG), "{error}");
    }
}
