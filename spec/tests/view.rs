//! Views as a node makes them: what they show, for whom, and that only who knows the holder can tell whose they are.
#![allow(missing_docs, clippy::unwrap_used)]

use licence_spec::credential::Credential;
use licence_spec::suite::SeedSigner;
use licence_spec::time::UnixTime;
use licence_spec::view::{Draft, HolderMark, View, sign};

const LICENCE: &[u8] = include_bytes!("../vectors/generated-examples/licence/small.cbor");
const CTI: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const HOLDER: (&str, &str) = ("001", "91440101MA9XXXXX36");

fn draft<'a>(licence: &'a Credential<'a>, permitted: &'a [u8], life: i64) -> Draft<'a> {
    Draft {
        licence,
        iss: "11440100X00001046K",
        aud: "11440300X0000001XX",
        iat: licence.iat,
        exp: licence.iat.plus(life),
        cti: CTI,
        permitted,
        service_item: "GZ-TH-0101",
        case_number: "2026-0001",
        catalogue_version: 3,
        holder: HOLDER,
    }
}

#[test]
fn a_view_shows_the_permitted_fields_that_the_licence_has_and_names_what_it_is_for() {
    let licence = Credential::parse(LICENCE).unwrap();
    let bytes =
        sign(&draft(&licence, &[0, 2, 7, 200], 600), &SeedSigner::from_seed(&[7; 32]).unwrap()).unwrap();
    let view = View::parse(&bytes).unwrap();
    assert_eq!(view.fields.iter().map(|(key, _)| key).collect::<Vec<_>>(), [0, 2, 7]);
    assert_eq!(view.fields.text(2), licence.fields.text(2));
    assert_eq!(
        (view.grounds.licence, view.grounds.licence_iss),
        (licence.object.statement_digest(), licence.iss)
    );
    assert_eq!((view.iss, view.aud, view.vct), ("11440100X00001046K", "11440300X0000001XX", licence.vct));
    assert_eq!((view.exp, view.status), (licence.iat.plus(600), licence.status));
    let mark = view.holder_mark().unwrap();
    assert!(mark.is_of(Some("001"), " 91440101ma9xxxxx36 "), "in the normal form");
    assert!(mark.is_of(None, HOLDER.1));
    assert!(!mark.is_of(Some("099"), HOLDER.1) && !mark.is_of(None, "91350100M000100Y43"));
    assert_ne!(
        mark.digest,
        HolderMark::new(&[9; 16], HOLDER.0, HOLDER.1).digest,
        "two views of one holder cannot be joined"
    );
}

#[test]
fn no_view_is_signed_that_a_reader_would_refuse() {
    let licence = Credential::parse(LICENCE).unwrap();
    let signer = SeedSigner::from_seed(&[7; 32]).unwrap();
    assert!(sign(&draft(&licence, &[0, 7], 0), &signer).is_err(), "no life");
    assert!(sign(&draft(&licence, &[0, 7], 86_401), &signer).is_err(), "more than a day");
    let long = "1".repeat(65);
    assert!(sign(&Draft { case_number: &long, ..draft(&licence, &[0, 7], 600) }, &signer).is_err());
    assert!(sign(&Draft { iat: UnixTime(-1), ..draft(&licence, &[0, 7], 600) }, &signer).is_err());
}
