//! The rules of ARCHITECTURE.md, and the reading of manifests and sources that they judge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::scan::{self, Names};

/// A package and what it needs to be built: names of packages, not the names under which it uses them.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<String>,
}

/// A file below `src/`; the path starts there.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) names: Names,
}

const SQL: &[&str] = &["rusqlite", "libsqlite3-sys", "postgres", "tokio-postgres", "sqlx", "diesel"];
const WEB_SERVER: &[&str] =
    &["axum", "hyper", "hyper-util", "tower-http", "http", "http-body-util", "warp", "actix-web"];
const WEB_CLIENT: &[&str] = &["ureq", "reqwest", "rustls", "tokio"];

/// One row of the house plan: a package, the packages of the house that it may use, and what it may never use.
struct Row {
    name: &'static str,
    house: &'static [&'static str],
    never: &'static [&'static [&'static str]],
}

const ROWS: &[Row] = &[
    // What else the standard may use is a closed list: PRIMITIVES.
    Row { name: "licence-spec", house: &[], never: &[] },
    Row { name: "licence-catalogue", house: &["licence-spec"], never: &[SQL, WEB_SERVER, WEB_CLIENT] },
    Row { name: "licence-store", house: &["licence-spec"], never: &[SQL, WEB_SERVER, WEB_CLIENT] },
    Row {
        name: "licence-store-sqlite",
        house: &["licence-spec", "licence-store"],
        never: &[&["postgres", "tokio-postgres", "sqlx"], WEB_SERVER, WEB_CLIENT],
    },
    Row {
        name: "licence-store-postgres",
        house: &["licence-spec", "licence-store"],
        never: &[&["rusqlite", "libsqlite3-sys"], WEB_SERVER, &["ureq", "reqwest"]],
    },
    Row { name: "verifier-cli", house: &["licence-spec", "licence-catalogue"], never: &[SQL, WEB_SERVER] },
    Row {
        name: "licence-node",
        house: &["licence-spec", "licence-catalogue", "licence-store"],
        never: &[SQL, WEB_SERVER, &["clap", "reqwest"]],
    },
    Row {
        name: "licence-web",
        house: &["licence-spec", "licence-catalogue", "licence-store", "licence-node"],
        never: &[SQL, &["clap", "reqwest"]],
    },
    Row {
        name: "licence-demo",
        house: &["licence-spec", "licence-catalogue", "licence-store", "licence-node", "licence-web"],
        never: &[SQL],
    },
    Row {
        name: "licence-registry",
        house: &[
            "licence-spec",
            "licence-catalogue",
            "licence-store",
            "licence-store-sqlite",
            "licence-store-postgres",
            "licence-node",
            "licence-web",
            "licence-demo",
        ],
        never: &[],
    },
];

/// Uses everything, and is used by nobody.
const TESTS: &str = "licence-tests";

/// All that the standard may be built from.
const PRIMITIVES: &[&str] = &[
    "base64",
    "cbor4ii",
    "curve25519-dalek",
    "ed25519-dalek",
    "miniz_oxide",
    "serde",
    "sha2",
    "unicode-general-category",
    "unicode-normalization",
];

/// The packages of the workspace at `top`.
pub(crate) fn read_packages(top: &Path) -> io::Result<Vec<Package>> {
    let table = |path: PathBuf| -> io::Result<toml::Table> {
        fs::read_to_string(path)?.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    };
    let workspace = table(top.join("Cargo.toml"))?;
    let shared = &workspace["workspace"];
    let members = shared["members"].as_array().into_iter().flatten().filter_map(toml::Value::as_str);
    let empty = toml::Table::new();
    let shared = shared.as_table().unwrap_or(&empty);
    let wrapped = toml::Table::from_iter([("workspace".to_owned(), toml::Value::Table(shared.clone()))]);
    members
        .map(|member| {
            let manifest = table(top.join(member).join("Cargo.toml"))?;
            package(&manifest, &wrapped).ok_or_else(|| io::Error::other(format!("{member} has no name")))
        })
        .collect()
}

/// A package from its manifest and the workspace's.
pub(crate) fn package(manifest: &toml::Table, workspace: &toml::Table) -> Option<Package> {
    let shared = workspace.get("workspace").and_then(|table| table.get("dependencies"));
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let places = targets
        .into_iter()
        .flat_map(toml::Table::values)
        .filter_map(toml::Value::as_table)
        .chain([manifest])
        .flat_map(|place| [place.get("dependencies"), place.get("build-dependencies")])
        .filter_map(|dependencies| dependencies.and_then(toml::Value::as_table));
    let real_name = |name: &String, value: &toml::Value| {
        let inherited = value.get("workspace").and_then(|_| shared?.get(name));
        let renamed = inherited.unwrap_or(value).get("package").and_then(toml::Value::as_str);
        renamed.unwrap_or(name).to_owned()
    };
    Some(Package {
        name: manifest.get("package")?.get("name")?.as_str()?.to_owned(),
        dependencies: places.flatten().map(|(name, value)| real_name(name, value)).collect(),
    })
}

