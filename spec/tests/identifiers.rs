//! The vectors of spec/vectors/identifiers, and what check digits guarantee.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test helper that fails fails the test")]

use std::fs;
use std::path::Path;

use licence_spec::identifiers::*;
use proptest::prelude::*;
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/identifiers").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn licence_ids_are_read_with_exactly_the_flags_of_the_vectors() {
    for case in items(&vectors("licence-id.json")["read"]) {
        let id = text(&case["id"]);
        let (read, flags) = LicenceId::read_lenient(id).unwrap_or_else(|error| panic!("{id}: {error}"));
        let found: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
        let expected = items(&case["flags"]);
        assert_eq!(found, expected.iter().map(text).collect::<Vec<_>>(), "{id}");
        assert_eq!(read.to_string(), id);
        assert_eq!(LicenceId::parse(id).is_ok(), expected.is_empty(), "strict reading of {id}");
    }
}

#[test]
fn licence_ids_of_another_shape_are_refused_even_leniently() {
    for case in items(&vectors("licence-id.json")["refused"]) {
        let error = LicenceId::read_lenient(text(&case["id"])).unwrap_err();
        assert_eq!(format!("{error:?}"), text(&case["error"]), "{case}");
    }
}

#[test]
fn composed_licence_ids_equal_the_vectors_and_survive_the_strict_reader() {
    let vectors = vectors("licence-id.json");
    for case in items(&vectors["compose"]) {
        let licence_type = NationalTypeCode::parse(text(&case["type"])).unwrap();
        let issuer = CreditCode::parse(text(&case["issuer"])).unwrap();
        let version = u16::try_from(case["version"].as_u64().unwrap()).unwrap();
        let id = LicenceId::compose(&licence_type, &issuer, text(&case["serial"]), version).unwrap();
        assert_eq!(id.as_str(), text(&case["id"]));
        let read = LicenceId::parse(id.as_str()).unwrap();
        assert_eq!((read.type_text(), read.issuer_text()), (licence_type.as_str(), issuer.as_str()));
        assert_eq!((read.serial(), read.version()), (text(&case["serial"]), version));
    }
    for case in items(&vectors["bare"]) {
        assert!(mod37_36_passes(text(&case["body"]), text(&case["check"]).chars().next().unwrap()), "{case}");
    }
}

#[test]
fn our_own_writes_refuse_serials_and_versions_outside_the_rule() {
    let licence_type = NationalTypeCode::parse("11100000MB0143028R001").unwrap();
    let issuer = CreditCode::parse("11440300X00000019W").unwrap();
    let compose = |serial: &str, version| LicenceId::compose(&licence_type, &issuer, serial, version);
    assert_eq!(compose("000001", 1), Err(LicenceIdError::Serial), "6 characters");
    assert!(compose("0000001", 1).is_ok(), "7 characters");
    assert!(compose(&"0".repeat(32), 1).is_ok(), "32 characters");
    assert_eq!(compose(&"0".repeat(33), 1), Err(LicenceIdError::Serial), "33 characters");
    assert_eq!(compose("000000a", 1), Err(LicenceIdError::Serial), "lower case");
    assert_eq!(compose("00.0000", 1), Err(LicenceIdError::Serial), "a dot");
    assert_eq!(compose("0000001", 0), Err(LicenceIdError::Version));
    assert!(compose("0000001", 999).is_ok());
    assert_eq!(compose("0000001", 1000), Err(LicenceIdError::Version));
}

#[test]
fn the_next_version_keeps_everything_but_version_and_check() {
    let prefix = "1.2.156.3005.2.11100000MB0143028R001.11440300X00000019W.20250000001.";
    let first = LicenceId::parse(&format!("{prefix}001.U")).unwrap();
    assert_eq!(first.next_version().unwrap().as_str(), format!("{prefix}002.S"));
    let licence_type = NationalTypeCode::parse(first.type_text()).unwrap();
    let issuer = CreditCode::parse(first.issuer_text()).unwrap();
    let last = LicenceId::compose(&licence_type, &issuer, first.serial(), 999).unwrap();
    assert_eq!(last.next_version(), Err(LicenceIdError::Version));
}

