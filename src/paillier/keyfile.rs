//! Secret keys as files: for their owner alone, and encrypted under a passphrase when asked.

use std::io::{Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::SecretKey;
use super::jwk::LIMIT;
use crate::error::{Error, Result};

impl SecretKey {
    /// Writes a secret key file that only its owner may read (mode 0600 where the system has modes). Never overwrites.
    ///
    /// # Errors
    /// [`Error::Io`] if the file exists already or cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_new(path, self.to_json()?.as_bytes())
    }

    /// Reads a secret key file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Argument`] if it is encrypted under a passphrase; otherwise as
    /// [`from_json`](Self::from_json).
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_json(text(&read(path)?)?)
    }
}

/// Files in the [age format](https://age-encryption.org/v1), so that `age -d` opens them as well.
#[cfg(feature = "passphrase")]
impl SecretKey {
    /// A secret key file, encrypted under a passphrase: scrypt makes each guess cost half a second and 256 MB.
    ///
    /// # Errors
    /// [`Error::Argument`] if the passphrase is empty; otherwise as [`proof`](Self::proof).
    pub fn to_encrypted(&self, passphrase: &str) -> Result<Vec<u8>> {
        if passphrase.is_empty() {
            return Err(Error::Argument("an empty passphrase protects nothing".into()));
        }
        sealed::encrypt(self.to_json()?.as_bytes(), passphrase)
    }

    /// Writes a secret key file that only its owner may read, encrypted under a passphrase. Never overwrites.
    ///
    /// # Errors
    /// As [`to_encrypted`](Self::to_encrypted); [`Error::Io`] if the file exists already or cannot be written.
    pub fn save_encrypted(&self, path: &Path, passphrase: &str) -> Result<()> {
        write_new(path, &self.to_encrypted(passphrase)?)
    }

    /// Reads a file that [`save_encrypted`](Self::save_encrypted) or `age` wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; otherwise as [`from_encrypted`](Self::from_encrypted).
    pub fn load_encrypted(path: &Path, passphrase: &str) -> Result<Self> {
        Self::from_encrypted(&read(path)?, passphrase)
    }

    /// Reads a secret key file that is encrypted under a passphrase.
    ///
    /// # Errors
    /// [`Error::Passphrase`] if it is the wrong one; [`Error::TooLarge`], [`Error::Malformed`] if the file is not what it
    /// should be; otherwise as [`from_json`](Self::from_json).
    pub fn from_encrypted(bytes: &[u8], passphrase: &str) -> Result<Self> {
        if bytes.len() > LIMIT {
            return Err(Error::TooLarge { what: "secret key", found: bytes.len() as u64, limit: LIMIT as u64 });
        }
        if !is_encrypted(bytes) {
            return Err(Error::malformed("secret key", "it is not encrypted under a passphrase"));
        }
        Self::from_json(text(&sealed::decrypt(bytes, passphrase)?)?)
    }
}

/// Whether the bytes of a key file are encrypted under a passphrase.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(b"age-encryption.org/v1")
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| Error::io(path, &error))?;
    // Half a key would be of no use, and in the way of the next attempt.
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = std::fs::remove_file(path);
        Error::io(path, &error)
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    // Room for all of it from the start, because growth would leave copies behind; one byte above the limit shows that a
    // file is too long, however long it is.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT + 1));
    let file = std::fs::File::open(path).map_err(|error| Error::io(path, &error))?;
    file.take(LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(|error| Error::io(path, &error))?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Result<&str> {
    if is_encrypted(bytes) {
        return Err(Error::Argument("the secret key file is encrypted; open it with its passphrase".into()));
    }
    std::str::from_utf8(bytes).map_err(|_| Error::malformed("secret key", "it is not UTF-8"))
}

#[cfg(feature = "passphrase")]
mod sealed {
    use age::scrypt::{Identity, Recipient};
    use age::secrecy::SecretString;

    use super::*;

    /// Logarithm of scrypt's cost: what `age` itself takes on a machine of 2024.
    const WORK: u8 = 18;
    /// A hostile file cannot ask for more than a gigabyte and some seconds.
    const MAX_WORK: u8 = 20;

    pub(super) fn encrypt(plain: &[u8], passphrase: &str) -> Result<Vec<u8>> {
        let mut recipient = Recipient::new(SecretString::from(passphrase));
        recipient.set_work_factor(WORK);
        age::encrypt(&recipient, plain).map_err(|_| Error::Bug("encryption under a passphrase failed"))
    }

    pub(super) fn decrypt(sealed: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>> {
        let mut identity = Identity::new(SecretString::from(passphrase));
        identity.set_max_work_factor(MAX_WORK);
        age::decrypt(&identity, sealed).map(Zeroizing::new).map_err(|error| match error {
            age::DecryptError::NoMatchingKeys | age::DecryptError::DecryptionFailed => Error::Passphrase,
            other => Error::malformed("encrypted secret key", other.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_secret_key_file_is_for_its_owner_alone_and_is_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let secret = SecretKey::from_json(include_str!("../../tests/data/secret-key-2048.json")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.json");
        secret.save(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SecretKey::load(&path).unwrap().public_key(), secret.public_key());
        assert!(matches!(secret.save(&path), Err(Error::Io { .. })));
        assert!(matches!(SecretKey::load(&folder.path().join("none")), Err(Error::Io { .. })));
    }

    #[cfg(feature = "passphrase")]
    #[test]
    fn an_encrypted_key_file_opens_with_its_passphrase_alone() {
        let secret = SecretKey::from_json(include_str!("../../tests/data/secret-key-2048.json")).unwrap();
        let bytes = secret.to_encrypted("correct horse").unwrap();
        assert!(is_encrypted(&bytes));
        let open = |bytes: &[u8], passphrase: &str| SecretKey::from_encrypted(bytes, passphrase);
        assert_eq!(open(&bytes, "correct horse").unwrap().public_key(), secret.public_key());
        assert_eq!(open(&bytes, "battery staple").unwrap_err(), Error::Passphrase);
        for cut in [30, bytes.len() - 1] {
            let error = open(&bytes[..cut], "correct horse").unwrap_err();
            assert!(matches!(error, Error::Malformed { .. } | Error::Passphrase), "{error:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(secret.to_encrypted(""), Err(Error::Argument(_))));
        let path = folder.path().join("secret.age");
        secret.save_encrypted(&path, "correct horse").unwrap();
        assert!(matches!(secret.save_encrypted(&path, "correct horse"), Err(Error::Io { .. })), "it is there already");
        assert_eq!(SecretKey::load_encrypted(&path, "correct horse").unwrap().public_key(), secret.public_key());
        assert!(matches!(SecretKey::load(&path), Err(Error::Argument(_))), "without a passphrase it says so");
    }
}
