//! Enrolment and the trust list by files that travel by hand: each officer has his own folder, and no two machines share one.

use std::path::Path;

use licence_node::node::clock::Clock;
use licence_node::node::encoding::{base64url, from_base64url};
use licence_spec::cose::with_log_proof;
use licence_spec::enrolment::{Applicant, KeyUsage, request};
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::suite::{SeedSigner, Signer};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Proposal, Role};
use serde_json::{Value, json};

use crate::harness::{AUTHORITY, Place, Running, licence, private, refused, succeed, until};

/// An authority of 深圳 that issues what [`AUTHORITY`] issues in 广州.
const MARKET_OF_SHENZHEN: &str = "11440300X00000019W";

/// Officers, each with a folder and a passphrase of his own.
pub(crate) struct Officers<'a>(&'a Place);

impl Officers<'_> {
    fn folder(&self, owner: &str) -> String {
        self.0.path(&format!("of-{owner}"))
    }

    fn secret(&self, owner: &str) -> String {
        let path = self.0.path(&format!("secret-{owner}"));
        if !Path::new(&path).exists() {
            private(&path, &format!("words of {owner}\n"));
        }
        path
    }

    /// Makes the keys of `office` in the folder of `owner`; the file of public keys.
    fn appoint(&self, owner: &str, office: &str) -> String {
        let (folder, secret) = (self.folder(owner), self.secret(owner));
        succeed(&[
            "trust",
            "officer",
            "--officers",
            &folder,
            "--passphrase-file",
            &secret,
            "--officer",
            office,
        ]);
        format!("{folder}/{office}.toml")
    }

    /// `owner` signs a proposal as `office`; the signature file.
    pub(crate) fn sign(&self, owner: &str, office: &str, proposal: &str) -> String {
        let (folder, secret) = (self.folder(owner), self.secret(owner));
        let out = format!("{proposal}.{owner}");
        let by = ["--officers", &folder, "--passphrase-file", &secret, "--officer", office];
        succeed(&[&["trust", "sign", proposal, "--out", &out], by.as_slice()].concat());
        out
    }
}

/// The folder of the rehearsal's officers, split into one folder each, as if each had taken his keys home.
pub(crate) fn split(place: &Place) -> Officers<'_> {
    let officers = Officers(place);
    for office in ["officer-1", "officer-2", "officer-3"] {
        let keys = format!("{}/keys", officers.folder(office));
        std::fs::create_dir_all(&keys).unwrap();
        for usage in ["root", "list", "approval"] {
            let name = format!("{office}.{usage}.pem");
            std::fs::copy(place.path(&format!("officers/keys/{name}")), format!("{keys}/{name}")).unwrap();
        }
        std::fs::copy(
            place.path(&format!("officers/{office}.toml")),
            format!("{}/{office}.toml", officers.folder(office)),
        )
        .unwrap();
        private(&place.path(&format!("secret-{office}")), "words of the officers\n");
    }
    officers
}

fn publish(province: &str, proposals: &[&str], signatures: &[&str]) -> Vec<String> {
    let mut words = vec!["trust".to_owned(), "publish".to_owned(), "--data".to_owned(), province.to_owned()];
    let mut add = |flag: &str, files: &[&str]| {
        files.iter().for_each(|file| words.extend([flag.to_owned(), (*file).to_owned()]));
    };
    add("--proposal", proposals);
    add("--signature", signatures);
    words
}

pub(crate) fn published(province: &str, proposals: &[&str], signatures: &[&str]) -> Value {
    let words = publish(province, proposals, signatures);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    serde_json::from_str(&succeed(&words)).expect("JSON")
}

fn not_published(province: &str, proposals: &[&str], signatures: &[&str], expected: &str) {
    let before = trust(province);
    let words = publish(province, proposals, signatures);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (code, text) = refused(&words);
    assert!(code == 74 && text.contains(expected), "{expected}: {code} {text}");
    assert_eq!(trust(province), before, "state unchanged");
}

pub(crate) fn trust(data: &str) -> Value {
    serde_json::from_str(&succeed(&["trust", "show", "--data", data, "--json"])).expect("JSON")
}

