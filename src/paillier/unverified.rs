//! Public keys that came from outside and are not trusted yet.

use rayon::prelude::*;
use rug::Integer;
use rug::integer::Order;

use super::KeySize;
use super::proof::{KeyProof, check_modulus, fixed_width};
use super::public_key::PublicKey;
use crate::error::{Error, KeyFault, Result};
use crate::fingerprint::Fingerprint;
use crate::threads;

/// A modulus that somebody sent, with the proof it came with.
///
/// Nothing can be done with it until [`verify`](Self::verify) has shown gcd(n, phi(n)) = 1: under a key without that
/// property the evaluator's responses would tell more than the answers.
#[derive(Debug, Clone)]
pub struct UnverifiedPublicKey {
    pub(super) n: Integer,
    pub(super) short_nonces: bool,
    pub(super) proof: Option<KeyProof>,
}

impl UnverifiedPublicKey {
    /// A modulus of exactly 2048, 3072 or 4096 bits.
    ///
    /// `short_nonces` is the owner's declaration that n = pq with p = q = 3 mod 4 and gcd(p - 1, q - 1) = 2; see
    /// [`NonceMethod::PublicBase`](super::NonceMethod::PublicBase).
    ///
    /// # Errors
    /// [`KeyFault::Size`] for any other length.
    pub fn new(n: Integer, short_nonces: bool, proof: Option<KeyProof>) -> Result<Self> {
        let bits = n.significant_bits();
        if n < 0 {
            return Err(KeyFault::Size { bits }.into());
        }
        KeySize::try_from(bits)?;
        Ok(Self { n, short_nonces, proof })
    }

    /// A modulus from big-endian bytes, whose number is checked before an integer is made of them.
    pub(crate) fn from_bytes(n: &[u8], short_nonces: bool) -> Result<Self> {
        let zeros = n.first().map_or(0, |byte| byte.leading_zeros());
        if zeros == u8::BITS {
            return Err(Error::malformed("public key", "the modulus has leading zeros"));
        }
        KeySize::try_from(u32::try_from(8 * n.len()).unwrap_or(u32::MAX) - zeros)?;
        Self::new(Integer::from_digits(n, Order::Msf), short_nonces, None)
    }

    pub(crate) fn with_proof(self, proof: KeyProof) -> Self {
        Self { proof: Some(proof), ..self }
    }

    pub(crate) fn without_proof(self) -> Self {
        Self { proof: None, ..self }
    }

    /// The modulus n.
    pub fn modulus(&self) -> &Integer {
        &self.n
    }

    /// Whether the owner declares that short nonces may be used.
    pub fn short_nonces(&self) -> bool {
        self.short_nonces
    }

    /// The key proof it came with.
    pub fn proof(&self) -> Option<&KeyProof> {
        self.proof.as_ref()
    }

    /// Length of the modulus in bits.
    pub fn bits(&self) -> u32 {
        self.n.significant_bits()
    }

    /// SHA-256 of the modulus in big-endian bytes.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.n)
    }

    /// Checks modulus and proof: eleven powers modulo n, some tenth of a second. Remember the fingerprint to do it once a key.
    ///
    /// # Errors
    /// [`Error::Key`] with the reason: even, a small factor, prime, no proof, or a proof that does not
    /// hold.
    pub fn verify(self) -> Result<PublicKey> {
        super::KeySize::try_from(self.bits())?;
        threads::run(|| {
            check_modulus(&self.n)?;
            let proof = self.proof.as_ref().ok_or(KeyFault::MissingProof)?;
            proof.verify(&self.n)?;
            PublicKey::trusted(self.n, self.short_nonces, self.proof)
        })?
    }

    /// Takes the key without looking at the proof: for a key whose fingerprint was verified before, or one's own.
    ///
    /// # Errors
    /// [`Error::Key`] if the modulus is even, has a small factor or is prime.
    pub fn assume_verified(self) -> Result<PublicKey> {
        check_modulus(&self.n)?;
        PublicKey::trusted(self.n, self.short_nonces, self.proof)
    }

    /// Verifies many keys, all cores busy.
    ///
    /// # Errors
    /// [`Error::Threads`] if the pool cannot start; each key's own result is in the list.
    pub fn verify_batch(keys: Vec<Self>) -> Result<Vec<Result<PublicKey>>> {
        threads::run(|| keys.into_par_iter().map(Self::verify).collect())
    }
}

impl From<&PublicKey> for UnverifiedPublicKey {
    /// The key as somebody else would receive it.
    fn from(key: &PublicKey) -> Self {
        Self { n: key.modulus().clone(), short_nonces: key.short_nonces(), proof: key.proof().cloned() }
    }
}

/// SHA-256 of n in big-endian bytes.
pub(super) fn fingerprint(n: &Integer) -> Fingerprint {
    Fingerprint::of(&fixed_width(n, n.significant_digits::<u8>()))
}
