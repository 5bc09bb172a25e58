//! The scenarios of the demo, judged over HTTP by the other city wherever a request can show them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use licence_spec::bundle::{Bundle, checkpoint_path, root_path};
use licence_spec::cose::with_log_proof;
use licence_spec::credential::{self, Credential, Draft, NewField};
use licence_spec::log::checkpoint::Checkpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::TreeHead;
use licence_spec::log::note::LogKey;
use licence_spec::log::proof::format_proof;
use licence_spec::log::tile::TileError;
use licence_spec::log::tiled_tree::{TileEdge, TiledTree};
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::policy::{LogLookUp, Policy, Question};
use licence_spec::receipt;
use licence_spec::suite::{Digest, SeedSigner, Signer};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Cut, CutTree};
use licence_spec::verdict::Verdict;
use licence_spec::verify::verify;
use serde_json::{Value, json};

use crate::licences::licence;
use crate::picture::picture;
use crate::stranger;
use crate::{ROOT, Running, Scenario, Stage, write_new};
use licence_node::node::encoding::{base64url, from_base64url};
use licence_node::node::keys::Usage;
use licence_node::publication::ceremony;
use licence_node::publication::documents::{TakeError, take_token, take_trust};
use licence_node::publication::timestamp::sign_timestamp;

/// An issued licence of the demo.
struct Held {
    id: String,
    statement: Vec<u8>,
    /// The bytes of the `.elic` file: with the log proof.
    file: Vec<u8>,
    qr: String,
    request: Value,
}

/// Issues a licence over HTTP.
fn issue(stage: &mut Stage, city: fn(&Stage) -> &Running, request: Value) -> Result<Held> {
    let (status, answer) = city(stage).post("/v1/licences", &request)?;
    if status != 201 {
        bail!("issue: {status} {}", answer["detail"]);
    }
    stage.issued += 1;
    held(&answer, request)
}

fn held(answer: &Value, request: Value) -> Result<Held> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("the answer lacks a member");
    let statement = from_base64url(&text(&answer["credential"])?).context("base64url")?;
    let proof = text(&answer["log"]["proof"])?;
    let file = with_log_proof(&statement, MAX_LICENCE, proof.as_bytes())?;
    Ok(Held { id: text(&answer["id"])?, statement, file, qr: text(&answer["qr"])?, request })
}

/// What the city answers over HTTP: outcome and code.
fn ask(city: &Running, request: &Value) -> Result<String> {
    let (status, answer) = city.post("/v1/verifications", request)?;
    if status != 200 {
        bail!("verification: {status} {}", answer["detail"]);
    }
    let verdict = &answer["verdict"];
    Ok(words(verdict["outcome"].as_str().unwrap_or_default(), verdict["code"].as_str()))
}

fn ask_file(city: &Running, bytes: &[u8]) -> Result<String> {
    ask(city, &json!({"credential": base64url(bytes), "receipt": false}))
}

fn words(outcome: &str, code: Option<&str>) -> String {
    code.map_or_else(|| outcome.to_owned(), |code| format!("{outcome} {code}"))
}

fn verdict_words(verdict: &Verdict) -> String {
    words(verdict.outcome().as_str(), verdict.code().map(|code| code.as_str()))
}

fn refusal(result: Result<(), TakeError>) -> String {
    match result {
        Ok(()) => "TAKEN".to_owned(),
        Err(TakeError::Refused(code)) => format!("NOT_TAKEN {code}"),
        Err(error) => error.to_string(),
    }
}

struct Tour<'a> {
    stage: &'a mut Stage,
    scenarios: Vec<Scenario>,
}

const GZ: fn(&Stage) -> &Running = |stage| &stage.guangzhou;
const SZ: fn(&Stage) -> &Running = |stage| &stage.shenzhen;

/// 营业执照, the type of the licence that is too long for a code.
const LONG_TYPE: &str = "11100000MB0143028R001";

