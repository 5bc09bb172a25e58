//! What the clients and operators of a city do: issue, repeat, change a status, replace, publish; and time, crashes, restarts.

use std::sync::Arc;

use licence_node::access::caller::Caller;
use licence_node::node::Node;
use licence_node::node::commit::Remember;
use licence_node::publication::publish_status::open_lists;
use licence_node::trips::change_status::{ChangeRequest, change_status};
use licence_node::trips::issue::{IssueRequest, Issued, file_bytes, issue, new_version};
use licence_node::trips::reason::Reason;
use licence_spec::log::change::Act;
use licence_spec::status::StatusToken;
use licence_spec::suite::{Digest, sha256};
use licence_store::{AnswerKey, LicenceRow, Read, Store as _};
use serde_json::{Value, json};

use super::conditions::{Allowed, Broken, Condition, must};
use super::faults::Defect;
use super::truth::{KeyTruth, Keyed};
use super::{Done, World};

/// What a client was told of a licence.
enum Told {
    Issued(Box<Issued>),
    /// The kept answer.
    Again {
        id: String,
    },
}

pub(crate) fn reason() -> Reason {
    serde_json::from_value(json!({
        "legal_basis": "示例依据", "document_number": "示例〔2026〕1号", "officer": "示例经办"
    }))
    .expect("a reason")
}

fn broken_disk(error: licence_store::StoreError) -> Broken {
    Broken::new(Condition::StoreDamaged, error.to_string())
}

/// As the HTTP edge does it: a known key is answered from what is kept, else the answer is kept with the effect.
fn ask_to_issue(node: &Node, request: &Value, key: Option<&str>, forgetful: bool) -> Result<Told, String> {
    let parsed: IssueRequest = serde_json::from_value(request.clone()).map_err(|error| error.to_string())?;
    let key = key.filter(|_| !forgetful);
    let fingerprint = sha256(&[request.to_string().as_bytes()]);
    let remember = key.map(|key| Remember {
        key: AnswerKey { caller: "client".to_owned(), key: key.to_owned() },
        fingerprint,
        status: 201,
        now: node.clock.now().0,
    });
    if let Some(Remember { key, .. }) = &remember {
        let read = node.store.read().map_err(|error| error.to_string())?;
        let kept = read.idempotent_answers(std::slice::from_ref(key)).map_err(|error| error.to_string())?;
        if let Some(kept) = kept.into_iter().next().flatten() {
            let body: Value = serde_json::from_slice(&kept.body).map_err(|error| error.to_string())?;
            return Ok(Told::Again { id: body["id"].as_str().unwrap_or_default().to_owned() });
        }
    }
    issue(node, &Caller::Operator, &parsed, remember)
        .map(|issued| Told::Issued(Box::new(issued)))
        .map_err(|error| error.to_string())
}

impl World {
    /// A request that its catalogue allows; `None` while the city has none.
    fn new_request(&mut self, city: usize) -> Option<Value> {
        let (place, authority) = (&self.places[city], self.issuing(city).clone());
        let catalogue = self.node(city).catalogue()?;
        let kind = catalogue.content().types.first().expect("it has a type").clone();
        let today = place.clock.now().civil_date();
        let area = place.region;
        Some(json!(self.scheme.samples.request(&kind, &authority.code, area, today)))
    }

    /// Whether the list that the city holds, by what is true of it, lets its key issue now; an old one does, unless the city says otherwise.
    fn may_issue(&self, city: usize) -> bool {
        let evidence = self.node(city).evidence.snapshot();
        let key = self.places[city].licence_key().expect("cities issue");
        let (version, fresh) = self.held_list(city, &evidence);
        let unlimited = self.places[city].disconnection().issue_after_end_s.is_none();
        (fresh || unlimited)
            && evidence.catalogue().is_some()
            && self
                .truth
                .lists
                .get(&version)
                .is_some_and(|list| list.keys.get(&key) == Some(&KeyTruth::Active))
    }

    pub(crate) fn issue(&mut self, city: usize) -> Done {
        let Some(request) = self.new_request(city) else { return Ok(()) };
        let key = self.chance.one_in(3).then(|| format!("key-{}", self.truth.keyed.len()));
        if let Some(key) = &key {
            self.truth.keyed.push(Keyed { city, key: key.clone(), request: request.clone(), id: None });
        }
        self.send(city, &request, key.as_deref())
    }

