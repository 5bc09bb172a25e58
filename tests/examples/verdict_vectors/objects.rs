//! What is presented, by name: licences and views as files, as texts of QR codes, as fetched by a reference.

use std::collections::BTreeMap;

use licence_spec::cose::{Sign1, with_log_proof};
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::qr::{Reference, write_object, write_reference};
use licence_spec::suite::{Digest, sha256};

use crate::evidence::token;
use crate::format::Presented;
use crate::keys::Keys;
use crate::licences::{Licence, View};
use crate::log::Tree;
use crate::world::*;

/// The licences in the log, by index; those before [`CUT`] were logged before the key was stolen.
pub(crate) const LOGGED: [&str; 5] =
    ["stolen-before-cut", "premises", "archived", "stolen-after-cut", "retired-before"];

/// EdDSA, which RFC 9864 replaces by -19.
const ALG_EDDSA: i64 = -8;

/// The licences of the table of codes.
pub(crate) fn licences() -> Vec<(&'static str, Licence)> {
    let good = Licence::good;
    let stolen = || good().signed_by("issuer compromised");
    let other_city = || Licence { iss: OTHER_CITY, area: "440304", ..good().signed_by("shenzhen issuer") };
    vec![
        ("premises", good()),
        ("archived", good().issued(at(-30 * DAY_S))),
        ("stolen-before-cut", stolen().issued(at(-30 * DAY_S))),
        ("stolen-after-cut", stolen()),
        ("retired-before", good().signed_by("issuer retired").issued(KEYS_CHANGED.plus(-1))),
        ("retired-at", good().signed_by("issuer retired").issued(KEYS_CHANGED)),
        ("eddsa", Licence { alg: ALG_EDDSA, ..good() }),
        ("eddsa-by-stranger", Licence { alg: ALG_EDDSA, ..good().signed_by("rogue") }),
        ("by-stranger", good().signed_by("rogue")),
        ("of-unlisted-authority", Licence { iss: STRANGER, ..good().signed_by("rogue") }),
        ("by-key-of-other-city", good().signed_by("shenzhen issuer")),
        ("by-status-key", good().signed_by("status")),
        ("business", Licence { vct: BUSINESS, ..good() }),
        ("business-elsewhere", Licence { vct: BUSINESS, area: "440304", ..good() }),
        ("business-by-status-key", Licence { vct: BUSINESS, ..good().signed_by("status") }),
        ("elsewhere", Licence { area: "440304", ..good() }),
        ("area-is-no-code", Licence { area: "4401x6", ..good() }),
        ("elsewhere-before-scopes", Licence { area: "440304", ..good().issued(SCOPES_FROM.plus(-1)) }),
        ("first-of-scopes", good().issued(SCOPES_FROM)),
        ("before-scopes", good().issued(SCOPES_FROM.plus(-1))),
        ("before-scopes-by-stolen-key", stolen().issued(SCOPES_FROM.plus(-1))),
        ("of-succeeded-authority", Licence { status: Some((5, OTHER_CITY_LIST)), ..other_city() }),
        ("with-foreign-list", Licence { status: Some((5, FOREIGN_LIST)), ..good() }),
        ("takes-effect-later", Licence { nbf: at(1), ..good() }),
        ("takes-effect-now", Licence { nbf: NOW, ..good() }),
        ("ends-now", Licence { exp: NOW, ..good() }),
        ("ends-next", Licence { exp: at(1), ..good() }),
        ("ends-in-30-days", Licence { exp: at(30 * DAY_S), ..good() }),
        ("ends-after-30-days", Licence { exp: at(30 * DAY_S + 1), ..good() }),
        ("issued-in-60-s", Licence { iat: at(60), ..good() }),
        ("issued-in-61-s", Licence { iat: at(61), ..good() }),
        ("takes-effect-later-issued-in-61-s", Licence { iat: at(61), nbf: at(61), ..good() }),
        ("too-long-a-life", Licence { exp: ISSUED.plus(10 * YEAR_S + 1), ..good() }),
        ("longest-life", Licence { exp: ISSUED.plus(10 * YEAR_S), ..good() }),
        ("unknown-field", Licence { unknown_field: true, ..good() }),
        ("without-names", Licence { names: false, ..good() }),
        ("unknown-revision", Licence { revision: 9, ..good() }),
        ("without-address", Licence { address: false, ..good() }),
        ("revoked", good().at_index(REVOKED)),
        ("suspended", good().at_index(SUSPENDED)),
        ("superseded", good().at_index(SUPERSEDED)),
        ("last-index", good().at_index(LIST_LENGTH - 1)),
        ("index-past-the-end", good().at_index(LIST_LENGTH)),
        ("without-status", Licence { status: None, ..good() }),
        ("status-elsewhere", Licence { status: Some((5, OTHER_LIST)), ..good() }),
        ("issued-600-s-ago", good().issued(at(-600))),
        ("issued-601-s-ago", good().issued(at(-601))),
        ("archived-revoked", good().at_index(REVOKED).issued(at(-30 * DAY_S))),
    ]
}

