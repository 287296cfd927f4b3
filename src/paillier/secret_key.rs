//! The secret key: decryption, quick nonces, the key proof.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use rug::Integer;
use rug::integer::IsPrime;

use super::generate::{PRIMALITY_ROUNDS, permits_short_nonces};
use super::nonce::Messages;
use super::operations::only;
use super::public_key::Workings;
use super::{Ciphertext, KeyProof, Nonce, NonceMethod, Plaintext, PublicKey};
use crate::arith::{Backend, FixedBasePowers, Montgomery, Ring, Timing};
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, KeyFault, Result};
use crate::secret::{Limbs, WipedInteger, slices};
use crate::threads;

/// The factors of n. Cheap to clone; wiped when the last clone goes. `Debug` shows the public part only.
#[derive(Clone)]
pub struct SecretKey(Arc<Inner>);

struct Inner {
    public: PublicKey,
    p: Factor,
    q: Factor,
    /// p^-1 mod q, which joins plaintexts.
    p_inverse: Limbs,
    /// Powers of the nonce base divided by q^2 modulo p^2, and by p^2 modulo q^2, made when first wanted.
    nonce_tables: OnceLock<[Box<dyn FixedBasePowers>; 2]>,
}

/// What belongs to one of the two primes, here called p; the other is q.
struct Factor {
    modulus: Arc<Montgomery>,
    /// Integers modulo p^2.
    ring: Arc<dyn Ring>,
    /// p - 1.
    order: Limbs,
    /// (-q)^-1 mod p, which takes c^(p-1) = 1 - m q p mod p^2 to m mod p.
    h: Limbs,
    /// q mod p as a [long factor](Montgomery::long_factor): (1 + m n) mod p^2 = 1 + (m q mod p) p.
    cofactor: Limbs,
    /// q^2, in half of the limbs of n^2.
    other_square: Limbs,
}

impl Factor {
    fn new(p: &Integer, q: &Integer, workings: Workings) -> Result<Self> {
        let modulus = Arc::new(Montgomery::new(p));
        let order = WipedInteger(Integer::from(p - 1));
        let negated = WipedInteger(Integer::from(-q).modulo(p));
        let h = WipedInteger(negated.0.clone().invert(p).map_err(|_| KeyFault::Factors)?);
        let cofactor = WipedInteger(Integer::from(q % p));
        let other_square = WipedInteger(Integer::from(q.square_ref()));
        Ok(Self {
            cofactor: modulus.long_factor(&Limbs::from_integer(&cofactor, modulus.length())),
            other_square: Limbs::from_integer(&other_square, modulus.square_length()),
            ring: Self::ring(&modulus, workings)?,
            order: Limbs::from_integer(&order, p.significant_digits::<u64>()),
            h: Limbs::from_integer(&h, modulus.length()),
            modulus,
        })
    }

    /// The same factor on other workings.
    fn with_workings(&self, workings: Workings) -> Result<Self> {
        Ok(Self {
            ring: Self::ring(&self.modulus, workings)?,
            modulus: self.modulus.clone(),
            order: self.order.clone(),
            h: self.h.clone(),
            cofactor: self.cofactor.clone(),
            other_square: self.other_square.clone(),
        })
    }

    /// Both factors work at the same time.
    fn ring(modulus: &Arc<Montgomery>, workings: Workings) -> Result<Arc<dyn Ring>> {
        workings.backend.ring(modulus.clone(), Timing::Constant, 2)
    }

    /// Bits of an exponent.
    fn bits(&self) -> u32 {
        64 * self.order.len() as u32
    }

    /// m mod p from ciphertexts modulo n^2, in constant time.
    fn decrypt(&self, ciphertexts: &[&[u64]]) -> Result<Vec<Limbs>> {
        let powers = self.ring.secret_powers(ciphertexts, &vec![&self.order[..]; ciphertexts.len()], self.bits());
        // Fermat: the first component is 1, or the ciphertext is no unit, or the machine erred.
        let differs = powers.iter().fold(0, |differs, pair| {
            pair.a.iter().skip(1).fold(differs | (pair.a[0] ^ 1), |differs, limb| differs | limb)
        });
        if differs != 0 {
            return Err(Error::Decryption);
        }
        Ok(powers.iter().map(|pair| self.modulus.mul(&pair.b, &self.h)).collect())
    }
}

