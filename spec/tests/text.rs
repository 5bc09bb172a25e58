//! Texts that are signed: the vectors of spec/text.md, and that the page lists every rule.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test helper that fails fails the test")]

use licence_spec::text::{
    Lines, TextFault, TextRule, check_line, check_name, check_number, check_person_name, check_written, nfc,
};
use serde_json::Value;

fn check(kind: &str, text: &str) -> Result<(), TextFault> {
    match kind {
        "text" => check_written(text, Lines::Several),
        "line" => check_written(text, Lines::One),
        "number" => check_number(text),
        "name" => check_name(text),
        "person" => check_person_name(text),
        other => panic!("no such kind: {other}"),
    }
}

#[test]
fn every_vector_breaks_its_rule_at_its_character_and_no_other() {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/text/texts.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() > 100);
    for case in cases {
        let (kind, text) = (case["kind"].as_str().unwrap(), case["text"].as_str().unwrap());
        let found = check(kind, text).err();
        assert_eq!(found.map(|fault| fault.rule.name()), case["rule"].as_str(), "{case}");
        let at = found.and_then(|fault| fault.character).map(|(at, _)| at as u64);
        assert_eq!(at, case["at"].as_u64(), "{case}");
    }
    for rule in TextRule::ALL {
        assert!(cases.iter().any(|case| case["rule"] == rule.name()), "no vector breaks {}", rule.name());
    }
}

#[test]
fn the_page_lists_every_rule() {
    let page = include_str!("../text.md");
    for rule in TextRule::ALL {
        let row = format!("| `{}` | {} | {} |", rule.name(), rule.zh(), rule.en());
        assert!(page.contains(&row), "not in spec/text.md: {row}");
    }
}

#[test]
fn a_fault_tells_place_and_code_point_in_both_languages_and_never_the_text() {
    let fault = check_person_name("欧阳\u{200b}示例").unwrap_err();
    assert_eq!(
        fault.to_string(),
        "第 3 个字符 U+200B：零宽或不可见字符 / character 3, U+200B: a zero-width or invisible character"
    );
    let long = check_line(&"例".repeat(65), 64).unwrap_err();
    assert_eq!(long.to_string(), "超过 64 个字符 / longer than 64 characters");
    assert!(check_line(&"例".repeat(64), 64).is_ok());
}

/// What the issuer makes of a decomposed text is what the rule takes; and a reader reads all that is written.
#[test]
fn what_is_normalised_and_taken_can_be_read() {
    assert_eq!(nfc("Rene\u{301}"), "René");
    assert!(check_person_name(&nfc("Rene\u{301}·测试")).is_ok());
    for code in 0..=0x10_ffff {
        let Some(character) = char::from_u32(code) else { continue };
        let text = nfc(&format!("示{character}例")).into_owned();
        if check_written(&text, Lines::Several).is_ok() {
            assert!(licence_spec::cbor::check_text(&text).is_ok(), "U+{code:04X}");
        }
    }
}
