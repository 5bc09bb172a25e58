//! `backup`: one sealed file with database, configuration and keys, made beside a running node.
//!
//! Order: a copy of the database at one moment, in the data directory → the sealed file under a temporary name, fsynced → read back
//! and checked against its manifest → its name, durable. Whatever fails on the way leaves neither copy nor file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Cursor, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use licence_store_sqlite::Snapshot;
use zeroize::Zeroizing;

use super::data::{Place, print};
use licence_node::node::clock::Clock;
use licence_node::node::config::{Config, FILE, read_passphrase};
use licence_node::node::encoding::digest_text;
use licence_node::node::keys::Keyring;
use licence_node::node::rng::Rng;
use licence_node::upkeep::backup::sealed::Cost;
use licence_node::upkeep::backup::{
    self, CONFIG, DATABASE, FORMAT, KEYS, MAX_KEYS, MAX_SMALL_FILE, Manifest, Part,
};
use licence_node::upkeep::set_up::keys_directory;

/// What to back up, and where to.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// 新的备份文件，不覆盖 / the new file; an existing one is never overwritten
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// 备份口令文件，权限 600；默认用节点密钥的口令 / file with a passphrase for the backup, mode 600; without it that of the node's keys
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let (directory, to) = (&options.place.data, &options.to);
    let config = Config::load(directory)?;
    if config.store.is_some() {
        bail!(
            "数据在 PostgreSQL 中：请用 pg_dump 备份该库，并另存 {FILE} 与 keys / the data is in PostgreSQL: use pg_dump, and keep {FILE} and keys as well"
        );
    }
    if !directory.join(DATABASE).is_file() {
        bail!("{0} 没有节点数据 / {0} holds no node", directory.display());
    }
    refuse_existing(to)?;
    let passphrase = passphrase(options, &config)?;
    let small = small_files(directory)?;
    let snapshot = Snapshot::take(directory)?;
    ensure!(
        snapshot.node.role == config.role.as_str() && snapshot.node.region == config.region,
        "数据库属于另一节点 / the database belongs to another node"
    );
    let manifest = manifest(&snapshot, &small)?;
    let unfinished = Unfinished::create(to)?;
    unfinished.fill(&passphrase, &manifest, &mut |part| open(part, &snapshot, &small))?;
    unfinished.name(to)?;
    report(to, &manifest, &config)
}

/// The passphrase of the backup. That of the keys must open them: one that was mistyped would be noticed when it is too late.
fn passphrase(options: &Options, config: &Config) -> Result<Zeroizing<String>> {
    let directory = &options.place.data;
    if let Some(file) = &options.passphrase_file {
        return Ok(read_passphrase(file)?);
    }
    let passphrase = config.passphrase(directory)?;
    Keyring::load(&keys_directory(directory), &passphrase)?;
    Ok(passphrase)
}

fn refuse_existing(to: &Path) -> Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => bail!("{0} 已存在，不覆盖 / {0} exists and is not overwritten", to.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{}", to.display())),
    }
}

/// Configuration and keys, as they stand in the archive. Files of keys that are not whole yet are passed over.
fn small_files(directory: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut names = Vec::new();
    for file in fs::read_dir(keys_directory(directory)).context("keys")? {
        let name = file.context("keys")?.file_name();
        names.extend(
            name.to_str().filter(|name| backup::is_key_name(name)).map(|name| format!("{KEYS}{name}")),
        );
    }
    ensure!(names.len() <= MAX_KEYS, "密钥文件过多 / too many key files");
    names.sort();
    names.insert(0, CONFIG.to_owned());
    names
        .into_iter()
        .map(|name| {
            let mut bytes = Vec::new();
            let file = File::open(directory.join(&name)).with_context(|| name.clone())?;
            file.take(MAX_SMALL_FILE + 1).read_to_end(&mut bytes).with_context(|| name.clone())?;
            ensure!(bytes.len() as u64 <= MAX_SMALL_FILE, "{name} 过长 / {name} is too long");
            Ok((name, bytes))
        })
        .collect()
}

