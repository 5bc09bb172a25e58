//! Proposals and signature files: officers sign one by one, and only what all signed becomes a trust file.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

use licence_spec::suite::{SeedSigner, Signer};
use licence_spec::time::UnixTime;
use licence_spec::trust::*;

const NOW: UnixTime = UnixTime(1_795_430_000);

fn signer(seed: u8) -> SeedSigner {
    SeedSigner::from_seed(&[seed; 32]).expect("a key")
}

fn role(threshold: usize, seeds: &[u8]) -> RoleKeys {
    RoleKeys { threshold, keys: seeds.iter().map(|seed| *signer(*seed).public_key()).collect() }
}

fn list(version: u64) -> Proposal {
    let (exp, witness_policy) = (NOW.plus(86_400), "quorum none\n".to_owned());
    let content = ListContent { version, iat: NOW, exp, entries: Vec::new(), witness_policy };
    Proposal::new(&Proposed::List(content)).expect("right")
}

fn root(version: u64, keys: &[u8]) -> Proposal {
    let content = RootContent {
        version,
        iat: NOW,
        exp: NOW.plus(86_400),
        name: "elicence.gd".to_owned(),
        root: role(2, keys),
        list: role(2, &[11, 12, 13]),
        timestamp: role(1, &[21]),
    };
    Proposal::new(&Proposed::Root(content)).expect("right")
}

fn files(proposal: &Proposal, seeds: &[u8]) -> Vec<Vec<u8>> {
    seeds.iter().map(|seed| proposal.sign(&signer(*seed)).expect("signed")).collect()
}

#[test]
fn signature_files_in_any_order_make_the_file_that_one_ceremony_would_have_made() {
    let proposal = list(1);
    let (a, b) = (signer(11), signer(13));
    let Proposed::List(content) = proposal.proposed() else { panic!("a list") };
    let at_once = content.sign(&[&a, &b]).unwrap();
    for seeds in [[11, 13], [13, 11]] {
        let made = proposal.assemble(&files(&proposal, &seeds), Some(&role(2, &[11, 12, 13])), None);
        assert_eq!(made.as_ref(), Ok(&at_once));
    }
    let again = Proposal::of_file(&at_once).unwrap();
    assert_eq!((again.digest(), again.version()), (proposal.digest(), 1));
    assert_eq!(Proposal::open(proposal.payload()).unwrap().digest(), proposal.digest());
}

#[test]
fn a_root_needs_the_thresholds_of_both_roots() {
    let (old, new) = (role(2, &[1, 2, 3]), role(2, &[1, 4, 3]));
    let proposal = root(2, &[1, 4, 3]);
    let assemble = |seeds: &[u8]| proposal.assemble(&files(&proposal, seeds), Some(&old), Some(&new));
    for seeds in [&[1, 3][..], &[1, 2, 4], &[4, 3, 1]] {
        assert!(assemble(seeds).is_ok(), "{seeds:?}");
    }
    let few = |have, in_force| Err(SignatureError::TooFew { have, need: 2, in_force });
    assert_eq!(assemble(&[1, 4]), few(1, true));
    assert_eq!(assemble(&[1, 2]), few(1, false));
    assert_eq!(assemble(&[]), few(0, true));
    let first = root(1, &[1, 2, 3]);
    assert!(first.assemble(&files(&first, &[1, 2]), None, Some(&old)).is_ok());
}

