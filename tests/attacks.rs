//! The two attacks that mask and re-randomisation are there for. Each succeeds against an evaluator that lacks the defence,
//! and fails against the real one.

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/undefended.rs"]
mod undefended;
#[path = "support/wire.rs"]
mod wire;

use fixtures::{KEY, compile};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rug::Integer;
use rug::integer::{IsPrime, Order};
use tacita::encoding::{Grid, OutOfRange};
use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response, VerifiedKeys};
use tacita::model::PrivateModel;
use tacita::network::Affine;
use tacita::paillier::SecretKey;
use undefended::Without;
use wire::{Key, Message};

/// How often an attack is repeated against the real evaluator.
const REPETITIONS: usize = 12;

/// A model for pixels, no weight of which is zero, and its negative.
fn models(rows: usize, columns: usize) -> [PrivateModel; 2] {
    let random = &mut SmallRng::seed_from_u64(1);
    let mut weight = || random.random_range(0.1..1.0) * if random.random() { 1.0 } else { -1.0 };
    let weights: Vec<f64> = (0..rows * columns).map(|_| weight()).collect();
    let grid = Grid::new(0.0, 1.0, 0, 255).unwrap();
    [1.0, -1.0].map(|sign| {
        let weights = weights.iter().map(|weight| sign * weight).collect();
        compile(Affine::new(columns, weights, vec![0.0; rows]).unwrap(), grid)
    })
}

/// All weights, feature by feature: the order in which both attacks read them.
fn weights(model: &PrivateModel) -> Vec<Integer> {
    let feature = |i| (0..model.rows()).map(move |row| Integer::from(model.weights_row(row)[i]));
    (0..model.columns()).flat_map(feature).collect()
}

/// A request for one record with any numbers for ciphertexts, and with the key and its proof.
fn request(model: &PrivateModel, secret: &SecretKey, ciphertexts: impl Iterator<Item = Integer>) -> Request {
    secret.proof().unwrap();
    let key = secret.public_key();
    let bytes = |number: Integer| {
        let mut bytes = vec![0; key.ciphertext_bytes()];
        number.write_digits(&mut bytes, Order::Msf);
        bytes
    };
    let request = Message {
        kind: "tacita.request",
        id: [7; 16],
        key: *key.fingerprint().as_bytes(),
        spec: *model.spec().fingerprint().as_bytes(),
        records: 1,
        public_key: Some(Key::of(&key.into())),
        ciphertexts: ciphertexts.flat_map(bytes).collect(),
    };
    Request::from_bytes(&request.to_bytes()).unwrap()
}

/// The real evaluator's responses to a request, the key of which it admits as any other.
fn responses(model: &PrivateModel, request: &Request) -> Vec<Response> {
    let evaluator = Evaluator::new(model.clone());
    let key = VerifiedKeys::new().admit(request).unwrap();
    (0..REPETITIONS).map(|_| evaluator.evaluate(request, &key).unwrap()).collect()
}

/// The one ciphertext of a response.
fn answer(response: &Response) -> Integer {
    Integer::from_digits(&Message::of_response(response).ciphertexts, Order::Msf)
}

/// The digits of a number in base 2^bits, each between -2^(bits - 1) and 2^(bits - 1), least significant first.
fn signed_digits(mut number: Integer, bits: u32, count: usize) -> Vec<Integer> {
    let digit = |_| {
        let mut digit = number.clone().keep_bits(bits);
        if digit.significant_bits() == bits {
            digit -= Integer::from(1) << bits;
        }
        number = Integer::from(&number - &digit) >> bits;
        digit
    };
    (0..count).map(digit).collect()
}

/// What an attack extracts from repeated responses must be noise: it hits the truth no oftener than guessing would, and
/// differs from response to response in each place.
fn assert_noise(extracted: &[Vec<Integer>], truth: &[Integer]) {
    let hits = |digits: &Vec<Integer>| digits.iter().zip(truth).filter(|(digit, weight)| digit == weight).count();
    // Among some thousand guesses of one in 2^19 or more, 4 are right with a probability below 10^-9.
    assert!(extracted.iter().map(hits).sum::<usize>() < 4, "weights show");
    for place in 0..truth.len() {
        let mut digits: Vec<_> = extracted.iter().map(|digits| &digits[place]).collect();
        digits.sort_unstable();
        digits.dedup();
        assert!(digits.len() + 2 >= extracted.len(), "digit {place} comes back: {digits:?}");
    }
}

