//! The files of `spec/vectors/verdict/`: read and written. Their shape is told in the README beside them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use licence_spec::bundle::{Bundle, root_path};
use licence_spec::catalogue::HolderRole;
use licence_spec::log::merkle::TreeHead;
use licence_spec::policy::{self, Policy, Wanted};
use licence_spec::suite::{Digest, sha256};
use licence_spec::time::UnixTime;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The files of vectors: one for every code, and one for every pair of codes whose order matters.
pub(crate) const VECTOR_FILES: [&str; 2] = ["codes.json", "precedence.json"];
const OBJECTS: &str = "objects.json";
const PROOFS: &str = "proofs.json";
const EVIDENCE: &str = "evidence.json";
const VERDICTS: &str = "verdicts.txt";

/// Where the vectors lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/verdict")
}

/// One vector. `outcome`, `code`, `codes` and `warnings` are stated by hand in the generator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) name: String,
    /// The rule that it defends.
    pub(crate) rule: String,
    /// Name of the presented object.
    pub(crate) presented: String,
    /// Name of the bundle.
    pub(crate) evidence: String,
    /// Name of a bundle that the verifier has seen before, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<String>,
    /// What is pinned, unless it is the first root of the bundle: "none", the path of a root in the bundle, or a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pinned: Option<String>,
    pub(crate) policy: String,
    #[serde(default, skip_serializing_if = "Question::is_empty")]
    pub(crate) question: Question,
    pub(crate) now: String,
    pub(crate) outcome: String,
    pub(crate) code: Option<String>,
    /// All codes in the order of the checks.
    pub(crate) codes: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// What is asked beside "is it good?".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Question {
    /// "licence" or "view"; either, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wanted: Option<String>,
    /// Name of a log proof that came beside the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_proof: Option<String>,
    /// What a look-up in the log of the issuer came to; nobody looked, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<LookUp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service_item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) case_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audience: Option<String>,
}

/// What a look-up came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum LookUp {
    Found {
        origin: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Place>,
    },
    Missing,
    Pending,
    NotAsked,
}

/// Where a leaf stands; the root in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    index: u64,
    size: u64,
    root: String,
}

impl LookUp {
    pub(crate) fn at(origin: &str, index: u64, size: u64, root: [u8; 32]) -> LookUp {
        let place = Some(Place { index, size, root: hex::encode(root) });
        LookUp::Found { origin: origin.to_owned(), place }
    }

    pub(crate) fn somewhere(origin: &str) -> LookUp {
        LookUp::Found { origin: origin.to_owned(), place: None }
    }

    fn as_asked(&self) -> policy::LogLookUp<'_> {
        let leaf_place = |place: &Place| {
            let root = hex::decode(&place.root).expect("hex").try_into().expect("32 bytes");
            policy::LeafPlace { index: place.index, head: TreeHead { size: place.size, root } }
        };
        match self {
            LookUp::Found { origin, place } => {
                policy::LogLookUp::Found { origin, place: place.as_ref().map(leaf_place) }
            }
            LookUp::Missing => policy::LogLookUp::Missing,
            LookUp::Pending => policy::LogLookUp::Pending,
            LookUp::NotAsked => policy::LogLookUp::NotAsked,
        }
    }
}

impl Question {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Question::default()
    }
}

/// The applicant who is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code_type: Option<String>,
    pub(crate) code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

/// What is presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Presented {
    /// The bytes of a file, in hex.
    Hex(String),
    /// The text of a QR code.
    Qr(String),
    /// The text of a reference, and what its host gave, in hex.
    Fetched { reference: String, hex: String },
    /// The number of a licence that no register knows.
    Number(String),
}