/// The kid of a key that the list of a node has for an authority and a role.
pub(crate) fn kid(data: &str, authority: &str, role: &str) -> String {
    let trust = trust(data);
    let listed = trust["authorities"].as_array().into_iter().flatten();
    let own = listed.filter(|entry| entry["code"] == authority).flat_map(|entry| entry["keys"].as_array());
    let mut keys = own.flatten().filter(|key| key["roles"] == role);
    keys.next().and_then(|key| key["kid"].as_str()).expect("a key").to_owned()
}

fn init(place: &Place, name: &str, role: &str, region: &str, more: &[&str]) -> String {
    let data = place.path(name);
    let own = ["init", "--data", &data, "--role", role, "--region", region, "--listen", "127.0.0.1:0"];
    let said = succeed(&[own.as_slice(), more].concat());
    assert!(said.contains("enrol request"), "{said}");
    data
}

fn ask_to_enrol(place: &Place, data: &str, name: &str) -> String {
    let file = place.path(name);
    succeed(&["enrol", "request", "--data", data, "--out", &file]);
    file
}

#[test]
fn a_city_enrols_with_files_only_and_officers_sign_on_their_own_machines() {
    let place = Place::empty();
    let officers = Officers(&place);
    let key_files = ["a", "b", "c"].map(|owner| officers.appoint(owner, &format!("officer-{owner}")));
    let public = place.path("public");
    std::fs::create_dir(&public).unwrap();
    for (file, owner) in key_files.iter().zip(["a", "b", "c"]) {
        std::fs::copy(file, format!("{public}/officer-{owner}.toml")).unwrap();
    }
    let province = init(&place, "province", "province", "440000", &["--officers", &public]);
    let root = place.path("root-1");
    let named: Vec<&str> = key_files.iter().flat_map(|file| ["--officer", file.as_str()]).collect();
    succeed(&[["trust", "root", "propose", "--data", &province, "--out", &root].as_slice(), &named].concat());
    let by_a = officers.sign("a", "officer-a", &root);
    not_published(&province, &[&root], &[&by_a], "1 of the 2 officers");
    not_published(&province, &[&root], &[&by_a, &by_a], "one officer does not count twice");
    let by_c = officers.sign("c", "officer-c", &root);
    assert_eq!(published(&province, &[&root], &[&by_c, &by_a])["root"], 1);

    let city = init(&place, "city", "city", "440100", &["--province", "https://gd.elic.example"]);
    let own = ask_to_enrol(&place, &province, "province.enrolment");
    let other = ask_to_enrol(&place, &city, "city.enrolment");
    let shown = succeed(&["enrol", "show", &other]);
    assert!(shown.contains("440100 广州") && shown.contains("广州市示例市场监督管理局"), "{shown}");
    let folder = place.path("next");
    for request in [&own, &other] {
        succeed(&["enrol", "approve", request, "--data", &province, "--proposal", &folder]);
    }
    let (code, text) = refused(&["enrol", "approve", &other, "--data", &province, "--proposal", &folder]);
    assert!(code == 74 && text.contains("in this proposal already"), "{text}");
    let list = place.path("list-1");
    succeed(&["trust", "propose", "--data", &province, "--out", &list, "--proposal", &folder]);
    let (by_b, by_c) = (officers.sign("b", "officer-b", &list), officers.sign("c", "officer-c", &list));
    assert_eq!(published(&province, &[&list], &[&by_b, &by_c])["list"], 1);

    let version = place.path("catalogue-1");
    succeed(&["catalogue", "propose", "--data", &province, "--out", &version]);
    let approved = ["a", "b"].map(|owner| {
        let (folder, secret) = (officers.folder(owner), officers.secret(owner));
        let (out, office) = (format!("{version}.{owner}"), format!("officer-{owner}"));
        let by = ["--officers", &folder, "--passphrase-file", &secret, "--officer", &office];
        succeed(&[&["catalogue", "approve", &version, "--out", &out], by.as_slice()].concat());
        out
    });
    let [a, b] = &approved;
    let with = ["--proposal", &version, "--approval", a, "--approval", b];
    succeed(&[["catalogue", "publish", "--data", &province].as_slice(), &with].concat());

    let running = Running::start(&province);
    let files = place.path("files");
    succeed(&["trust", "export", "--data", &province, &files]);
    succeed(&["trust", "pin", "--data", &city, &format!("{files}/root_1.cbor")]);
    configure(&city, &[("gd.elic.example", &running.url)], &[]);
    let city = Running::start(&city);
    city.until_ready();
    let token = city.token("desk", "*", "*", "*");
    city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let explained = succeed(&["trust", "explain", AUTHORITY, "--data", &city.data]);
    assert!(explained.contains("可以 yes") && explained.contains("营业执照"), "{explained}");
    succeed(&["fsck", "--data", &{
        let data = running.data.clone();
        running.stop();
        data
    }]);
}