#[test]
fn what_is_left_out_changes_no_answer() {
    let [model, _] = models(3, 5);
    let spec = model.spec().clone();
    let encryptor = Encryptor::with_secret_key(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
    let decryptor = Decryptor::new(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
    // One more than a full batch.
    let records: Vec<_> = (0..=encryptor.capacity()).map(|record| [0.0, 255.0, 7.0, record as f64, 100.0]).collect();
    let request = encryptor.encrypt(&records).unwrap();
    for without in [Without::Mask, Without::Rerandomisation] {
        let response = undefended::evaluate(&model, KEY.public_key(), &request, without);
        let predictions = decryptor.decrypt(&response, request.header()).unwrap();
        for (record, prediction) in records.iter().zip(predictions) {
            let mut integers = [0; 5];
            spec.features().encode(record, OutOfRange::Refuse, &mut integers).unwrap();
            assert_eq!(prediction.outputs, model.evaluate(&integers).unwrap());
        }
    }
}

/// The hospital encrypts 2^e_i for feature i, with the e_i so far apart that no two products with a weight overlap.
mod one_query {
    use super::*;

    /// As many features as the plaintext has room for, with 40 bits to spare so that no sum passes n.
    const ROWS: usize = 3;
    const FEATURES: usize = 32;

    fn place(model: &PrivateModel, feature: usize) -> u32 {
        // Above the slots of the honest answers.
        (feature + 1) as u32 * ROWS as u32 * model.spec().slot_bits()
    }

    fn cheat(model: &PrivateModel) -> Request {
        let n = KEY.public_key().modulus();
        assert!(place(model, FEATURES) + 40 < KEY.public_key().bits());
        let ciphertext = |feature| {
            let plaintext = Integer::from(1) << place(model, feature);
            let nonce = Integer::from(feature + 2).pow_mod(n, &n.clone().square()).unwrap();
            (plaintext * n + 1u32) * nonce % n.clone().square()
        };
        request(model, &KEY, (0..FEATURES).map(ciphertext))
    }

    /// What stands in the answer slots, and the weights if the response tells them.
    fn extract(model: &PrivateModel, response: &Response) -> (Integer, Vec<Integer>) {
        let key = KEY.public_key();
        let plaintext = KEY.decrypt(&key.ciphertext(&answer(response)).unwrap()).unwrap();
        let used = ROWS as u32 * model.spec().slot_bits();
        let above = plaintext.to_signed(key) >> used;
        (plaintext.to_integer().keep_bits(used), signed_digits(above, model.spec().slot_bits(), ROWS * FEATURES))
    }

    /// What an answer of zero in each slot looks like: all that the answer slots of this request may say.
    fn allowed(model: &PrivateModel) -> Integer {
        let layout = model.spec().layout(KEY.public_key().bits()).unwrap();
        let batch = layout.batches(1).next().unwrap();
        let part = batch.responses(ROWS).next().unwrap();
        undefended::constants(model, &layout, &batch, &part)
    }

    #[test]
    fn tells_every_weight_without_the_mask() {
        for model in models(ROWS, FEATURES) {
            let response = undefended::evaluate(&model, KEY.public_key(), &cheat(&model), Without::Mask);
            assert_eq!(extract(&model, &response).1, weights(&model));
        }
    }

    #[test]
    fn tells_nothing_but_the_answer_slots_of_the_real_evaluator() {
        let models = models(ROWS, FEATURES);
        // Two models that differ in every weight and agree in all that the slots may say.
        assert!(weights(&models[0]).iter().zip(weights(&models[1])).all(|(one, other)| *one != other));
        assert_eq!(allowed(&models[0]), allowed(&models[1]));
        let extract = |model| responses(model, &cheat(model)).into_iter().map(|response| extract(model, &response));
        let (slots, extracted): (Vec<_>, Vec<_>) = models.iter().flat_map(extract).unzip();
        for model in &models {
            assert_noise(&extracted, &weights(model));
        }
        assert!(slots.iter().all(|slots| *slots == allowed(&models[0])));
    }
}

/// The hospital chooses a key for which it can take discrete logarithms modulo p, and nonces r_i = g^(e_i): the nonce of a
/// response then is g to the sum of e_i times weight i, whatever is encrypted.
mod nonce {
    use super::*;

    const ROWS: usize = 3;
    const FEATURES: usize = 16;

    /// A key whose p - 1 is a product of different small primes, a generator modulo p, and these primes.
    struct SmoothKey {
        secret: SecretKey,
        p: Integer,
        generator: Integer,
        small: Vec<u32>,
    }

    impl SmoothKey {
        fn new() -> Self {
            let random = &mut SmallRng::seed_from_u64(2);
            let is_prime = |number: &Integer| number.is_probably_prime(30) != IsPrime::No;
            let mut primes: Vec<u32> = (3..2000).filter(|&number| is_prime(&number.into())).collect();
            // p - 1 = 2 l_1 l_2 ..., the last factor chosen for p to have 1024 bits, the top two of them set.
            let (p, small) = loop {
                primes.shuffle(random);
                let mut product = Integer::from(2);
                let mut small = vec![2];
                let mut rest = primes.iter();
                while product.significant_bits() < 1014 {
                    let prime = *rest.next().unwrap();
                    product *= prime;
                    small.push(prime);
                }
                let fits = |p: &Integer| p.significant_bits() == 1024 && p.get_bit(1022) && is_prime(p);
                let last = rest.find(|&&prime| fits(&(Integer::from(&product * prime) + 1u32)));
                if let Some(&last) = last {
                    small.push(last);
                    break (product * last + 1u32, small);
                }
            };
            let q = (Integer::from(7) << 1021u32).next_prime();
            let secret = SecretKey::from_primes(p.clone(), q).unwrap();
            let generates = |g: &Integer| {
                let power = |prime: &u32| g.clone().pow_mod(&(Integer::from(&p - 1) / *prime), &p).unwrap();
                small.iter().all(|prime| power(prime) != 1)
            };
            let generator = (2..1000).map(Integer::from).find(generates).unwrap();
            Self { secret, p, generator, small }
        }

        /// The logarithm to the generator's n-th power, by Pohlig and Hellman: modulo each small prime by trial, then joined.
        fn logarithm(&self, power: &Integer) -> Integer {
            let order = Integer::from(&self.p - 1);
            let base = self.generator.clone().pow_mod(self.secret.public_key().modulus(), &self.p).unwrap();
            let mut logarithm = Integer::new();
            for &prime in &self.small {
                let cofactor = Integer::from(&order / prime);
                let [base, power] = [&base, power].map(|x| x.clone().pow_mod(&cofactor, &self.p).unwrap());
                let mut trial = Integer::from(1);
                let exponent = (0..prime).find(|_| {
                    let found = trial == power;
                    trial *= &base;
                    trial %= &self.p;
                    found
                });
                let unit = cofactor.clone() * cofactor.invert(&prime.into()).unwrap();
                logarithm += unit * exponent.expect("a generator reaches every power");
            }
            logarithm %= &order;
            if Integer::from(&logarithm * 2) > order { logarithm - order } else { logarithm }
        }

        fn cheat(&self, model: &PrivateModel) -> Request {
            let n = self.secret.public_key().modulus();
            let ciphertext = |feature| {
                let exponent = Integer::from(1) << (feature * ROWS as u32 * model.spec().slot_bits());
                let root = self.generator.clone().pow_mod(&exponent, n).unwrap();
                // An honest plaintext: the record's value is 0.
                root.pow_mod(n, &n.clone().square()).unwrap()
            };
            request(model, &self.secret, (0..FEATURES as u32).map(ciphertext))
        }

        /// The weights, if the response's nonce tells them. Modulo p a ciphertext is its nonce.
        fn extract(&self, model: &PrivateModel, response: &Response) -> Vec<Integer> {
            let exponent = self.logarithm(&(answer(response) % &self.p));
            signed_digits(exponent, model.spec().slot_bits(), ROWS * FEATURES)
        }
    }

    #[test]
    fn tells_every_weight_without_rerandomisation_and_none_of_the_real_evaluator() {
        let key = SmoothKey::new();
        let [model, _] = models(ROWS, FEATURES);
        assert!((ROWS * FEATURES) as u32 * model.spec().slot_bits() < 1022, "the sum is below (p - 1) / 2");
        let request = key.cheat(&model);
        let response = undefended::evaluate(&model, key.secret.public_key(), &request, Without::Rerandomisation);
        assert_eq!(key.extract(&model, &response), weights(&model));

        let extracted: Vec<_> =
            responses(&model, &request).iter().map(|response| key.extract(&model, response)).collect();
        assert_noise(&extracted, &weights(&model));
    }
}
