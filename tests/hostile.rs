//! Every byte from outside: cut, padded, flipped, mistaken for another kind, or forged with a right SHA-256.

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/wire.rs"]
mod wire;

use base64::Engine;
use fixtures::{KEY, OTHER_KEY, random_model};
use rug::Integer;
use rug::integer::Order;
use std::sync::LazyLock;
use tacita::encoding::{Grid, Layout};
use tacita::inference::{Decryptor, Encryptor, Evaluator, Prediction, Request, Response, VerifiedKeys};
use tacita::model::{PrivateModel, PublicSpec};
use tacita::network::{Activation, Affine, Network};
use tacita::paillier::{PublicKey, SecretKey, UnverifiedPublicKey};
use tacita::{CiphertextFault, Error, Fingerprint, KeyFault, Result};
use wire::{Key, Message, seal};

/// A kind of file: a valid one, and its reader, which says in few words what it read.
struct Kind {
    name: &'static str,
    file: Vec<u8>,
    read: fn(&[u8]) -> Result<String>,
}

impl Kind {
    fn refused(&self, bytes: &[u8]) -> Error {
        match (self.read)(bytes) {
            Ok(found) => panic!("a bad {} is read as {found}", self.name),
            Err(error) => error,
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    let why = "not UTF-8, which the types of Rust exclude".into();
    std::str::from_utf8(bytes).map_err(|_| Error::Malformed { what: "text", why })
}

static PUBLIC_KEY: LazyLock<Kind> = LazyLock::new(|| Kind {
    name: "public key",
    file: KEY.public_key().to_json().into_bytes(),
    read: |bytes| UnverifiedPublicKey::from_json(text(bytes)?).map(|key| key.fingerprint().to_string()),
});

static SECRET_KEY: LazyLock<Kind> = LazyLock::new(|| Kind {
    name: "secret key",
    file: KEY.to_json().unwrap().as_bytes().to_vec(),
    read: |bytes| SecretKey::from_json(text(bytes)?).map(|key| key.public_key().fingerprint().to_string()),
});

static SPEC: LazyLock<Kind> = LazyLock::new(|| Kind {
    name: "spec",
    file: MODEL.spec().as_json().as_bytes().to_vec(),
    read: |bytes| PublicSpec::from_json(bytes).map(|spec| spec.fingerprint().to_string()),
});

static PRIVATE_MODEL: LazyLock<Kind> = LazyLock::new(|| Kind {
    name: "private model",
    file: MODEL.to_bytes(),
    read: |bytes| PrivateModel::from_bytes(bytes).map(|model| format!("{model:?}")),
});

static NETWORK: LazyLock<Kind> = LazyLock::new(|| {
    let layers = [Affine::new(2, vec![0.5; 6], vec![0.25; 3]), Affine::new(3, vec![-1.0; 6], vec![0.5; 2])];
    let layers = layers.into_iter().collect::<Result<_>>().unwrap();
    let network = Network::new(None, layers, Activation::Softmax).unwrap();
    Kind {
        name: "network",
        file: network.to_safetensors().unwrap(),
        read: |bytes| {
            Network::from_safetensors(bytes, None).map(|network| format!("{:?}", network.logits(&[1.0, 8.0])))
        },
    }
});

static REQUEST: LazyLock<Kind> = LazyLock::new(|| Kind {
    name: "request",
    file: SENT.to_bytes(),
    read: |bytes| Request::from_bytes(bytes).map(|request| format!("{request:?}")),
});

static RESPONSE: LazyLock<Kind> = LazyLock::new(|| Kind {
    name: "response",
    file: ANSWER.to_bytes(),
    read: |bytes| Response::from_bytes(bytes).map(|response| format!("{response:?}")),
});

fn kinds() -> [&'static Kind; 7] {
    [&PUBLIC_KEY, &SECRET_KEY, &SPEC, &PRIVATE_MODEL, &NETWORK, &REQUEST, &RESPONSE]
}

static MODEL: LazyLock<PrivateModel> = LazyLock::new(|| random_model(3, 2, Grid::new(0.0, 1.0, 0, 255).unwrap(), 1));
static EVALUATOR: LazyLock<Evaluator> = LazyLock::new(|| Evaluator::new(MODEL.clone()));
static RECORDS: [[f64; 2]; 2] = [[1.0, 2.0], [255.0, 0.0]];
/// A request of two records.
static SENT: LazyLock<Request> = LazyLock::new(|| encrypt(&RECORDS));
static ANSWER: LazyLock<Response> = LazyLock::new(|| EVALUATOR.evaluate(&SENT, KEY.public_key()).unwrap());

fn encrypt(records: &[[f64; 2]]) -> Request {
    encrypt_in(Layout::Records, records)
}

fn encrypt_in(layout: Layout, records: &[[f64; 2]]) -> Request {
    let spec = MODEL.spec().clone();
    let pin = spec.fingerprint();
    let encryptor = Encryptor::with_secret_key(spec, pin, KEY.clone()).unwrap();
    encryptor.layout(layout).unwrap().encrypt(records).unwrap()
}

/// What becomes of a request under the key that it names.
fn evaluate(message: &Message) -> Result<Response> {
    EVALUATOR.evaluate(&Request::from_bytes(&message.to_bytes())?, KEY.public_key())
}

/// What becomes of a response to [`SENT`].
fn decrypt(message: &Message) -> Result<Vec<Prediction>> {
    let spec = MODEL.spec().clone();
    let pin = spec.fingerprint();
    let decryptor = Decryptor::new(spec, pin, KEY.clone()).unwrap();
    decryptor.decrypt(&Response::from_bytes(&message.to_bytes())?, SENT.header())
}

/// What becomes of a request whose key the evaluator has never seen.
fn admit(message: &Message) -> Result<PublicKey> {
    VerifiedKeys::new().admit(&Request::from_bytes(&message.to_bytes())?)
}

fn fixed_width(value: &Integer, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    value.write_digits(&mut bytes, Order::Msf);
    bytes
}

/// All changes of one bit, with the byte that it is in.
fn flips(file: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..8 * file.len()).map(|bit| {
        let mut flipped = file.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit / 8, flipped)
    })
}

