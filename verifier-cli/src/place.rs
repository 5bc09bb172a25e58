//! Where evidence and memory lie, and how files are read and written there: bounded, and whole or not at all.
//!
//! The memory of the newest evidence lies where the installation lies: in the user's own folders for the default bundle,
//! else beside the bundle that was named, so that whoever swaps a bundle's content cannot take the memory with it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use licence_spec::bundle::{self, Bundle, MAX_PARTS};
use licence_spec::numbers::MAX_BUNDLE;

use crate::arguments::PlaceOptions;

/// Deepest folder of a bundle: `log/<digest>/checkpoint`.
const MAX_DEPTH: usize = 3;

/// The two paths that all verbs share.
pub(crate) struct Place {
    /// Bundle folder or file.
    pub(crate) bundle: PathBuf,
    /// File that remembers the newest evidence seen.
    pub(crate) seen: PathBuf,
}

impl Place {
    /// The paths that the options and the environment name.
    pub(crate) fn of(options: &PlaceOptions) -> Result<Place> {
        let (bundle, beside) = match &options.bundle {
            Some(bundle) => (bundle.clone(), beside(bundle, ".seen.json")),
            None => {
                let folders = home("XDG_DATA_HOME", ".local/share").zip(state_folder());
                let (data, state) =
                    folders.context("HOME 未设置，请用 --bundle / HOME is not set: use --bundle")?;
                (data.join("licence-verify/bundle"), state.join("seen.json"))
            }
        };
        let seen = options.state.as_ref().map_or(beside, |folder| folder.join("seen.json"));
        Ok(Place { bundle, seen })
    }
}

/// A folder of the XDG base directory specification; relative values are ignored, as it demands.
#[expect(clippy::disallowed_methods, reason = "this is the file in which the environment is read")]
fn home(variable: &str, fallback: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let under_home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(fallback));
    named.or_else(under_home)
}

/// The user's own folder for what the tool remembers; `None` without a home.
pub(crate) fn state_folder() -> Option<PathBuf> {
    Some(home("XDG_STATE_HOME", ".local/state")?.join("licence-verify"))
}

/// The path with `suffix` put to its last name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    // `canonicalize` so that `.` and links name the same memory; a bundle that is not there yet keeps its own name.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Opens a regular file. Anything else is refused before it is opened: opening a pipe waits for a writer that may never
/// come, and a device has no end.
pub(crate) fn open_regular(path: &Path) -> Result<File> {
    let shown = path.display();
    let cannot = || format!("无法打开 {shown} / cannot open {shown}");
    let metadata = fs::metadata(path).with_context(cannot)?;
    if metadata.is_dir() {
        bail!("{shown} 是目录，不是文件 / {shown} is a directory, not a file");
    }
    if !metadata.is_file() {
        bail!("{shown} 不是普通文件；标准输入请用 - / {shown} is no regular file; use - for standard input");
    }
    File::open(path).with_context(cannot)
}

/// Reads a file of at most `cap` bytes.
pub(crate) fn read_bounded(path: &Path, cap: usize) -> Result<Vec<u8>> {
    let shown = path.display();
    let file = open_regular(path)?;
    let mut bytes = Vec::new();
    file.take(cap as u64 + 1).read_to_end(&mut bytes).with_context(|| format!("{shown}"))?;
    if bytes.len() > cap {
        bail!("{shown} 超过 {cap} 字节 / {shown} is larger than {cap} bytes");
    }
    Ok(bytes)
}

/// Writes a file whole or not at all: a new file beside it, made durable, then renamed.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let shown = path.display();
    let write = || -> std::io::Result<()> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent)?;
        }
        let new = beside(path, &format!(".new-{}", std::process::id()));
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("无法写入 {shown} / cannot write {shown}"))
}

/// Where the bundle lies now; `None` if there is none.
pub(crate) fn find_bundle(path: &Path) -> Result<Option<PathBuf>> {
    let is_there = |path: &Path| path.try_exists().with_context(|| format!("{}", path.display()));
    if is_there(path)? {
        return Ok(Some(path.to_owned()));
    }
    // A sync that died between its two renames has left the bundle under its second name.
    let aside = old(path);
    Ok(is_there(&aside)?.then_some(aside))
}

/// Reads a bundle folder or file; `None` if there is none.
pub(crate) fn read_bundle(path: &Path) -> Result<Option<Bundle>> {
    let Some(path) = find_bundle(path)? else { return Ok(None) };
    let path = path.as_path();
    let bundle = if path.is_dir() {
        let mut found = Found::default();
        found.collect(path, "", 0)?;
        Bundle::new(found.parts)
    } else {
        Bundle::parse(&read_bounded(path, MAX_BUNDLE)?)
    };
    bundle.map(Some).with_context(|| format!("{}", path.display()))
}

/// The files of a bundle folder.
#[derive(Default)]
struct Found {
    parts: Vec<(String, Vec<u8>)>,
    size: usize,
    foreign: Option<PathBuf>,
}

impl Found {
    /// Collects the files of the layout; others are passed over and remembered.
    fn collect(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if entry.file_type()?.is_dir() && depth < MAX_DEPTH {
                self.collect(&entry.path(), &path, depth + 1)?;
            } else if bundle::is_path(&path) {
                if self.parts.len() == MAX_PARTS {
                    bail!("离线证据超过 {MAX_PARTS} 项 / the bundle has more than {MAX_PARTS} parts");
                }
                let bytes = read_bounded(&entry.path(), MAX_BUNDLE - self.size)?;
                self.size += bytes.len();
                self.parts.push((path, bytes));
            } else {
                self.foreign = Some(entry.path());
            }
        }
        Ok(())
    }
}

fn old(path: &Path) -> PathBuf {
    beside(path, ".licence-verify-old")
}

/// Writes a bundle whole or not at all: as a file where a file is, else as a folder that takes the old one's place.
pub(crate) fn write_bundle(path: &Path, bundle: &Bundle) -> Result<()> {
    if path.is_file() {
        return write_whole(path, &bundle.to_bytes());
    }
    let (new, aside) = (beside(path, &format!(".new-{}", std::process::id())), old(path));
    if path.exists() {
        // The old folder is removed at the end: it must hold nothing that is not ours.
        let mut found = Found::default();
        found.collect(path, "", 0)?;
        if let Some(foreign) = found.foreign {
            let shown = foreign.display();
            bail!("离线证据目录含有其他文件 {shown} / the bundle folder holds another file, {shown}");
        }
    }
    for (name, bytes) in bundle.parts() {
        write_whole(&new.join(name), bytes)?;
    }
    let swap = || -> std::io::Result<()> {
        if path.exists() {
            if aside.exists() {
                fs::remove_dir_all(&aside)?;
            }
            fs::rename(path, &aside)?;
        }
        fs::rename(&new, path)?;
        if aside.exists() { fs::remove_dir_all(&aside) } else { Ok(()) }
    };
    swap().with_context(|| format!("无法写入 {0} / cannot write {0}", path.display()))
}