fn manifest(snapshot: &Snapshot, small: &[(String, Vec<u8>)]) -> Result<Manifest> {
    let database = BufReader::new(File::open(snapshot.path()).context("copy of the database")?);
    let mut files = vec![backup::measure(DATABASE, database)?];
    for (name, bytes) in small {
        files.push(backup::measure(name, bytes.as_slice())?);
    }
    Ok(Manifest {
        format: FORMAT.to_owned(),
        role: snapshot.node.role.clone(),
        region: snapshot.node.region.clone(),
        origin: snapshot.head.origin.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: snapshot.schema,
        log_size: snapshot.head.size,
        log_root: digest_text(&snapshot.head.root),
        made_at: Clock::system().now().0,
        files,
    })
}

fn open(part: &Part, snapshot: &Snapshot, small: &[(String, Vec<u8>)]) -> io::Result<Box<dyn Read>> {
    match small.iter().find(|(name, _)| *name == part.name) {
        Some((_, bytes)) => Ok(Box::new(Cursor::new(bytes.clone()))),
        None => Ok(Box::new(BufReader::new(File::open(snapshot.path())?))),
    }
}

/// A file beside the target that is removed unless it gets its name.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// # Errors
    /// If the target has no file name, or its folder cannot be written to.
    fn create(to: &Path) -> Result<Self> {
        let name = to.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("{0} 不是文件名 / {0} is no file name", to.display()))?;
        let path = to.with_file_name(format!(".unfinished-{name}"));
        // One that is there was left by a process that was killed.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{}", path.display()));
            }
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.with_context(|| format!("{}", path.display()))?;
        Ok(Self { path })
    }

    /// Writes the backup, durably, and reads it back.
    fn fill(
        &self,
        passphrase: &str,
        manifest: &Manifest,
        open: &mut dyn FnMut(&Part) -> io::Result<Box<dyn Read>>,
    ) -> Result<()> {
        let named = || format!("{}", self.path.display());
        let to = BufWriter::new(OpenOptions::new().write(true).open(&self.path).with_context(named)?);
        let to = backup::write(to, (passphrase, Cost::KEPT, &Rng::system()), manifest, open)?;
        let file = to.into_inner().map_err(io::IntoInnerError::into_error).with_context(named)?;
        file.sync_all().with_context(named)?;
        let written = BufReader::new(File::open(&self.path).with_context(named)?);
        let read_back = backup::check(written, passphrase).context("读回校验 / reading the backup back")?;
        ensure!(read_back == *manifest, "读回的清单不同 / another manifest was read back");
        Ok(())
    }

    /// Gives the file its name, durably.
    fn name(self, to: &Path) -> Result<()> {
        let named = || format!("{}", to.display());
        refuse_existing(to)?;
        fs::rename(&self.path, to).with_context(named)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(named)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the renaming there is nothing left of this name.
        let _gone = fs::remove_file(&self.path);
    }
}

fn report(to: &Path, manifest: &Manifest, config: &Config) -> Result<()> {
    let folder = match &config.catalogue_folder {
        Some(folder) => format!("；目录数据文件夹 / the folder of the catalogue's data {}", folder.display()),
        None => String::new(),
    };
    print(&format!(
        "已备份并读回校验 backed up, and read back: {to}\n{origin}：叶 leaves {size}，根 root {root}，文件 files {files}，\
         字节 bytes {bytes}\n不含，请另行保管 not in it, keep elsewhere: 备份口令 / the passphrase of the backup；\
         密钥口令 / that of the keys{folder}",
        to = to.display(),
        origin = manifest.origin,
        size = manifest.log_size,
        root = manifest.log_root,
        files = manifest.files.len(),
        bytes = manifest.files.iter().map(|part| part.size).sum::<u64>(),
    ))
}