fn is_malformed(error: &Error) -> bool {
    matches!(error, Error::Malformed { .. })
}

fn is_damaged(error: &Error) -> bool {
    matches!(error, Error::Damaged { .. })
}

fn is_cut_or_padded(error: &Error) -> bool {
    matches!(error, Error::CutOrPadded { .. })
}

#[test]
fn the_files_themselves_are_read() {
    for kind in kinds() {
        (kind.read)(&kind.file).unwrap();
    }
}

#[test]
fn a_cut_file_is_refused() {
    for kind in kinds() {
        // All that the last byte of a key file does is to end the line.
        let whole = kind.file.len() - usize::from(kind.file.ends_with(b"}\n") && kind.name.ends_with("key"));
        for length in 0..whole {
            let error = kind.refused(&kind.file[..length]);
            let told = is_malformed(&error) || is_damaged(&error) || is_cut_or_padded(&error);
            assert!(told, "{} cut to {length}: {error}", kind.name);
        }
    }
    // A message says how long it is.
    for kind in [&*REQUEST, &*RESPONSE] {
        for length in [60, 100, kind.file.len() / 2, kind.file.len() - 1] {
            assert!(is_cut_or_padded(&kind.refused(&kind.file[..length])), "{}", kind.name);
        }
    }
}

#[test]
fn a_padded_file_is_refused() {
    for kind in kinds() {
        for byte in 0..=255_u8 {
            for padded in [[&kind.file[..], &[byte]].concat(), [&[byte], &kind.file[..]].concat()] {
                // Keys are JSON by everybody's rules.
                if kind.name.ends_with("key") && b" \t\r\n".contains(&byte) {
                    if kind.name == "public key" {
                        assert_eq!((kind.read)(&padded), (kind.read)(&kind.file));
                    }
                    continue;
                }
                let error = kind.refused(&padded);
                let told = is_malformed(&error) || is_damaged(&error) || is_cut_or_padded(&error);
                assert!(told, "{} with {byte}: {error}", kind.name);
            }
        }
    }
    for kind in [&*SPEC, &*PRIVATE_MODEL] {
        assert!(is_damaged(&kind.refused(&[&kind.file[..], b"\n"].concat())), "{}", kind.name);
    }
    for kind in [&*REQUEST, &*RESPONSE] {
        assert!(is_cut_or_padded(&kind.refused(&[&kind.file[..], b"\n"].concat())), "{}", kind.name);
    }
}

