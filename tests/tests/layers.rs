//! Who may import whom (ARCHITECTURE.md), read from the manifests and the sources, not from intentions.
//!
//! In scope: dependencies of every package, also through other packages of the house; the rooms inside the packages of `registry`.
//! Development dependencies and code under `#[cfg(test)]` are free: they are not shipped.
#![allow(missing_docs)]

#[path = "layers/plan.rs"]
mod plan;
#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/scan.rs"]
mod scan;

use std::path::{Path, PathBuf};

use rules::{Package, Source};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

fn packages() -> Vec<Package> {
    rules::read_packages(&top()).expect("the manifests can be read")
}

fn sources(folder: &str) -> Vec<Source> {
    let found = rules::read_sources(&top().join(folder)).expect("the sources can be read");
    assert!(!found.is_empty(), "{folder} has no sources: is the path right?");
    found
}

fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), names: scan::scan(text, &scan::module_of(Path::new(path))) }
}

fn package(name: &str, dependencies: &[&str]) -> Package {
    Package {
        name: name.to_owned(),
        dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
    }
}

fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn every_package_uses_only_what_the_house_plan_allows() {
    assert_none(&rules::package_breaches(&packages()));
}

#[test]
fn the_standard_is_pure() {
    assert_none(&rules::standard_breaches(&sources("spec/src")));
}

#[test]
fn the_catalogue_touches_no_files_sockets_or_clocks() {
    assert_none(&rules::world_breaches(&sources("catalogue/src")));
}

#[test]
fn every_room_uses_what_the_plan_allows_and_no_files_use_each_other() {
    for (folder, rows) in [
        ("registry/node/src", plan::NODE),
        ("registry/web/src", plan::WEB),
        ("registry/demo/src", plan::DEMO),
        ("registry/src", plan::PROGRAM),
    ] {
        let found = sources(folder);
        println!("{folder}: {}", rules::survey(&found));
        assert_none(&rules::room_breaches(&found, rows));
    }
}

#[test]
fn only_the_edge_speaks_http_only_the_backends_sql_and_only_the_command_line_names_one() {
    assert_none(&rules::word_breaches(&sources("registry/node/src"), false));
    assert_none(&rules::word_breaches(&sources("registry/web/src"), true));
    assert_none(&rules::word_breaches(&sources("registry/demo/src"), true));
    // The command line puts the node together, so it names the backends.
    let mut program = rules::word_breaches(&sources("registry/src"), false);
    program.retain(|breach| !breach.contains(" names licence_store_"));
    assert_none(&program);
}

#[test]
fn planted_breaches_between_packages_are_seen() {
    for (planted, expected) in [
        (vec![package("licence-spec", &["tokio"])], "licence-spec must not depend on tokio"),
        (vec![package("licence-catalogue", &["rusqlite"])], "licence-catalogue must not depend on rusqlite"),
        (vec![package("verifier-cli", &["licence-store"])], "verifier-cli must not depend on licence-store"),
        (vec![package("verifier-cli", &["axum"])], "verifier-cli must not depend on axum"),
        (
            vec![package("licence-store", &["licence-registry"])],
            "licence-store must not depend on licence-registry",
        ),
        (vec![package("licence-store-sqlite", &["hyper"])], "licence-store-sqlite must not depend on hyper"),
        (
            vec![package("verifier-cli", &["licence-catalogue"]), package("licence-catalogue", &["axum"])],
            "verifier-cli must not depend on axum",
        ),
        (vec![package("licence-node", &["axum"])], "licence-node must not depend on axum"),
        (vec![package("licence-node", &["licence-web"])], "licence-node must not depend on licence-web"),
        (vec![package("licence-web", &["rusqlite"])], "licence-web must not depend on rusqlite"),
        (vec![package("licence-attic", &[])], "licence-attic stands in no row of the rules"),
    ] {
        let found = rules::package_breaches(&planted);
        assert!(found.iter().any(|breach| breach.starts_with(expected)), "{expected}: {found:?}");
    }
    assert_none(&rules::package_breaches(&[package("verifier-cli", &["licence-spec", "ureq"])]));
}

#[test]
fn a_dependency_is_known_by_its_package_wherever_the_manifest_names_it() {
    let manifest = "[package]\nname = 'a'\n[dependencies]\nsql = { package = 'rusqlite', version = '1' }\nshared.workspace = true\n
        [target.'cfg(unix)'.dependencies]\naxum = '1'\n[build-dependencies]\ncc = '1'\n[dev-dependencies]\ntempfile = '1'";
    let workspace = "[workspace.dependencies]\nshared = { package = 'hyper', version = '1' }";
    let workspace: toml::Table = workspace.parse().expect("TOML");
    let found = rules::package(&manifest.parse().expect("TOML"), &workspace).expect("a package");
    let mut dependencies = found.dependencies;
    dependencies.sort();
    assert_eq!(dependencies, ["axum", "cc", "hyper", "rusqlite"]);
}

