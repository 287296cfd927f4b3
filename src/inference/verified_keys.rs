//! Public keys whose proof was checked before.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Request;
use crate::error::{Error, KeyFault, Result};
use crate::fingerprint::Fingerprint;
use crate::paillier::{PublicKey, UnverifiedPublicKey};

/// Most fingerprints that are remembered. Anybody can make keys; that must not fill memory or make a file unreadable.
const MOST: usize = 16_000;
/// Longest file that is read, with room for what several processes found out at the same time.
const LIMIT: u64 = 1 << 20;

const WHAT: &str = "file of verified keys";

/// Remembers the fingerprints of verified keys, in a file if wanted, so that a proof is checked once a key: of the first
/// 16,000 keys, that is, and each time of any further.
///
/// The file has one fingerprint a line. Whoever can write it can make the evaluator accept a key unseen.
#[derive(Debug, Default)]
pub struct VerifiedKeys {
    fingerprints: BTreeSet<Fingerprint>,
    pin: Option<Fingerprint>,
    file: Option<PathBuf>,
}

impl VerifiedKeys {
    /// None yet, kept in memory only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those in a file, which is made when the first key is verified.
    ///
    /// # Errors
    /// [`Error::Io`], also if there is no folder to make it in; [`Error::TooLarge`] above 1 MiB; [`Error::Malformed`] if a line
    /// is not a fingerprint.
    pub fn open(path: &Path) -> Result<Self> {
        let mut text = Vec::new();
        match std::fs::File::open(path) {
            Ok(file) => file.take(LIMIT + 1).read_to_end(&mut text).map_err(|error| Error::io(path, &error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && has_folder(path) => 0,
            Err(error) => return Err(Error::io(path, &error)),
        };
        if text.len() as u64 > LIMIT {
            return Err(Error::TooLarge { what: WHAT, found: text.len() as u64, limit: LIMIT });
        }
        let text = std::str::from_utf8(&text).map_err(|_| Error::malformed(WHAT, "it is not text"))?;
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(Error::malformed(WHAT, "it is cut in its last line"));
        }
        let fingerprints = text.lines().map(str::parse).collect::<Result<_>>()?;
        Ok(Self { fingerprints, pin: None, file: Some(path.into()) })
    }

    /// Accepts requests under this key only.
    pub fn pin(mut self, key: Fingerprint) -> Self {
        self.pin = Some(key);
        self
    }

    /// Number of keys that were verified.
    pub fn count(&self) -> usize {
        self.fingerprints.len()
    }

    /// The key of a request, verified now or before.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if another key is pinned; [`Error::Argument`] if the request comes without its key;
    /// [`Error::Key`] if the key does not pass; [`Error::Io`] if the file cannot be written.
    pub fn admit(&mut self, request: &Request) -> Result<PublicKey> {
        self.admit_with(request, carried(request)?)
    }

    /// [`admit`](Self::admit) with a public key from elsewhere, for a request that does not carry its own.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if it is not the request's key; otherwise as [`admit`](Self::admit).
    pub fn admit_with(&mut self, request: &Request, key: UnverifiedPublicKey) -> Result<PublicKey> {
        self.expect(request, &key)?;
        self.verify(key)
    }

    /// [`admit_with`](Self::admit_with) for keys that threads share, where nobody waits while another thread checks a proof.
    pub(crate) fn admit_shared(shared: &Mutex<Self>, request: &Request, key: UnverifiedPublicKey) -> Result<PublicKey> {
        // A panic inside leaves at worst a key out that was verified.
        let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = lock();
        keys.expect(request, &key)?;
        let known = keys.fingerprints.contains(&key.fingerprint());
        drop(keys);
        if known {
            return key.without_proof().assume_verified();
        }
        let key = prove(key)?;
        lock().remember(key.fingerprint())?;
        Ok(key)
    }

    /// Refuses a key that is not the request's or not the pinned one.
    fn expect(&self, request: &Request, key: &UnverifiedPublicKey) -> Result<()> {
        let found = request.header().key();
        if let Some(expected) = self.pin.filter(|pin| *pin != found) {
            return Err(Error::KeyMismatch { expected, found });
        }
        let expected = key.fingerprint();
        if expected != found {
            return Err(Error::KeyMismatch { expected, found });
        }
        Ok(())
    }

    /// Checks a key's proof unless that was done before.
    ///
    /// # Errors
    /// [`Error::Key`] if the key does not pass; [`Error::Io`] if the file cannot be written.
    pub fn verify(&mut self, key: UnverifiedPublicKey) -> Result<PublicKey> {
        let fingerprint = key.fingerprint();
        if self.fingerprints.contains(&fingerprint) {
            // The proof that came this time is not looked at, so it is not passed on either.
            return key.without_proof().assume_verified();
        }
        let key = prove(key)?;
        self.remember(fingerprint)?;
        Ok(key)
    }

    /// Keeps the fingerprint of a key that was verified.
    fn remember(&mut self, fingerprint: Fingerprint) -> Result<()> {
        if self.fingerprints.len() < MOST && !self.fingerprints.contains(&fingerprint) {
            if let Some(path) = &self.file {
                // In one piece: other processes may append at the same time.
                let line = format!("{fingerprint}\n");
                let append = || {
                    let mut options = OpenOptions::new();
                    options.create(true).append(true);
                    // Who can write it can have a bad key accepted, so it begins as its owner's alone.
                    #[cfg(unix)]
                    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                    let mut file = options.open(path)?;
                    // Several processes may fill one file; it must stay readable.
                    if file.metadata()?.len() >= (MOST * line.len()) as u64 {
                        return Ok(());
                    }
                    file.write_all(line.as_bytes())
                };
                append().map_err(|error: std::io::Error| Error::io(path, &error))?;
            }
            self.fingerprints.insert(fingerprint);
        }
        Ok(())
    }
}

/// The public key that a request carries.
pub(crate) fn carried(request: &Request) -> Result<UnverifiedPublicKey> {
    request.public_key().cloned().ok_or_else(|| {
        let named = request.header().key();
        Error::Argument(format!("the request names key {named} and does not carry it; send it with its public key"))
    })
}

fn prove(key: UnverifiedPublicKey) -> Result<PublicKey> {
    if key.proof().is_none() {
        return Err(KeyFault::MissingProof.into());
    }
    key.verify()
}

/// Whether a file could be made there.
fn has_folder(path: &Path) -> bool {
    let folder = path.parent().filter(|_| path.file_name().is_some());
    folder.is_some_and(|folder| folder.as_os_str().is_empty() || folder.is_dir())
}