#[test]
fn a_file_is_not_read_as_another_kind() {
    for kind in kinds() {
        for other in kinds() {
            if other.name != kind.name {
                let error = kind.refused(&other.file);
                assert!(is_malformed(&error), "a {} read as a {}: {error}", other.name, kind.name);
            }
        }
        for nonsense in [&b""[..], b"\n", b"null", b"{}", b"[]", b"\xf6", b"\x80", &[0; 100], &[0xff; 100]] {
            assert!(is_malformed(&kind.refused(nonsense)), "{}", kind.name);
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_guarded_file_is_damage() {
    let message = Message::of_request(&SENT);
    let heads = |kind: &Kind, content: Vec<u8>| kind.file.len() - content.len();
    for (kind, head) in [
        (&*SPEC, "{\n  \"sha256\": \"".len()),
        (&*PRIVATE_MODEL, 8 + "{\"__metadata__\":{\"tacita.sha256\":\"".len()),
        (&*REQUEST, heads(&REQUEST, message.content())),
        (&*RESPONSE, heads(&RESPONSE, Message::of_response(&ANSWER).content())),
    ] {
        for (at, flipped) in flips(&kind.file) {
            let error = kind.refused(&flipped);
            let expected = is_damaged(&error) || at < head && (is_malformed(&error) || is_cut_or_padded(&error));
            assert!(expected, "{} with byte {at} flipped: {error}", kind.name);
        }
    }
}

/// A network comes from elsewhere, without a SHA-256. A flipped bit in a number is another number.
#[test]
fn a_flipped_bit_in_a_network_is_refused_unless_it_makes_another_network() {
    let file = &NETWORK.file;
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let metadata = 8 + file[8..].iter().position(|&byte| byte == b'}').unwrap();
    let original = Network::from_safetensors(file, None).unwrap();
    for (at, flipped) in flips(file) {
        match Network::from_safetensors(&flipped, None) {
            Ok(network) if at >= header => assert!(network != original, "byte {at}"),
            Ok(_) => assert!(at < metadata, "byte {at} of the header is ignored"),
            Err(error) => assert!(is_malformed(&error) || matches!(error, Error::Model(_)), "byte {at}: {error}"),
        }
    }
}

/// A key file has no SHA-256 either, but a key proof.
#[test]
fn a_flipped_bit_in_a_public_key_is_refused_or_fails_the_proof_or_changes_nothing() {
    let original = UnverifiedPublicKey::from_json(text(&PUBLIC_KEY.file).unwrap()).unwrap();
    let mut outcomes = [0; 4];
    for (index, (at, flipped)) in flips(&PUBLIC_KEY.file).enumerate() {
        let Ok(flipped) = text(&flipped) else { continue };
        let outcome = match UnverifiedPublicKey::from_json(flipped) {
            Err(Error::Malformed { .. } | Error::Key(KeyFault::Size { .. } | KeyFault::WrongProof)) => 0,
            Err(error) => panic!("byte {at}: {error}"),
            // The member's name was hit, and members that are not known are ignored.
            Ok(key) if key.proof().is_none() => {
                assert_eq!(key.verify().unwrap_err(), Error::Key(KeyFault::MissingProof));
                1
            }
            Ok(key) if key.modulus() == original.modulus() && key.proof() == original.proof() => {
                // In the key's name, or in the member that permits short nonces: without it they are drawn the slow way.
                assert!(key.short_nonces() <= original.short_nonces());
                2
            }
            Ok(key) => {
                // Eleven powers each take too long for all of these.
                if index % 499 == 0 {
                    let fault = match key.verify() {
                        Err(Error::Key(fault)) => fault,
                        other => panic!("byte {at}: {other:?}"),
                    };
                    use KeyFault::{Even, Hash, Prime, SmallFactor, WrongProof};
                    assert!(
                        matches!(fault, Even | SmallFactor { .. } | Prime | WrongProof | Hash),
                        "byte {at}: {fault}"
                    );
                }
                3
            }
        };
        outcomes[outcome] += 1;
    }
    assert!(outcomes.iter().all(|&count| count > 0), "{outcomes:?}");
}

#[test]
fn a_flipped_bit_in_a_secret_key_is_refused_or_changes_nothing() {
    let file = text(&SECRET_KEY.file).unwrap();
    // Outside of the proof and the names a flip is noticed at once; in them the primes are tested first, which takes long.
    let slow: Vec<_> = ["\"proof\"", "\"kid\"", "\"short_nonces\""]
        .iter()
        .flat_map(|name| file.match_indices(name).map(|(at, _)| at..at + file[at..].find('\n').unwrap()))
        .collect();
    let mut faults = Vec::new();
    for (index, (at, flipped)) in flips(&SECRET_KEY.file).enumerate() {
        if slow.iter().any(|range| range.contains(&at)) && index % 499 != 0 {
            continue;
        }
        let Ok(flipped) = text(&flipped) else { continue };
        match SecretKey::from_json(flipped) {
            Err(Error::Key(fault)) => faults.push(fault),
            Err(error) => assert!(is_malformed(&error), "byte {at}: {error}"),
            Ok(key) => assert_eq!(key.public_key(), KEY.public_key(), "byte {at}"),
        }
    }
    for fault in [KeyFault::Parts, KeyFault::WrongProof] {
        assert!(faults.contains(&fault), "{fault} never happened");
    }
    assert!(faults.iter().all(|f| matches!(f, KeyFault::Parts | KeyFault::WrongProof | KeyFault::Size { .. })));
}

#[test]
fn a_secret_key_whose_numbers_are_no_key_is_refused() {
    let file = text(&SECRET_KEY.file).unwrap();
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let member = |name: &str| {
        let start = file.find(&format!("\"{name}\": \"")).unwrap() + name.len() + 5;
        let digits = &file[start..start + file[start..].find('"').unwrap()];
        (digits.to_owned(), Integer::from_digits(&engine.decode(digits).unwrap(), Order::Msf))
    };
    let [(p_text, p), (q_text, q), (n_text, n)] = ["p", "q", "n"].map(member);
    assert_eq!(Integer::from(&p * &q), n);
    let fault = |numbers: [&Integer; 3]| {
        let mut changed = file.to_owned();
        for (old, new) in [&p_text, &q_text, &n_text].into_iter().zip(numbers) {
            changed = changed.replacen(old.as_str(), &engine.encode(new.to_digits::<u8>(Order::Msf)), 1);
        }
        SecretKey::from_json(&changed).map(|key| key.public_key().fingerprint()).unwrap_err()
    };
    let next = p.clone().next_prime();
    assert_eq!(fault([&next, &q, &n]), Error::Key(KeyFault::Parts));
    assert_eq!(fault([&q, &q, &n]), Error::Key(KeyFault::Parts));
    assert_eq!(fault([&p, &p, &p.clone().square()]), Error::Key(KeyFault::Factors));
    assert_eq!(fault([&Integer::from(1), &n, &n]), Error::Key(KeyFault::Factors));
    let composite = Integer::from(&p + 2);
    assert_eq!(fault([&composite, &q, &Integer::from(&composite * &q)]), Error::Key(KeyFault::Factors));
    assert_eq!(fault([&next, &q, &Integer::from(&next * &q)]), Error::Key(KeyFault::WrongProof), "of another key");
    let wide = (Integer::from(1) << 4096_u32).next_prime();
    assert_eq!(fault([&wide, &q, &n]), Error::Key(KeyFault::Factors));
    let short = Integer::from(&p >> 512_u32).next_prime();
    assert_eq!(fault([&short, &short, &short.clone().square()]), Error::Key(KeyFault::Size { bits: 1024 }));
}

#[test]
fn a_ciphertext_that_is_no_unit_is_refused_by_both_sides() {
    let n = KEY.public_key().modulus();
    let square = n.clone().square();
    let p = {
        let file = text(&SECRET_KEY.file).unwrap();
        let start = file.find("\"p\": \"").unwrap() + 6;
        let digits = &file[start..start + file[start..].find('"').unwrap()];
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        Integer::from_digits(&engine.decode(digits).unwrap(), Order::Msf)
    };
    let length = KEY.public_key().ciphertext_bytes();
    let last = Integer::from(&square - 1);
    let largest = (Integer::from(1) << (8 * length as u32)) - 1_u32;
    let cases = [
        (Integer::new(), CiphertextFault::Zero),
        (square.clone(), CiphertextFault::TooLarge),
        (Integer::from(&square + 1), CiphertextFault::TooLarge),
        (largest, CiphertextFault::TooLarge),
        (n.clone(), CiphertextFault::SharedFactor),
        (p.clone(), CiphertextFault::SharedFactor),
        (Integer::from(&square - &p), CiphertextFault::SharedFactor),
    ];
    let request = Message::of_request(&SENT);
    let response = Message::of_response(&ANSWER);
    for &(ref value, why) in &cases {
        for index in 0..2 {
            let mut forged = request.clone();
            forged.ciphertexts[index * length..][..length].copy_from_slice(&fixed_width(value, length));
            assert_eq!(evaluate(&forged).unwrap_err(), Error::Ciphertext { index, why });
        }
        let mut forged = response.clone();
        forged.ciphertexts.copy_from_slice(&fixed_width(value, length));
        assert_eq!(decrypt(&forged).unwrap_err(), Error::Ciphertext { index: 0, why });
    }
    // The second batch of a request counts from the start of the request.
    let many = encrypt(&vec![RECORDS[0]; MODEL.spec().packing(Layout::Records, 2048).unwrap().capacity() + 1]);
    let mut forged = Message::of_request(&many);
    forged.ciphertexts[3 * length..].fill(0);
    assert_eq!(evaluate(&forged).unwrap_err(), Error::Ciphertext { index: 3, why: CiphertextFault::Zero });
    // A unit is a ciphertext of something, and is evaluated.
    let mut unit = request;
    unit.ciphertexts[..length].copy_from_slice(&fixed_width(&last, length));
    assert!(evaluate(&unit).is_ok());
}

#[test]
fn a_request_with_another_number_of_ciphertexts_or_records_is_refused() {
    let request = Message::of_request(&SENT);
    let length = KEY.public_key().ciphertext_bytes();
    let refused = |change: &dyn Fn(&mut Message)| {
        let mut changed = request.clone();
        change(&mut changed);
        evaluate(&changed).unwrap_err()
    };
    for count in [0, 1, length - 1, length, 2 * length - 1] {
        assert!(is_malformed(&refused(&|m| m.ciphertexts.truncate(count))), "{count} bytes");
    }
    for more in [1, length, 2 * length] {
        assert!(is_malformed(&refused(&|m| m.ciphertexts.extend(vec![1; more]))), "{more} bytes more");
    }
    let capacity = MODEL.spec().packing(Layout::Records, 2048).unwrap().capacity() as u64;
    for records in [0, capacity + 1, 2 * capacity, 1 << 32, u64::MAX] {
        let error = refused(&|m| m.records = records);
        assert!(is_malformed(&error), "{records} records: {error}");
    }
    let limit = Evaluator::DEFAULT_MAX_RECORDS as u64;
    for records in [limit + 1, u32::MAX.into()] {
        let expected = Error::TooLarge { what: "number of records", found: records, limit };
        assert_eq!(refused(&|m| m.records = records), expected);
        // An evaluator that takes any number still wants their ciphertexts.
        let claim = Request::from_bytes(&Message { records, ..request.clone() }.to_bytes()).unwrap();
        let patient = Evaluator::new(MODEL.clone()).max_records(usize::MAX);
        assert!(is_malformed(&patient.evaluate(&claim, KEY.public_key()).unwrap_err()));
    }
    // Records that share ciphertexts are not told apart by their number, and the answer says for how many it is.
    let response = evaluate(&Message { records: 1, ..request.clone() }).unwrap();
    assert_eq!(decrypt(&Message::of_response(&response)).unwrap_err(), Error::RequestMismatch);
}

#[test]
fn a_request_in_another_layout_than_it_says_or_than_the_spec_lists_is_refused() {
    let features = encrypt_in(Layout::Features { together: 2 }, &RECORDS);
    let [records, features] = [&SENT, &features].map(Message::of_request);
    assert_eq!([records.ciphertexts.len(), features.ciphertexts.len()], [2 * 512, 512]);
    let answer = evaluate(&features).unwrap();
    assert_eq!(answer.header().layout(), Layout::Features { together: 2 });
    for (request, other) in [(&records, 2), (&features, 1)] {
        assert!(is_malformed(&evaluate(&Message { together: other, ..request.clone() }).unwrap_err()));
    }
    for together in [0, 3, 4, 255, u32::MAX.into(), 1 << 32, u64::MAX] {
        for request in [&records, &features] {
            let error = evaluate(&Message { together, ..request.clone() }).unwrap_err();
            assert!(is_malformed(&error), "{together}: {error}");
        }
    }
    for count in [0, 1, 511, 513, 1024] {
        let mut changed = features.clone();
        changed.ciphertexts.resize(count, 1);
        assert!(is_malformed(&evaluate(&changed).unwrap_err()), "{count} bytes");
    }
    for (value, why) in [(0_u8, CiphertextFault::Zero), (0xff, CiphertextFault::TooLarge)] {
        let forged = Message { ciphertexts: vec![value; 512], ..features.clone() };
        assert_eq!(evaluate(&forged).unwrap_err(), Error::Ciphertext { index: 0, why });
    }
    let limit = Evaluator::DEFAULT_MAX_RECORDS as u64;
    let expected = Error::TooLarge { what: "number of records", found: u32::MAX.into(), limit };
    assert_eq!(evaluate(&Message { records: u32::MAX.into(), ..features }).unwrap_err(), expected);
}

#[test]
fn a_request_that_will_be_refused_starts_no_search() {
    let layout = Layout::Features { together: 2 };
    let message = Message::of_request(&encrypt_in(layout, &RECORDS));
    let forged = Message { ciphertexts: vec![0xff; message.ciphertexts.len()], ..message.clone() };
    let [honest, forged] = [message, forged].map(|message| Request::from_bytes(&message.to_bytes()).unwrap());
    let evaluator = Evaluator::new(MODEL.clone());
    let refused = Error::Ciphertext { index: 0, why: CiphertextFault::TooLarge };
    let many = |requests: &[&Request]| {
        let jobs: Vec<_> = requests.iter().map(|&request| (request, KEY.public_key())).collect();
        evaluator.evaluate_many(&jobs, &mut |_| std::ops::ControlFlow::Continue(())).unwrap()
    };
    assert_eq!(evaluator.evaluate(&forged, KEY.public_key()).unwrap_err(), refused);
    assert_eq!(many(&[&forged])[0].as_ref().unwrap_err(), &refused);
    assert!(!evaluator.is_planned(layout));
    let answers = many(&[&forged, &honest]);
    assert!(answers[0].is_err() && answers[1].is_ok() && evaluator.is_planned(layout));
}

#[test]
fn a_request_for_another_model_or_key_is_refused() {
    let request = Message::of_request(&SENT);
    let (key, spec) = (KEY.public_key().fingerprint(), MODEL.spec().fingerprint());
    let other = Fingerprint::of(b"another");
    let mut forged = Message { spec: *other.as_bytes(), ..request.clone() };
    assert_eq!(evaluate(&forged).unwrap_err(), Error::SpecMismatch { expected: spec, found: other });
    // The header and the key that comes along must agree, and then the key must be the one at hand.
    forged = Message { key: *other.as_bytes(), ..request.clone() };
    assert_eq!(evaluate(&forged).unwrap_err(), Error::KeyMismatch { expected: other, found: key });
    forged.public_key = None;
    assert_eq!(evaluate(&forged).unwrap_err(), Error::KeyMismatch { expected: key, found: other });
    let theirs = OTHER_KEY.public_key();
    OTHER_KEY.proof().unwrap();
    forged =
        Message { key: *theirs.fingerprint().as_bytes(), public_key: Some(Key::of(&theirs.into())), ..request.clone() };
    assert_eq!(evaluate(&forged).unwrap_err(), Error::KeyMismatch { expected: key, found: theirs.fingerprint() });
    assert!(admit(&forged).is_ok(), "it is a good key, only another one");
    let pinned = VerifiedKeys::new().pin(key).admit(&Request::from_bytes(&forged.to_bytes()).unwrap());
    assert_eq!(pinned.unwrap_err(), Error::KeyMismatch { expected: key, found: theirs.fingerprint() });
    forged = Message { public_key: None, ..request };
    assert!(matches!(admit(&forged), Err(Error::Argument(_))), "nobody knows the key that it names");
}

#[test]
fn a_public_key_that_is_unfit_is_refused_for_what_is_wrong_with_it() {
    let request = Message::of_request(&SENT);
    let honest = request.public_key.clone().unwrap();
    let n = KEY.public_key().modulus();
    let with = |n: &[u8], proof: Option<Vec<u8>>| Message {
        key: *Fingerprint::of(n).as_bytes(),
        public_key: Some(Key { n: n.to_vec(), short_nonces: true, proof }),
        ..request.clone()
    };
    let fault = |n: &Integer, proof: &Option<Vec<u8>>| match admit(&with(&n.to_digits(Order::Msf), proof.clone()))
        .unwrap_err()
    {
        Error::Key(fault) => fault,
        error => panic!("{error}"),
    };
    assert!(admit(&with(&honest.n, honest.proof.clone())).is_ok());
    assert_eq!(fault(&Integer::from(n + 1), &honest.proof), KeyFault::Even);
    let prime = Integer::from(n >> 1_u32).next_prime();
    let prime = (prime.clone() + (Integer::from(1) << 2047_u32)).next_prime();
    assert_eq!(fault(&prime, &honest.proof), KeyFault::Prime);
    for factor in [3_u32, 5, 6361, 6367] {
        let cofactor = Integer::from(n / factor).next_prime();
        let product = cofactor * factor;
        assert_eq!(product.significant_bits(), 2048);
        assert_eq!(fault(&product, &honest.proof), KeyFault::SmallFactor { factor });
    }
    for bits in [8, 1024, 2040, 2047, 2049, 2056, 3071, 4097, 8192] {
        let other = (Integer::from(1) << bits) - 1_u32;
        assert_eq!(fault(&other, &honest.proof), KeyFault::Size { bits });
    }
    assert_eq!(fault(n, &None), KeyFault::MissingProof);
    let others = OTHER_KEY.proof().unwrap().as_bytes().to_vec();
    assert_eq!(fault(n, &Some(others)), KeyFault::WrongProof);
    let proof = honest.proof.clone().unwrap();
    for length in [0, 1, proof.len() - 256, proof.len() - 1] {
        assert_eq!(fault(n, &Some(proof[..length].to_vec())), KeyFault::WrongProof);
    }
    assert_eq!(fault(n, &Some([&proof[..], &[0]].concat())), KeyFault::WrongProof);
    for root in [Integer::new(), Integer::from(1), n.clone()] {
        let forged = [&fixed_width(&root, 256), &proof[256..]].concat();
        assert_eq!(fault(n, &Some(forged)), KeyFault::WrongProof);
    }
    let swapped = [&proof[256..512], &proof[..256], &proof[512..]].concat();
    assert_eq!(fault(n, &Some(swapped)), KeyFault::WrongProof);
    // There is one way to write a modulus.
    for padded in [&[&[0], &honest.n[..]].concat()[..], &[0; 256], &[0]] {
        assert!(is_malformed(&admit(&with(padded, honest.proof.clone())).unwrap_err()));
    }
    assert_eq!(admit(&with(&[], honest.proof)).unwrap_err(), Error::Key(KeyFault::Size { bits: 0 }));
}

#[test]
fn a_response_to_something_else_is_refused() {
    let response = Message::of_response(&ANSWER);
    let other = Fingerprint::of(b"another");
    let (key, spec) = (KEY.public_key().fingerprint(), MODEL.spec().fingerprint());
    let predictions = decrypt(&response).unwrap();
    for (prediction, record) in predictions.iter().zip(&RECORDS) {
        assert_eq!(prediction.outputs, MODEL.evaluate(&record.map(|value| value as i64)).unwrap());
    }
    for (forged, expected) in [
        (Message { id: [7; 16], ..response.clone() }, Error::RequestMismatch),
        (Message { records: 1, ..response.clone() }, Error::RequestMismatch),
        (Message { together: 2, ..response.clone() }, Error::RequestMismatch),
        (Message { together: u32::MAX.into(), ..response.clone() }, Error::RequestMismatch),
        (Message { records: u32::MAX.into(), ..response.clone() }, Error::RequestMismatch),
        (Message { key: *other.as_bytes(), ..response.clone() }, Error::KeyMismatch { expected: key, found: other }),
        (Message { spec: *other.as_bytes(), ..response.clone() }, Error::SpecMismatch { expected: spec, found: other }),
    ] {
        assert_eq!(decrypt(&forged).unwrap_err(), expected);
    }
    let length = response.ciphertexts.len();
    for count in [0, 1, length - 1, length + 1, 2 * length] {
        let mut forged = response.clone();
        forged.ciphertexts.resize(count, 1);
        assert!(is_malformed(&decrypt(&forged).unwrap_err()), "{count} bytes");
    }
    // A service can always answer something else; what it answers is then predicted.
    let elsewhere = evaluate(&Message::of_request(&encrypt(&[RECORDS[1], RECORDS[1]]))).unwrap();
    let swapped = Message { ciphertexts: Message::of_response(&elsewhere).ciphertexts, ..response };
    assert_eq!(decrypt(&swapped).unwrap()[0], predictions[1]);
}

#[test]
fn a_header_that_claims_billions_of_records_costs_nothing() {
    let claim = Message { records: u32::MAX.into(), ..Message::of_response(&ANSWER) };
    let response = Response::from_bytes(&claim.to_bytes()).unwrap();
    let spec = MODEL.spec().clone();
    let pin = spec.fingerprint();
    let decryptor = Decryptor::new(spec, pin, KEY.clone()).unwrap();
    assert!(is_malformed(&decryptor.decrypt(&response, response.header()).unwrap_err()));
    // Nor does one with a layout that nobody listed, should it also be the request's.
    for together in [2, 3, u32::MAX.into()] {
        let response = Response::from_bytes(&Message { together, ..claim.clone() }.to_bytes()).unwrap();
        assert!(is_malformed(&decryptor.decrypt(&response, response.header()).unwrap_err()));
    }
}

/// The content of a message with some bytes replaced, once.
fn replaced(content: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = content.windows(old.len()).position(|window| window == old).expect("the old bytes are there");
    [&content[..at], new, &content[at + old.len()..]].concat()
}

#[test]
fn a_message_has_one_form_and_no_other() {
    let request = Message::of_request(&SENT).content();
    let response = Message::of_response(&ANSWER).content();
    let length = response.len() - Message::of_response(&ANSWER).ciphertexts.len();
    for (kind, content, read) in
        [("tacita.request", &request, REQUEST.read), ("tacita.response", &response, RESPONSE.read)]
    {
        let refused = |content: &[u8]| {
            let error = read(&seal(kind, content)).unwrap_err();
            assert!(is_malformed(&error), "{error}");
        };
        assert!(read(&seal(kind, content)).is_ok());
        for length in 0..content.len() {
            refused(&content[..length]);
        }
        refused(&[content, &[0][..]].concat());
        // Members in another order, one twice, one that is not known, one missing.
        refused(&replaced(content, b"bid", b"cabc"));
        refused(&replaced(content, b"ckey", b"cKEY"));
        refused(&replaced(content, b"dspec", b"ckey"));
        let first = content[0];
        for count in [0xa0, first - 1, first + 1, 0xbf] {
            refused(&[&[count], &content[1..]].concat());
        }
        // Heads that are longer than they need be.
        refused(&[&[0xb8, first & 31], &content[1..]].concat());
        refused(&replaced(content, b"bid\x50", b"bid\x58\x10"));
        refused(&replaced(content, b"bid\x50", b"\x78\x02id\x50"));
        refused(&replaced(content, b"ckey\x58\x20", b"ckey\x59\x00\x20"));
        refused(&replaced(content, b"grecords\x02", b"grecords\x18\x02"));
        refused(&replaced(content, b"htogether\x01", b"htogether\x18\x01"));
        refused(&replaced(content, b"htogether\x01", b"htogether\x00"));
        refused(&replaced(content, b"htogether\x01", b"htogether\x20"));
        refused(&replaced(content, b"htogether\x01", b"htogether\x81\x01"));
        refused(&replaced(content, b"grecords\x02", b"grecords\x1b\x00\x00\x00\x00\x00\x00\x00\x02"));
        // Lengths that are not given ahead, tags, and other types.
        refused(&replaced(content, b"bid\x50", b"bid\x5f\x50"));
        refused(&replaced(content, b"grecords\x02", b"grecords\xc2\x41\x02"));
        refused(&replaced(content, b"grecords\x02", b"grecords\x21"));
        refused(&replaced(content, b"grecords\x02", b"grecords\xf6"));
        refused(&replaced(content, b"bid\x50", b"bid\x70"));
    }
    refused_flag(&request, b"\xf4");
    refused_flag(&request, b"\x01");
    // The envelope.
    let file = &RESPONSE.file;
    let sealed_at = file.len() - response.len();
    for (old, new) in [
        (&b"\x84"[..], &b"\x85"[..]),
        (b"\x84", b"\x9f"),
        (b"\x84", b"\x98\x04"),
        (b"tacita.response\x01", b"tacita.response\x02"),
        (b"tacita.response\x01", b"tacita.response\x00"),
        (b"tacita.response\x01", b"tacita.response\x18\x01"),
        (b"otacita.response", b"ntacita.respons"),
        (b"otacita.response", b"\x78\x0ftacita.response"),
        (b"\x01\x58\x20", b"\x01\x59\x00\x20"),
    ] {
        assert!(is_malformed(&RESPONSE.refused(&replaced(file, old, new))), "{new:?}");
    }
    let head = &file[sealed_at - 3..sealed_at];
    assert_eq!(head[0], 0x59);
    let long = [&file[..sealed_at - 3], &[0x5a, 0, 0], &head[1..], &response].concat();
    assert!(is_malformed(&RESPONSE.refused(&long)));
    assert!(length > 100);
}

/// A request whose `short_nonces` is not a boolean, or not the one that was declared: only the second is read.
fn refused_flag(content: &[u8], flag: &[u8]) {
    let changed = replaced(content, b"lshort_nonces\xf5", &[b"lshort_nonces", flag].concat());
    let read = (REQUEST.read)(&seal("tacita.request", &changed));
    assert_eq!(read.is_ok(), flag == b"\xf4", "{read:?}");
}

#[test]
fn a_file_of_verified_keys_is_read_whole_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let open = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        VerifiedKeys::open(&path).map(|keys| keys.count())
    };
    let line = |i: u32| format!("{}\n", Fingerprint::of(&i.to_be_bytes()));
    let lines: String = (0..3).map(line).collect();
    assert_eq!(open(b""), Ok(0));
    assert_eq!(open(lines.as_bytes()), Ok(3));
    assert_eq!(open(lines.repeat(2).as_bytes()), Ok(3));
    assert_eq!(open(lines.to_uppercase().replace('\n', "\r\n").as_bytes()), Ok(3));
    for cut in (0..lines.len()).filter(|cut| cut % 65 != 0) {
        assert!(is_malformed(&open(&lines.as_bytes()[..cut]).unwrap_err()), "cut to {cut}");
    }
    for (at, flipped) in flips(line(0).as_bytes()) {
        match open(&flipped) {
            Ok(count) => assert_eq!(count, 1, "byte {at} is another digit"),
            Err(error) => assert!(is_malformed(&error), "byte {at}: {error}"),
        }
    }
    for bad in ["\n", " \n", "# keys\n", "\u{0}\n"] {
        assert!(is_malformed(&open((lines.clone() + bad).as_bytes()).unwrap_err()));
    }
    assert!(matches!(open(&vec![b'a'; (1 << 20) + 1]), Err(Error::TooLarge { limit: 0x10_0000, .. })));
    assert!(matches!(VerifiedKeys::open(folder.path()), Err(Error::Io { .. })));
}

#[test]
fn a_key_is_remembered_and_strangers_do_not_fill_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    KEY.proof().unwrap();
    let received = || UnverifiedPublicKey::from(KEY.public_key());
    let without_proof = || {
        let key = received();
        UnverifiedPublicKey::new(key.modulus().clone(), key.short_nonces(), None).unwrap()
    };
    let mut keys = VerifiedKeys::open(&path).unwrap();
    assert_eq!(keys.verify(without_proof()).unwrap_err(), Error::Key(KeyFault::MissingProof));
    keys.verify(received()).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", KEY.public_key().fingerprint()));
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
        0o600
    );
    let mut keys = VerifiedKeys::open(&path).unwrap();
    assert_eq!(keys.count(), 1);
    assert!(keys.verify(without_proof()).is_ok(), "its proof was checked before");

    let full: String = (0..16_000_u32).map(|i| format!("{}\n", Fingerprint::of(&i.to_be_bytes()))).collect();
    std::fs::write(&path, &full).unwrap();
    let mut keys = VerifiedKeys::open(&path).unwrap();
    keys.verify(received()).unwrap();
    assert_eq!(keys.count(), 16_000);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), full);
    assert!(keys.verify(without_proof()).is_err(), "it is not remembered, so it is checked each time");
}