    /// A client that got no answer, or lost it, sends its request again.
    pub(crate) fn repeat(&mut self, city: usize) -> Done {
        let newest = self.truth.keyed.len().saturating_sub(40);
        let at = newest + self.chance.below(self.truth.keyed.len() - newest);
        match self.truth.keyed.get(at) {
            Some(keyed) if keyed.city == city => {
                let (request, key) = (keyed.request.clone(), keyed.key.clone());
                self.send(city, &request, Some(&key))
            }
            _ => Ok(()),
        }
    }

    fn send(&mut self, city: usize, request: &Value, key: Option<&str>) -> Done {
        // A request that lay about for days may ask for a licence that would have ended by now.
        let today = self.places[city].clock.now().civil_date().to_string();
        let over = request["valid_until"].as_str().is_some_and(|day| day < today.as_str());
        let may = self.may_issue(city) && !over;
        let forgetful = self.settings.defect == Some(Defect::IdempotencyForgotten);
        self.arm(city);
        let told = ask_to_issue(self.node(city), request, key, forgetful);
        let tripped = self.settle(city)?;
        match told {
            Ok(Told::Issued(issued)) => {
                must(may, Condition::AcceptWithoutEvidence, || "issued though no list allows it".to_owned())?;
                self.acknowledge(city, request, &issued)?;
                self.one_licence(key, &issued.id)
            }
            Ok(Told::Again { id }) => {
                let read = self.places[city].disk.read().map_err(broken_disk)?;
                let kept = read.licence_by_id(&id).map_err(broken_disk)?;
                drop(read);
                let known = kept.is_some_and(|row| self.truth.at(&row.digest).is_some());
                must(known, Condition::AcknowledgedIsLost, || format!("the kept answer names {id}"))?;
                self.one_licence(key, &id)
            }
            Err(error) => {
                let row = self.row_of(city, request)?;
                let done = row.map(|row| self.take_up(city, &row, request)).transpose()?.is_some();
                if done && tripped {
                    self.allow(Allowed::DoneUnanswered);
                }
                match (tripped, may) {
                    (true, _) => Ok(()),
                    (false, false) => {
                        self.allow(Allowed::IssueRefused);
                        Ok(())
                    }
                    (false, true) => {
                        Err(Broken::new(Condition::Stuck, format!("issue in city {city}: {error}")))
                    }
                }
            }
        }
    }

    /// The row of a request on the disk, whatever the node says.
    fn row_of(&self, city: usize, request: &Value) -> Result<Option<LicenceRow>, Broken> {
        let (place, text) = (&self.places[city], |name: &str| request[name].as_str().unwrap_or_default());
        let vct = format!("urn:elic:cn:{}", text("type"));
        let read = place.disk.read().map_err(broken_disk)?;
        read.licence_by_number(&place.issuer, &vct, text("number")).map_err(broken_disk)
    }

    fn take_up(&mut self, city: usize, row: &LicenceRow, request: &Value) -> Result<usize, Broken> {
        let key = self.places[city].licence_key().expect("cities issue");
        self.truth.add(city, row, request.clone(), key)
    }

    /// What was acknowledged is on the disk, with its leaf.
    fn acknowledge(&mut self, city: usize, request: &Value, issued: &Issued) -> Result<(), Broken> {
        let lost = || Broken::new(Condition::AcknowledgedIsLost, format!("licence {}", issued.id));
        let read = self.places[city].disk.read().map_err(broken_disk)?;
        let row = read.licence_by_id(&issued.id).map_err(broken_disk)?.ok_or_else(lost)?;
        let leaf = read.log_leaves(issued.log.index, 1).map_err(broken_disk)?;
        drop(read);
        let there = row.log_index == issued.log.index
            && !leaf.is_empty()
            && row.credential.whole() == Some(issued.statement.as_slice());
        must(there, Condition::AcknowledgedIsLost, || format!("the leaf of {}", issued.id))?;
        let at = self.take_up(city, &row, request)?;
        self.truth.licences[at].file = file_bytes(issued).ok();
        Ok(())
    }

    fn one_licence(&mut self, key: Option<&str>, id: &str) -> Done {
        let Some(keyed) = key.and_then(|key| self.truth.keyed.iter_mut().rfind(|own| own.key == key)) else {
            return Ok(());
        };
        let first = keyed.id.get_or_insert_with(|| id.to_owned());
        must(first == id, Condition::DoneTwice, || format!("{first} and {id} for one key"))
    }