impl SecretKey {
    /// The key of two primes, for keys that were made elsewhere. Where they are not both 3 mod 4 with
    /// gcd(p - 1, q - 1) = 2, nonces are drawn by [`NonceMethod::Power`].
    ///
    /// # Errors
    /// [`KeyFault::Factors`] unless p and q are distinct primes of the same length; [`KeyFault::Size`] unless n = pq has
    /// 2048, 3072 or 4096 bits.
    pub fn from_primes(p: Integer, q: Integer) -> Result<Self> {
        Self::from_primes_with_proof(WipedInteger(p), WipedInteger(q), None)
    }

    pub(super) fn from_primes_with_proof(p: WipedInteger, q: WipedInteger, proof: Option<KeyProof>) -> Result<Self> {
        let bits = Integer::from(&p.0 * &q.0).significant_bits();
        super::KeySize::try_from(bits)?;
        let is_prime = |x: &Integer| *x > 1 && x.is_probably_prime(PRIMALITY_ROUNDS) != IsPrime::No;
        let half = |x: &Integer| x.significant_bits() == bits / 2;
        if p.0 == q.0 || !half(&p) || !half(&q) || !is_prime(&p) || !is_prime(&q) {
            return Err(KeyFault::Factors.into());
        }
        Self::from_checked_factors(p, q, proof)
    }

    pub(super) fn from_checked_factors(p: WipedInteger, q: WipedInteger, proof: Option<KeyProof>) -> Result<Self> {
        let public = PublicKey::trusted(Integer::from(&p.0 * &q.0), permits_short_nonces(&p, &q), proof)?;
        let workings = public.workings();
        let (p_side, q_side) = (Factor::new(&p, &q, workings)?, Factor::new(&q, &p, workings)?);
        let p_inverse = WipedInteger(p.0.clone().invert(&q.0).map_err(|_| KeyFault::Factors)?);
        let p_inverse = Limbs::from_integer(&p_inverse, q_side.modulus.length());
        let inner = Inner { public, p: p_side, q: q_side, p_inverse, nonce_tables: OnceLock::new() };
        Ok(Self(Arc::new(inner)))
    }

    /// The same key on another engine than [`Backend::selected`], with tables of its own.
    ///
    /// # Errors
    /// [`Error::Backend`] if this machine lacks what the engine needs.
    pub fn on(&self, backend: Backend) -> Result<Self> {
        self.with_workings(Workings { backend, ..self.0.public.workings() })
    }

    /// The same key with tables of its own, which take at most that many bytes: those of
    /// [`NonceMethod::SecretBase`] together, and as many again those of
    /// [the public key](PublicKey::with_table_memory) where they are wanted.
    pub fn with_table_memory(&self, bytes: usize) -> Self {
        let same = self.with_workings(Workings { table_memory: bytes, ..self.0.public.workings() });
        same.expect("the engine that works for this key is there")
    }

    fn with_workings(&self, workings: Workings) -> Result<Self> {
        let Inner { public, p, q, p_inverse, nonce_tables: _ } = &*self.0;
        Ok(Self(Arc::new(Inner {
            public: public.with_workings(workings)?,
            p: p.with_workings(workings)?,
            q: q.with_workings(workings)?,
            p_inverse: p_inverse.clone(),
            nonce_tables: OnceLock::new(),
        })))
    }

    /// The public part.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// The prime factors.
    pub(super) fn primes(&self) -> (WipedInteger, WipedInteger) {
        let prime = |factor: &Factor| WipedInteger(factor.modulus.modulus().to_integer());
        (prime(&self.0.p), prime(&self.0.q))
    }

    /// The key proof, made once and then kept in the public key too.
    ///
    /// # Errors
    /// [`KeyFault::Factors`] if n shares a factor with phi(n), which two primes of the same length do not let happen;
    /// [`KeyFault::WrongProof`] if the machine is faulty.
    pub fn proof(&self) -> Result<&KeyProof> {
        let cell = self.0.public.proof_cell();
        if cell.get().is_none() {
            let (p, q) = self.primes();
            let proof = threads::run(|| KeyProof::prove(self.0.public.modulus(), &p, &q))??;
            // A root that went wrong modulo one prime would give the primes away (Boneh, DeMillo, Lipton 1997).
            proof.check_product(self.0.public.modulus())?;
            // Two threads may both have made it, the same one.
            let _ = cell.set(proof);
        }
        cell.get().ok_or(Error::Bug("the key proof vanished"))
    }