#[test]
fn credit_codes_answer_as_the_vectors_say_and_name_the_part_that_failed() {
    let vectors = vectors("credit-code.json");
    for code in items(&vectors["valid"]) {
        let read = CreditCode::parse(text(code)).unwrap_or_else(|error| panic!("{code}: {error}"));
        assert_eq!(read.to_string(), text(code));
        assert_eq!(read.organisation_code().as_str(), &text(code)[8..17]);
        assert_eq!(read.division().unwrap().as_str(), &text(code)[2..8]);
    }
    for case in items(&vectors["refused"]) {
        let error = match CreditCode::parse(text(&case["code"])).unwrap_err() {
            CreditCodeError::Check { inner: true, outer: true } => "both".to_owned(),
            CreditCodeError::Check { inner: true, .. } => "inner".to_owned(),
            CreditCodeError::Check { .. } => "outer".to_owned(),
            CreditCodeError::Shape(CodeError::Length { .. }) => "length".to_owned(),
            CreditCodeError::Shape(CodeError::Character { at }) => format!("character {at}"),
            other => panic!("{other:?}"),
        };
        assert_eq!(error, text(&case["error"]), "{case}");
    }
}

/// The name of the variant alone: what stands in a vector.
fn variant(error: CodeError) -> String {
    format!("{error:?}").split([' ', '{']).next().unwrap().to_owned()
}

#[test]
fn resident_ids_answer_as_the_vectors_say() {
    let vectors = vectors("resident-id.json");
    for case in items(&vectors["valid"]) {
        let read = ResidentId::parse(text(&case["code"])).unwrap();
        assert_eq!(read.expose(), text(&case["code"]));
        assert_eq!(read.birth_date().to_string(), text(&case["born"]));
        let sex = if read.sex() == Sex::Male { "male" } else { "female" };
        assert_eq!(sex, text(&case["sex"]), "{case}");
    }
    for case in items(&vectors["refused"]) {
        assert_eq!(
            variant(ResidentId::parse(text(&case["code"])).unwrap_err()),
            text(&case["error"]),
            "{case}"
        );
    }
}

#[test]
fn organisation_codes_answer_as_the_vectors_say() {
    let vectors = vectors("organisation-code.json");
    for code in items(&vectors["valid"]) {
        assert_eq!(OrganisationCode::parse(text(code)).unwrap().as_str(), text(code));
    }
    for case in items(&vectors["refused"]) {
        let error = OrganisationCode::parse(text(&case["code"])).unwrap_err();
        assert_eq!(variant(error), text(&case["error"]), "{case}");
    }
}

#[test]
fn type_codes_and_vct_map_both_ways() {
    let vectors = vectors("type-code.json");
    for case in ["national", "guangdong"].iter().flat_map(|space| items(&vectors[*space])) {
        let (code, vct) = (text(&case["code"]), text(&case["vct"]));
        assert_eq!(vct_of_type_code(code).as_deref(), Ok(vct));
        assert_eq!(type_code_of_vct(vct), Ok(code));
        assert_eq!(TypeCode::of_vct(vct), TypeCode::parse(code));
    }
    for code in items(&vectors["refused"]) {
        assert!(vct_of_type_code(text(code)).is_err(), "{code}");
    }
    for vct in items(&vectors["vct_refused"]) {
        assert!(type_code_of_vct(text(vct)).is_err(), "{vct}");
    }
}

#[test]
fn divisions_and_node_ids_answer_as_the_vectors_say() {
    let vectors = vectors("division.json");
    for case in items(&vectors["valid"]) {
        let division = DivisionCode::parse(text(&case["code"])).unwrap();
        assert_eq!(format!("{:?}", division.level()), text(&case["level"]), "{case}");
        assert_eq!(division.prefix(), text(&case["prefix"]));
        assert_eq!(division.city().as_ref().map(DivisionCode::as_str), case["city"].as_str(), "{case}");
    }
    for code in items(&vectors["refused"]) {
        assert!(DivisionCode::parse(text(code)).is_err(), "{code}");
    }
    for case in items(&vectors["node"]) {
        let node = NodeId::parse(text(&case["id"])).unwrap();
        assert_eq!(node.division().as_str(), text(&case["division"]));
        assert_eq!(node.special_area().map(|area| area.zh), case["area"].as_str(), "{case}");
    }
    for id in items(&vectors["node_refused"]) {
        assert!(NodeId::parse(text(id)).is_err(), "{id}");
    }
}

#[test]
fn codes_of_guangdong_answer_as_the_vectors_say() {
    let vectors = vectors("guangdong.json");
    for code in items(&vectors["license_code"]) {
        assert_eq!(ProvincialLicenceCode::parse(text(code)).unwrap().as_str(), text(code));
    }
    for code in items(&vectors["license_code_refused"]) {
        assert!(ProvincialLicenceCode::parse(text(code)).is_err(), "{code}");
    }
    for code in items(&vectors["implementation_code"]) {
        assert_eq!(ImplementationCode::parse(text(code)).unwrap().as_str(), text(code));
    }
    for case in items(&vectors["implementation_code_refused"]) {
        let error = format!("{:?}", ImplementationCode::parse(text(&case["code"])).unwrap_err());
        assert!(error.starts_with(text(&case["part"])), "{case}: {error}");
    }
}

