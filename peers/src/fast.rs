//! The crate `fast-paillier`, over rug.

use fast_paillier::backend::Integer;
use fast_paillier::{Ciphertext, DecryptionKey, EncryptionKey};
use rand_core::OsRng;

use crate::contender::{SIGNS_APART, WEIGHT_BY_WEIGHT};
use crate::inputs::rows;
use crate::{Contender, Inputs, Job, Work};

pub(crate) struct FastPaillier<'a> {
    inputs: &'a Inputs,
    secret: DecryptionKey,
    plaintexts: Vec<Integer>,
    ciphertexts: Vec<Ciphertext>,
}

impl<'a> FastPaillier<'a> {
    pub(crate) fn new(inputs: &'a Inputs) -> Self {
        let [p, q] = [&inputs.p, &inputs.q].map(|prime| Integer::from_rug(prime.clone()));
        let secret = DecryptionKey::from_primes(p, q).expect("a key");
        let plaintexts: Vec<_> = inputs.record().iter().map(|&x| number(x)).collect();
        let ciphertexts = inputs.ciphertexts.iter().map(|c| Integer::from_rug(c.to_integer())).collect();
        Self { inputs, secret, plaintexts, ciphertexts }
    }

    fn public(&self) -> &EncryptionKey {
        self.secret.encryption_key()
    }

    fn encrypt(&self, plaintext: &Integer) -> Ciphertext {
        self.secret.encrypt_with_random(&mut OsRng, plaintext).expect("a plaintext").0
    }

    fn encrypt_publicly(&self, plaintext: &Integer) -> Ciphertext {
        self.public().encrypt_with_random(&mut OsRng, plaintext).expect("a plaintext").0
    }

    /// As its API has it: a factor of either sign for each weight that is not zero.
    fn layer_weight_by_weight(&self, weights: &[i32], x: &[Ciphertext]) -> Vec<Ciphertext> {
        let key = self.public();
        let row = |weights: &[i32]| {
            let products = x.iter().zip(weights).filter(|(_, weight)| **weight != 0);
            let mut products = products.map(|(c, &weight)| key.omul(&number(weight.into()), c).expect("a unit"));
            let first = products.next().expect("a row has weights");
            products.fold(first, |sum, product| key.oadd(&sum, &product).expect("units"))
        };
        rows(weights).map(row).collect()
    }

    /// Positive and negative weights apart, which spares it an inversion for each of the latter.
    fn layer(&self, weights: &[i32], x: &[Ciphertext]) -> Vec<Ciphertext> {
        let key = self.public();
        let row = |weights: &[i32]| {
            let [mut plus, mut minus] = [None, None];
            for (c, &weight) in x.iter().zip(weights).filter(|(_, weight)| **weight != 0) {
                let factor = number(weight.unsigned_abs().into());
                let product = key.omul(&factor, c).expect("a unit");
                let sum = if weight > 0 { &mut plus } else { &mut minus };
                *sum = Some(match sum.take() {
                    Some(sum) => key.oadd(&sum, &product).expect("units"),
                    None => product,
                });
            }
            let [plus, minus] = [plus, minus].map(|sum| sum.expect("a row has weights of both signs"));
            key.osub(&plus, &minus).expect("units")
        };
        rows(weights).map(row).collect()
    }

    fn whole(&self) {
        let x: Vec<_> = self.plaintexts.iter().map(|m| self.encrypt(m)).collect();
        // Bias, mask and re-randomisation are one fresh ciphertext.
        let addends = self.inputs.model.bias().iter().map(|&bias| self.encrypt_publicly(&number(bias)));
        let y = self
            .layer(self.inputs.model.weights(), &x)
            .into_iter()
            .zip(addends)
            .map(|(sum, addend)| self.public().oadd(&sum, &addend));
        let found = y.map(|c| self.secret.decrypt(&c.expect("units")).expect("a ciphertext"));
        assert!(found.eq(self.inputs.answers[0].iter().map(|&answer| number(answer))));
    }
}

fn number(x: i64) -> Integer {
    Integer::from_rug(x.into())
}

impl Contender for FastPaillier<'_> {
    fn name(&self) -> &'static str {
        "fast-paillier"
    }

    fn version(&self) -> String {
        crate::contender::locked_version("fast-paillier")
    }

    fn works(&self, job: Job) -> Vec<Work<'_>> {
        let plaintext = &self.plaintexts[0];
        if job == Job::LinearLayer {
            return vec![
                Work::new(1, || self.layer_weight_by_weight(&self.inputs.matrix, &self.ciphertexts))
                    .in_way(WEIGHT_BY_WEIGHT),
                Work::new(1, || self.layer(&self.inputs.matrix, &self.ciphertexts)).in_way(SIGNS_APART),
            ];
        }
        vec![match job {
            Job::EncryptSecret => Work::new(1, || self.encrypt(plaintext)),
            Job::EncryptPublic => Work::new(1, || self.encrypt_publicly(plaintext)),
            Job::DecryptBatch | Job::DecryptOne => {
                let c = &self.ciphertexts[0];
                Work::new(1, move || assert_eq!(self.secret.decrypt(c).expect("a ciphertext"), *plaintext))
            }
            Job::Whole => Work::new(1, || self.whole()),
            _ => return Vec::new(),
        }]
    }
}
