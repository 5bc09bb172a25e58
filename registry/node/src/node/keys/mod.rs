//! The keys of a node: one key a usage and authority, in encrypted files.
//!
//! In scope: making, loading and finding them. Out of scope: which key may sign what (the trust list says so).
//! Each file is PKCS#8 v1 in PEM, encrypted (PBES2, scrypt, AES-256), mode 0600: `keys/<authority>.<usage>.pem`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use licence_spec::suite::{SeedSigner, Signer};
use licence_spec::trust::Role;
use zeroize::{Zeroize as _, Zeroizing};

use crate::node::rng::{Rng, RngError};

/// How the names of files begin that are not whole yet.
const UNFINISHED: &str = ".unfinished-";

/// What a key is for; one key never serves two usages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Usage {
    /// What the trust list lets it sign.
    Role(Role),
    /// Signs checkpoints.
    Log,
    /// Cosigns checkpoints of other logs.
    Witness,
    /// Signs trust timestamps.
    Timestamp,
    /// Signs trust lists; an officer's.
    List,
    /// Signs trust roots; an officer's.
    Root,
    /// Approves catalogue versions; an officer's.
    Approval,
}

impl Usage {
    /// Signs licences.
    pub const LICENCE: Usage = Usage::Role(Role::Licence);
    /// Signs status tokens.
    pub const STATUS: Usage = Usage::Role(Role::Status);
    /// Signs the catalogue.
    pub const CATALOGUE: Usage = Usage::Role(Role::Catalogue);
    /// Signs views.
    pub const VIEW: Usage = Usage::Role(Role::View);
    /// Signs receipts.
    pub const RECEIPT: Usage = Usage::Role(Role::Receipt);
    /// Signs requests between nodes.
    pub const NODE: Usage = Usage::Role(Role::Node);

    /// The usages that no trust list names.
    const OTHERS: [Usage; 6] =
        [Usage::Log, Usage::Witness, Usage::Timestamp, Usage::List, Usage::Root, Usage::Approval];

    /// The word in file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Usage::Role(role) => role.as_str(),
            Usage::Log => "log",
            Usage::Witness => "witness",
            Usage::Timestamp => "timestamp",
            Usage::List => "list",
            Usage::Root => "root",
            Usage::Approval => "approval",
        }
    }

    fn from_word(word: &str) -> Option<Usage> {
        let mut all = Role::ALL.into_iter().map(Usage::Role).chain(Usage::OTHERS);
        all.find(|usage| usage.as_str() == word)
    }
}

/// Why a key could not be made, kept or loaded. Never carries key material.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("密钥文件 {path} 无法读写 / key file {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Others may read the file.
    #[error("密钥文件 {path} 权限过宽，请执行 chmod 600 / key file {path} is open to others: run chmod 600")]
    OpenPermissions {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is wrong, or the file is no key.
    #[error("密钥文件 {path} 无法解密 / key file {path} cannot be decrypted: wrong passphrase, or not a key")]
    Decrypt {
        /// The file.
        path: PathBuf,
    },
    /// A file name that is no `<authority>.<usage>.pem`.
    #[error("密钥文件名 {path} 不合规定 / key file {path} is not named <authority>.<usage>.pem")]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// The key could not be encoded or fails the import check.
    #[error("密钥无法生成 / the key could not be made")]
    Make,
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// The keys in memory.
#[derive(Clone, Default)]
pub struct Keyring {
    keys: BTreeMap<(String, Usage), Arc<dyn Signer>>,
}

impl Keyring {
    /// The signer of an authority for a usage.
    #[must_use]
    pub fn signer(&self, authority: &str, usage: Usage) -> Option<Arc<dyn Signer>> {
        // The owned pair is needed by the map's key type; keys are looked up once a request, not on the verdict path.
        self.keys.get(&(authority.to_owned(), usage)).cloned()
    }

    /// All keys with what they are for.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Usage, &Arc<dyn Signer>)> {
        self.keys.iter().map(|((authority, usage), key)| (authority.as_str(), *usage, key))
    }

    /// Makes a key, writes its file and holds it.
    ///
    /// # Errors
    /// [`KeysError`]; an existing file is never overwritten.
    pub fn create(
        &mut self,
        directory: &Path,
        authority: &str,
        usage: Usage,
        passphrase: &str,
        rng: &Rng,
    ) -> Result<(), KeysError> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill(seed.as_mut())?;
        let signer = SeedSigner::from_seed(&seed).map_err(|_| KeysError::Make)?;
        // Version 1 of PKCS#8, without the public key: OpenSSL 3 cannot read version 2.
        let mut pair = KeypairBytes { secret_key: *seed, public_key: None };
        let pem = pair.to_pkcs8_encrypted_pem(passphrase, LineEnding::LF).map_err(|_| KeysError::Make)?;
        pair.secret_key.zeroize();
        let path = directory.join(format!("{authority}.{}.pem", usage.as_str()));
        write_private(&path, pem.as_bytes()).map_err(|error| KeysError::File { path, error })?;
        self.hold(authority, usage, signer);
        Ok(())
    }

    /// As [`Keyring::create`], for many keys at once, on all processors: deriving the key of one file takes 50 ms.
    ///
    /// # Errors
    /// [`KeysError`] for the first that cannot be made; those made before stay on disk and are found by the next load.
    pub fn create_all(
        &mut self,
        directory: &Path,
        wanted: &[(&str, Usage)],
        passphrase: &str,
        rng: &Rng,
    ) -> Result<(), KeysError> {
        let made = in_parallel(wanted, |(authority, usage)| {
            let mut own = Keyring::default();
            own.create(directory, authority, *usage, passphrase, rng).map(|()| own)
        })?;
        made.into_iter().for_each(|own| self.keys.extend(own.keys));
        Ok(())
    }

    /// Holds a key that is kept elsewhere than in a file: in a module, in memory.
    pub fn hold(&mut self, authority: &str, usage: Usage, signer: impl Signer + 'static) {
        self.keys.insert((authority.to_owned(), usage), Arc::new(signer));
    }

    /// Loads all key files of a directory.
    ///
    /// # Errors
    /// [`KeysError`] for the first file that is open to others, cannot be decrypted or is badly named.
    pub fn load(directory: &Path, passphrase: &str) -> Result<Keyring, KeysError> {
        let failed = |error| KeysError::File { path: directory.to_owned(), error };
        let mut named = Vec::new();
        for file in fs::read_dir(directory).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(UNFINISHED) {
                continue;
            }
            let parts = name.strip_suffix(".pem").and_then(|stem| stem.rsplit_once('.'));
            let Some((authority, usage)) =
                parts.and_then(|(a, u)| Some((a.to_owned(), Usage::from_word(u)?)))
            else {
                return Err(KeysError::Name { path });
            };
            named.push((path, authority, usage));
        }
        let loaded = in_parallel(&named, |(path, authority, usage)| {
            let signer: Arc<dyn Signer> = Arc::new(load_one(path, passphrase)?);
            Ok(((authority.clone(), *usage), signer))
        })?;
        Ok(Keyring { keys: loaded.into_iter().collect() })
    }
}