    /// A licence of this city, newer ones more often.
    pub(crate) fn some_licence(&mut self, city: usize) -> Option<usize> {
        let count = self.truth.licences.len();
        let from = if self.chance.one_in(2) { count.saturating_sub(60) } else { 0 };
        let at = from + self.chance.below(count - from);
        (at..count).chain(from..at).find(|at| self.truth.licences[*at].city == city)
    }

    pub(crate) fn change(&mut self, city: usize) -> Done {
        let Some(at) = self.some_licence(city) else { return Ok(()) };
        let acts: Vec<Act> =
            Act::ALL.into_iter().filter(|act| !matches!(act, Act::Supersede | Act::Replace)).collect();
        let act = self.chance.pick(&acts);
        let (id, digest, before) = {
            let licence = &self.truth.licences[at];
            (licence.id.clone(), licence.digest, licence.status())
        };
        let next = next_status(before, act);
        self.arm(city);
        let request = ChangeRequest { act: act.name().to_owned(), reason: reason(), effective_at: None };
        let outcome = change_status(self.node(city), &Caller::Operator, &id, &request, None);
        let tripped = self.settle(city)?;
        let told = outcome.as_ref().ok().map(|changed| changed.status);
        self.reconcile(at, next, told)?;
        match outcome {
            Ok(_) => Ok(()),
            Err(_) if tripped || next.is_none() => {
                if tripped && self.truth.licences[at].status() != before {
                    self.allow(Allowed::DoneUnanswered);
                }
                Ok(())
            }
            Err(error) => {
                let digest = hex::encode(digest);
                Err(Broken::new(
                    Condition::Stuck,
                    format!("{} of {digest} in city {city}: {error}", act.name()),
                ))
            }
        }
    }

    /// Compares the status on the disk with what it was, what it was to become, and what the client was told.
    fn reconcile(&mut self, at: usize, next: Option<u8>, told: Option<u8>) -> Done {
        let licence = &self.truth.licences[at];
        let (city, digest, before) = (licence.city, licence.digest, licence.status());
        let read = self.places[city].disk.read().map_err(broken_disk)?;
        let lost = || Broken::new(Condition::AcknowledgedIsLost, format!("licence {}", hex::encode(digest)));
        let row = read.licence(&digest).map_err(broken_disk)?.ok_or_else(lost)?;
        let leaf = last_change(&*read, &digest)?;
        drop(read);
        let agrees = told.is_none_or(|told| told == row.status.value() && Some(told) == next);
        must(agrees, Condition::AcknowledgedIsLost, || {
            format!("status {told:?} was acknowledged, {} is on the disk of city {city}", row.status.value())
        })?;
        if row.status.value() != before {
            must(Some(row.status.value()) == next, Condition::DoneTwice, || {
                format!("status {before} became {} in city {city}", row.status.value())
            })?;
            self.truth.change(at, row.status.value());
            self.truth.licences[at].unanswered = told.is_none();
            self.truth.claim_leaf(city, leaf.unwrap_or(u64::MAX))?;
        }
        Ok(())
    }

    pub(crate) fn new_version(&mut self, city: usize) -> Done {
        let Some(at) = self.some_licence(city) else { return Ok(()) };
        let Some(mut request) = self.new_request(city) else { return Ok(()) };
        let (id, before) = {
            let old = &self.truth.licences[at];
            request["number"] = old.request["number"].clone();
            (old.id.clone(), old.status())
        };
        let may = self.may_issue(city);
        let next = (before == 0 && may).then_some(3);
        let parsed: IssueRequest = serde_json::from_value(request.clone()).expect("a request");
        self.arm(city);
        let outcome = new_version(self.node(city), &Caller::Operator, &id, &parsed, &reason(), None);
        let tripped = self.settle(city)?;
        self.reconcile(at, next, outcome.as_ref().ok().map(|_| 3))?;
        match outcome {
            Ok(issued) => self.acknowledge(city, &request, &issued),
            Err(_) if tripped || next.is_none() => {
                if self.truth.licences[at].status() != before {
                    let row = self.row_of(city, &request)?;
                    row.map(|row| self.take_up(city, &row, &request)).transpose()?;
                }
                Ok(())
            }
            Err(error) => Err(Broken::new(Condition::Stuck, format!("new version in city {city}: {error}"))),
        }
    }