/// All Rust files below a folder.
pub(crate) fn read_sources(folder: &Path) -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(folder).map_err(io::Error::other)?;
                let names = scan::scan(&fs::read_to_string(&path)?, &scan::module_of(relative));
                found.push(Source { path: relative.to_owned(), names });
            }
        }
    }
    Ok(found)
}

/// What the packages use against the table of ARCHITECTURE.md, directly or through other packages of the house.
pub(crate) fn package_breaches(packages: &[Package]) -> Vec<String> {
    let mut breaches = Vec::new();
    for package in packages.iter().filter(|package| package.name != TESTS) {
        let Some(row) = ROWS.iter().find(|row| row.name == package.name) else {
            breaches.push(format!("{} stands in no row of the rules", package.name));
            continue;
        };
        for name in reached(package, packages) {
            let of_the_house = name == TESTS || ROWS.iter().any(|row| row.name == name);
            let allowed = if of_the_house {
                row.house.contains(&name)
            } else if row.name == "licence-spec" {
                PRIMITIVES.contains(&name)
            } else {
                !row.never.iter().any(|family| family.contains(&name))
            };
            // What a backend brings along is its own affair.
            let direct = package.dependencies.iter().any(|own| own == name);
            if !allowed
                || (direct && row.name == "licence-registry" && [SQL, WEB_SERVER].concat().contains(&name))
            {
                breaches.push(format!("{} must not depend on {name}", package.name));
            }
        }
    }
    breaches
}

/// The dependencies of a package and, through other packages of the house, theirs.
fn reached<'a>(package: &'a Package, packages: &'a [Package]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![package];
    while let Some(next) = open.pop() {
        for name in &next.dependencies {
            if found.insert(name.as_str()) {
                open.extend(packages.iter().filter(|package| &package.name == name));
            }
        }
    }
    found
}

/// `spec/src`: `no_std`, no unsafe code, and nothing of `std`.
pub(crate) fn standard_breaches(sources: &[Source]) -> Vec<String> {
    let mut breaches = naming(sources, |_, path| path[0] == "std");
    for wanted in ["no_std", "forbid(unsafe_code)"] {
        let root = sources.iter().find(|source| source.path == Path::new("lib.rs"));
        let stated =
            root.is_some_and(|root| root.names.attributes.iter().any(|attribute| attribute == wanted));
        if !stated {
            breaches.push(format!("lib.rs lacks #![{wanted}]"));
        }
    }
    breaches
}

/// For a part that gets bytes handed in: no files, sockets, processes, threads, environment or clocks.
pub(crate) fn world_breaches(sources: &[Source]) -> Vec<String> {
    const WORLD: &[&str] = &["env", "fs", "net", "process", "thread"];
    const CLOCKS: &[&str] = &["Instant", "SystemTime"];
    naming(sources, |_, path| {
        path[0] == "std"
            && path.get(1).is_some_and(|part| {
                WORLD.contains(&part.as_str())
                    || (part == "time" && path.get(2).is_some_and(|name| CLOCKS.contains(&name.as_str())))
            })
    })
}

/// The shipped sources among these: without modules that stand under `#[cfg(test)]`.
fn shipped(sources: &[Source]) -> Vec<&Source> {
    let tests: Vec<&Vec<String>> = sources.iter().flat_map(|source| &source.names.test_modules).collect();
    let is_shipped = |source: &&Source| {
        let module = scan::module_of(&source.path);
        !tests.iter().any(|test| module.starts_with(test))
    };
    sources.iter().filter(is_shipped).collect()
}

/// No SQL outside the backends, no web server's words in what a node is and does; only the shape of requests and answers is described there.
pub(crate) fn word_breaches(sources: &[Source], may_serve: bool) -> Vec<String> {
    let shipped = shipped(sources);
    let is = |family: &[&str], name: &str| family.iter().any(|member| member.replace('-', "_") == name);
    let mut breaches = naming(shipped.iter().copied(), |_, path| {
        let describes_http = path[0] == "utoipa"
            && path.get(1).is_none_or(|name| !matches!(name.as_str(), "ToSchema" | "PartialSchema"));
        is(SQL, &path[0])
            || matches!(path[0].as_str(), "licence_store_sqlite" | "licence_store_postgres")
            || (!may_serve
                && (describes_http || is(WEB_SERVER, &path[0]) || is(&["tower", "utoipa_axum"], &path[0])))
    });
    for source in shipped {
        breaches.extend(source.names.texts.iter().filter(|text| is_sql(text)).map(|text| {
            format!("{} holds SQL: {}", source.path.display(), text.lines().next().unwrap_or(""))
        }));
    }
    breaches
}

