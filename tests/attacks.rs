//! The attacks that masks and re-randomisation are there for. Each succeeds against an evaluator that lacks the defence,
//! and fails against the real one.

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/undefended.rs"]
mod undefended;
#[path = "support/wire.rs"]
mod wire;

use std::collections::HashSet;

use fixtures::{KEY, compile};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rug::Integer;
use rug::integer::{IsPrime, Order};
use tacita::encoding::{Grid, Layout, OutOfRange, Packing, ResponsePart};
use tacita::inference::{Decryptor, Encryptor, Evaluator, Request, Response, VerifiedKeys};
use tacita::model::PrivateModel;
use tacita::network::Affine;
use tacita::paillier::{NonceMethod, NoncePool, Plaintext, SecretKey};
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
fn request(
    model: &PrivateModel,
    secret: &SecretKey,
    layout: Layout,
    ciphertexts: impl Iterator<Item = Integer>,
) -> Request {
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
        together: layout.together().into(),
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

/// The number in a response's only ciphertext, and the answers in it.
fn open(model: &PrivateModel, layout: Layout, response: &Response) -> (Plaintext, Vec<i64>) {
    let key = KEY.public_key();
    let plaintext = KEY.decrypt(&key.ciphertext(&answer(response)).unwrap()).unwrap();
    let (packing, part) = only_part(model, layout);
    let mut limbs = plaintext.to_integer().to_digits::<u64>(Order::Lsf);
    limbs.resize(packing.limbs(), 0);
    let mut answers = vec![0; part.answers()];
    part.unpack(&limbs, &mut answers).unwrap();
    (plaintext, answers)
}

/// The only part of a response to one record.
fn only_part(model: &PrivateModel, layout: Layout) -> (Packing, ResponsePart) {
    let packing = model.spec().packing(layout, KEY.public_key().bits()).unwrap();
    let mut parts = packing.batches(1).next().unwrap().responses(model.rows());
    let part = parts.next().unwrap();
    assert!(parts.next().is_none());
    (packing, part)
}

#[test]
fn what_is_left_out_changes_no_answer() {
    let [model, _] = models(3, 5);
    let spec = model.spec().clone();
    let decryptor = Decryptor::new(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
    for layout in spec.layouts() {
        let encryptor = Encryptor::with_secret_key(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
        let encryptor = encryptor.layout(layout).unwrap();
        // One more than a full batch.
        let records: Vec<_> =
            (0..=encryptor.capacity()).map(|record| [0.0, 255.0, 7.0, record as f64, 100.0]).collect();
        let request = encryptor.encrypt(&records).unwrap();
        for without in [Without::Mask, Without::InnerMasks, Without::TopOfMasks, Without::Rerandomisation] {
            let response = undefended::evaluate(&model, KEY.public_key(), &request, without, 1);
            let predictions = decryptor.decrypt(&response, request.header()).unwrap();
            for (record, prediction) in records.iter().zip(predictions) {
                let mut integers = [0; 5];
                spec.features().encode(record, OutOfRange::Refuse, &mut integers).unwrap();
                assert_eq!(prediction.outputs, model.evaluate(&integers).unwrap());
            }
        }
    }
}

/// The hospital encrypts 2^e_g in ciphertext g, with the e_g so far apart that no two products with a weight overlap.
mod one_query {
    use super::*;

    const ROWS: usize = 3;
    /// Layouts, each with as many features as the plaintext has room for, with 40 bits to spare so that no sum passes n.
    const LAYOUTS: [(Layout, usize); 2] = [(Layout::Records, 32), (Layout::Features { together: 2 }, 20)];

    /// All that a ciphertext is multiplied with, ciphertext by ciphertext: the order in which the attack reads it.
    fn factors(model: &PrivateModel, layout: Layout) -> Vec<Integer> {
        let matrix = layout.matrix(model.columns(), model.weights());
        let columns = layout.columns(model.columns());
        (0..columns).flat_map(|g| matrix.iter().skip(g).step_by(columns)).map(|&weight| weight.into()).collect()
    }

    fn cheat(model: &PrivateModel, layout: Layout) -> Request {
        let n = KEY.public_key().modulus();
        let (packing, part) = only_part(model, layout);
        let apart = (ROWS * packing.together()) as u32 * packing.spacing();
        // Above the slots of the honest answers.
        let place = |g: usize| part.used_bits() + g as u32 * apart;
        let columns = packing.columns(model.columns());
        assert!(place(columns) + 40 < KEY.public_key().bits());
        let ciphertext = |g| {
            let plaintext = Integer::from(1) << place(g);
            let nonce = Integer::from(g + 2).pow_mod(n, &n.clone().square()).unwrap();
            (plaintext * n + 1u32) * nonce % n.clone().square()
        };
        request(model, &KEY, layout, (0..columns).map(ciphertext))
    }

    /// The answers, and the weights if the response tells them.
    fn extract(model: &PrivateModel, layout: Layout, response: &Response) -> (Vec<i64>, Vec<Integer>) {
        let (packing, part) = only_part(model, layout);
        let (plaintext, answers) = open(model, layout, response);
        let above = plaintext.to_signed(KEY.public_key()) >> part.used_bits();
        (answers, signed_digits(above, packing.spacing(), ROWS * packing.together() * packing.columns(model.columns())))
    }

    #[test]
    fn tells_every_weight_without_the_mask() {
        for (layout, features) in LAYOUTS {
            for model in models(ROWS, features) {
                let request = cheat(&model, layout);
                let response = undefended::evaluate(&model, KEY.public_key(), &request, Without::Mask, 1);
                assert_eq!(extract(&model, layout, &response).1, factors(&model, layout));
            }
        }
    }

    #[test]
    fn tells_nothing_but_the_answers_of_the_real_evaluator() {
        for (layout, features) in LAYOUTS {
            let models = models(ROWS, features);
            // Two models that differ in every weight and agree in all that the answers may say.
            assert!(weights(&models[0]).iter().zip(weights(&models[1])).all(|(one, other)| *one != other));
            assert_eq!(models[0].slot_bias(), models[1].slot_bias());
            let extract = |model| {
                let responses = responses(model, &cheat(model, layout)).into_iter();
                responses.map(|response| extract(model, layout, &response))
            };
            let (answers, extracted): (Vec<_>, Vec<_>) = models.iter().flat_map(extract).unzip();
            for model in &models {
                assert_noise(&extracted, &factors(model, layout));
            }
            assert!(answers.iter().all(|answers| answers == models[0].slot_bias()));
        }
    }

    /// No cheating is needed in a features layout: a record with one feature 1 and the others 0 has weights for junk.
    #[test]
    fn of_an_honest_record_tells_all_weights_of_a_ciphertext_without_the_mask_and_one_a_row_with_it() {
        let layout = Layout::Features { together: 4 };
        let [model, _] = models(ROWS, 8);
        let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
        let encryptor = Encryptor::with_secret_key(spec, pin, KEY.clone()).unwrap().layout(layout).unwrap();
        let request = encryptor.encrypt(&[[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]).unwrap();
        let (packing, part) = only_part(&model, layout);
        // Coefficient after coefficient, without the offsets.
        let coefficients = |response: &Response| -> Vec<Integer> {
            let offsets = part.junk().map(|bit| Integer::from(1) << (bit + packing.spacing() - 9));
            let centres = (0..ROWS).map(|answer| Integer::from(packing.centre()) << part.place(answer));
            let number = open(&model, layout, response).0.to_integer();
            signed_digits(offsets.chain(centres).fold(number, |sum, term| sum - term), packing.spacing(), ROWS * 4)
        };
        let expected: Vec<Integer> = (0..ROWS)
            .flat_map(|row| (0..4).rev().map(move |i| (row, i)))
            .map(|(row, i)| model.weights_row(row)[i].into())
            .collect();
        let open_response = undefended::evaluate(&model, KEY.public_key(), &request, Without::Mask, 1);
        assert_eq!(coefficients(&open_response), expected);

        let responses = responses(&model, &request);
        let extracted: Vec<_> = responses.iter().map(&coefficients).collect();
        // The last coefficient of each row is its answer, which stands below part of a mask here.
        let is_junk = |(place, _): &(usize, &Integer)| place % 4 != 3;
        let junk =
            |found: &Vec<Integer>| found.iter().enumerate().filter(is_junk).map(|(_, digit)| digit.clone()).collect();
        assert_noise(&extracted.iter().map(junk).collect::<Vec<_>>(), &junk(&expected));
        for response in &responses {
            let answers: Vec<i64> = (0..ROWS).map(|row| model.weights_row(row)[0].into()).collect();
            assert_eq!(open(&model, layout, response).1, answers);
        }
    }
}

/// Two models give a record the same answers, and differ in nothing but junk.
mod junk {
    use super::*;

    const ROWS: usize = 2;
    const FEATURES: usize = 12;
    const LAYOUT: Layout = Layout::Features { together: 4 };
    /// Responses from each model.
    const SAMPLES: usize = 40;

    /// A model whose rows sum up to 0 over each ciphertext's features, and its negative: for a record with all values equal
    /// both answer 0, with junk of opposite signs.
    fn pair() -> [PrivateModel; 2] {
        let random = &mut SmallRng::seed_from_u64(3);
        let mut quarter = || {
            let [a, b] = [0; 2].map(|_| random.random_range(0.5..1.0));
            [a, b, -b, -a]
        };
        let weights: Vec<f64> = (0..ROWS * FEATURES / 4).flat_map(|_| quarter()).collect();
        let grid = Grid::new(0.0, 1.0, 0, 255).unwrap();
        [1.0, -1.0].map(|sign| {
            let weights = weights.iter().map(|weight| sign * weight).collect();
            compile(Affine::new(FEATURES, weights, vec![0.0; ROWS]).unwrap(), grid)
        })
    }

    /// Some responses to a record with all values 200.
    fn sample(model: &PrivateModel, evaluate: impl Fn(&Request, u64) -> Response) -> Vec<Response> {
        let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
        let encryptor = Encryptor::with_secret_key(spec, pin, KEY.clone()).unwrap().layout(LAYOUT).unwrap();
        let request = encryptor.encrypt(&[[200.0; FEATURES]]).unwrap();
        (0..SAMPLES as u64).map(|seed| evaluate(&request, seed)).collect()
    }

    /// What stands in each slot with junk, as shares of the slot: slot by slot, one number a response.
    fn contents(model: &PrivateModel, responses: &[Response]) -> Vec<Vec<f64>> {
        let (packing, part) = only_part(model, LAYOUT);
        let opened: Vec<_> = responses.iter().map(|response| open(model, LAYOUT, response)).collect();
        assert!(opened.iter().all(|(_, answers)| answers[..] == [0; ROWS]), "the answers are the same");
        let number =
            |plaintext: &Plaintext, bit: u32| Integer::keep_bits(plaintext.to_integer() >> bit, packing.spacing());
        let whole = 2f64.powi(packing.spacing() as i32);
        let slot = |bit| opened.iter().map(move |(plaintext, _)| number(plaintext, bit).to_f64() / whole);
        part.junk().map(|bit| slot(bit).collect()).collect()
    }

    /// Largest distance of the distribution functions of two samples (Smirnov 1939). For two samples of n numbers from one
    /// distribution it exceeds d with a probability of about 2 exp(-n d^2).
    fn distance(one: &[f64], other: &[f64]) -> f64 {
        let share =
            |sample: &[f64], limit: f64| sample.iter().filter(|&&x| x <= limit).count() as f64 / sample.len() as f64;
        one.iter().chain(other).map(|&limit| (share(one, limit) - share(other, limit)).abs()).fold(0.0, f64::max)
    }

    /// The slots in which the two models' responses are told apart: wrongly so, in one slot, with probability 2 10^-10.
    fn told_apart(models: &[PrivateModel; 2], responses: [Vec<Response>; 2]) -> Vec<bool> {
        let [one, other] = [0, 1].map(|i| contents(&models[i], &responses[i]));
        one.iter().zip(&other).map(|(one, other)| distance(one, other) > 0.76).collect()
    }

    #[test]
    fn is_told_apart_in_every_gap_that_lacks_its_mask_or_the_top_of_it() {
        let models = pair();
        let undefended = |without| {
            let evaluate = |model| {
                sample(model, |request, seed| undefended::evaluate(model, KEY.public_key(), request, without, seed))
            };
            told_apart(&models, [&models[0], &models[1]].map(evaluate))
        };
        // Three slots below each answer, three above the last one.
        let (yes, no) = ([true; 3], [false; 3]);
        assert_eq!(undefended(Without::Mask), [yes, yes, yes].concat());
        assert_eq!(undefended(Without::InnerMasks), [yes, yes, no].concat());
        let top = [false, false, true];
        assert_eq!(undefended(Without::TopOfMasks), [top, top, no].concat());
        assert_eq!(undefended(Without::Nothing), [no, no, no].concat());
    }

    #[test]
    fn is_not_told_apart_in_the_real_evaluators_responses_and_looks_uniform() {
        let models = pair();
        let real = |model: &PrivateModel| {
            let evaluator = Evaluator::new(model.clone());
            sample(model, |request, _| evaluator.evaluate(request, KEY.public_key()).unwrap())
        };
        let responses = [real(&models[0]), real(&models[1])];
        for (model, responses) in models.iter().zip(&responses) {
            let uniform: Vec<f64> = (0..1000).map(|i| (f64::from(i) + 0.5) / 1000.0).collect();
            // For a sample of 40 and all of the distribution, 0.56 is exceeded with a probability below 10^-10.
            assert!(contents(model, responses).iter().all(|slot| distance(slot, &uniform) < 0.56));
        }
        assert_eq!(told_apart(&models, responses), [false; 9]);
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
            request(model, &self.secret, Layout::Records, (0..FEATURES as u32).map(ciphertext))
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
        let response = undefended::evaluate(&model, key.secret.public_key(), &request, Without::Rerandomisation, 1);
        assert_eq!(key.extract(&model, &response), weights(&model));

        let extracted: Vec<_> =
            responses(&model, &request).iter().map(|response| key.extract(&model, response)).collect();
        assert_noise(&extracted, &weights(&model));
    }

    /// Modulo n a ciphertext is its nonce: what weights make of the request's, times the evaluator's own.
    #[test]
    fn is_another_in_each_response_whatever_it_is_made_beside_and_wherever_it_comes_from() {
        const ROWS: usize = 24;
        let [model, _] = models(ROWS, FEATURES);
        let (spec, public) = (model.spec().clone(), KEY.public_key());
        let evaluator = Evaluator::new(model);
        // One that has too few nonces and one that has enough.
        let pools = [1, 200].map(|count| NoncePool::with_public_key(public, NonceMethod::Power, count).unwrap());
        pools[1].fill().unwrap();
        let mut packed_with_nonces = 0;
        for layout in spec.layouts() {
            let Ok(packing) = spec.packing(layout, public.bits()) else { continue };
            let batch = packing.batches(1).next().unwrap();
            let squarings = (batch.responses(ROWS).next().unwrap().coefficients().len() - 1) as u32 * batch.shift();
            packed_with_nonces += usize::from(squarings > public.bits() / 2);
            let encryptor = Encryptor::with_secret_key(spec.clone(), spec.fingerprint(), KEY.clone()).unwrap();
            let request = encryptor.layout(layout).unwrap().encrypt(&[[0.5; FEATURES]]).unwrap();
            let mut nonces = HashSet::new();
            for pool in [None, Some(&pools[0]), Some(&pools[1])] {
                match pool {
                    Some(pool) => evaluator.set_pool(pool.clone()).unwrap(),
                    None => drop(evaluator.remove_pool(public.fingerprint())),
                }
                for _ in 0..3 {
                    let response = evaluator.evaluate(&request, public).unwrap();
                    for ciphertext in Message::of_response(&response).ciphertexts.chunks(public.ciphertext_bytes()) {
                        let nonce = Integer::from_digits(ciphertext, Order::Msf) % public.modulus();
                        assert!(nonces.insert(nonce), "{layout}");
                    }
                }
            }
        }
        assert!(packed_with_nonces > 1, "some layouts pack and conceal in one go");
        assert!(pools[1].statistics().hits > 0);
    }
}