#[test]
fn the_list_of_holder_code_types_is_complete_and_each_code_has_its_own_rule() {
    let codes: Vec<_> = HOLDER_CODE_TYPES.iter().map(|kind| kind.code()).collect();
    let expected = "001 099 111 114 115 118 119 120 122 411 412 413 414 511 516 999";
    assert_eq!(codes.join(" "), expected);
    assert_eq!(HolderCodeType::from_code("112"), None);
    assert_eq!(HolderCodeType::from_provincial("70"), Some(HolderCodeType::CreditCode));

    let company = HolderCode::parse(HolderCodeType::CreditCode, "91440101MA9XXXXX36").unwrap();
    assert_eq!(company.subject(), Some("91440101MA9XXXXX36"), "an organisation may be `sub`");
    let person = HolderCode::parse(HolderCodeType::ResidentId, "440300180001010016").unwrap();
    assert_eq!(person.subject(), None, "a natural person's number never becomes `sub`");
    assert!(HolderCode::parse(HolderCodeType::ResidentId, "91440101MA9XXXXX36").is_err());
    assert!(HolderCode::parse(HolderCodeType::OrdinaryPassport, "X00000000").is_ok());
    for bad in ["", "E 1234", "E1234\n", &"1".repeat(65)] {
        assert_eq!(
            HolderCode::parse(HolderCodeType::OtherPerson, bad),
            Err(HolderCodeError::Other),
            "{bad:?}"
        );
    }
}

/// Invariant 7: identity numbers never reach a log, and `Debug` is how they would get there.
#[test]
fn debug_never_prints_the_digits_of_a_holder() {
    let number = "440300180001010016";
    let person = ResidentId::parse(number).unwrap();
    let holder = HolderCode::parse(HolderCodeType::ResidentId, number).unwrap();
    let trader = CreditCode::parse("91440101MA9XXXXX36").unwrap();
    let refused = ResidentId::parse("440300180001010017");
    let printed = format!("{person:?} {holder:?} {trader:?} {refused:?}");
    for digits in ["4403", "1800", "0101", "MA9", "XXXXX36"] {
        assert!(!printed.contains(digits), "{printed} shows {digits}");
    }
    let id = LicenceId::parse("1.2.156.3005.2.11100000MB0143028R001.11440300X00000019W.20250000001.001.U")
        .unwrap();
    assert!(!format!("{id:?}").contains("20250000001"), "{id:?} shows the serial");
}

const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[test]
fn every_single_wrong_character_of_every_vector_is_noticed() {
    for case in items(&vectors("licence-id.json")["compose"]) {
        let id = text(&case["id"]);
        for (at, right) in id.bytes().enumerate().skip(LICENCE_ID_ROOT.len()).filter(|(_, b)| *b != b'.') {
            for wrong in ALPHABET.iter().filter(|wrong| **wrong != right) {
                let mut bytes = id.as_bytes().to_vec();
                bytes[at] = *wrong;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(LicenceId::parse(&changed).is_err(), "{changed} was taken");
            }
        }
    }
}

/// Whether MOD 37,36 is blind to the exchange of the characters at `at` and `at + 1`: the situation that the
/// documentation of `mod37_36_check` names, computed here from the state and not from the product.
fn blind_to_exchange(body: &[u8], at: usize) -> bool {
    let value = |byte: u8| i64::from(char::from(byte).to_digit(36).unwrap());
    let state = body[..at].iter().fold(36_i64, |state, byte| {
        let sum = (state + value(*byte)) % 36;
        2 * (if sum == 0 { 36 } else { sum }) % 37
    });
    let (a, b) = (value(body[at]), value(body[at + 1]));
    [(a, b), (b, a)].iter().any(|(x, y)| (x + 1) % 36 == *y && (x + state) % 36 == 18)
}