/// Does the work for every item on as many threads as there are processors; the first error in the order of the items.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, KeysError> + Sync,
) -> Result<Vec<R>, KeysError> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let size = items.len().div_ceil(threads).max(1);
    let done: Vec<Result<Vec<R>, KeysError>> = std::thread::scope(|scope| {
        let work = &work;
        let chunks = items.chunks(size).map(|chunk| scope.spawn(move || chunk.iter().map(work).collect()));
        let chunks: Vec<_> = chunks.collect();
        // A panic of the work is one of this thread.
        chunks
            .into_iter()
            .map(|chunk| chunk.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    Ok(done.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn load_one(path: &Path, passphrase: &str) -> Result<SeedSigner, KeysError> {
    let failed = |error| KeysError::File { path: path.to_owned(), error };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(KeysError::OpenPermissions { path: path.to_owned() });
    }
    let pem = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    let undecryptable = || KeysError::Decrypt { path: path.to_owned() };
    let mut pair = KeypairBytes::from_pkcs8_encrypted_pem(&pem, passphrase).map_err(|_| undecryptable())?;
    let signer = SeedSigner::from_seed(&pair.secret_key).map_err(|_| undecryptable());
    pair.secret_key.zeroize();
    signer
}

/// Writes a new file that only its owner may read. It appears whole or not at all, whenever the machine stops, and is durable
/// with its name once this returns.
///
/// # Errors
/// What the system says; an existing file is never overwritten.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let unfinished = folder.join(format!("{UNFINISHED}{name}"));
    // One that is there was left by a process that was stopped.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // A link, and no renaming, which would replace an existing file.
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    linked?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_once_and_loads_only_with_its_passphrase_and_mode() {
        let directory = tempfile::tempdir().unwrap();
        let mut keyring = Keyring::default();
        let rng = Rng::seeded(1);
        keyring.create(directory.path(), "11440100X00000027D", Usage::LICENCE, "secret", &rng).unwrap();
        let again = keyring.create(directory.path(), "11440100X00000027D", Usage::LICENCE, "secret", &rng);
        assert!(matches!(again, Err(KeysError::File { .. })), "an existing key is never overwritten");
        let loaded = Keyring::load(directory.path(), "secret").unwrap();
        let key = |ring: &Keyring| *ring.signer("11440100X00000027D", Usage::LICENCE).unwrap().public_key();
        assert_eq!(key(&loaded), key(&keyring));
        assert!(matches!(Keyring::load(directory.path(), "other"), Err(KeysError::Decrypt { .. })));
        // What a process that was stopped has left behind is passed over, and replaced.
        let left = directory.path().join(".unfinished-11440100X00000027D.status.pem");
        fs::write(&left, "half a k").unwrap();
        assert_eq!(key(&Keyring::load(directory.path(), "secret").unwrap()), key(&keyring));
        keyring.create(directory.path(), "11440100X00000027D", Usage::STATUS, "secret", &rng).unwrap();
        assert!(!left.exists());
        assert_eq!(Keyring::load(directory.path(), "secret").unwrap().iter().count(), 2);
        let path = directory.path().join("11440100X00000027D.licence.pem");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Keyring::load(directory.path(), "secret"), Err(KeysError::OpenPermissions { .. })));
    }
}