/// Writes addresses and peers into a node's configuration, and lets it follow them every five seconds.
pub(crate) fn configure(data: &str, addresses: &[(&str, &str)], peers: &[&str]) {
    let path = format!("{data}/config.toml");
    let mut table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    let text = |text: &str| toml::Value::String(text.to_owned());
    let pull = table["pull"].as_table_mut().unwrap();
    pull.insert("interval_s".to_owned(), toml::Value::Integer(5));
    pull.insert("peers".to_owned(), peers.iter().map(|peer| text(peer)).collect::<Vec<_>>().into());
    let addresses = addresses.iter().map(|(host, url)| ((*host).to_owned(), text(url)));
    table.insert("addresses".to_owned(), toml::Value::Table(addresses.collect()));
    std::fs::write(&path, table.to_string()).unwrap();
}

#[test]
fn a_third_city_joins_a_running_province_and_its_licence_is_accepted_by_the_first() {
    let place = Place::new();
    let officers = split(&place);
    let province = place.province();
    let shenzhen = init(&place, "shenzhen", "city", "440300", &["--province", "https://gd.elic.example"]);
    let files = place.path("trust");
    succeed(&["trust", "pin", "--data", &shenzhen, &format!("{files}/root_1.cbor")]);
    let request = ask_to_enrol(&place, &shenzhen, "shenzhen.enrolment");
    configure(&shenzhen, &[("gd.elic.example", &province.url)], &[]);
    let shenzhen = Running::start(&shenzhen);
    configure(
        &place.path("city"),
        &[("gd.elic.example", &province.url), ("sz.elic.example", &shenzhen.url)],
        &["https://sz.elic.example"],
    );
    let guangzhou = Running::start(&place.path("city"));
    guangzhou.until_ready();
    let unlisted = succeed(&["trust", "explain", MARKET_OF_SHENZHEN, "--data", &guangzhou.data]);
    assert!(unlisted.contains("未列入 not listed"), "{unlisted}");

    let folder = place.path("next");
    succeed(&["enrol", "approve", &request, "--data", &province.data, "--proposal", &folder]);
    let list = place.path("list-2");
    succeed(&["trust", "propose", "--data", &province.data, "--out", &list, "--proposal", &folder]);
    let diff = succeed(&["trust", "diff", "published", &list, "--data", &guangzhou.data, "--json"]);
    let diff: Value = serde_json::from_str(&diff).unwrap();
    assert_eq!((&diff["verdicts"]["changed"], &diff["lost"]["keys"]), (&json!(0), &json!([])));
    let gained = diff["gained"]["authorities"].as_array().unwrap();
    assert!(gained.contains(&json!(MARKET_OF_SHENZHEN)), "{gained:?}");
    let (first, third) =
        (officers.sign("officer-1", "officer-1", &list), officers.sign("officer-3", "officer-3", &list));
    assert_eq!(published(&province.data, &[&list], &[&third, &first])["list"], 2);
    // The same request again, now that it is listed.
    let (code, text) =
        refused(&["enrol", "approve", &request, "--data", &province.data, "--proposal", "again"]);
    assert!(code == 74 && text.contains("is enrolled or in this proposal already"), "{text}");

    until("the city has the list that names it", || trust(&shenzhen.data)["list"]["version"] == 2);
    shenzhen.until_ready();
    let token = shenzhen.token("desk", "*", "*", "*");
    let mut wanted = licence("示例〔2026〕1号");
    (wanted["issuer"], wanted["area_code"]) = (json!(MARKET_OF_SHENZHEN), json!("440305"));
    let issued = shenzhen.post(&token, "/v1/licences", &wanted).with(201);
    let desk = guangzhou.token("desk", "*", "*", "*");
    let ask = || {
        let asked = json!({"credential": issued["credential"], "receipt": false});
        guangzhou.post(&desk, "/v1/verifications", &asked).with(200)
    };
    // The lists that 深圳 signed before it was enrolled are worth nothing; it signs them anew by itself.
    until("accepted by the first city", || ask()["verdict"]["outcome"] == "ACCEPT");
}

