//! The shape of `expected.json`. Unknown members are refused, so that nothing the writer says goes unread.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// The one clock, seconds since 1970.
    pub(crate) clock: i64,
    pub(crate) cases: Vec<Case>,
}

macro_rules! kinds {
    ($($kind:ident($shape:ident) $word:literal,)*) => {
        /// One case.
        #[derive(Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub(crate) enum Case { $($kind($shape),)* }

        /// Every kind; each must occur.
        pub(crate) const KINDS: &[&str] = &[$($word),*];

        impl Case {
            pub(crate) const fn kind(&self) -> &'static str {
                match self { $(Case::$kind(_) => $word,)* }
            }

            pub(crate) fn name(&self) -> &str {
                match self { $(Case::$kind(case) => &case.name,)* }
            }
        }
    };
}

kinds! {
    Verdict(Verdict) "verdict",
    Changed(Changed) "changed",
    Token(Token) "token",
    Trust(Trust) "trust",
    Catalogue(Catalogue) "catalogue",
    Receipt(Receipt) "receipt",
    Bundle(Bundle) "bundle",
    Http(Http) "http",
    Identifier(Identifier) "identifier",
    Tiles(Tiles) "tiles",
    Consistency(Consistency) "consistency",
    Witness(Witness) "witness",
    Change(Change) "change",
}

/// What is judged, under which evidence.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Judged {
    pub(crate) file: Option<String>,
    pub(crate) qr: Option<String>,
    pub(crate) now: Option<i64>,
    pub(crate) policy: Option<String>,
    pub(crate) proof: Option<String>,
    /// What a look-up in the log came to: found, missing, pending, not_asked (if absent), or none if nobody looked.
    pub(crate) look_up: Option<String>,
    pub(crate) question: Question,
    /// Parts of the bundle that are not at hand.
    pub(crate) without: Vec<String>,
    /// Parts that are another file.
    pub(crate) replace: BTreeMap<String, String>,
    pub(crate) seen: Option<Seen>,
    pub(crate) head: Option<Head>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Question {
    pub(crate) audience: Option<String>,
    pub(crate) service_item: Option<String>,
    pub(crate) case_number: Option<String>,
    pub(crate) subject: Option<Subject>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    pub(crate) code_type: String,
    pub(crate) code: String,
    pub(crate) name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    pub(crate) uri: String,
    pub(crate) iat: i64,
    pub(crate) digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) origin: Option<String>,
    pub(crate) size: u64,
    pub(crate) root: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verdict {
    pub(crate) name: String,
    pub(crate) outcome: String,
    pub(crate) code: Option<String>,
    /// Host and digest of a reference.
    pub(crate) host: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) judged: Judged,
}

/// Something good, of which every byte is changed in turn.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changed {
    pub(crate) name: String,
    pub(crate) judged: Judged,
}

/// A status token by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) good: bool,
}

/// Steps of the update procedure after root 1; the last one gets the code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trust {
    pub(crate) name: String,
    pub(crate) steps: Vec<String>,
    pub(crate) code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    pub(crate) name: String,
    pub(crate) held: String,
    pub(crate) file: String,
    pub(crate) code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipt {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) code: Option<String>,
    /// Objects filed with it, by their names in the library.
    #[serde(default)]
    pub(crate) archive: BTreeMap<String, String>,
    /// What our node judges, and the seed of its key, to make the same receipt to the byte.
    pub(crate) judged: Option<Judged>,
    pub(crate) seed: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bundle {
    pub(crate) name: String,
    pub(crate) file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) now: i64,
    pub(crate) fault: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target_uri: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identifier {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) good: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tiles {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) root: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consistency {
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) vkey: String,
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) proof: Vec<String>,
    pub(crate) holds: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Witness {
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) vkey: String,
    pub(crate) body: String,
    pub(crate) stored: Head,
    pub(crate) status: u16,
}

/// A change record: what it says and its leaf, or the code of its fault.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) code: Option<String>,
    pub(crate) status: Option<u8>,
    pub(crate) act: Option<u64>,
    pub(crate) effective: Option<i64>,
    pub(crate) leaf: Option<String>,
}
