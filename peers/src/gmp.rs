//! What one would write with GMP alone, through rug.

use std::hint::black_box;

use rug::Integer;

use crate::measure::shortest;
use crate::{Contender, Inputs, Job, Work};

pub(crate) struct Gmp<'a> {
    inputs: &'a Inputs,
    n: Integer,
    square: Integer,
    sides: [Side; 2],
    /// p^-1 mod q.
    p_inverse: Integer,
}

/// One prime of decryption.
struct Side {
    prime: Integer,
    square: Integer,
    order: Integer,
    /// L((1 + n)^(p - 1))^-1 mod p.
    h: Integer,
}

impl Side {
    fn new(prime: &Integer, n: &Integer) -> Self {
        let square = Integer::from(prime.square_ref());
        let order = Integer::from(prime - 1u32);
        let g = Integer::from(n + 1u32).pow_mod(&order, &square).expect("a positive exponent");
        let h = ((g - 1u32) / prime).invert(prime).expect("a prime modulus");
        Self { prime: prime.clone(), square, order, h }
    }

    /// m mod p, the power in constant time.
    fn decrypt(&self, c: &Integer) -> Integer {
        let power = Integer::from(c % &self.square).secure_pow_mod(&self.order, &self.square);
        (power - 1u32) / &self.prime * &self.h % &self.prime
    }
}

impl<'a> Gmp<'a> {
    pub(crate) fn new(inputs: &'a Inputs) -> Self {
        let n = Integer::from(&inputs.p * &inputs.q);
        let p_inverse = inputs.p.clone().invert(&inputs.q).expect("two primes");
        let sides = [&inputs.p, &inputs.q].map(|prime| Side::new(prime, &n));
        Self { inputs, square: Integer::from(n.square_ref()), sides, p_inverse, n }
    }

    fn decrypt(&self, c: &Integer) -> Integer {
        let [p, q] = &self.sides;
        let [m, m_q] = [p.decrypt(c), q.decrypt(c)];
        let step = ((m_q - &m) * &self.p_inverse).modulo(&q.prime);
        m + step * &p.prime
    }

    fn power(&self, r: &Integer) -> Integer {
        r.pow_mod_ref(&self.n, &self.square).expect("a positive exponent").into()
    }
}

impl Contender for Gmp<'_> {
    fn name(&self) -> &'static str {
        "gmp"
    }

    fn version(&self) -> String {
        use gmp_mpfr_sys::gmp::{VERSION, VERSION_MINOR, VERSION_PATCHLEVEL};
        format!("{VERSION}.{VERSION_MINOR}.{VERSION_PATCHLEVEL}")
    }

    fn works(&self, job: Job) -> Vec<Work<'_>> {
        let c = self.inputs.ciphertexts[0].to_integer();
        let mut product = c.clone();
        vec![match job {
            Job::Product => Work::clocked(1, move || {
                shortest(|| {
                    product *= &c;
                    product %= &self.square;
                })
            }),
            Job::Square => Work::clocked(1, move || {
                shortest(|| {
                    product.square_mut();
                    product %= &self.square;
                })
            }),
            Job::DecryptOne | Job::DecryptBatch => {
                let m = self.inputs.record()[0];
                Work::new(1, move || assert_eq!(self.decrypt(black_box(&c)), m))
            }
            // As good as a random number below n.
            Job::NthPower => Work::new(1, move || self.power(&Integer::from(&c % &self.n))),
            _ => return Vec::new(),
        }]
    }
}