#[test]
fn an_officer_is_replaced_by_a_root_of_both_sets_and_a_city_follows() {
    let place = Place::new();
    let officers = split(&place);
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let new = officers.appoint("successor", "officer-2");
    let root = place.path("root-2");
    let (replace, current) = (format!("officer-2={new}"), place.path("officers"));
    succeed(&[
        "trust",
        "root",
        "propose",
        "--data",
        &province.data,
        "--out",
        &root,
        "--replace",
        &replace,
        "--current",
        &current,
    ]);
    let diff = succeed(&["trust", "diff", "published", &root, "--data", &province.data]);
    assert!(diff.contains("第 1 版 → 第 2 版") && diff.contains("officers of the list"), "{diff}");
    let [by_1, by_3] = ["officer-1", "officer-3"].map(|office| officers.sign(office, office, &root));
    let by_new = officers.sign("successor", "officer-2", &root);
    let by_old = officers.sign("officer-2", "officer-2", &root);
    not_published(&province.data, &[&root], &[&by_1, &by_3], "has not signed the root that appoints it");
    not_published(&province.data, &[&root], &[&by_1, &by_new], "whom the root in force demands");
    not_published(&province.data, &[&root], &[&by_1, &by_old], "whom the new root demands");
    not_published(&province.data, &[&root], &[&by_1, &by_3, &by_new], "publish both together");

    let list = place.path("list-2");
    succeed(&["trust", "propose", "--data", &province.data, "--out", &list]);
    let list_by_1 = officers.sign("officer-1", "officer-1", &list);
    let list_by_new = officers.sign("successor", "officer-2", &list);
    let list_by_old = officers.sign("officer-2", "officer-2", &list);
    let with = |last: &str| [&by_1, &by_3, &by_new, &list_by_1, last].map(str::to_owned);
    let by_the_dismissed = with(&list_by_old);
    let by_the_dismissed: Vec<&str> = by_the_dismissed.iter().map(String::as_str).collect();
    not_published(
        &province.data,
        &[&root, &list],
        &by_the_dismissed,
        "which the root does not name for this",
    );
    let all = with(&list_by_new);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let answer = published(&province.data, &[&root, &list], &all);
    assert_eq!((&answer["root"], &answer["list"]), (&json!(2), &json!(2)));
    let data = city.data.clone();
    city.stop();
    configure(&data, &[("gd.elic.example", &province.url)], &[]);
    let city = Running::start(&data);
    until("the city has root 2 and list 2", || {
        let trust = trust(&data);
        trust["root"]["version"] == 2 && trust["list"]["version"] == 2 && trust["fresh"] == true
    });
    city.until_ready();
    city.post(&token, "/v1/licences", &licence("示例〔2026〕2号")).with(201);
}

