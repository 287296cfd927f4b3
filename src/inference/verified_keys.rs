//! Public keys whose proof was checked before.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::Request;
use crate::error::{Error, KeyFault, Result};
use crate::fingerprint::Fingerprint;
use crate::paillier::{PublicKey, UnverifiedPublicKey};

/// Longest file that is read: 16,000 fingerprints.
const LIMIT: u64 = 1 << 20;

/// Remembers the fingerprints of verified keys, in a file if wanted, so that a proof is checked once a key.
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
    /// [`Error::Io`]; [`Error::TooLarge`] above 1 MiB; [`Error::Malformed`] if a line is not a fingerprint.
    pub fn open(path: &Path) -> Result<Self> {
        let mut text = String::new();
        match std::fs::File::open(path) {
            Ok(file) => file.take(LIMIT + 1).read_to_string(&mut text).map_err(|error| Error::io(path, &error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(Error::io(path, &error)),
        };
        if text.len() as u64 > LIMIT {
            let found = text.len() as u64;
            return Err(Error::TooLarge { what: "file of verified keys", found, limit: LIMIT });
        }
        let fingerprints = text.lines().map(|line| line.trim().parse()).collect::<Result<_>>()?;
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
        let found = request.header().key();
        if let Some(expected) = self.pin.filter(|pin| *pin != found) {
            return Err(Error::KeyMismatch { expected, found });
        }
        let key = request.public_key().ok_or_else(|| {
            Error::Argument(format!("the request names key {found} and does not carry it; send it with its public key"))
        })?;
        self.verify(key.clone())
    }

    /// Checks a key's proof unless that was done before.
    ///
    /// # Errors
    /// [`Error::Key`] if the key does not pass; [`Error::Io`] if the file cannot be written.
    pub fn verify(&mut self, key: UnverifiedPublicKey) -> Result<PublicKey> {
        let fingerprint = key.fingerprint();
        if self.fingerprints.contains(&fingerprint) {
            return key.assume_verified();
        }
        if key.proof().is_none() {
            return Err(KeyFault::MissingProof.into());
        }
        let key = key.verify()?;
        if let Some(path) = &self.file {
            let append = || writeln!(OpenOptions::new().create(true).append(true).open(path)?, "{fingerprint}");
            append().map_err(|error: std::io::Error| Error::io(path, &error))?;
        }
        self.fingerprints.insert(fingerprint);
        Ok(key)
    }
}