/// Plays all scenarios and writes the artefacts.
pub(super) fn play(stage: &mut Stage) -> Result<Vec<Scenario>> {
    let good = issue_every_type(stage)?;
    let mut tour = Tour { stage, scenarios: Vec::new() };
    let first = good.first().context("no licence was issued")?;
    tour.recognised(first)?;
    tour.acts(first)?;
    tour.dates(first)?;
    tour.scopes(first)?;
    tour.stale(first)?;
    tour.compromised()?;
    tour.roll_back()?;
    // Last: the tree that the bundle's checkpoint names, so that the bundle shows the fork.
    tour.stage.publish()?;
    tour.fork(first)?;
    tour.stranger(first)?;
    let Tour { stage, scenarios } = tour;
    write_artefacts(stage, &good)?;
    Ok(scenarios)
}

/// One licence of every type by every city authority that may issue it.
fn issue_every_type(stage: &mut Stage) -> Result<Vec<Held>> {
    let mut good = Vec::new();
    for (city, area) in [(GZ, "440106"), (SZ, "440304")] {
        let node = city(stage).node().clone();
        let catalogue = node.catalogue().context("catalogue")?;
        for authority in node.authorities.iter() {
            // An office of one district issues there; a department of the city anywhere in it.
            let area = authority.regions.iter().find(|region| region.len() == 6).map_or(area, String::as_str);
            for vct in &authority.vcts {
                let kind =
                    catalogue.licence_type(vct).context("a type of the authority is not in the catalogue")?;
                let number = format!("示例〔2026〕第{:04}号", stage.issued + 1);
                let request = licence(kind, &authority.code, area, &number);
                good.push(issue(stage, city, request)?);
            }
        }
    }
    good.push(too_long_for_a_code(stage)?);
    Ok(good)
}

/// A licence that no QR code holds: its code is a reference, which nodes resolve and who is offline cannot.
fn too_long_for_a_code(stage: &mut Stage) -> Result<Held> {
    let node = SZ(stage).node().clone();
    let catalogue = node.catalogue().context("catalogue")?;
    let kind = catalogue.type_of_code(LONG_TYPE).context("the business licence is not in the catalogue")?;
    let authority = node.authorities.iter().find(|authority| authority.vcts.contains(&kind.vct));
    let authority = authority.context("nobody issues business licences")?;
    let number = format!("示例〔2026〕第{:04}号", stage.issued + 1);
    let mut request = licence(kind, &authority.code, "440305", &number);
    // A thousand different characters: what repeats itself would be packed into a code all the same.
    let scope: String = ('\u{4e00}'..).take(1_000).collect();
    request["fields"]["经营范围"] = json!(scope);
    issue(stage, SZ, request)
}

