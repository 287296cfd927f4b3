//! What is written is read back as it was, for random contents of every format.

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/wire.rs"]
mod wire;

use fixtures::KEY;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use rug::Integer;
use rug::integer::Order;
use tacita::Fingerprint;
use tacita::encoding::{Feature, Features, Grid};
use tacita::inference::{Request, Response, VerifiedKeys};
use tacita::model::{PrivateModel, PublicSpec, QuantiseOptions};
use tacita::network::{Activation, Affine, Network, Normalisation};
use tacita::paillier::{KeyProof, KeySize, SecretKey, UnverifiedPublicKey};
use wire::{Key, Message};

fn bytes(random: &mut SmallRng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random.fill_bytes(&mut bytes);
    bytes
}

/// A modulus, or what looks like one, of a permitted size.
fn modulus(random: &mut SmallRng) -> Integer {
    let bits = KeySize::ALL[random.random_range(0..3)].bits();
    let mut n = Integer::from_digits(&bytes(random, bits as usize / 8), Order::Msf);
    n.set_bit(bits - 1, true);
    n
}

fn key(random: &mut SmallRng) -> UnverifiedPublicKey {
    let n = modulus(random);
    let bits = n.significant_bits();
    let proof = random.random::<bool>().then(|| bytes(random, 11 * bits as usize / 8));
    let proof = proof.map(|proof| KeyProof::from_bytes(&proof, bits).unwrap());
    UnverifiedPublicKey::new(n, random.random(), proof).unwrap()
}

fn same_key(one: &UnverifiedPublicKey, other: &UnverifiedPublicKey) -> bool {
    (one.modulus(), one.short_nonces(), one.proof()) == (other.modulus(), other.short_nonces(), other.proof())
}

fn number(random: &mut SmallRng) -> f64 {
    match random.random_range(0..4) {
        0 => random.random_range(-1.0..1.0),
        1 => f64::from(random.random_range(-3..=3)),
        2 => f64::from(random.random_range(-1.0_f32..1.0)),
        _ => random.random_range(-1.0..1.0) * 2f64.powi(random.random_range(-40..40)),
    }
}

/// A name of up to eight characters of all planes, none of them a control character; `mark` makes it the only one.
fn name(random: &mut SmallRng, mark: usize) -> String {
    let characters = (0..random.random_range(0..8)).filter_map(|_| {
        let limit = [0x80, 0x800, 0x1_0000, 0x11_0000][random.random_range(0..4)];
        char::from_u32(random.random_range(0x20..limit)).filter(|c| !c.is_control())
    });
    characters.collect::<String>() + &format!("/{mark}")
}

fn activation(random: &mut SmallRng, outputs: usize) -> Activation {
    let fit = [Activation::Identity, Activation::Sigmoid, Activation::Softmax];
    fit[random.random_range(0..if outputs == 1 { 2 } else { 3 })]
}

fn model(random: &mut SmallRng) -> PrivateModel {
    let runs = (0..random.random_range(1..6)).map(|run| {
        let ends = [random.random_range(-1000..1000), random.random_range(-1000..1000)];
        let step = 2f64.powi(random.random_range(-20..20)) * random.random_range(1.0..2.0);
        let grid = Grid::new(step * number(random), step, ends[0].min(ends[1]), ends[0].max(ends[1])).unwrap();
        let name = name(random, run);
        if random.random() { Feature::new(&name, grid) } else { Feature::run(&name, random.random_range(1..9), grid) }
    });
    let features = Features::new(runs.collect::<Vec<_>>()).unwrap();
    let (rows, columns) = (random.random_range(1..5), features.len());
    let weights = (0..rows * columns).map(|_| random.random_range(-1.0..1.0)).collect();
    let bias = (0..rows).map(|_| random.random_range(-1.0..1.0)).collect();
    let labels: Vec<_> = (0..rows).map(|row| name(random, row)).collect();
    let options = QuantiseOptions { bits: random.random_range(2..=16) };
    let (activation, title) = (activation(random, rows), name(random, 0));
    let affine = Affine::new(columns, weights, bias).unwrap();
    PrivateModel::compile(&affine, features, &labels, activation, &title, options).unwrap().0
}

fn message(random: &mut SmallRng, kind: &'static str) -> Message {
    let with_key = kind == "tacita.request" && random.random();
    let public_key = with_key.then(|| Key::of(&key(random)));
    let own = public_key.as_ref().map(|key| *Fingerprint::of(&key.n).as_bytes());
    let length = [0, 1, 23, 24, 255, 256, 512, 65_535, 65_536, 100_000][random.random_range(0..10)];
    Message {
        kind,
        id: random.random(),
        key: own.unwrap_or_else(|| random.random()),
        spec: random.random(),
        records: [1, 23, 24, 255, 256, 65_535, 65_536, u32::MAX.into()][random.random_range(0..8)],
        together: [1, 2, 23, 24, 256, u32::MAX.into()][random.random_range(0..6)],
        public_key,
        ciphertexts: bytes(random, length),
    }
}