#[test]
fn a_key_that_is_retired_or_stolen_changes_verdicts_as_the_diff_foretold() {
    let place = Place::new();
    let officers = split(&place);
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let issued: Vec<Value> = (1..=3)
        .map(|number| {
            city.post(&token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201)
        })
        .collect();
    // Nothing is mirrored here: the tree comes by hand, as the city signed it after its first licence.
    let proof = issued[0]["log"]["proof"].as_str().unwrap();
    let checkpoint = proof.split_once("\n\n").unwrap().1;
    let cut = checkpoint.lines().nth(1).unwrap();
    let file = place.path("checkpoint");
    std::fs::write(&file, checkpoint).unwrap();
    let kid = kid(&province.data, AUTHORITY, "licence");
    let list = place.path("list-2");
    succeed(&[
        "trust",
        "propose",
        "--data",
        &province.data,
        "--out",
        &list,
        "--compromise",
        &kid,
        "--cut",
        cut,
        "--checkpoint",
        &file,
    ]);
    let diff = succeed(&["trust", "diff", "published", &list, "--data", &city.data, "--json"]);
    let diff: Value = serde_json::from_str(&diff).unwrap();
    assert_eq!((&diff["verdicts"]["live"], &diff["verdicts"]["changed"]), (&json!(3), &json!(2)), "{diff}");
    let changes = &diff["verdicts"]["authorities"][AUTHORITY]["changes"];
    assert_eq!(changes, &json!({"ACCEPT → KEY_COMPROMISED_AFTER_CUT": 2}));
    let signatures = ["officer-1", "officer-2"].map(|office| officers.sign(office, office, &list));
    published(&province.data, &[&list], &[&signatures[0], &signatures[1]]);
    let data = city.data.clone();
    city.stop();
    configure(&data, &[("gd.elic.example", &province.url)], &[]);
    let city = Running::start(&data);
    until("the city has list 2", || trust(&data)["list"]["version"] == 2);
    let explained = succeed(&["trust", "explain", &kid, "--data", &data]);
    assert!(explained.contains("已泄露") && explained.contains("不可以 no"), "{explained}");
    let code = |licence: &Value| {
        let proof = licence["log"]["proof"].as_str().unwrap();
        let credential = from_base64url(licence["credential"].as_str().unwrap()).unwrap();
        let credential = with_log_proof(&credential, MAX_LICENCE, proof.as_bytes()).unwrap();
        let asked = json!({"credential": base64url(&credential), "receipt": false});
        city.post(&token, "/v1/verifications", &asked).with(200)["verdict"]["code"].clone()
    };
    let codes: Vec<Value> = issued.iter().map(code).collect();
    let after = json!("KEY_COMPROMISED_AFTER_CUT");
    assert_eq!(codes, [json!(null), after.clone(), after], "good below the cut, with its log proof");
}