impl Tour<'_> {
    fn record(&mut self, name: &'static str, expected: &str, got: String) {
        self.scenarios.push(Scenario { name, expected: expected.to_owned(), ok: got == expected, got });
    }

    /// Keeps the bytes of a licence that is refused, under the scenario's name.
    fn refuse(&mut self, name: &'static str, expected: &str, bytes: &[u8]) -> Result<()> {
        write_new(&self.stage.data.join("refused").join(format!("{name}.elic")), bytes)?;
        let got = ask_file(&self.stage.shenzhen, bytes)?;
        self.record(name, expected, got);
        Ok(())
    }

    fn recognised(&mut self, licence: &Held) -> Result<()> {
        let got = ask_file(&self.stage.shenzhen, &licence.file)?;
        self.record("cross_city_accept", "ACCEPT", got);
        let got = ask(&self.stage.shenzhen, &json!({"qr": licence.qr, "receipt": false}))?;
        self.record("cross_city_accept_qr", "ACCEPT", got);
        self.receipt(licence)?;
        let mut tampered = licence.file.clone();
        if let Some(byte) = tampered.last_mut() {
            *byte ^= 1;
        }
        self.refuse("tampered_byte", "REJECT SIGNATURE_INVALID", &tampered)
    }

    /// An approval system files a receipt, and the receipt holds.
    fn receipt(&mut self, licence: &Held) -> Result<()> {
        let request = json!({
            "credential": base64url(&licence.file), "service_item": "SZ-SP-0101", "case_number": "2026-示例-0001"
        });
        let (_, answer) = self.stage.shenzhen.post("/v1/verifications", &request)?;
        let bytes = answer["receipt"].as_str().and_then(from_base64url).context("no receipt was made")?;
        let evidence = self.stage.shenzhen.node().evidence.snapshot();
        let list = evidence.trust_list().context("trust list")?;
        let archive = receipt::Archive { licence: Some(&licence.file), ..receipt::Archive::default() };
        let got = match receipt::check(&bytes, list, &archive) {
            Ok(_) => "VALID".to_owned(),
            Err(code) => format!("INVALID {code}"),
        };
        write_new(&self.stage.data.join("receipts").join("cross_city_accept.elr"), &bytes)?;
        self.record("receipt", "VALID", got);
        Ok(())
    }

    /// Another licence like this one, under a number of its own.
    fn another(&mut self, like: &Held, number: &str, change: impl FnOnce(&mut Value)) -> Result<Held> {
        let mut request = like.request.clone();
        request["number"] = json!(number);
        change(&mut request);
        issue(self.stage, GZ, request)
    }

    fn act(&self, licence: &Held, act: &str) -> Result<()> {
        let body = json!({"act": act, "reason": {"legal_basis": "示例依据", "document_number": "示例〔2026〕1号", "officer": "示例经办"}});
        let path = format!("/v1/licences/{}/status-changes", licence.id);
        let (status, answer) = self.stage.guangzhou.post(&path, &body)?;
        if status != 201 {
            bail!("{act}: {status} {}", answer["detail"]);
        }
        self.stage.publish()
    }

    fn acts(&mut self, like: &Held) -> Result<()> {
        let revoked = self.another(like, "示例〔2026〕第1001号", |_| {})?;
        self.act(&revoked, "revoke")?;
        self.refuse("revoked", "REJECT REVOKED", &revoked.file)?;
        let suspended = self.another(like, "示例〔2026〕第1002号", |_| {})?;
        self.act(&suspended, "suspend")?;
        let got = ask_file(&self.stage.shenzhen, &suspended.file)?;
        self.record("suspended", "REJECT SUSPENDED", got);
        self.act(&suspended, "reinstate")?;
        let got = ask_file(&self.stage.shenzhen, &suspended.file)?;
        self.record("reinstated", "ACCEPT", got);
        let old = self.another(like, "示例〔2026〕第1003号", |_| {})?;
        let body = json!({"licence": old.request, "reason": {"legal_basis": "示例依据", "document_number": "示例〔2026〕2号", "officer": "示例经办"}});
        let (status, answer) =
            self.stage.guangzhou.post(&format!("/v1/licences/{}/versions", old.id), &body)?;
        if status != 201 {
            bail!("new version: {status} {}", answer["detail"]);
        }
        self.stage.issued += 1;
        self.stage.publish()?;
        self.refuse("superseded", "REJECT SUPERSEDED", &old.file)?;
        let newer = held(&answer, old.request)?;
        let got = ask_file(&self.stage.shenzhen, &newer.file)?;
        self.record("newer_version_accept", "ACCEPT", got);
        Ok(())
    }

    fn dates(&mut self, like: &Held) -> Result<()> {
        let tomorrow = self.stage.guangzhou.node().clock.now().plus(86_400).civil_date().to_string();
        let early = self
            .another(like, "示例〔2026〕第1004号", |request| request["valid_from"] = json!(tomorrow))?;
        self.refuse("not_yet_valid", "REJECT NOT_YET_VALID", &early.file)?;
        // Signed when the first licence was, and good for one second.
        let expired = self.forge(like, |forged| forged.exp = forged.iat.plus(1), None)?;
        self.refuse("expired", "REJECT EXPIRED", &expired)
    }

    /// A licence signed by the demo's own hands with a key of Guangzhou, or with a foreign one.
    fn forge(
        &self,
        like: &Held,
        change: impl FnOnce(&mut Forged),
        foreign: Option<&SeedSigner>,
    ) -> Result<Vec<u8>> {
        let original = Credential::parse(&like.statement)?;
        let status = original.status.context("status")?;
        let mut forged = Forged {
            iss: original.iss.to_owned(),
            vct: original.vct.to_owned(),
            iat: original.iat,
            exp: original.exp,
            area: original.fields.text(7).unwrap_or_default().to_owned(),
        };
        change(&mut forged);
        let fields = copy_fields(&original, &forged.area);
        let signer = self.stage.guangzhou.node().keys.signer(&forged.iss, Usage::LICENCE);
        let signer: &dyn Signer = match (foreign, &signer) {
            (Some(foreign), _) => foreign,
            (None, Some(own)) => &**own,
            (None, None) => bail!("no key for the forged licence"),
        };
        let draft = Draft {
            iss: &forged.iss,
            sub: original.sub,
            exp: forged.exp,
            nbf: forged.iat,
            iat: forged.iat,
            cti: [0xde; 16],
            vct: &forged.vct,
            status_index: status.index,
            status_uri: status.uri,
            fields: &fields,
        };
        Ok(credential::sign(&draft, signer)?)
    }

    fn scopes(&mut self, like: &Held) -> Result<()> {
        let own = Credential::parse(&like.statement)?.vct.to_owned();
        let node = self.stage.guangzhou.node().clone();
        let other =
            node.authorities.iter().find_map(|a| a.vcts.iter().find(|vct| **vct != own)).context("type")?;
        let wrong_type = self.forge(like, |forged| forged.vct.clone_from(other), None)?;
        self.refuse("issuer_scope_type", "REJECT SCOPE_TYPE", &wrong_type)?;
        let elsewhere = self.forge(like, |forged| forged.area = "440304".to_owned(), None)?;
        self.refuse("issuer_scope_region", "REJECT SCOPE_REGION", &elsewhere)?;
        let mut seed = [0; 32];
        node.rng.fill(&mut seed)?;
        let unlisted = self.forge(like, |_| {}, Some(&SeedSigner::from_seed(&seed)?))?;
        self.refuse("unlisted_issuer", "REJECT ISSUER_NOT_LISTED", &unlisted)
    }

    /// Evidence that has aged: judged by the same evidence at a later clock.
    fn stale(&mut self, licence: &Held) -> Result<()> {
        let node = self.stage.shenzhen.node();
        let evidence = node.evidence.snapshot();
        let at = |now: UnixTime| verdict_words(&verify(&licence.file, &evidence, &Policy::approval(), now));
        let files = evidence.trust_files().context("trust files")?;
        let timestamp = files.vouching().context("timestamp")?.content().exp;
        let uri = Credential::parse(&licence.statement)?.status.context("status")?.uri;
        let token = evidence.token(uri).context("token")?.token().exp();
        let (timestamp, token) = (at(timestamp), at(token));
        self.record("trust_timestamp_expired", "INDETERMINATE TRUST_LIST_EXPIRED", timestamp);
        self.record("status_list_stale", "INDETERMINATE STATUS_STALE", token);
        Ok(())
    }

    /// Guangzhou's log key signs a second tree of a size that Shenzhen has seen.
    fn fork(&mut self, licence: &Held) -> Result<()> {
        self.stage.exchange()?;
        let node = self.stage.guangzhou.node().clone();
        let read = node.store.read()?;
        let size = read.log_head()?.context("log head")?.size;
        let mut leaves: Vec<[u8; 32]> =
            read.log_leaves(0, u32::try_from(size)?)?.into_iter().map(|leaf| leaf.hash).collect();
        drop(read);
        let credential = Credential::parse(&licence.statement)?;
        let digest = credential.object.statement_digest();
        if let Some(last) = leaves.last_mut() {
            *last = Entry { op: Op::Issued, time: credential.iat, digest }.leaf_hash();
        }
        let mut edge = TileEdge::default();
        let mut full = Vec::new();
        leaves.iter().for_each(|leaf| edge.push(leaf, |tile, bytes| full.push((tile, bytes))));
        let root = edge.root();
        let mut tree = TiledTree::new(size, |tile| {
            let of = |(own, bytes): (licence_spec::log::tile::Tile, Vec<u8>)| {
                (own.level() == tile.level() && own.index() == tile.index()).then_some(bytes)
            };
            let partial = edge.partial_tiles().map(|(tile, bytes)| (tile, bytes.to_vec()));
            full.iter().cloned().chain(partial).find_map(of).ok_or(TileError::Missing(tile))
        });
        let hashes = tree.inclusion_proof(size - 1, size)?;
        let signer = node.keys.signer(&node.authority, Usage::Log).context("log key")?;
        let origin = node.origin();
        let key = LogKey::new(&origin, *signer.public_key()).map_err(|error| anyhow::anyhow!("{error}"))?;
        let checkpoint =
            Checkpoint { origin: &origin, head: TreeHead { size, root } }.sign(&key, &*signer)?;
        let forged = with_log_proof(
            &licence.statement,
            MAX_LICENCE,
            format_proof(size - 1, &hashes, &checkpoint).as_bytes(),
        )?;
        self.refuse("log_fork", "INDETERMINATE LOG_SPLIT_VIEW", &forged)
    }

    /// The key of a sub-district office gets into wrong hands: what was logged before the cut stays good.
    fn compromised(&mut self) -> Result<()> {
        let node = self.stage.guangzhou.node().clone();
        let office =
            node.authorities.iter().find(|a| a.vcts.iter().any(|vct| vct.starts_with("urn:elic:gd:")));
        let office = office.context("no office with a type of its own")?;
        let catalogue = node.catalogue().context("catalogue")?;
        let kind = office.vcts.first().and_then(|vct| catalogue.licence_type(vct)).context("type")?;
        let request = |number| licence(kind, &office.code, "440106", number);
        let before = issue(self.stage, GZ, request("示例〔2026〕第1101号"))?;
        let head = node.store.read()?.log_head()?.context("log head")?;
        let cut = Cut { index: head.size, tree: Some(CutTree { origin: head.origin, root: head.root }) };
        let after = issue(self.stage, GZ, request("示例〔2026〕第1102号"))?;
        let signer = node.keys.signer(&office.code, Usage::LICENCE).context("key")?;
        let now = node.clock.now();
        let entry = self.stage.entries.iter_mut().find(|entry| entry.id == office.code).context("entry")?;
        ceremony::compromise(entry, signer.public_key(), now, &cut);
        let list = self.stage.officers.list(2, now, self.stage.entries.clone(), &self.stage.witnesses)?;
        sign_timestamp(self.stage.province.node(), 2, &list)?;
        self.stage.exchange()?;
        // Its proof is in the very tree that the list names as the cut.
        let got = ask_file(&self.stage.shenzhen, &before.file)?;
        self.record("key_compromised_before_cut", "ACCEPT", got);
        self.refuse("key_compromised_after_cut", "REJECT KEY_COMPROMISED_AFTER_CUT", &after.file)
    }

    /// A stranger's bundle is good by the root that he brings, and by no other.
    fn stranger(&mut self, like: &Held) -> Result<()> {
        let node = self.stage.shenzhen.node().clone();
        let mut seed = [0; 32];
        node.rng.fill(&mut seed)?;
        let signer = SeedSigner::from_seed(&seed)?;
        let genuine = licence_node::publication::documents::bundle(&node)?;
        let issuer = Credential::parse(&like.statement)?.iss;
        let foreign = stranger::bundle(self.stage, &genuine, issuer, signer.public_key())?;
        let forged = self.forge(like, |_| {}, Some(&signer))?;
        let folder = self.stage.data.join("stranger");
        write_new(&folder.join("licence.elic"), &forged)?;
        write_bundle(&folder.join("bundle"), &foreign)?;
        let now = node.clock.now();
        let under = |pinned: Option<Digest>| {
            let evidence = stranger::evidence(&foreign, pinned.as_ref(), now);
            verdict_words(&verify(&forged, &evidence, &Policy::counter(), now))
        };
        let (own, right) = (stranger::first_root(&foreign), stranger::first_root(&genuine));
        // Else the two answers below would show nothing.
        anyhow::ensure!(
            under(own) == "ACCEPT",
            "the stranger's bundle is not good in itself: {}",
            under(own)
        );
        let (unpinned, pinned) = (under(None), under(right));
        self.record("strangers_bundle_no_root_pinned", "INDETERMINATE ROOT_NOT_PINNED", unpinned);
        self.record("strangers_bundle", "INDETERMINATE TRUST_LIST_SIGNATURE_INVALID", pinned);
        Ok(())
    }

    fn timestamp_key(&self) -> Result<Arc<dyn Signer>> {
        let province = self.stage.province.node();
        province.keys.signer(&province.authority, Usage::Timestamp).context("timestamp key")
    }

    /// Last month's files, offered again.
    fn roll_back(&mut self) -> Result<()> {
        let node = self.stage.shenzhen.node().clone();
        let entries = self.stage.entries.clone();
        let (list, signer) = (
            self.stage.officers.list(1, node.clock.now(), entries, &self.stage.witnesses)?,
            self.timestamp_key()?,
        );
        let timestamp = ceremony::timestamp(
            1,
            1,
            &list,
            (node.clock.now(), node.disconnection.timestamp_life_s),
            &*signer,
        )?;
        let got = refusal(take_trust(&node, &[], &timestamp, &list).map(drop));
        self.record("trust_list_rollback", "NOT_TAKEN TRUST_LIST_ROLLBACK", got);
        let read = self.stage.guangzhou.node().store.read()?;
        let old = read.status_tokens_from(0, 1)?.into_iter().next().context("token")?;
        let uri = read.status_list(old.list)?.context("list")?.uri;
        drop(read);
        let newest = node.evidence.snapshot().token(&uri).context("held token")?.token().iat().0;
        let offered =
            if old.iat < newest { old.bytes } else { bail!("the demo never published this list twice") };
        let got = refusal(take_token(&node, &offered));
        self.record("status_list_rollback", "NOT_TAKEN STATUS_ROLLBACK", got);
        Ok(())
    }
}