#[test]
fn requests_and_responses_of_any_content_are_read_and_written_alike() {
    let random = &mut SmallRng::seed_from_u64(1);
    for _ in 0..300 {
        let sent = message(random, "tacita.request");
        let request = Request::from_bytes(&sent.to_bytes()).unwrap();
        assert_eq!(request.to_bytes(), sent.to_bytes());
        assert_eq!((*request.header().id(), request.header().records() as u64), (sent.id, sent.records));
        assert_eq!(*request.header().key().as_bytes(), sent.key);
        assert_eq!(*request.header().spec().as_bytes(), sent.spec);
        assert_eq!(request.public_key().is_some(), sent.public_key.is_some());
        let bare = Message { public_key: None, ..sent };
        assert_eq!(request.without_key().to_bytes(), bare.to_bytes());

        let answer = message(random, "tacita.response");
        assert_eq!(Response::from_bytes(&answer.to_bytes()).unwrap().to_bytes(), answer.to_bytes());
    }
}

#[test]
fn public_keys_of_any_content_are_read_back() {
    let random = &mut SmallRng::seed_from_u64(2);
    for _ in 0..300 {
        let key = key(random);
        assert!(same_key(&UnverifiedPublicKey::from_json(&key.to_json()).unwrap(), &key));
        let sent = Message {
            key: *key.fingerprint().as_bytes(),
            public_key: Some(Key::of(&key)),
            ..message(random, "tacita.request")
        };
        assert!(same_key(Request::from_bytes(&sent.to_bytes()).unwrap().public_key().unwrap(), &key));
    }
}

#[test]
fn secret_keys_of_any_primes_are_read_back() {
    let random = &mut SmallRng::seed_from_u64(3);
    for _ in 0..4 {
        let mut prime = || {
            let mut start = Integer::from_digits(&bytes(random, 128), Order::Msf);
            start.set_bit(1023, true).set_bit(1022, true);
            start.next_prime()
        };
        // Not all of these permit short nonces, and the key knows.
        let key = SecretKey::from_primes(prime(), prime()).unwrap();
        let text = key.to_json().unwrap();
        let read = SecretKey::from_json(&text).unwrap();
        assert_eq!(read.public_key(), key.public_key());
        assert_eq!(read.public_key().short_nonces(), key.public_key().short_nonces());
        assert_eq!(read.public_key().proof(), Some(key.proof().unwrap()));
        assert_eq!(*read.to_json().unwrap(), *text);
    }
}

#[test]
fn specs_and_models_of_any_content_are_read_back() {
    let random = &mut SmallRng::seed_from_u64(4);
    for _ in 0..300 {
        let model = model(random);
        let spec = PublicSpec::from_json(model.spec().as_json().as_bytes()).unwrap();
        assert_eq!(spec.fingerprint(), model.spec().fingerprint());
        assert_eq!((spec.model(), spec.features()), (model.spec().model(), model.spec().features()));
        assert!(spec.labels().eq(model.spec().labels()) && spec.activation() == model.spec().activation());
        let read = PrivateModel::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(read.spec().as_json(), model.spec().as_json());
        assert_eq!((read.bias(), read.slot_bias()), (model.bias(), model.slot_bias()));
        assert!((0..model.rows()).all(|row| read.weights_row(row) == model.weights_row(row)));
        assert_eq!(read.to_bytes(), model.to_bytes());
    }
}

#[test]
fn networks_of_any_content_are_read_back() {
    let random = &mut SmallRng::seed_from_u64(5);
    for _ in 0..300 {
        let widths: Vec<usize> = (0..random.random_range(2..14)).map(|_| random.random_range(1..6)).collect();
        let numbers = |random: &mut SmallRng, count| (0..count).map(|_| number(random)).collect::<Vec<_>>();
        let layers = widths.windows(2).map(|pair| {
            let (weights, bias) = (numbers(random, pair[0] * pair[1]), numbers(random, pair[1]));
            Affine::new(pair[0], weights, bias).unwrap()
        });
        let layers = layers.collect();
        let normalisation = random.random::<bool>().then(|| {
            let (means, deviations) = (random.random::<bool>(), random.random::<bool>());
            let count = |each: bool| if each { widths[0] } else { 1 };
            let deviation = numbers(random, count(deviations)).iter().map(|d| d.abs() + 1e-9).collect();
            Normalisation::new(numbers(random, count(means)), deviation).unwrap()
        });
        let activation = activation(random, widths[widths.len() - 1]);
        let network = Network::new(normalisation, layers, activation).unwrap();
        let read = Network::from_safetensors(&network.to_safetensors().unwrap(), None).unwrap();
        assert!(read == network);
        // The last bit of a zero's sign is not compared above.
        assert_eq!(read.to_safetensors().unwrap(), network.to_safetensors().unwrap());
    }
}

#[test]
fn fingerprints_are_read_back_from_text_and_file() {
    let random = &mut SmallRng::seed_from_u64(6);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let mut lines = String::new();
    for count in 1..=100 {
        let fingerprint = Fingerprint::from(random.random::<[u8; 32]>());
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        lines += &format!("{fingerprint}\n");
        std::fs::write(&path, &lines).unwrap();
        assert_eq!(VerifiedKeys::open(&path).unwrap().count(), count);
    }
    // A key whose fingerprint stands in the file needs no proof.
    KEY.proof().unwrap();
    let own = KEY.public_key();
    std::fs::write(&path, lines + &format!("{}\n", own.fingerprint())).unwrap();
    let bare = UnverifiedPublicKey::new(own.modulus().clone(), true, None).unwrap();
    assert_eq!(VerifiedKeys::open(&path).unwrap().verify(bare).unwrap(), *own);
}
