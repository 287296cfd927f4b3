//! A public key that may be used.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rug::Integer;

use super::proof::{KeyProof, challenge};
use super::random_bases;
use super::unverified::fingerprint;
use crate::arith::{Backend, FixedBasePowers, Montgomery, Ring, Timing};
use crate::entropy::Entropy;
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
    workings: Workings,
    montgomery: Arc<Montgomery>,
    /// For ciphertexts, which are public.
    variable_time: Arc<dyn Ring>,
    /// For nonces and plaintexts.
    constant_time: Arc<dyn Ring>,
    /// Powers of the nonce base, made when first wanted.
    nonce_table: OnceLock<Box<dyn FixedBasePowers>>,
    /// Powers of random residues, made when first wanted.
    random_bases: OnceLock<Box<dyn FixedBasePowers>>,
}

/// What a key computes with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workings {
    pub(super) backend: Backend,
    /// Bytes that tables of nonces may take.
    pub(super) table_memory: usize,
}

impl Workings {
    fn selected() -> Result<Self> {
        Ok(Self { backend: Backend::selected()?, table_memory: PublicKey::DEFAULT_TABLE_MEMORY })
    }
}

impl PublicKey {
    /// Bytes that the tables of a key may take unless [`with_table_memory`](Self::with_table_memory) says otherwise.
    pub const DEFAULT_TABLE_MEMORY: usize = 64 << 20;

    /// A key that was verified, or that was made here.
    pub(super) fn trusted(n: Integer, short_nonces: bool, proof: Option<KeyProof>) -> Result<Self> {
        Self::working_with(Workings::selected()?, n, short_nonces, proof.map(OnceLock::from).unwrap_or_default())
    }

    fn working_with(workings: Workings, n: Integer, short_nonces: bool, proof: OnceLock<KeyProof>) -> Result<Self> {
        if !n.significant_bits().is_multiple_of(128) {
            return Err(Error::Bug("a modulus that is not a whole number of limbs"));
        }
        let montgomery = Arc::new(Montgomery::new(&n));
        let ring = |timing| workings.backend.ring(montgomery.clone(), timing, 1);
        let (variable_time, constant_time) = (ring(Timing::Variable)?, ring(Timing::Constant)?);
        let square = n.clone().square();
        let square_limbs = Limbs::from_integer(&square, 2 * n.significant_digits::<u64>());
        Ok(Self(Arc::new(Inner {
            fingerprint: fingerprint(&n),
            // p = q = 3 mod 4 makes n = 1 mod 4: a declaration that cannot be true is not followed.
            short_nonces: short_nonces && n.mod_u(4) == 1,
            n,
            square,
            square_limbs,
            proof,
            workings,
            montgomery,
            variable_time,
            constant_time,
            nonce_table: OnceLock::new(),
            random_bases: OnceLock::new(),
        })))
    }

    /// The engine that works for this key.
    pub fn backend(&self) -> Backend {
        self.0.workings.backend
    }

    /// The same key on another engine than [`Backend::selected`], with tables of its own.
    ///
    /// # Errors
    /// [`Error::Backend`] if this machine lacks what the engine needs.
    pub fn on(&self, backend: Backend) -> Result<Self> {
        self.with_workings(Workings { backend, ..self.workings() })
    }

    /// The same key with tables of its own, which take at most that many bytes: those of
    /// [`NonceMethod::PublicBase`](super::NonceMethod::PublicBase), and as many again those of
    /// [`NonceMethod::RandomBases`](super::NonceMethod::RandomBases) where they are wanted. The more there are, the fewer
    /// products a nonce takes, up to where reading them costs more; the shortest tables, of one bit or a few a window, are
    /// made even if they are larger than this.
    pub fn with_table_memory(&self, bytes: usize) -> Self {
        let same = self.with_workings(Workings { table_memory: bytes, ..self.workings() });
        same.expect("the engine that works for this key is there")
    }

    pub(super) fn workings(&self) -> Workings {
        self.0.workings
    }

    pub(super) fn with_workings(&self, workings: Workings) -> Result<Self> {
        Self::working_with(workings, self.0.n.clone(), self.0.short_nonces, self.0.proof.clone())
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

    /// Integers modulo n^2, for ciphertexts.
    pub(super) fn variable_time(&self) -> &dyn Ring {
        &*self.0.variable_time
    }

    /// Integers modulo n^2, for nonces and plaintexts.
    pub(super) fn constant_time(&self) -> &dyn Ring {
        &*self.0.constant_time
    }

    pub(super) fn montgomery(&self) -> &Montgomery {
        &self.0.montgomery
    }

    /// h_n = (-x^2)^n mod n^2, x from a hash of n: the base of short nonces.
    pub(super) fn nonce_base(&self) -> Result<Integer> {
        let x = challenge("nonce-base", &self.0.n, 0)?;
        let root = Limbs::from_integer(&(&self.0.n - x.square() % &self.0.n), self.limbs());
        let n = Limbs::from_integer(&self.0.n, self.limbs());
        let power = self.0.variable_time.powers(&[&root], &[&n]).pop();
        power.map(|power| power.to_integer()).ok_or(Error::Bug("a list of one came back empty"))
    }

    pub(super) fn nonce_table(&self) -> Result<&dyn FixedBasePowers> {
        if self.0.nonce_table.get().is_none() {
            let base = self.nonce_base()?;
            let inverse =
                base.clone().invert(&self.0.square).map_err(|_| Error::Bug("the nonce base is not a unit"))?;
            let limbs = |value: &Integer| Limbs::from_integer(value, 2 * self.limbs());
            let (base, inverse, memory) = (limbs(&base), limbs(&inverse), self.workings().table_memory);
            let table = self.0.constant_time.fixed_base([&[1]; 2], [&base, &inverse], self.bits() / 2, memory);
            // Two threads may both have made it; one is kept.
            let _ = self.0.nonce_table.set(table);
        }
        self.0.nonce_table.get().map(|table| &**table).ok_or(Error::Bug("the nonce table vanished"))
    }

    /// The table of [`NonceMethod::RandomBases`](super::NonceMethod::RandomBases).
    pub(super) fn random_bases_table(&self, entropy: &mut dyn Entropy) -> Result<&dyn FixedBasePowers> {
        if self.0.random_bases.get().is_none() {
            // Two threads may both have made one; one is kept.
            let _ = self.0.random_bases.set(random_bases::table(self, self.workings().table_memory, entropy)?);
        }
        self.0.random_bases.get().map(|table| &**table).ok_or(Error::Bug("the table of random bases vanished"))
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
