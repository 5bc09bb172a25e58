//! Where a node keeps its data if not in SQLite in its data directory: a PostgreSQL database, by its connection string.
//!
//! In scope: the `[store]` part, and the password, which never stands in the string: so the string may be printed, and nothing of
//! the password reaches a log, a list of processes or an error. Out of scope: what the string may say (`licence-store-postgres`).

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::node::config::{ConfigError, read_passphrase};

/// A PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    url: String,
    password_file: Option<PathBuf>,
}

impl Database {
    /// A database by its URL, without a password, and the file that holds the password, if one is needed.
    ///
    /// # Errors
    /// What is wrong, without the URL: it may hold a password.
    pub fn new(url: &str, password_file: Option<PathBuf>) -> Result<Database, String> {
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let rest = rest.ok_or("应以 postgres:// 开头 / must begin with postgres://")?;
        let (front, query) = rest.split_once('?').unwrap_or((rest, ""));
        let user =
            front.split('/').next().and_then(|place| place.rsplit_once('@')).map_or("", |(user, _)| user);
        let named = query.split('&').any(|pair| pair.split('=').next() == Some("password"));
        if user.contains(':') || named {
            return Err("不得含口令，请写入文件并设 password_file / must hold no password: put it into a file, mode 600, and set \
                        password_file"
                .to_owned());
        }
        Ok(Database { url: url.to_owned(), password_file })
    }

    /// The URL, which holds no password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The connection string, with the password; a relative file is looked for in `directory`.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read, or others may read it.
    pub fn connection(&self, directory: &Path) -> Result<Zeroizing<String>, ConfigError> {
        let Some(file) = &self.password_file else { return Ok(Zeroizing::new(self.url.clone())) };
        let password = read_passphrase(&directory.join(file))?;
        let mut text = Zeroizing::new(self.url.clone());
        text.push_str(if self.url.contains('?') { "&password=" } else { "?password=" });
        for byte in password.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => text.push(char::from(byte)),
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_password_or_of_another_kind_is_refused_and_never_repeated() {
        for url in [
            "postgres://elic:geheim@db.example/elic",
            "postgresql://elic:@db.example/elic",
            "postgres:///elic?host=/run/postgresql&password=geheim",
            "mysql://elic@geheim/elic",
            "host=geheim",
            "",
        ] {
            let told = Database::new(url, None).unwrap_err();
            assert!(!told.contains("geheim"), "{told}");
        }
        for url in ["postgres://elic@[::1]:5433/elic", "postgres:///elic?host=/run/postgresql&user=elic"] {
            assert_eq!(Database::new(url, None).unwrap().url(), url);
        }
    }

    #[test]
    fn the_password_comes_from_a_file_that_others_cannot_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("database-password");
        std::fs::write(&path, "a&b é\n").unwrap();
        let with =
            |url| Database::new(url, Some("database-password".into())).unwrap().connection(directory.path());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(with("postgres://u@h/d").unwrap_err().to_string().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(*with("postgres://u@h/d").unwrap(), "postgres://u@h/d?password=a%26b%20%C3%A9");
        assert_eq!(*with("postgres:///d?user=u").unwrap(), "postgres:///d?user=u&password=a%26b%20%C3%A9");
    }
}