fn views(licence: Digest) -> Vec<(&'static str, View)> {
    let good = || View::of(licence);
    vec![
        ("view", good()),
        ("view-by-licence-key", View { key: "issuer", ..good() }),
        ("view-of-unlisted-issuer", View { licence_iss: STRANGER, ..good() }),
        ("view-lives-too-long", View { exp: at(901), ..good() }),
        ("view-shows-too-much", View { too_much: true, ..good() }),
        ("view-of-newer-catalogue", View { too_much: true, catalogue_version: 2, ..good() }),
        ("view-for-unknown-item", View { item: "GZ-TH-9999", ..good() }),
        ("view-for-item-of-other-type", View { item: OTHER_ITEM, ..good() }),
        ("view-with-foreign-list", View { status: (5, FOREIGN_LIST), ..good() }),
        ("view-of-revoked", View { status: (REVOKED, STATUS_LIST), ..good() }),
        ("view-without-codes", View { codes: false, ..good() }),
        ("view-ends-now", View { iat: at(-1_800), exp: NOW, ..good() }),
    ]
}

/// Signed statements of all licences, those of the pairs included.
pub(crate) struct Statements(BTreeMap<String, Vec<u8>>);

impl Statements {
    pub(crate) fn sign(pairs: Vec<(String, Licence)>, keys: &Keys) -> Statements {
        let named = licences().into_iter().map(|(name, licence)| (name.to_owned(), licence)).chain(pairs);
        Statements(named.map(|(name, licence)| (name.clone(), licence.sign(&name, keys))).collect())
    }

    fn get(&self, name: &str) -> &[u8] {
        self.0.get(name).unwrap_or_else(|| panic!("no licence {name}"))
    }

    fn digest(&self, name: &str) -> Digest {
        Sign1::parse(self.get(name), MAX_LICENCE).expect("conformant").statement_digest()
    }

    /// The log over [`LOGGED`].
    pub(crate) fn tree(&self) -> Tree {
        let signed = licences();
        let leaf = |name: &&str| {
            let (_, licence) = signed.iter().find(|(own, _)| own == name).expect("a logged licence");
            (licence.iat, self.digest(name))
        };
        Tree::of(&LOGGED.iter().map(leaf).collect::<Vec<_>>())
    }
}

fn index(name: &str) -> u64 {
    LOGGED.iter().position(|logged| *logged == name).expect("logged") as u64
}

/// The log proofs, by name.
pub(crate) fn proofs(tree: &Tree, keys: &Keys) -> BTreeMap<String, String> {
    let proof = |name: &str| tree.proof(keys, index(name), true);
    BTreeMap::from([
        ("premises".to_owned(), proof("premises")),
        ("another-licence".to_owned(), proof("archived")),
        ("premises-one-witness".to_owned(), tree.proof(keys, index("premises"), false)),
        ("not-a-proof".to_owned(), "c2sp.org/tlog-proof@v2\n".to_owned()),
    ])
}

