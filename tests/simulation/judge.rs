//! Verdicts, compared with what is true: by the lists that officers signed, the tokens that cities published, and the clock.

use licence_node::access::caller::Caller;
use licence_node::node::encoding::base64url;
use licence_node::trips::verify::{ALONE, VerifyRequest, verify_presented};
use licence_spec::credential::{self, Credential, Draft, NewField, Value as Field};
use licence_spec::evidence::Evidence;
use licence_spec::verdict::{Outcome, Verdict};
use serde_json::Value;
use serde_json::json;

use super::conditions::{Allowed, Broken, Condition, must};
use super::truth::{KeyTruth, Licence};
use super::{Done, World};

/// How far a clock may be behind or ahead, seconds.
const SKEW_S: i64 = 60;

/// What is presented.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Statement,
    /// With its log proof.
    File,
    /// By its number, at the city that issued it.
    Number,
    /// One bit changed.
    Tampered,
    /// Signed by a key that no list names.
    Rogue,
}

/// What must be answered, by what is true.
#[derive(Debug, Default)]
struct Expected {
    /// Something proves it bad.
    proof: Option<&'static str>,
    /// Something that ACCEPT needs is missing or old.
    lack: Option<&'static str>,
    /// Whether the node can tell depends on which logs it holds.
    unsure: bool,
    /// A change was kept and nobody was told: its own city may know the status before it, or after it.
    either: bool,
}

impl World {
    /// The version of the list that a node holds, and whether the true timestamp keeps it fresh now.
    pub(crate) fn held_list(&self, at: usize, evidence: &Evidence) -> (u64, bool) {
        let Some(files) = evidence.trust_files() else { return (0, false) };
        let (version, stamp) = match (files.list(), files.vouching()) {
            (Some(list), Some(stamp)) => (list.content().version, stamp.content().version),
            _ => return (0, false),
        };
        let now = self.true_time(at);
        let fresh = self.truth.timestamps.get(&stamp).is_some_and(|own| own.list == version && now < own.exp)
            && self.truth.lists.get(&version).is_some_and(|own| now < own.exp);
        (version, fresh)
    }

    /// What the clock of a place must show.
    fn true_time(&self, at: usize) -> i64 {
        self.now + super::ceremony::SKEW_S[at]
    }

    pub(crate) fn verify(&mut self, at: usize) -> Done {
        let city = 1 + self.chance.below(3);
        let Some(one) = self.some_licence(city) else { return Ok(()) };
        let form = match self.chance.below(20) {
            0..9 => Form::Statement,
            9..15 => Form::File,
            15..17 if city == at => Form::Number,
            17 | 18 => Form::Tampered,
            19 => Form::Rogue,
            _ => Form::Statement,
        };
        let request = self.present(one, form)?;
        let verdict = verify_presented(self.node(at), &Caller::Operator, &request, &ALONE)
            .map_err(|error| Broken::new(Condition::Stuck, format!("verify at {at}: {error}")))?
            .verdict;
        self.judge(at, one, form, &verdict)?;
        let is_sure = !self.expected(at, one, form).unsure;
        if self.chance.one_in(4) && is_sure { self.compare(at, one, &request, &verdict) } else { Ok(()) }
    }

    fn present(&mut self, one: usize, form: Form) -> Result<VerifyRequest, Broken> {
        let licence = &self.truth.licences[one];
        let bytes = match form {
            Form::Number => None,
            Form::Statement => Some(licence.statement.clone()),
            Form::File => Some(licence.file.clone().unwrap_or_else(|| licence.statement.clone())),
            Form::Rogue => Some(self.forge(&self.truth.licences[one])?),
            Form::Tampered => {
                let mut bytes = licence.statement.clone();
                let place = self.chance.below(bytes.len());
                bytes[place] ^= 1 << self.chance.below(8);
                Some(bytes)
            }
        };
        let (name, text) = match bytes {
            Some(bytes) => ("credential", base64url(&bytes)),
            None => ("id", self.truth.licences[one].id.clone()),
        };
        let request = serde_json::from_value(json!({name: text, "receipt": false}));
        request.map_err(|error| Broken::new(Condition::Stuck, error.to_string()))
    }

    /// The same licence, signed by somebody else.
    fn forge(&self, licence: &Licence) -> Result<Vec<u8>, Broken> {
        let damaged = |what: String| Broken::new(Condition::StoreDamaged, what);
        let own = Credential::parse(&licence.statement).map_err(|fault| damaged(fault.to_string()))?;
        let fields: Vec<(u8, NewField)> = own.fields.iter().map(|(key, value)| (key, copy(value))).collect();
        let draft = Draft {
            iss: own.iss,
            sub: own.sub,
            exp: own.exp,
            nbf: own.nbf,
            iat: own.iat,
            cti: [0xde; 16],
            vct: own.vct,
            status_index: licence.index,
            status_uri: &licence.uri,
            fields: &fields,
        };
        credential::sign(&draft, &self.rogue()).map_err(|error| damaged(error.to_string()))
    }

