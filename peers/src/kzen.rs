//! The crate `kzen-paillier`, over GMP.

use curv::BigInt;
use curv::arithmetic::traits::{Converter, Modulo};
use kzen_paillier::{
    Add, Decrypt, DecryptionKey, Encrypt, EncryptionKey, Keypair, Mul, Paillier, RawCiphertext, RawPlaintext,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use rug::Integer;

use crate::contender::{SIGNS_APART, WEIGHT_BY_WEIGHT};
use crate::inputs::rows;
use crate::{Contender, Inputs, Job, Work};

type Ciphertext = RawCiphertext<'static>;

pub(crate) struct KzenPaillier<'a> {
    inputs: &'a Inputs,
    public: EncryptionKey,
    secret: DecryptionKey,
    plaintexts: Vec<BigInt>,
    ciphertexts: Vec<Ciphertext>,
    /// It splits each operation over rayon's pool; everybody here has one thread.
    pool: ThreadPool,
}

impl<'a> KzenPaillier<'a> {
    pub(crate) fn new(inputs: &'a Inputs) -> Self {
        let [p, q] = [number(&inputs.p), number(&inputs.q)];
        let (public, secret) = Keypair { p, q }.keys();
        let plaintexts: Vec<BigInt> = inputs.record().iter().map(|&x| BigInt::from(x as u64)).collect();
        let ciphertexts = inputs.ciphertexts.iter().map(|c| RawCiphertext::from(number(&c.to_integer()))).collect();
        let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        Self { inputs, public, secret, plaintexts, ciphertexts, pool }
    }

    fn encrypt(&self, plaintext: &BigInt) -> Ciphertext {
        Paillier::encrypt(&self.secret, RawPlaintext::from(plaintext))
    }

    fn encrypt_publicly(&self, plaintext: &BigInt) -> Ciphertext {
        Paillier::encrypt(&self.public, RawPlaintext::from(plaintext))
    }

    fn decrypt(&self, ciphertext: &Ciphertext) -> BigInt {
        Paillier::decrypt(&self.secret, ciphertext).0.into_owned()
    }

    /// Its powers take no negative exponents: a ciphertext is inverted for each negative weight.
    fn layer_weight_by_weight(&self, weights: &[i32], x: &[Ciphertext]) -> Vec<Ciphertext> {
        let key = &self.public;
        let product = |(c, weight): (&Ciphertext, i32)| {
            let factor = BigInt::from(weight.unsigned_abs());
            let base = if weight < 0 {
                RawCiphertext::from(BigInt::mod_inv(&c.0, &key.nn).expect("a unit"))
            } else {
                RawCiphertext::from(&*c.0)
            };
            Paillier::mul(key, base, RawPlaintext::from(&factor))
        };
        let row = |weights: &[i32]| {
            let mut products = x.iter().zip(weights.iter().copied()).filter(|(_, weight)| *weight != 0).map(product);
            let first: Ciphertext = products.next().expect("a row has weights");
            products.fold(first, |sum, product| Paillier::add(key, sum, product))
        };
        rows(weights).map(row).collect()
    }

    /// Its powers take no negative exponents: positive and negative weights apart, and one inversion a row.
    fn layer(&self, weights: &[i32], x: &[Ciphertext]) -> Vec<Ciphertext> {
        let key = &self.public;
        let row = |weights: &[i32]| {
            let [mut plus, mut minus]: [Option<Ciphertext>; 2] = [None, None];
            for (c, &weight) in x.iter().zip(weights).filter(|(_, weight)| **weight != 0) {
                let factor = BigInt::from(weight.unsigned_abs());
                let product = Paillier::mul(key, RawCiphertext::from(&*c.0), RawPlaintext::from(&factor));
                let sum = if weight > 0 { &mut plus } else { &mut minus };
                *sum = Some(match sum.take() {
                    Some(sum) => Paillier::add(key, sum, product),
                    None => product,
                });
            }
            let [plus, minus] = [plus, minus].map(|sum| sum.expect("a row has weights of both signs"));
            let minus = BigInt::mod_inv(&minus.0, &key.nn).expect("a unit");
            Paillier::add(key, plus, RawCiphertext::from(minus))
        };
        rows(weights).map(row).collect()
    }

    fn whole(&self) {
        let modulo_n =
            |x: i64| if x < 0 { &self.public.n - BigInt::from(x.unsigned_abs()) } else { BigInt::from(x as u64) };
        let x: Vec<_> = self.plaintexts.iter().map(|m| self.encrypt(m)).collect();
        // Bias, mask and re-randomisation are one fresh ciphertext.
        let addends = self.inputs.model.bias().iter().map(|&bias| self.encrypt_publicly(&modulo_n(bias)));
        let y = self
            .layer(self.inputs.model.weights(), &x)
            .into_iter()
            .zip(addends)
            .map(|(sum, addend)| Paillier::add(&self.public, sum, addend));
        let found = y.map(|c: Ciphertext| self.decrypt(&c));
        assert!(found.eq(self.inputs.answers[0].iter().map(|&answer| modulo_n(answer))));
    }

    fn alone<'s, R: Send>(&'s self, run: impl Fn() -> R + Send + Sync + 's) -> Work<'s> {
        Work::new(1, move || self.pool.install(&run))
    }
}

fn number(x: &Integer) -> BigInt {
    BigInt::from_hex(&x.to_string_radix(16)).expect("hexadecimal digits")
}

impl Contender for KzenPaillier<'_> {
    fn name(&self) -> &'static str {
        "kzen-paillier"
    }

    fn version(&self) -> String {
        crate::contender::locked_version("kzen-paillier")
    }

    fn works(&self, job: Job) -> Vec<Work<'_>> {
        let plaintext = &self.plaintexts[0];
        if job == Job::LinearLayer {
            return vec![
                self.alone(|| self.layer_weight_by_weight(&self.inputs.matrix, &self.ciphertexts))
                    .in_way(WEIGHT_BY_WEIGHT),
                self.alone(|| self.layer(&self.inputs.matrix, &self.ciphertexts)).in_way(SIGNS_APART),
            ];
        }
        vec![match job {
            Job::EncryptSecret => self.alone(|| self.encrypt(plaintext)),
            Job::EncryptPublic => self.alone(|| self.encrypt_publicly(plaintext)),
            Job::DecryptBatch | Job::DecryptOne => {
                let c = &self.ciphertexts[0];
                self.alone(move || assert_eq!(self.decrypt(c), *plaintext))
            }
            Job::Whole => self.alone(|| self.whole()),
            _ => return Vec::new(),
        }]
    }
}
