//! The documents of the standard: indexes that name every page, links that lead somewhere, vectors with their origin.
#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join(folder)).expect("the folder is there");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("a name").path()).collect();
    found.retain(|path| path.to_str().is_some_and(|name| name.ends_with(ending)));
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

#[test]
fn every_page_stands_in_its_index() {
    for folder in ["spec", "spec/decisions"] {
        let index = fs::read_to_string(top().join(folder).join("README.md")).expect("an index");
        for page in files(folder, ".md") {
            let name = page.file_name().and_then(|name| name.to_str()).expect("UTF-8");
            assert!(
                name == "README.md" || index.contains(&format!("({name})")),
                "{folder}/README.md lacks {name}"
            );
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let pages =
        [files("spec", ".md"), files("spec/decisions", ".md"), vec![top().join("README.md")]].concat();
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                let path = page.parent().expect("a folder").join(target);
                assert!(path.exists(), "{}: {link}", page.display());
            }
        }
    }
}

#[test]
fn every_folder_of_vectors_tells_its_origin() {
    for folder in fs::read_dir(top().join("spec/vectors")).expect("vectors") {
        let folder = folder.expect("a name").path();
        assert!(folder.join("ORIGIN.md").is_file(), "{} has no ORIGIN.md", folder.display());
    }
}