#[test]
fn lists_signed_by_too_few_or_twice_and_wrong_proposals_leave_all_as_it_was() {
    let place = Place::new();
    let officers = split(&place);
    let province = place.province();
    let (list, other) = (place.path("list-2"), place.path("other-2"));
    let key = kid(&province.data, AUTHORITY, "licence");
    succeed(&["trust", "propose", "--data", &province.data, "--out", &list]);
    succeed(&["trust", "propose", "--data", &province.data, "--out", &other, "--retire", &key]);
    let [one, two] = ["officer-1", "officer-2"].map(|office| officers.sign(office, office, &list));
    let of_other = officers.sign("officer-2", "officer-2", &other);
    let data = &province.data;
    not_published(data, &[&list], &[&one], "1 of the 2 officers");
    not_published(data, &[&list], &[&one, &one], "one officer does not count twice");
    not_published(data, &[&list], &[&one, &of_other], "signature 2 is of another proposal");
    // A signature over a root key of the same officer: right officer, wrong key.
    let by_root = place.path("by-root");
    let proposal = Proposal::open(&std::fs::read(&list).unwrap()).unwrap();
    let stranger = SeedSigner::from_seed(&[9; 32]).unwrap();
    std::fs::write(&by_root, proposal.sign(&stranger).unwrap()).unwrap();
    not_published(data, &[&list], &[&one, &by_root], "which the root does not name for this");
    let mut broken = std::fs::read(&two).unwrap();
    *broken.last_mut().unwrap() ^= 1;
    let broken_file = place.path("broken");
    std::fs::write(&broken_file, broken).unwrap();
    not_published(data, &[&list], &[&one, &broken_file], "signature 2 does not verify");
    std::fs::write(&broken_file, b"not a signature").unwrap();
    not_published(data, &[&list], &[&one, &broken_file], "file 2 is no signature");
    published(data, &[&list], &[&one, &two]);
    not_published(data, &[&list], &[&one, &two], "is version 2 and should be 3");
    let by_1 = officers.sign("officer-1", "officer-1", &other);
    not_published(data, &[&other], &[&by_1, &of_other], "is version 2 and should be 3");
    let words = publish(data, &[&broken_file], &[&one]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (code, text) = refused(&words);
    assert!(code == 64 && text.contains("is no proposal"), "{text}");
    let (code, text) =
        refused(&["trust", "propose", "--data", data, "--out", "never", "--retire", "0011223344556677"]);
    assert!(code == 74 && text.contains("no listed key is named"), "{text}");
    let (code, text) = refused(&["trust", "propose", "--data", data, "--out", "never", "--compromise", &key]);
    assert!(code == 74 && text.contains("--cut"), "{text}");
    let (code, text) = refused(&["trust", "explain", "nobody", "--data", data]);
    assert!(code == 74 && text.contains("compare the code or kid"), "{text}");
    assert!(!Path::new("never").exists());
}

#[test]
fn a_wrong_old_or_forged_enrolment_is_refused_with_cause_and_remedy() {
    let place = Place::new();
    let province = place.path("province");
    let (file, folder) = (place.path("request"), place.path("next"));
    let [a, b, log] = [31, 32, 33].map(|seed| SeedSigner::from_seed(&[seed; 32]).unwrap());
    let now = Clock::system().now();
    let write = |region: &str, host: &str, iat: UnixTime, own: &str| {
        let keys: [(&str, KeyUsage, &dyn Signer); 3] = [
            (own, KeyUsage::Role(Role::Licence), &a),
            (own, KeyUsage::Role(Role::Status), &b),
            (own, KeyUsage::Log, &log),
        ];
        let bytes = request(&Applicant { region, host, nonce: [3; 16], iat }, &keys).unwrap();
        std::fs::write(&file, &bytes).unwrap();
        bytes
    };
    let approve = || refused(&["enrol", "approve", &file, "--data", &province, "--proposal", &folder]);
    let expect = |expected: &str| {
        let (code, text) = approve();
        assert!(code == 74 && text.contains(expected), "{expected}: {text}");
    };
    let market = MARKET_OF_SHENZHEN;
    write("440300", "sz.elic.example", now.plus(-15 * 86_400), market);
    expect("more than 14 days ago: ask for a new request");
    write("440300", "sz.elic.example", now.plus(3_600), market);
    expect("compare both clocks");
    write("440301", "sz.elic.example", now, market);
    expect("names no node of region 440301");
    write("440300", "qz.elic.example", now, market);
    expect("host qz.elic.example is not sz.elic.example");
    write("440300", "sz.elic.example", now, "11440600X060010123");
    expect("is none of region 440300");
    write("440300", "sz.elic.example", now, "1144030000000003XX");
    expect("the check digits of authority 1144030000000003XX");
    write("440100", "gz.elic.example", now, AUTHORITY);
    expect("region 440100 is enrolled");
    let good = write("440300", "sz.elic.example", now, market);
    expect("the node runs key make");
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &forged).unwrap();
    expect("did not sign this request");
    // One key of the body replaced by another one, all proofs left as they were.
    let at = good.windows(32).position(|window| window == a.public_key().bytes()).unwrap();
    let mut swapped = good.clone();
    swapped[at..at + 32].copy_from_slice(SeedSigner::from_seed(&[34; 32]).unwrap().public_key().bytes());
    std::fs::write(&file, &swapped).unwrap();
    expect("ask for a new one");
    let mut small = good.clone();
    small[at..at + 32].fill(0);
    std::fs::write(&file, &small).unwrap();
    expect("small order");
    std::fs::write(&file, &good[..good.len() - 66]).unwrap();
    expect("is no enrolment request");
    std::fs::write(&file, vec![0x82; 70_000]).unwrap();
    expect("over the cap");
    assert!(!Path::new(&folder).exists(), "nothing was added to a proposal");
    let (code, text) = refused(&["enrol", "show", &file]);
    assert!(code == 74 && text.contains("is no enrolment request"), "{text}");
}