/// All vectors and what they name.
pub(crate) struct Set {
    pub(crate) vectors: Vec<Vector>,
    pub(crate) objects: BTreeMap<String, Presented>,
    pub(crate) proofs: BTreeMap<String, String>,
    pub(crate) bundles: BTreeMap<String, Bundle>,
    /// The whole verdict of every vector, as JSON bytes.
    pub(crate) verdicts: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceFile {
    /// Bytes in hex by their SHA-256 in hex.
    parts: BTreeMap<String, String>,
    /// Digests by path, by name of the bundle.
    bundles: BTreeMap<String, BTreeMap<String, String>>,
}

fn read<T: DeserializeOwned>(file: &str) -> T {
    let path = folder().join(file);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Set {
    /// Reads the committed files. Panics with the file that is wrong: this is a test.
    pub(crate) fn read() -> Set {
        let evidence: EvidenceFile = read(EVIDENCE);
        let part = |digest: &String| {
            let bytes = hex::decode(&evidence.parts[digest]).expect("parts are hex");
            assert_eq!(hex::encode(sha256(&[&bytes])), *digest, "a part has another digest than its name");
            bytes
        };
        let bundle = |parts: &BTreeMap<String, String>| {
            let parts = parts.iter().map(|(path, digest)| (path.clone(), part(digest)));
            Bundle::new(parts).expect("the paths are those of the layout")
        };
        let verdicts = fs::read_to_string(folder().join(VERDICTS)).expect("the verdicts are there");
        let verdicts = verdicts.lines().map(|line| line.split_once(' ').expect("a name and a verdict"));
        Set {
            vectors: VECTOR_FILES.iter().flat_map(|file| read::<Vec<Vector>>(file)).collect(),
            objects: read(OBJECTS),
            proofs: read(PROOFS),
            bundles: evidence.bundles.iter().map(|(name, parts)| (name.clone(), bundle(parts))).collect(),
            verdicts: verdicts.map(|(name, json)| (name.to_owned(), json.to_owned())).collect(),
        }
    }

    pub(crate) fn object(&self, vector: &Vector) -> &Presented {
        self.objects.get(&vector.presented).unwrap_or_else(|| panic!("{}: no such object", vector.name))
    }

    pub(crate) fn bundle(&self, vector: &Vector) -> &Bundle {
        self.bundles.get(&vector.evidence).unwrap_or_else(|| panic!("{}: no such bundle", vector.name))
    }

    /// The bundle that was seen before, if any.
    pub(crate) fn seen(&self, vector: &Vector) -> Option<&Bundle> {
        let name = vector.seen.as_ref()?;
        Some(self.bundles.get(name).unwrap_or_else(|| panic!("{}: no such seen bundle", vector.name)))
    }

    /// The digest of the pinned root.
    pub(crate) fn pinned(&self, vector: &Vector) -> Option<Digest> {
        let bundle = self.bundle(vector);
        let of_part = |path: &str| bundle.part(path).map(|root| sha256(&[root]));
        match vector.pinned.as_deref() {
            None => of_part(&root_path(1)),
            Some("none") => None,
            Some(path) if path.contains('/') => of_part(path),
            Some(digest) => Some(hex::decode(digest).expect("hex").try_into().expect("32 bytes")),
        }
    }

    /// The policy with the question of the vector.
    pub(crate) fn policy<'q>(&'q self, vector: &'q Vector) -> Policy<'q> {
        let asked = &vector.question;
        let proof =
            |name| self.proofs.get(name).unwrap_or_else(|| panic!("no such proof: {name}")).as_bytes();
        let question = policy::Question {
            wanted: match asked.wanted.as_deref() {
                None => Wanted::Either,
                Some("licence") => Wanted::Licence,
                Some("view") => Wanted::View,
                Some(other) => panic!("{}: wanted {other}", vector.name),
            },
            cut_proof: None,
            log_proof: asked.log_proof.as_deref().map(proof),
            log: asked.log.as_ref().map(LookUp::as_asked),
            log_memory: None,
            subject: asked.subject.as_ref().map(|subject| policy::Subject {
                role: HolderRole::Applicant,
                code_type: subject.code_type.as_deref(),
                code: &subject.code,
                name: subject.name.as_deref(),
            }),
            service_item: asked.service_item.as_deref(),
            case_number: asked.case_number.as_deref(),
            audience: asked.audience.as_deref(),
        };
        Policy::named(&vector.policy).expect("a preset").asking(question)
    }
}

impl Vector {
    pub(crate) fn now(&self) -> UnixTime {
        UnixTime::parse_rfc3339(&self.now).expect("an RFC 3339 time")
    }
}

/// The files of a set, by name: one entry a line, so that a difference shows what changed.
pub(crate) fn write(files: &[(&str, &[Vector])], set: &Set) -> Vec<(String, String)> {
    let mut written: Vec<(String, String)> =
        files.iter().map(|(file, vectors)| ((*file).to_owned(), list(vectors))).collect();
    let mut evidence = EvidenceFile { parts: BTreeMap::new(), bundles: BTreeMap::new() };
    for (name, bundle) in &set.bundles {
        let paths = bundle.parts().map(|(path, bytes)| {
            let digest = hex::encode(sha256(&[bytes]));
            evidence.parts.insert(digest.clone(), hex::encode(bytes));
            (path.to_owned(), digest)
        });
        let paths = paths.collect();
        evidence.bundles.insert(name.clone(), paths);
    }
    let (parts, bundles) = (map(&evidence.parts), map(&evidence.bundles));
    written.push((OBJECTS.to_owned(), map(&set.objects) + "\n"));
    written.push((PROOFS.to_owned(), map(&set.proofs) + "\n"));
    written.push((EVIDENCE.to_owned(), format!("{{\"parts\":{parts},\n\"bundles\":{bundles}}}\n")));
    let mut verdicts = String::new();
    for vector in &set.vectors {
        // Cannot fail: writing to a string.
        let _ = writeln!(verdicts, "{} {}", vector.name, set.verdicts[&vector.name]);
    }
    written.push((VERDICTS.to_owned(), verdicts));
    written
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values")
}

fn list(entries: &[impl Serialize]) -> String {
    let lines: Vec<String> = entries.iter().map(json).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn map(entries: &BTreeMap<String, impl Serialize>) -> String {
    let lines: Vec<String> =
        entries.iter().map(|(name, entry)| format!("{}:{}", json(name), json(entry))).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}