    pub(crate) fn publish(&mut self, city: usize) -> Done {
        self.arm(city);
        self.publish_under(city)
    }

    /// Without faults.
    pub(crate) fn publish_quietly(&mut self, city: usize) -> Done {
        self.publish_under(city)
    }

    fn publish_under(&mut self, city: usize) -> Done {
        let outcome = open_lists(self.node(city));
        let tripped = self.settle(city)?;
        self.note_tokens(city)?;
        if let Err(error) = outcome {
            return must(tripped, Condition::Stuck, || format!("publish in city {city}: {error}"));
        }
        // What is published is also what the node itself judges by, and hands to others in its bundle.
        let read = self.places[city].disk.read().map_err(broken_disk)?;
        let (lists, evidence) =
            (read.status_lists().map_err(broken_disk)?, self.node(city).evidence.snapshot());
        for list in lists {
            let held = evidence.token(&list.uri).map(|held| held.token().iat().0);
            must(held == list.token_iat || tripped, Condition::Stuck, || {
                format!("city {city} holds the token of {held:?}, published is {:?}", list.token_iat)
            })?;
        }
        Ok(())
    }

    /// Takes up the newest tokens on the disk of a city. A new one shows every change that was acknowledged before.
    fn note_tokens(&mut self, city: usize) -> Done {
        let read = self.places[city].disk.read().map_err(broken_disk)?;
        let mut fresh = Vec::new();
        for list in read.status_lists().map_err(broken_disk)? {
            let Some(iat) = list.token_iat else { continue };
            if self.truth.tokens.get(&list.uri).is_none_or(|tokens| !tokens.contains_key(&iat)) {
                fresh.extend(read.status_token(list.id).map_err(broken_disk)?);
            }
        }
        drop(read);
        let evidence = self.node(city).evidence.snapshot();
        for row in fresh {
            // The node has read it already; only what it does not hold is read here.
            let held = evidence.tokens().map(|held| held.token()).find(|token| *token.digest() == row.digest);
            let damaged = |_| Broken::new(Condition::StoreDamaged, "a stored token cannot be read");
            let token = match held.filter(|token| token.bytes() == row.bytes) {
                Some(token) => Arc::clone(token),
                None => Arc::new(StatusToken::parse(&row.bytes).map_err(damaged)?),
            };
            for licence in self.truth.licences.iter().filter(|licence| licence.uri == token.uri()) {
                let shown = token.array().get(licence.index).map(|status| status.value());
                must(shown == Some(licence.status()), Condition::RevocationUnseen, || {
                    format!("a new token shows {shown:?} for {}, not {}", licence.id, licence.status())
                })?;
            }
            self.truth.claim_leaf(city, row.log_index)?;
            let event = self.truth.next_event();
            let tokens = self.truth.tokens.entry(token.uri().to_owned()).or_default();
            tokens.insert(row.iat, (row.digest, event));
        }
        Ok(())
    }

    /// Turns the clocks forward: seconds mostly, days now and then.
    pub(crate) fn advance(&mut self) -> Done {
        let (least, most) = match self.chance.below(1_000) {
            0..800 => (1, 120),
            800..960 => (60, 1_800),
            960..996 => (1_800, 6 * 3_600),
            _ => (86_400, 3 * 86_400),
        };
        let seconds = least + self.chance.below(most - least);
        // At most three days.
        self.turn(seconds as i64)
    }

    pub(crate) fn turn(&mut self, seconds: i64) -> Done {
        let stands = self.settings.defect == Some(Defect::StandingClock);
        for (at, place) in self.places.iter().enumerate() {
            let turned = (stands && at == 2) || place.clock.advance(seconds);
            must(turned, Condition::Stuck, || "a clock that cannot be turned".to_owned())?;
        }
        self.now += seconds;
        Ok(())
    }
}

/// Which status follows from an act: the supervisor's table, written down a second time.
const fn next_status(status: u8, act: Act) -> Option<u8> {
    match (status, act) {
        (0 | 2, Act::Cancel | Act::Revoke | Act::Forfeit | Act::Void) | (0, Act::Transfer) => Some(1),
        (0, Act::Suspend) => Some(2),
        (2, Act::Reinstate) => Some(0),
        _ => None,
    }
}

fn last_change(read: &(impl Read + ?Sized), digest: &Digest) -> Result<Option<u64>, Broken> {
    Ok(read.status_changes(digest).map_err(broken_disk)?.last().map(|row| row.log_index))
}