#[test]
fn what_is_wrong_with_a_signature_file_is_told() {
    let (keys, proposal) = (role(2, &[11, 12, 13]), list(1));
    let assemble = |files: &[Vec<u8>]| proposal.assemble(files, Some(&keys), None).unwrap_err();
    let [a, b] = files(&proposal, &[11, 12]).try_into().expect("two");
    let kid = |seed| signer(seed).public_key().kid();
    assert_eq!(assemble(&[a.clone(), a.clone()]), SignatureError::Twice(1, kid(11)));
    assert_eq!(
        assemble(std::slice::from_ref(&a)),
        SignatureError::TooFew { have: 1, need: 2, in_force: true }
    );
    let other = files(&list(2), &[12]).remove(0);
    assert_eq!(assemble(&[a.clone(), other]), SignatureError::OtherProposal(1));
    let stranger = files(&proposal, &[1]).remove(0);
    assert_eq!(assemble(&[stranger, a.clone()]), SignatureError::NotInRole(0, kid(1)));
    let mut broken = b.clone();
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(assemble(&[a.clone(), broken]), SignatureError::Broken(1));
    let of_a_root = files(&root(1, &[1, 2, 3]), &[1]).remove(0);
    assert!(matches!(assemble(&[of_a_root, a.clone()]), SignatureError::Format(0, _)));
    assert!(matches!(assemble(&[b"no signature".to_vec()]), SignatureError::Format(0, _)));
    assert_eq!(assemble(&vec![a; 17]), SignatureError::TooMany);
}

#[test]
fn bytes_that_break_a_rule_are_no_proposal() {
    let good = root(1, &[1, 2, 3]);
    for at in 0..good.payload().len() {
        assert!(Proposal::open(&good.payload()[..at]).is_err(), "cut at {at}");
    }
    assert!(Proposal::open(&[good.payload(), &[0]].concat()).is_err());
    let Proposed::Root(content) = good.proposed() else { panic!("a root") };
    let doubled = RootContent { list: role(1, &[1]), ..content.clone() };
    assert!(Proposal::new(&Proposed::Root(doubled)).is_err(), "one key in two roles");
    let unmet = RootContent { list: role(4, &[11, 12, 13]), ..content.clone() };
    assert!(Proposal::new(&Proposed::Root(unmet)).is_err(), "a threshold that nobody can meet");
    assert!(Proposal::open(&vec![0; 4_194_304]).is_err());
    assert!(Proposal::of_file(good.payload()).is_err());
}

/// A list with one authority of this name.
fn list_naming(name: &str) -> ListContent {
    let (exp, witness_policy) = (NOW.plus(86_400), "quorum none\n".to_owned());
    let entry = Entry {
        id: "11440100X00000027D".to_owned(),
        name: name.to_owned(),
        hosts: vec!["gz.elic.example".to_owned()],
        logs: Vec::new(),
        keys: Vec::new(),
        successor: None,
    };
    ListContent { version: 1, iat: NOW, exp, entries: vec![entry], witness_policy }
}

#[test]
fn a_name_that_may_not_be_signed_is_not_proposed_and_the_error_names_it() {
    let wrong = [
        ("示例\u{200b}局", "invisible", Some((3, '\u{200b}'))),
        ("示例\u{7}局", "control", Some((3, '\u{7}'))),
        ("示例\u{202e}局", "bidi", Some((3, '\u{202e}'))),
        ("示例\n局", "line_break", Some((3, '\n'))),
        ("示例局 ", "blanks_around", Some((4, ' '))),
        ("示例\u{e000}局", "private_use", Some((3, '\u{e000}'))),
        ("\u{3000}", "blank", None),
        ("", "blank", None),
    ];
    let mut readable = 0;
    for (name, rule, character) in wrong {
        let content = list_naming(name);
        let refused = Proposal::new(&Proposed::List(content.clone())).unwrap_err();
        let ProposalError::Name { id, fault } = &refused else { panic!("{name:?}: {refused}") };
        assert_eq!(
            (id.as_str(), fault.rule.name(), fault.character),
            ("11440100X00000027D", rule, character)
        );
        let said = refused.to_string();
        assert!(said.contains("11440100X00000027D"), "{said}");
        if let Some((_, character)) = character {
            assert!(said.contains(&format!("U+{:04X}", u32::from(character))), "{said}");
        }
        // What was signed before the rule stays readable, but for what no text of the standard may hold; nobody signs it again.
        if let Ok(old) = Proposal::of_file(&content.sign(&[&signer(11)]).unwrap()) {
            assert_eq!(old.proposed().check_names(), Err(refused));
            readable += 1;
        }
    }
    assert!(readable >= 3, "{readable}");
    assert!(Proposal::new(&Proposed::List(list_naming("广州市示例局（综合）"))).is_ok());
}