/// A row of the plan of one package: a room, and which wings and rooms beside its own wing it may use.
pub(crate) type RoomRow = (&'static str, &'static [&'static str]);

/// Every room has a row and every row a room; a room uses what its row says and its own wing, and nothing in a circle.
pub(crate) fn room_breaches(sources: &[Source], rows: &[RoomRow]) -> Vec<String> {
    let modules: Modules<'_> =
        shipped(sources).into_iter().map(|source| (scan::module_of(&source.path), source)).collect();
    let rooms: BTreeSet<String> = modules.keys().filter_map(|module| room_of(module, rows)).collect();
    let mut breaches: Vec<String> = rows
        .iter()
        .filter(|(room, _)| !rooms.contains(*room))
        .map(|(room, _)| format!("{room} stands in the plan and not in the house"))
        .collect();
    for module in modules.keys().filter(|module| !module.is_empty()) {
        let Some(room) = room_of(module, rows) else {
            breaches.push(format!("{} stands in no row of the plan", module.join("::")));
            continue;
        };
        let allowed = rows.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, allowed)| allowed);
        for used in arrows(module, &modules) {
            let wing = |module: &[String]| module.first().cloned();
            let is_open =
                |name: &&str| used.join("::") == **name || used.join("::").starts_with(&format!("{name}::"));
            if wing(module) != wing(used) && !allowed.iter().any(is_open) {
                breaches.push(format!("{room} must not use {}", used.join("::")));
            }
        }
    }
    breaches.extend(circles(&modules).into_iter().map(|circle| format!("in a circle: {circle}")));
    breaches
}

/// The files of a package by their modules.
type Modules<'a> = BTreeMap<Vec<String>, &'a Source>;

/// The room of a module: the longest name of the plan that it begins with. A wing's own row is for its own file alone: whatever is new in
/// a wing needs a row.
fn room_of(module: &[String], rows: &[RoomRow]) -> Option<String> {
    let is_wing = |name: &str| rows.iter().any(|(room, _)| room.starts_with(&format!("{name}::")));
    let names = (1..=module.len()).rev().map(|length| (length, module[..length].join("::")));
    let mut known = names.filter(|(_, name)| rows.iter().any(|(room, _)| room == name));
    let (length, name) = known.next()?;
    (length == module.len() || !is_wing(&name)).then_some(name)
}

/// The files that a file uses: of each path the longest beginning that is a file. Parents and children of its own are left out.
fn arrows<'a>(module: &[String], modules: &'a Modules<'_>) -> Vec<&'a Vec<String>> {
    let Some(source) = modules.get(module) else { return Vec::new() };
    let paths = source.names.paths.iter().filter(|path| path[0] == "crate").map(|path| &path[1..]);
    let file = |path: &[String]| {
        (1..=path.len())
            .rev()
            .find_map(|length| modules.get_key_value(&path[..length]).map(|(module, _)| module))
    };
    let mut found: Vec<_> = paths
        .filter_map(file)
        .filter(|used| !used.starts_with(module) && !module.starts_with(used))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Files that use each other, directly or round about; each circle once.
fn circles(modules: &Modules<'_>) -> Vec<String> {
    let reaches = |from: &Vec<String>| {
        let mut seen: BTreeSet<&Vec<String>> = BTreeSet::new();
        let mut open = arrows(from, modules);
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(arrows(next, modules));
            }
        }
        seen
    };
    let reached: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> =
        modules.keys().map(|module| (module, reaches(module))).collect();
    let mut found = BTreeSet::new();
    for (module, seen) in &reached {
        if seen.contains(module) {
            let circle =
                seen.iter().filter(|other| reached.get(**other).is_some_and(|back| back.contains(module)));
            found.insert(circle.map(|file| file.join("::")).collect::<Vec<_>>().join(", "));
        }
    }
    found.into_iter().collect()
}

/// Rooms, arrows between wings: for whoever wants to see how the house has grown (`--nocapture`).
pub(crate) fn survey(sources: &[Source]) -> String {
    let modules: Modules<'_> =
        shipped(sources).into_iter().map(|source| (scan::module_of(&source.path), source)).collect();
    let all: Vec<_> = modules
        .keys()
        .flat_map(|from| arrows(from, &modules).into_iter().map(move |to| (from, to)))
        .collect();
    let between = all.iter().filter(|(from, to)| from.first() != to.first()).count();
    format!("files {}, arrows {}, between wings {between}", modules.len(), all.len())
}

fn is_sql(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let both = |first: &str, second: &str| {
        words.first().is_some_and(|word| *word == first) && words.contains(&second)
    };
    both("SELECT", "FROM") || both("INSERT", "INTO") || both("UPDATE", "SET") || both("DELETE", "FROM")
}

/// A line for every path of the sources that `breaks` the rule.
fn naming<'a>(
    sources: impl IntoIterator<Item = &'a Source>,
    breaks: impl Fn(&Source, &[String]) -> bool,
) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        for path in source.names.paths.iter().filter(|path| breaks(source, path)) {
            breaches.push(format!("{} names {}", source.path.display(), path.join("::")));
        }
    }
    breaches
}
