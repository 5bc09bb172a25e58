//! Who may import whom (DESIGN §3), read from the manifests and the sources, not from intentions.
//!
//! In scope: dependencies of every package, also through other packages of the house; the rooms inside `registry/src`.
//! Development dependencies and code under `#[cfg(test)]` are free: they are not shipped.
#![allow(missing_docs)]

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
fn inside_the_node_http_uses_trips_and_trips_use_the_store_and_never_back() {
    assert_none(&rules::node_breaches(&sources("registry/src")));
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
fn planted_breaches_inside_the_node_are_seen() {
    for (path, text, expected) in [
        ("trips/issue.rs", "use crate::http::problem::Problem;", "names crate::http::problem::Problem"),
        ("trips/issue.rs", "use crate::{db::Job, http::{self as web}};", "names crate::http::self"),
        ("trips/issue.rs", "use super::super::http;", "names crate::http"),
        ("trips/issue.rs", "fn f() -> axum::http::StatusCode { todo() }", "names axum::http::StatusCode"),
        ("trips/issue.rs", "#[utoipa::path(get, path = \"/\")] fn f() {}", "names utoipa::path"),
        ("trips/issue.rs", "use utoipa::{OpenApi, ToSchema};", "names utoipa::OpenApi"),
        ("trips/issue/batch.rs", "use super::super::super::cli;", "names crate::cli"),
        ("db/commit.rs", "use crate::trips::issue;", "names crate::trips::issue"),
        ("log.rs", "mod inner { use super::super::http::router; }", "names crate::http::router"),
        ("http/mod.rs", "use licence_store_sqlite::SqliteStore;", "names licence_store_sqlite::SqliteStore"),
        ("http/mod.rs", "extern crate rusqlite;", "names rusqlite"),
        ("http/mod.rs", "const Q: &str = r#\"SELECT id FROM licence\"#;", "holds SQL"),
        ("jobs/mirror.rs", "fn f() { crate::cli::run() }", "names crate::cli::run"),
        ("keys/mod.rs", "use rusqlite::Connection;", "names rusqlite::Connection"),
    ] {
        let found = rules::node_breaches(&[source(path, text)]);
        assert!(
            found.iter().any(|breach| breach.contains(path) && breach.contains(expected)),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn what_is_allowed_inside_the_node_is_no_breach() {
    let allowed = [
        source("http/lifecycle.rs", "use axum::Json; use crate::trips::issue::{self, Reason};"),
        source("cli/setup.rs", "use licence_store_sqlite::SqliteStore; use crate::http::router;"),
        source("main.rs", "use licence_store_sqlite::SqliteStore;"),
        source("lib.rs", "pub mod http; pub mod trips;"),
        source(
            "trips/issue.rs",
            "// use crate::http;\n/* axum::Router /* nested */ rusqlite::X */\nuse crate::db::Job;
             const T: &str = \"crate::http is not used; select a licence\"; fn f<'a>(c: char) -> bool { c == '\"' }
             #[cfg(test)] use crate::{http::router}; #[cfg(test)] mod tests { use axum::Router; fn g() { } }",
        ),
        source("trips.rs", "#[cfg(test)] mod hostile;"),
        source("trips/hostile.rs", "use axum::Router;"),
    ];
    assert_none(&rules::node_breaches(&allowed));
    // After skipped test code the rest of the file still counts.
    let after = source("trips/a.rs", "#[cfg(test)] mod t { } #[cfg(test)] use x::{y}; use axum::Json;");
    assert_eq!(rules::node_breaches(&[after]).len(), 1);
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