    fn expected(&self, at: usize, one: usize, form: Form) -> Expected {
        let licence = &self.truth.licences[one];
        let (evidence, now) = (self.node(at).evidence.snapshot(), self.true_time(at));
        let (version, fresh) = self.held_list(at, &evidence);
        let mut expected = Expected::default();
        let Expected { proof, lack, unsure, either } = &mut expected;
        if !fresh {
            *lack = Some("no fresh list");
        }
        if evidence.catalogue().is_none() {
            *lack = Some("no catalogue");
        }
        if matches!(form, Form::Tampered | Form::Rogue) {
            *proof = Some("forged");
        }
        let proved = form == Form::File && licence.file.is_some();
        match self.truth.lists.get(&version).and_then(|list| list.keys.get(&licence.key)) {
            Some(KeyTruth::Active) => {}
            Some(KeyTruth::RetiredSince(since)) if licence.times.iat < *since => {}
            // Who holds the log looks there; who does not cannot tell, as nothing dates what came with the licence.
            Some(KeyTruth::CompromisedFrom(cut)) if licence.log_index < *cut => *unsure = true,
            Some(KeyTruth::CompromisedFrom(_)) if !proved => {
                *lack = Some("a compromised key and no log proof")
            }
            Some(_) => *proof = Some("the key was not valid"),
            None => *proof = Some("not listed"),
        }
        match evidence.token(&licence.uri).map(|held| held.token().iat().0) {
            None => *lack = Some("no token"),
            Some(iat) => {
                let event = self.truth.tokens.get(&licence.uri).and_then(|tokens| tokens.get(&iat));
                match event {
                    None => *lack = Some("a token that nobody published"),
                    // What its own city has acknowledged counts there at once; elsewhere the token speaks.
                    Some((_, event)) if at == licence.city && licence.unanswered => {
                        *either = (licence.status() == 0) != (licence.status_at(*event) == 0);
                        *proof = (*proof).or((licence.status() != 0).then_some("status"));
                    }
                    Some(_) if at == licence.city => {
                        *proof = (*proof).or((licence.status() != 0).then_some("status"));
                    }
                    Some((_, event)) if licence.status_at(*event) != 0 => *proof = Some("status"),
                    Some(_) => {}
                }
                if now >= iat + 86_400 {
                    *lack = Some("an old token");
                } else if iat > now + SKEW_S {
                    *lack = Some("a token from the future");
                }
            }
        }
        if now < licence.times.nbf || now >= licence.times.exp {
            *proof = Some("dates");
        }
        if licence.times.iat > now + SKEW_S {
            *lack = Some("issued in the future");
        }
        expected
    }

    fn judge(&mut self, at: usize, one: usize, form: Form, verdict: &Verdict) -> Done {
        let expected = self.expected(at, one, form);
        let told = || {
            let licence = &self.truth.licences[one];
            let codes: Vec<&str> = verdict.codes().map(|code| code.as_str()).collect();
            format!("place {at} says {codes:?} of {}, status {}: {expected:?}", licence.id, licence.status())
        };
        match verdict.outcome() {
            Outcome::Accept => {
                let right = (expected.proof.is_none() || expected.either) && expected.lack.is_none();
                must(right, Condition::AcceptWithoutEvidence, told)?;
                self.allow(Allowed::Accepted);
            }
            Outcome::Reject => {
                must(expected.proof.is_some() || expected.either, Condition::RejectWithoutProof, told)?;
                self.allow(Allowed::Rejected);
            }
            Outcome::Indeterminate => {
                must(expected.lack.is_some() || expected.unsure, Condition::Stuck, told)?;
                self.allow(Allowed::Indeterminate);
            }
            // A changed bit may leave nothing that can be read.
            Outcome::NoCredential => must(form == Form::Tampered, Condition::Stuck, told)?,
        }
        Ok(())
    }

    /// Every other node with the same evidence and the same moment answers the same bytes.
    fn compare(&mut self, at: usize, licence: usize, request: &VerifyRequest, verdict: &Verdict) -> Done {
        let other = (at + 1 + self.chance.below(3)) % 4;
        if request.id.is_some() {
            return Ok(());
        }
        // Only the city that issued it knows of a change that no token shows yet.
        let licence = &self.truth.licences[licence];
        let ahead =
            |at: usize| self.node(at).evidence.snapshot().registered(&licence.uri, licence.index).is_some();
        if ahead(at) || ahead(other) {
            return Ok(());
        }
        let (one, two) = (&self.places[at].seen, &self.places[other].seen);
        let uri = verdict.basis().status_list.as_ref().map(|(uri, ..)| uri.as_str()).unwrap_or_default();
        let equal = one.has_same_files(two)
            && one.tokens.get(uri) == two.tokens.get(uri)
            && self.settings.defect.is_none();
        if !equal {
            return Ok(());
        }
        let clock = &self.places[other].clock;
        let (moment, turned) = (clock.now(), clock.set(self.places[at].clock.now()));
        let again = verify_presented(self.node(other), &Caller::Operator, request, &ALONE);
        let back = clock.set(moment);
        let again = again.map_err(|error| Broken::new(Condition::Stuck, error.to_string()))?.verdict;
        let (one, two) = (but_for_the_log(verdict), but_for_the_log(&again));
        let same = turned && back && one == two;
        must(same, Condition::VerdictsDiffer, || format!("{one}\n{two}"))
    }
}

/// A verdict but for where the log was looked in: each node looks where it can. What that does to the outcome stays.
fn but_for_the_log(verdict: &Verdict) -> Value {
    let mut json = serde_json::to_value(verdict).unwrap_or_default();
    json["basis"]["log"] = Value::Null;
    if let Some(checks) = json["checks"].as_array_mut() {
        checks.retain(|check| check["group"] != "LOG" || !check["code"].is_null());
    }
    if let Some(warnings) = json["warnings"].as_array_mut() {
        warnings.retain(|warning| warning != "LOG_PENDING" && warning != "LOG_NOT_ASKED");
    }
    json
}

fn copy(value: &Field<'_>) -> NewField {
    match value {
        Field::Text(text) => NewField::Text((*text).to_owned()),
        Field::Int(value) => NewField::Int(*value),
        Field::Bool(value) => NewField::Bool(*value),
        Field::Bytes(bytes) => NewField::Bytes(bytes.to_vec()),
        Field::List(items) => NewField::List(items.iter().map(copy).collect()),
    }
}
