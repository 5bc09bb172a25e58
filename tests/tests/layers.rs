//! Who may import whom (DESIGN §3), read from the manifests and the `use` lines, not from intentions.
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

/// The normal dependencies of a package.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(top().join(manifest)).expect("a manifest");
    let table: toml::Table = text.parse().expect("TOML");
    table
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

fn assert_never(manifest: &str, forbidden: &[&str]) {
    let found = dependencies(manifest);
    for name in forbidden {
        assert!(!found.iter().any(|own| own == name), "{manifest} must not depend on {name}");
    }
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            found.push((path, text));
        }
    }
    found
}

/// Lines of code that hold one of the words; comment lines may speak of anything.
fn breaches(text: &str, words: &[&str]) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.filter(|line| words.iter().any(|word| line.contains(word))).map(str::to_owned).collect()
}

fn assert_no_words(folder: &str, words: &[&str], but: &[&str]) {
    let files = sources(&top().join(folder));
    assert!(!files.is_empty(), "{folder} has no sources: is the path right?");
    for (path, text) in files {
        if but.iter().any(|allowed| path.ends_with(allowed)) {
            continue;
        }
        let found = breaches(&text, words);
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}

#[test]
fn the_standard_depends_on_nothing_but_its_primitives() {
    let allowed = [
        "base64",
        "cbor4ii",
        "curve25519-dalek",
        "ed25519-dalek",
        "miniz_oxide",
        "serde",
        "sha2",
        "unicode-normalization",
    ];
    for name in dependencies("spec/Cargo.toml") {
        assert!(allowed.contains(&name.as_str()), "spec must not depend on {name}");
    }
    let library = fs::read_to_string(top().join("spec/src/lib.rs")).expect("lib.rs");
    assert!(library.contains("#![no_std]") && library.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn the_catalogue_knows_no_files_sql_or_http() {
    assert_never("catalogue/Cargo.toml", &["rusqlite", "axum", "hyper", "ureq", "tokio", "licence-store"]);
    assert_no_words("catalogue/src", &["std::fs", "std::net"], &[]);
}

#[test]
fn the_store_traits_know_no_driver_and_the_sqlite_backend_no_http() {
    assert_never("registry/store/Cargo.toml", &["rusqlite", "axum", "tokio", "postgres"]);
    assert_never("registry/store-sqlite/Cargo.toml", &["axum", "tokio", "postgres"]);
}

#[test]
fn the_clerks_tool_knows_no_node() {
    assert_never(
        "verifier-cli/Cargo.toml",
        &["licence-registry", "licence-store", "licence-store-sqlite", "axum"],
    );
}

#[test]
fn trips_know_no_http_and_nothing_but_the_command_line_names_a_backend() {
    assert_no_words("registry/src/trips", &["axum", "http::", "hyper", "StatusCode"], &[]);
    assert_no_words("registry/src", &["rusqlite"], &[]);
    for (path, text) in sources(&top().join("registry/src")) {
        let in_cli = path.strip_prefix(top().join("registry/src")).is_ok_and(|path| path.starts_with("cli"));
        assert!(in_cli || breaches(&text, &["licence_store_sqlite"]).is_empty(), "{}", path.display());
    }
}

#[test]
fn the_check_itself_sees_a_breach_and_passes_over_comments() {
    assert_eq!(breaches("use axum::Router;\n// axum is not used here\n", &["axum"]), ["use axum::Router;"]);
}