#[test]
fn words_of_the_web_and_of_databases_are_seen_where_they_do_not_belong() {
    for (text, expected) in [
        ("fn f() -> axum::http::StatusCode { todo() }", "names axum::http::StatusCode"),
        ("#[utoipa::path(get, path = \"/\")] fn f() {}", "names utoipa::path"),
        ("use utoipa::{OpenApi, ToSchema};", "names utoipa::OpenApi"),
        ("use licence_store_sqlite::SqliteStore;", "names licence_store_sqlite::SqliteStore"),
        ("extern crate rusqlite;", "names rusqlite"),
        ("const Q: &str = r#\"SELECT id FROM licence\"#;", "holds SQL"),
        ("#[cfg(test)] mod t { } #[cfg(test)] use x::{y}; use axum::Json;", "names axum::Json"),
    ] {
        let found = rules::word_breaches(&[source("trips/issue.rs", text)], false);
        assert!(found.len() == 1 && found[0].contains(expected), "{text}: {found:?}");
    }
    let allowed = [
        source(
            "trips/issue.rs",
            "/* axum::Router /* nested */ rusqlite::X */ use utoipa::ToSchema;
             const T: &str = \"select a licence\"; fn f<'a>(c: char) -> bool { c == '\"' }
             #[cfg(test)] use axum::{Router}; #[cfg(test)] mod tests { use axum::Router; fn g() { } }",
        ),
        source("trips.rs", "#[cfg(test)] mod hostile;"),
        source("trips/hostile.rs", "use axum::Router;"),
    ];
    assert_none(&rules::word_breaches(&allowed, false));
    assert_none(&rules::word_breaches(&[source("index.rs", "use axum::Json;")], true));
}

#[test]
fn planted_breaches_of_the_plan_are_seen() {
    const ROWS: &[rules::RoomRow] = &[
        ("node::keys", &[]),
        ("trips", &[]),
        ("trips::issue", &["node"]),
        ("trips::verify", &["node::keys"]),
    ];
    let house = |more: &[(&str, &str)]| {
        let plain = [("node/keys.rs", ""), ("trips.rs", ""), ("trips/issue.rs", ""), ("trips/verify.rs", "")];
        let kept = plain.iter().filter(|(path, _)| more.iter().all(|(other, _)| other != path));
        let all: Vec<Source> = kept.chain(more).map(|(path, text)| source(path, text)).collect();
        rules::room_breaches(&all, ROWS)
    };
    assert_none(&house(&[("trips/issue.rs", "use crate::node::keys::Usage; use super::verify;")]));
    assert_none(&house(&[("trips/verify.rs", "fn f() { crate::node::keys::f() }")]));
    for (path, text, expected) in [
        ("node/keys.rs", "use crate::trips::issue::Issued;", "node::keys must not use trips::issue"),
        ("node/keys.rs", "use super::super::trips::issue::{self};", "node::keys must not use trips::issue"),
        ("trips/attic.rs", "", "trips::attic stands in no row of the plan"),
        ("attic.rs", "", "attic stands in no row of the plan"),
    ] {
        let found = house(&[(path, text)]);
        assert!(found.iter().any(|breach| breach.starts_with(expected)), "{path} {text}: {found:?}");
    }
    let round = house(&[
        ("trips/issue.rs", "use super::verify::f;"),
        ("trips/verify.rs", "use crate::trips::issue::g;"),
    ]);
    assert_eq!(round, ["in a circle: trips::issue, trips::verify"]);
    let gone = rules::room_breaches(&[source("node/keys.rs", "")], ROWS);
    assert!(gone.contains(&"trips::issue stands in the plan and not in the house".to_owned()), "{gone:?}");
}

#[test]
fn planted_impurities_of_the_standard_and_the_catalogue_are_seen() {
    let root = "#![no_std]\n#![forbid(unsafe_code)]\nextern crate alloc;";
    assert_none(&rules::standard_breaches(&[source("lib.rs", root)]));
    for (text, expected) in [
        ("#![no_std]", "lacks #![forbid(unsafe_code)]"),
        ("#![forbid(unsafe_code)]\n// #![no_std]", "lacks #![no_std]"),
        ("#![no_std]\n#![forbid(unsafe_code)]\nextern crate std;", "names std"),
        (
            "#![no_std]\n#![forbid(unsafe_code)]\nfn f() { ::std::process::abort() }",
            "names std::process::abort",
        ),
    ] {
        let found = rules::standard_breaches(&[source("lib.rs", text)]);
        assert!(found.iter().any(|breach| breach.contains(expected)), "{text}: {found:?}");
    }
    let found =
        rules::world_breaches(&[source("load.rs", "use std::{collections::BTreeMap, fs::{self, File}};")]);
    assert_eq!(found.len(), 2, "{found:?}");
}
