//! Either half of a key, for whoever encrypts.

use super::{Ciphertext, Nonce, NonceMethod, Plaintext, PublicKey, SecretKey};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::Result;
use crate::threads;

/// A public or a secret key. Whoever has the secret one encrypts in six to nine tenths of the time.
#[derive(Debug, Clone)]
pub(crate) enum EncryptionKey {
    Public(PublicKey),
    Secret(SecretKey),
}

impl EncryptionKey {
    /// The public half.
    pub(crate) fn public(&self) -> &PublicKey {
        match self {
            Self::Public(key) => key,
            Self::Secret(key) => key.public_key(),
        }
    }

    /// The quickest way to draw nonces.
    pub(crate) fn nonce_method(&self) -> NonceMethod {
        match self {
            Self::Public(key) => key.nonce_method(),
            Self::Secret(key) => key.nonce_method(),
        }
    }

    /// Refuses a method that this key does not permit.
    pub(crate) fn permit(&self, method: NonceMethod) -> Result<()> {
        match self {
            Self::Public(key) => key.permit(method),
            Self::Secret(key) => key.permit(method),
        }
    }

    /// Makes the tables that the method wants.
    pub(super) fn prepare(&self, method: NonceMethod) -> Result<()> {
        self.permit(method)?;
        threads::run(|| match (method, self) {
            (NonceMethod::PublicBase, _) => self.public().nonce_table().map(drop),
            (NonceMethod::RandomBases, _) => self.public().random_bases_table(&mut SystemEntropy).map(drop),
            (NonceMethod::SecretBase, Self::Secret(key)) => key.nonce_tables().map(drop),
            _ => Ok(()),
        })?
    }

    /// Draws nonces.
    pub(crate) fn nonces_from(
        &self,
        method: NonceMethod,
        count: usize,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Nonce>> {
        match self {
            Self::Public(key) => key.nonces_from(method, count, entropy),
            Self::Secret(key) => key.nonces_from(method, count, entropy),
        }
    }

    /// Encrypts with fresh nonces.
    pub(crate) fn encrypt_batch_from(
        &self,
        method: NonceMethod,
        plaintexts: &[Plaintext],
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Ciphertext>> {
        match self {
            Self::Public(key) => key.encrypt_batch_from(method, plaintexts, entropy),
            Self::Secret(key) => key.encrypt_batch_from(method, plaintexts, entropy),
        }
    }
}
