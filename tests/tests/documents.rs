//! The documents of the standard: indexes that name every page, links that lead somewhere, vectors with their origin.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
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

/// The numbers of a page's sections: its headings `## 4. …`, and its numbered rules where it has no such headings.
fn sections(page: &str) -> BTreeSet<String> {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let number = text[..end].trim_end_matches('.');
        (!number.is_empty() && text[end..].starts_with(' ')).then(|| number.to_owned())
    };
    let heading =
        |line: &str| line.starts_with("##").then(|| number(line.trim_start_matches('#').trim())).flatten();
    let headings: BTreeSet<String> = page.lines().filter_map(heading).collect();
    match headings.is_empty() {
        true => page.lines().filter_map(number).collect(),
        false => headings,
    }
}

/// Every `§ n` of a text, with the word before it.
fn citations(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (at, _) in text.match_indices('§') {
        let before = text[..at].split_whitespace().next_back().unwrap_or_default();
        // "catalogue.md §2 and §3": of the same page.
        let is_and = matches!(before, "and" | "to") || before.starts_with('§');
        let before = match found.last() {
            Some((page, _)) if is_and => page.clone(),
            _ => before.to_owned(),
        };
        let rest = text[at..].trim_start_matches('§').trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        found.push((before, rest[..end].trim_end_matches('.').to_owned()));
    }
    found
}

/// `spec/status.md`, `(status.md)`, `[status.md](status.md)` are all the page `status.md`.
fn page_of(word: &str) -> Option<&str> {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    word.ends_with(".md").then(|| word.rsplit(['/', '(']).next().unwrap_or(word))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    const READ: [&str; 7] = ["rs", "md", "toml", "py", "js", "sql", "json"];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a name").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "vectors" {
            sources(&path, found);
        } else if path
            .extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| READ.contains(&ending))
        {
            found.push(path);
        }
    }
}

#[test]
fn every_section_that_is_cited_is_there() {
    let pages: BTreeMap<String, BTreeSet<String>> = files("spec", ".md")
        .into_iter()
        .map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
            (name, sections(&fs::read_to_string(&path).expect("a page")))
        })
        .collect();
    let mut all = Vec::new();
    sources(&top(), &mut all);
    assert!(all.len() > 500, "{} files", all.len());
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for path in all {
        let text = fs::read_to_string(&path).expect("text");
        let own = path.parent().is_some_and(|folder| folder.ends_with("spec"));
        let own = path.file_name().and_then(|name| name.to_str()).filter(|_| own);
        for (before, section) in citations(&text) {
            // A number of another body has its name before it (RFC 9052 §4, TUF specification 1.0.34 §5).
            let is_of_others =
                before.ends_with(|c: char| c.is_ascii_digit()) || before.ends_with("specification");
            let page = page_of(&before).or(own.filter(|_| !is_of_others && !before.ends_with(".md")));
            let Some(known) = page.and_then(|page| pages.get(page)) else {
                if let Some(page) = page_of(&before) {
                    wrong.push(format!("{}: {page} is no page of spec/", path.display()));
                }
                continue;
            };
            checked += 1;
            if !known.contains(&section) {
                wrong.push(format!("{}: {before} §{section}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 200, "{checked} citations");
}