/// What a forged licence says.
struct Forged {
    iss: String,
    vct: String,
    iat: UnixTime,
    exp: UnixTime,
    area: String,
}

fn copy_fields(original: &Credential<'_>, area: &str) -> Vec<(u8, NewField)> {
    fn copy(value: &credential::Value<'_>) -> NewField {
        match value {
            credential::Value::Text(text) => NewField::Text((*text).to_owned()),
            credential::Value::Int(value) => NewField::Int(*value),
            credential::Value::Bool(value) => NewField::Bool(*value),
            credential::Value::Bytes(bytes) => NewField::Bytes(bytes.to_vec()),
            credential::Value::List(items) => NewField::List(items.iter().map(copy).collect()),
        }
    }
    let fields = original.fields.iter();
    fields
        .map(|(key, value)| (key, if key == 7 { NewField::Text(area.to_owned()) } else { copy(value) }))
        .collect()
}

/// Every licence that is good at the end, as file, QR text and picture; and the bundle to check them with.
fn write_artefacts(stage: &mut Stage, good: &[Held]) -> Result<()> {
    stage.publish()?;
    let folder = stage.data.join("licences");
    for (at, licence) in good.iter().enumerate() {
        let name = format!("{:02}", at + 1);
        // A long tour is no reason to leave a licence out: whether it is in the log is not the question here.
        let question = Question { log: Some(LogLookUp::Pending), ..Question::default() };
        let node = stage.shenzhen.node();
        let policy = Policy::approval().asking(question);
        let verdict = verify(&licence.statement, &node.evidence.snapshot(), &policy, node.clock.now());
        // The office whose key was compromised: its earlier licences are good with their proof, but not as a QR code.
        if verdict.code().is_some() {
            continue;
        }
        write_new(&folder.join(format!("{name}.elic")), &licence.file)?;
        write_new(&folder.join(format!("{name}.qr.txt")), licence.qr.as_bytes())?;
        write_new(&folder.join(format!("{name}.qr.png")), &picture(&licence.qr)?)?;
    }
    let bundle = licence_node::publication::documents::bundle(stage.shenzhen.node())?;
    write_bundle(&stage.data.join("bundle"), &bundle)?;
    write_new(&stage.data.join(ROOT), bundle.part(&root_path(1)).context("root")?)?;
    // As a clerk has it who syncs with both cities: the head of the other log, too.
    let node = stage.guangzhou.node();
    let head = checkpoint_path(&node.origin());
    write_new(&stage.data.join("bundle").join(head), node.log.served().as_bytes())
}

fn write_bundle(folder: &Path, bundle: &Bundle) -> Result<()> {
    bundle.parts().try_for_each(|(path, bytes)| write_new(&folder.join(path), bytes))
}