proptest! {
    #[test]
    fn a_check_character_notices_every_substitution(body in "[0-9A-Z]{1,80}", at in 0_usize..80, wrong in 0_usize..36) {
        let at = at % body.len();
        let check = mod37_36_check(&body).unwrap();
        let mut bytes = body.clone().into_bytes();
        prop_assume!(bytes[at] != ALPHABET[wrong]);
        bytes[at] = ALPHABET[wrong];
        prop_assert!(!mod37_36_passes(&String::from_utf8(bytes).unwrap(), check));
    }

    #[test]
    fn a_check_character_notices_every_exchange_of_neighbours_but_the_documented_ones(
        body in "[0-9A-Z]{2,80}", at in 0_usize..79,
    ) {
        let at = at % (body.len() - 1);
        let check = mod37_36_check(&body).unwrap();
        let mut bytes = body.clone().into_bytes();
        prop_assume!(bytes[at] != bytes[at + 1]);
        let blind = blind_to_exchange(body.as_bytes(), at);
        bytes.swap(at, at + 1);
        prop_assert_eq!(mod37_36_passes(&String::from_utf8(bytes).unwrap(), check), blind);
    }

    #[test]
    fn resident_ids_notice_every_wrong_digit_and_every_exchange_of_neighbours(
        sequence in 0_u32..1000, at in 0_usize..17, digit in 0_u8..10,
    ) {
        let body = format!("44010018000101{sequence:03}");
        let number = (0..=10).map(|n| if n == 10 { 'X' } else { char::from(b'0' + n) })
            .map(|check| format!("{body}{check}"))
            .find(|number| ResidentId::parse(number).is_ok())
            .expect("one of eleven check characters fits");
        let mut wrong = number.clone().into_bytes();
        wrong[at] = b'0' + digit;
        let wrong = String::from_utf8(wrong).unwrap();
        prop_assert!(wrong == number || ResidentId::parse(&wrong).is_err());
        let mut swapped = number.clone().into_bytes();
        swapped.swap(at, at + 1);
        let swapped = String::from_utf8(swapped).unwrap();
        prop_assert!(swapped == number || ResidentId::parse(&swapped).is_err());
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,140}") {
        let _ = LicenceId::read_lenient(&text);
        let _ = (CreditCode::parse(&text).is_ok(), ResidentId::parse(&text).is_ok(), TypeCode::parse(&text).is_ok());
        let _ = (TypeCode::of_vct(&text).is_ok(), DivisionCode::parse(&text).is_ok(), NodeId::parse(&text).is_ok());
        let _ = (OrganisationCode::parse(&text).is_ok(), ImplementationCode::parse(&text).is_ok());
        let _ = ProvincialLicenceCode::parse(&text).is_ok();
    }
}

/// spec/decisions/0030: a provisional code can be nothing else, and nothing else can be one.
#[test]
fn a_provisional_type_code_is_zd_and_four_digits_in_a_space_of_its_own() {
    let code = TypeCode::parse("ZD1001").unwrap();
    assert!(matches!(code, TypeCode::Provisional(_)));
    assert_eq!(code.vct(), "urn:elic:zd:ZD1001");
    assert_eq!(TypeCode::of_vct("urn:elic:zd:ZD1001"), Ok(code));
    for wrong in ["ZD100", "ZD10011", "ZD100A", "zd1001", "DZ1001", "Z11001", "110001"] {
        assert!(TypeCode::parse(wrong).is_err(), "{wrong}");
    }
    for wrong in ["urn:elic:cn:ZD1001", "urn:elic:gd:ZD1001", "urn:elic:zd:200023401", "urn:elic:zz:ZD1001"] {
        assert!(TypeCode::of_vct(wrong).is_err(), "{wrong}");
    }
}

/// One rule for codes and names, wherever they are typed (spec/identifiers.md §5.1).
#[test]
fn codes_that_people_type_are_read_and_compared_as_the_vectors_say() {
    let file = vectors("asked.json");
    for pair in items(&file["normal"]) {
        assert_eq!(normal_code(text(&pair[0])), text(&pair[1]), "{pair}");
    }
    for case in items(&file["codes"]) {
        match AskedCode::parse(case["type"].as_str(), text(&case["code"])) {
            Ok(code) => {
                assert_eq!(case["fault"], Value::Null, "{case}");
                assert_eq!(code.kind().map(HolderCodeType::code), case["kind"].as_str(), "{case}");
            }
            Err(fault) => {
                let named = format!("{fault:?}").replace("Code(", "");
                let name = named.split(['(', ')']).next().unwrap();
                assert_eq!(case["fault"], name, "{case}");
            }
        }
    }
    for case in items(&file["holders"]) {
        let asked = AskedCode::parse(case["asked"][0].as_str(), text(&case["asked"][1])).unwrap();
        let held = items(&case["held"]);
        let codes: Vec<&str> = held.iter().map(|one| text(&one[1])).collect();
        let types: Vec<&str> = held.iter().filter_map(|one| one[0].as_str()).collect();
        let (answer, at) = asked.is_among(&types, &codes);
        assert_eq!(case["is"], format!("{answer:?}"), "{case}");
        assert_eq!(at.is_some(), answer == SameHolder::Yes, "{case}");
    }
    for case in items(&file["names"]) {
        assert_eq!(case["same"], same_name(text(&case["a"]), text(&case["b"])), "{case}");
    }
}
