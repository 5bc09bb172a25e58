//! The worked cases, asked of the publisher's data and of the signed catalogue that was made of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::{NOW, catalogue, data};
use licence_catalogue::fit::FitResult;
use licence_catalogue::{Release, embedded_files};

/// Whoever holds nothing but signed bytes decides as the publisher would.
#[test]
fn the_signed_catalogue_answers_every_worked_case_as_the_publishers_data_do() {
    let signed = catalogue();
    let unsigned = data().compile(&Release::after(None, NOW, NOW));
    let (mut met, mut open, mut unmet) = (0, 0, 0);
    for case in data().cases() {
        let ours = case.ask(&unsigned, unsigned.service_item(&case.service_item).unwrap());
        let theirs = case.ask(signed.content(), signed.service_item(&case.service_item).unwrap());
        assert_eq!(ours, theirs, "{:?} {}", case.place, case.name);
        assert_eq!(case.differences(&theirs), Vec::<String>::new(), "{:?} {}", case.place, case.name);
        match theirs.result {
            FitResult::Met => met += 1,
            FitResult::Undecided => open += 1,
            FitResult::NotMet => unmet += 1,
            FitResult::NotPermitted => panic!("a worked case has no client"),
        }
    }
    assert!(met >= 44 && open >= 40 && unmet >= 130, "{met} {open} {unmet}");
}

/// The signed form loses nothing: what was compiled is what is read.
#[test]
fn the_signed_form_is_read_as_it_was_compiled() {
    assert_eq!(catalogue().content(), &data().compile(&Release::after(None, NOW, NOW)));
}

/// A case that expects something else, or that no longer holds, stops the load.
#[test]
fn a_case_that_differs_is_a_finding_at_the_case() {
    let path = "service-cases/gz-jg-0607.toml";
    let files: Vec<(&str, String)> = embedded_files()
        .map(|(p, bytes)| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            (p, if p == path { text.replacen("M01 = \"MET\"", "M01 = \"NOT_MET\"", 1) } else { text })
        })
        .collect();
    let findings = licence_catalogue::CatalogueData::load(files.iter().map(|(p, t)| (*p, t.as_bytes())));
    let findings = findings.unwrap_err().0;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].rule, findings[0].file.as_str()), ("case-differs", path));
    assert!(findings[0].message.contains("material M01"), "{}", findings[0].message);
}