    /// Decrypts one ciphertext, the two primes on two cores, in constant time.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if the ciphertext belongs to another key; [`Error::Decryption`] if a check of the result
    /// fails, which shows a faulty machine.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Plaintext> {
        only(self.decrypt_batch(std::slice::from_ref(ciphertext))?)
    }

    /// Decrypts a list on all cores.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt).
    pub fn decrypt_batch(&self, ciphertexts: &[Ciphertext]) -> Result<Vec<Plaintext>> {
        let numbers = self.0.public.numbers(ciphertexts)?;
        let (p, q) = (&self.0.p, &self.0.q);
        threads::run(|| {
            let (m_p, m_q) = rayon::join(|| p.decrypt(&numbers), || q.decrypt(&numbers));
            Ok(m_p?.iter().zip(&m_q?).map(|(m_p, m_q)| self.join_plaintext(m_p, m_q)).collect())
        })?
    }

    /// [`decrypt_batch`](Self::decrypt_batch) with a check of the machine: the product of c_j^(e_j), e_j random 64-bit
    /// numbers, must decrypt to the sum of e_j m_j. Costs one decryption and a 64-bit power for each ciphertext more.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt); [`Error::Randomness`].
    pub fn decrypt_batch_verified(&self, ciphertexts: &[Ciphertext]) -> Result<Vec<Plaintext>> {
        let plaintexts = self.decrypt_batch(ciphertexts)?;
        let (public, modulus) = (&self.0.public, self.0.public.montgomery());
        let mut exponents = vec![Limbs::zero(modulus.length()); ciphertexts.len()];
        exponents.iter_mut().try_for_each(|exponent| SystemEntropy.bits(&mut exponent[..1], 64))?;
        let factors: Vec<_> = exponents.iter().map(Limbs::to_integer).collect();
        let mut product = Integer::from(1);
        for power in public.mul_plain_batch(ciphertexts, &factors)? {
            product *= power.to_integer();
            product %= public.modulus_squared();
        }
        let mut sum = Limbs::zero(modulus.length());
        for (exponent, plaintext) in exponents.iter().zip(&plaintexts) {
            let mut padded = Limbs::zero(modulus.length());
            padded[..plaintext.limbs().len()].copy_from_slice(plaintext.limbs());
            modulus.add_assign(&mut sum, &modulus.mul(exponent, &padded));
        }
        let total = self.decrypt(&Ciphertext::from_integer(public, &product))?;
        if total.limbs() == &sum[..public.limbs()] { Ok(plaintexts) } else { Err(Error::Decryption) }
    }

    /// m from m mod p and m mod q, in constant time.
    fn join_plaintext(&self, m_p: &Limbs, m_q: &Limbs) -> Plaintext {
        let (p, q) = (&self.0.p.modulus, &self.0.q.modulus);
        // Garner: m = m_p + p ((m_q - m_p) / p mod q). Primes of the same length are below each other's double.
        let step = q.mul(&q.sub(m_q, &q.rem_near(m_p)), &self.0.p_inverse);
        Plaintext::from_limbs(p.add_multiple(m_p, &step, self.0.public.limbs()))
    }

    /// The quickest way to draw nonces with this key: from the secret base where its primes permit it.
    pub fn nonce_method(&self) -> NonceMethod {
        if self.0.public.short_nonces() { NonceMethod::SecretBase } else { NonceMethod::Power }
    }

    /// Draws `count` nonces by any method, on all cores.
    ///
    /// # Errors
    /// [`Error::Argument`] for a method that this key does not permit; [`Error::Randomness`].
    pub fn nonces(&self, method: NonceMethod, count: usize) -> Result<Vec<Nonce>> {
        self.nonces_from(method, count, &mut SystemEntropy)
    }

    pub(crate) fn nonces_from(
        &self,
        method: NonceMethod,
        count: usize,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Nonce>> {
        Ok(self.0.public.as_nonces(self.encryptions(method, Messages::Zeros(count), entropy)?))
    }

    /// Encrypts a list with fresh nonces of a method.
    pub(crate) fn encrypt_batch_from(
        &self,
        method: NonceMethod,
        plaintexts: &[Plaintext],
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Ciphertext>> {
        let messages = self.0.public.messages(plaintexts)?;
        Ok(self.0.public.as_ciphertexts(self.encryptions(method, Messages::Numbers(&messages), entropy)?))
    }

    /// Fresh encryptions with nonces of a method.
    fn encryptions(
        &self,
        method: NonceMethod,
        messages: Messages,
        entropy: &mut (dyn Entropy + Send),
    ) -> Result<Vec<Limbs>> {
        self.permit(method)?;
        if method != NonceMethod::SecretBase {
            return self.0.public.encryptions(method, messages, entropy);
        }
        let mut draw = |order: &Limbs| -> Result<Vec<Limbs>> {
            let mut exponents = vec![Limbs::zero(order.len()); messages.count()];
            exponents.iter_mut().try_for_each(|exponent| entropy.below(exponent, order))?;
            Ok(exponents)
        };
        let [a, b] = [draw(&self.0.p.order)?, draw(&self.0.q.order)?];
        threads::run(|| self.by_secret_base([&a, &b], messages.numbers()))?
    }

    /// Refuses a method that this key does not permit.
    pub(super) fn permit(&self, method: NonceMethod) -> Result<()> {
        match method {
            NonceMethod::SecretBase if self.0.public.short_nonces() => Ok(()),
            NonceMethod::SecretBase => {
                Err(Error::Argument("the primes of this key do not permit nonces from the secret base".into()))
            }
            _ => self.0.public.permit(method),
        }
    }

    /// h_n^a mod p^2 and h_n^b mod q^2, joined modulo n^2, times 1 + m n if there are messages m; in constant time.
    fn by_secret_base(&self, exponents: [&[Limbs]; 2], messages: Option<&[&[u64]]>) -> Result<Vec<Limbs>> {
        let (p, q) = (&self.0.p, &self.0.q);
        let powers = |factor: &Factor, table: &dyn FixedBasePowers, exponents: &[Limbs]| {
            let k = |m: &&[u64]| factor.modulus.mul_long(m, &factor.cofactor);
            let k: Option<Vec<_>> = messages.map(|messages| messages.par_iter().map(k).collect());
            table.powers(&slices(exponents), k.as_deref().map(slices).as_deref())
        };
        let [p_table, q_table] = self.nonce_tables()?;
        let p_powers = || powers(p, &**p_table, exponents[0]);
        let (u, v) = rayon::join(p_powers, || powers(q, &**q_table, exponents[1]));
        // The remainder theorem: x = u q^2 + v p^2, with x / q^2 mod p^2 and x / p^2 mod q^2, which the tables give.
        let n = self.0.public.montgomery();
        let join = |(u, v): (&Limbs, &Limbs)| n.sum_of_products([[u, &p.other_square], [v, &q.other_square]]);
        Ok(u.par_iter().zip(&v).map(join).collect())
    }

    pub(super) fn nonce_tables(&self) -> Result<&[Box<dyn FixedBasePowers>; 2]> {
        if self.0.nonce_tables.get().is_none() {
            let base = self.0.public.nonce_base()?;
            let memory = self.0.public.workings().table_memory / 2;
            let table = |factor: &Factor| -> Result<_> {
                let prime = WipedInteger(factor.modulus.modulus().to_integer());
                let square = WipedInteger(Integer::from(prime.0.square_ref()));
                let base = WipedInteger(Integer::from(&base % &square.0));
                let inverse = base.0.clone().invert(&square).map_err(|_| Error::Bug("the nonce base is not a unit"))?;
                let other = WipedInteger(factor.other_square.to_integer() % &square.0);
                let start = other.0.clone().invert(&square).map_err(|_| Error::Bug("a square is not a unit"))?;
                let limbs = |value: &Integer| Limbs::from_integer(value, factor.modulus.square_length());
                let (base, inverse) = (limbs(&base), limbs(&WipedInteger(inverse)));
                let (start, other) = (limbs(&WipedInteger(start)), limbs(&other));
                Ok(factor.ring.fixed_base([&start, &other], [&base, &inverse], factor.bits(), memory))
            };
            let (p, q) = rayon::join(|| table(&self.0.p), || table(&self.0.q));
            // Two threads may both have made them; one pair is kept.
            let _ = self.0.nonce_tables.set([p?, q?]);
        }
        self.0.nonce_tables.get().ok_or(Error::Bug("the nonce tables vanished"))
    }

    /// Encrypts with a fresh nonce of [`nonce_method`](Self::nonce_method), in six to nine tenths of the time that the
    /// public key takes.
    ///
    /// # Errors
    /// As [`PublicKey::encrypt`].
    pub fn encrypt(&self, plaintext: &Plaintext) -> Result<Ciphertext> {
        only(self.encrypt_batch(std::slice::from_ref(plaintext))?)
    }

    /// Encrypts a list with fresh nonces, on all cores.
    ///
    /// # Errors
    /// As [`PublicKey::encrypt`].
    pub fn encrypt_batch(&self, plaintexts: &[Plaintext]) -> Result<Vec<Ciphertext>> {
        self.encrypt_batch_from(self.nonce_method(), plaintexts, &mut SystemEntropy)
    }
}

/// For test vectors: nonces from chosen numbers.
#[cfg(feature = "hazmat")]
impl SecretKey {
    /// The number modulo n^2 that is h_n^a mod p^2 and h_n^b mod q^2. Whoever knows a and b can read the message.
    ///
    /// # Errors
    /// [`Error::Argument`] if a is not in 0..p - 1 or b not in 0..q - 1, or if the key does not permit
    /// [`NonceMethod::SecretBase`].
    pub fn nonce_from_exponents(&self, a: &Integer, b: &Integer) -> Result<Nonce> {
        let exponent = |value: &Integer, factor: &Factor| {
            let fits = *value >= 0 && *value < factor.order.to_integer() && self.0.public.short_nonces();
            let refused = || Error::Argument("an exponent is too long, or the key permits no short nonces".into());
            fits.then(|| Limbs::from_integer(value, factor.order.len())).ok_or_else(refused)
        };
        let (a, b) = (exponent(a, &self.0.p)?, exponent(b, &self.0.q)?);
        let numbers = threads::run(|| self.by_secret_base([&[a], &[b]], None))??;
        only(self.0.public.as_nonces(numbers))
    }
}

/// For the timing test: the jobs that take secrets, by themselves and with exponents of the caller's choice, limbs least
/// significant first.
#[cfg(feature = "hazmat")]
impl SecretKey {
    /// Limbs of a secret exponent.
    pub fn exponent_limbs(&self) -> usize {
        self.0.p.order.len()
    }

    /// c^e mod p^2, place by place, as decryption computes it.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] for ciphertexts of another key.
    pub fn powers_by_secrets(&self, ciphertexts: &[Ciphertext], exponents: &[Vec<u64>]) -> Result<impl Sized + use<>> {
        let (numbers, factor) = (self.0.public.numbers(ciphertexts)?, &self.0.p);
        let exponents: Vec<_> = exponents.iter().map(|exponent| &exponent[..]).collect();
        Ok(factor.ring.secret_powers(&numbers, &exponents, factor.bits()))
    }

    /// The nonces from exponents a modulo p - 1 and b modulo q - 1, as encryption computes them.
    ///
    /// # Errors
    /// [`Error::Argument`] if the key does not permit [`NonceMethod::SecretBase`].
    pub fn nonces_from_limbs(&self, a: &[Vec<u64>], b: &[Vec<u64>]) -> Result<Vec<Nonce>> {
        self.permit(NonceMethod::SecretBase)?;
        let [a, b] = [a, b].map(|exponents| exponents.iter().map(|limbs| Limbs::copy_of(limbs)).collect::<Vec<_>>());
        let numbers = threads::run(|| self.by_secret_base([&a, &b], None))??;
        Ok(self.0.public.as_nonces(numbers))
    }

    /// A power modulo p^2 in the way that is for exponents that everybody may know: its time depends on the exponent.
    ///
    /// # Errors
    /// None.
    pub fn power_by_public_exponent(&self, exponent: &[u64]) -> Result<impl Sized + use<>> {
        let factor = &self.0.p;
        let mut base = Limbs::zero(factor.modulus.square_length());
        base[..factor.order.len()].copy_from_slice(&factor.order);
        Ok(factor.ring.powers(&[&base], &[exponent]))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(factors redacted, of {:?})", self.0.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::observe;

    #[test]
    fn primes_and_exponents_are_zero_when_they_are_freed() {
        let key = SecretKey::generate_insecure_for_tests(512).unwrap();
        let inner = &key.0;
        let secret: Vec<&[u64]> = vec![
            inner.p.modulus.modulus(),
            inner.q.modulus.modulus(),
            &inner.p.order,
            &inner.q.order,
            &inner.p.h,
            &inner.q.h,
            &inner.p_inverse,
            &inner.p.cofactor,
            &inner.q.cofactor,
            &inner.p.other_square,
            &inner.q.other_square,
        ];
        assert!(secret.iter().all(|limbs| limbs.iter().any(|&limb| limb != 0)));
        let addresses: Vec<_> = secret.iter().map(|limbs| limbs.as_ptr() as usize).collect();
        let freed = observe::freed_during(|| drop(key));
        for address in addresses {
            let (_, limbs) = freed.iter().find(|(freed, _)| *freed == address).expect("the buffer is freed");
            assert!(limbs.iter().all(|&limb| limb == 0));
        }
    }

    #[test]
    fn a_key_computes_the_same_on_every_engine_and_with_tables_of_any_size() {
        let key = SecretKey::generate_insecure_for_tests(512).unwrap();
        let mut keys: Vec<_> = Backend::available().map(|backend| key.on(backend).unwrap()).collect();
        keys.extend([0, 100_000].map(|bytes| key.with_table_memory(bytes)));
        let plaintexts: Vec<_> = (0..11).map(|i| Plaintext::new(i * i - 50, key.public_key()).unwrap()).collect();
        let encrypt = |key: &SecretKey, method| {
            let entropy = &mut crate::entropy::SeededEntropy::new(b"engines");
            let nonces = key.nonces_from(method, plaintexts.len(), entropy).unwrap();
            key.public_key().encrypt_batch_with(&plaintexts, nonces).unwrap()
        };
        for method in [NonceMethod::Power, NonceMethod::PublicBase, NonceMethod::SecretBase] {
            let ciphertexts = encrypt(&key, method);
            for other in &keys {
                assert_eq!(other.public_key(), key.public_key());
                assert_eq!(encrypt(other, method), ciphertexts, "{method:?} on {}", other.public_key().backend());
                let entropy = &mut crate::entropy::SeededEntropy::new(b"engines");
                assert_eq!(other.encrypt_batch_from(method, &plaintexts, entropy).unwrap(), ciphertexts);
                let decrypted = other.decrypt_batch_verified(&ciphertexts).unwrap();
                let numbers = |list: &[Plaintext]| list.iter().map(Plaintext::to_integer).collect::<Vec<_>>();
                assert_eq!(numbers(&decrypted), numbers(&plaintexts));
                assert_eq!(numbers(&[other.decrypt(&ciphertexts[3]).unwrap()]), numbers(&plaintexts[3..4]));
            }
        }
    }

    #[test]
    fn what_is_no_unit_does_not_decrypt() {
        let key = SecretKey::generate_insecure_for_tests(512).unwrap();
        let public = key.public_key();
        let (p, q) = key.primes();
        // Past the check of ciphertexts from outside, as a faulty machine might: all fail alike.
        for value in [Integer::new(), p.0.clone(), Integer::from(&q.0 * 5), public.modulus().clone()] {
            let forged = Ciphertext::from_integer(public, &value);
            assert_eq!(key.decrypt(&forged).unwrap_err(), Error::Decryption);
            assert_eq!(key.decrypt_batch(&[forged]).unwrap_err(), Error::Decryption);
        }
    }

    #[test]
    fn debug_shows_no_factor() {
        let key = SecretKey::generate_insecure_for_tests(256).unwrap();
        let (p, q) = key.primes();
        let shown = format!("{key:?} {key:#?}");
        for secret in [&p.0, &q.0, &Integer::from(&p.0 - 1), &Integer::from(&q.0 - 1)] {
            for radix in [10, 16] {
                assert!(!shown.contains(&secret.to_string_radix(radix)));
            }
        }
        assert!(shown.contains(&key.public_key().fingerprint().to_string()));
    }
}