/// Licences of the stolen key with proofs that come from before, and with one that whoever stole the log key made too.
fn stolen(statements: &Statements, tree: &Tree, keys: &Keys) -> [(&'static str, Vec<u8>); 4] {
    let before = index("stolen-before-cut");
    let with = |name: &str, proof: String| {
        with_log_proof(statements.get(name), MAX_LICENCE, proof.as_bytes()).expect("a licence")
    };
    let early = |size, time| with("stolen-before-cut", tree.early_proof(keys, before, size, time));
    let forged = with("stolen-after-cut", tree.forged_proof(keys, index("stolen-after-cut")));
    [
        ("stolen-in-the-tree-of-the-cut", early(CUT, at(-300))),
        ("stolen-cosigned-before", early(1, KEYS_CHANGED.plus(-1))),
        ("stolen-cosigned-at-the-theft", early(1, KEYS_CHANGED)),
        ("stolen-in-a-forged-tree", forged),
    ]
}

/// All objects by their names.
pub(crate) fn objects(statements: &Statements, tree: &Tree, keys: &Keys) -> BTreeMap<String, Presented> {
    let hex = |bytes: &[u8]| Presented::Hex(hex::encode(bytes));
    let mut objects: BTreeMap<String, Presented> =
        statements.0.iter().map(|(name, bytes)| (name.clone(), hex(bytes))).collect();
    for (name, view) in views(statements.digest("premises")) {
        objects.insert(name.to_owned(), hex(&view.sign(name, keys)));
    }
    for name in LOGGED {
        let proof = tree.proof(keys, index(name), true);
        let logged = with_log_proof(statements.get(name), MAX_LICENCE, proof.as_bytes()).expect("a licence");
        objects.insert(format!("{name}-logged"), hex(&logged));
    }
    for (name, object) in stolen(statements, tree, keys) {
        objects.insert(name.to_owned(), hex(&object));
    }
    let premises = statements.get("premises");
    objects.extend(broken(premises).map(|(name, bytes)| (name.to_owned(), hex(&bytes))));
    let status = token(keys, STATUS_LIST, "status", TOKEN_FROM, TOKEN_UNTIL);
    objects.insert("a-status-token".to_owned(), hex(&status));
    objects.extend(of_other_kinds().map(|(name, bytes)| (name.to_owned(), hex(bytes))));
    objects.extend(texts(premises).map(|(name, object)| (name.to_owned(), object)));
    objects
}

/// The good licence, damaged.
fn broken(good: &[u8]) -> [(&'static str, Vec<u8>); 6] {
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = good.to_vec();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    let last = good.len() - 1;
    // The tag is one byte, the array head one, the protected header 42; what follows is the unprotected map.
    let mut long_head = good.to_vec();
    long_head.splice(44..45, [0xb8, 0x00]);
    let mut long_head_and_forged = long_head.clone();
    *long_head_and_forged.last_mut().expect("bytes") ^= 1;
    [
        ("no-bytes", Vec::new()),
        ("cut-short", good[..last].to_vec()),
        ("trailing-byte", [good, &[0]].concat()),
        ("long-head", long_head),
        ("long-head-and-forged", long_head_and_forged),
        ("forged", changed(last, &[good[last] ^ 1])),
    ]
}

/// Nothing of ours: the beginnings of a picture and of a document, and a COSE object of another system.
fn of_other_kinds() -> [(&'static str, &'static [u8]); 3] {
    [
        ("a-picture", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"),
        ("a-document", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"),
        (
            "another-cose-object",
            b"\xd2\x84\x4d\xa2\x04\x48\x0d\x5e\x4b\x6f\x8a\x11\x22\x33\x01\x26\xa0\x43\xa1\x01\x60\x41\x00",
        ),
    ]
}

/// The good licence, and others, as texts and references.
fn texts(good: &[u8]) -> [(&'static str, Presented); 12] {
    let text = write_object(good).expect("it fits");
    let digest = sha256(&[good]);
    let reference = |host: &str| write_reference(&Reference { cti: [7; 16], digest, host: host.to_owned() });
    let fetched =
        |bytes: &[u8]| Presented::Fetched { reference: reference(CITY_HOST), hex: hex::encode(bytes) };
    let mut other = good.to_vec();
    *other.last_mut().expect("bytes") ^= 1;
    [
        ("qr", Presented::Qr(text.clone())),
        ("qr-of-a-later-version", Presented::Qr(text.replacen("EL1:", "EL2:", 1))),
        ("qr-of-something-else", Presented::Qr("https://gz.elic.example/".to_owned())),
        ("qr-cut-short", Presented::Qr(text[..text.len() - 3].to_owned())),
        ("qr-with-a-space", Presented::Qr(format!("{text} "))),
        ("qr-as-scanners-type-it", Presented::Qr(format!("\u{feff}\t]Q1{text}\r\n"))),
        ("qr-with-a-space-inside", Presented::Qr(text.replacen("EL1:", "EL1: ", 1))),
        ("reference", Presented::Qr(reference(CITY_HOST))),
        ("reference-to-unlisted-host", Presented::Qr(reference("fs.elic.example"))),
        ("fetched", fetched(good)),
        ("fetched-another", fetched(&other)),
        (
            "unknown-number",
            Presented::Number(
                "1.2.156.3005.2.11440000X00000051Q201.11440100X00000027D.20260034582.001.4".to_owned(),
            ),
        ),
    ]
}
