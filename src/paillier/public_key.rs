//! A public key that may be used.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rug::Integer;

use super::proof::{KeyProof, challenge};
use super::unverified::fingerprint;
use crate::arith::Backend;
use crate::arith::fixed_base::FixedBase;
use crate::arith::montgomery::Montgomery;
use crate::arith::portable::{ConstantTime, Portable, VariableTime};
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::secret::Limbs;

/// The modulus n, with what makes work modulo n^2 quick. Cheap to clone.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    n: Integer,
    square: Integer,
    square_limbs: Limbs,
    fingerprint: Fingerprint,
    short_nonces: bool,
    proof: OnceLock<KeyProof>,
    /// For ciphertexts, which are public.
    variable_time: Portable<VariableTime>,
    /// For nonces and plaintexts.
    constant_time: Arc<Portable<ConstantTime>>,
    montgomery: Arc<Montgomery>,
    /// Powers of the nonce base, made when first wanted.
    nonce_table: OnceLock<FixedBase<Portable<ConstantTime>>>,
}

impl PublicKey {
    /// A key that was verified, or that was made here.
    pub(super) fn trusted(n: Integer, short_nonces: bool, proof: Option<KeyProof>) -> Result<Self> {
        if !n.significant_bits().is_multiple_of(128) {
            return Err(Error::Bug("a modulus that is not a whole number of limbs"));
        }
        // The one engine so far; a name that is not known is an error all the same.
        let Backend::Portable = Backend::selected()?;
        let montgomery = Arc::new(Montgomery::new(&n));
        let square = n.clone().square();
        let is_one_mod_four = n.mod_u(4) == 1;
        let square_limbs = Limbs::from_integer(&square, 2 * n.significant_digits::<u64>());
        Ok(Self(Arc::new(Inner {
            fingerprint: fingerprint(&n),
            variable_time: Portable::new(montgomery.clone()),
            constant_time: Arc::new(Portable::new(montgomery.clone())),
            n,
            square,
            square_limbs,
            // p = q = 3 mod 4 makes n = 1 mod 4: a declaration that cannot be true is not followed.
            short_nonces: short_nonces && is_one_mod_four,
            proof: proof.map(OnceLock::from).unwrap_or_default(),
            montgomery,
            nonce_table: OnceLock::new(),
        })))
    }

    /// The modulus n.
    pub fn modulus(&self) -> &Integer {
        &self.0.n
    }

    /// n^2.
    pub(crate) fn modulus_squared(&self) -> &Integer {
        &self.0.square
    }

    pub(super) fn square_limbs(&self) -> &[u64] {
        &self.0.square_limbs
    }

    /// Length of n in bits.
    pub fn bits(&self) -> u32 {
        self.0.n.significant_bits()
    }

    /// Limbs of n.
    pub(crate) fn limbs(&self) -> usize {
        self.bits() as usize / 64
    }

    /// SHA-256 of n in big-endian bytes.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// Whether the owner declared p = q = 3 mod 4 and gcd(p - 1, q - 1) = 2, which
    /// [`NonceMethod::PublicBase`](super::NonceMethod::PublicBase) rests on.
    pub fn short_nonces(&self) -> bool {
        self.0.short_nonces
    }

    /// The key proof, where the key came with one or the secret key made one.
    pub fn proof(&self) -> Option<&KeyProof> {
        self.0.proof.get()
    }

    pub(super) fn proof_cell(&self) -> &OnceLock<KeyProof> {
        &self.0.proof
    }

    pub(crate) fn variable_time(&self) -> &Portable<VariableTime> {
        &self.0.variable_time
    }

    pub(crate) fn constant_time(&self) -> &Portable<ConstantTime> {
        &self.0.constant_time
    }

    pub(crate) fn montgomery(&self) -> &Montgomery {
        &self.0.montgomery
    }

    /// h_n = (-x^2)^n mod n^2, x from a hash of n: the base of short nonces.
    pub(super) fn nonce_base(&self) -> Result<Integer> {
        let x = challenge("nonce-base", &self.0.n, 0)?;
        let h = &self.0.n - x.square() % &self.0.n;
        h.pow_mod(&self.0.n, &self.0.square).map_err(|_| Error::Bug("a power with a positive exponent failed"))
    }

    pub(super) fn nonce_table(&self) -> Result<&FixedBase<Portable<ConstantTime>>> {
        if self.0.nonce_table.get().is_none() {
            let base = self.nonce_base()?;
            let inverse =
                base.clone().invert(&self.0.square).map_err(|_| Error::Bug("the nonce base is not a unit"))?;
            let limbs = |value: &Integer| Limbs::from_integer(value, 2 * self.limbs());
            let table = FixedBase::new(self.0.constant_time.clone(), &limbs(&base), &limbs(&inverse), self.bits() / 2);
            // Two threads may both have made it; one is kept.
            let _ = self.0.nonce_table.set(table);
        }
        self.0.nonce_table.get().ok_or(Error::Bug("the nonce table vanished"))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.n == other.0.n
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits, {})", self.bits(), self.fingerprint())
    }
}
