//! What the known-answer vectors are made of. Everything follows from labels through SHAKE256; `docs/formats.md` says how.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rug::Integer;
use rug::integer::{IsPrime, Order};
use serde_json::{Value, json};
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};
use tacita::Result;
use tacita::encoding::{Feature, Features, Grid, Layout, OutOfRange};
use tacita::inference::{Decryptor, Encryptor, Evaluator, Prediction, Request, Response};
use tacita::model::{PrivateModel, QuantiseOptions};
use tacita::network::{Activation, Affine, Network, Normalisation};
use tacita::paillier::{Ciphertext, Nonce, Plaintext, PublicKey, SecretKey};

const BITS: u32 = 2048;

/// Name and content of every file.
pub(crate) fn make() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let [first, second] = [Key::make("first", 3)?, Key::make("second", 1)?];
    let numbers = Numbers::make(&first.secret)?;
    let job = Job::make(&first.secret)?;
    let members = [
        ("format", json!("tacita-vectors/1").to_string()),
        ("keys", lines(&[first.to_json()?, second.to_json()?])),
        ("nonces", lines(&numbers.nonces)),
        ("encryptions", lines(&numbers.encryptions)),
        ("operations", lines(&numbers.operations)),
        ("model", job.model_json()?),
        ("records", lines(&job.records_json()?)),
        ("request", job.records_layout.request_json()),
        ("response", job.records_layout.response_json(&first.secret)?),
        ("features_request", job.features_layout.request_json()),
        ("features_response", job.features_layout.response_json(&first.secret)?),
    ];
    let members: Vec<_> = members.iter().map(|(name, value)| format!("  {}: {value}", json!(name))).collect();
    let rows = |row: &dyn Fn(usize) -> String| (0..job.records.len()).map(|i| row(i) + "\n").collect::<String>();
    let spaced = |numbers: &[f64]| numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
    Ok(vec![
        ("tacita-v1.json", format!("{{\n{}\n}}\n", members.join(",\n")).into()),
        ("public-key.json", first.secret.public_key().to_json().into()),
        ("secret-key.json", first.secret.to_json()?.as_bytes().into()),
        ("network.safetensors", job.network.to_safetensors()?),
        ("model.safetensors", job.model.to_bytes()),
        ("spec.json", job.model.spec().as_json().into()),
        ("records.txt", rows(&|i| spaced(&job.records[i])).into()),
        ("request.cbor", job.records_layout.request.to_bytes()),
        ("response.cbor", job.records_layout.response.to_bytes()),
        ("features-request.cbor", job.features_layout.request.to_bytes()),
        ("features-response.cbor", job.features_layout.response.to_bytes()),
        ("expected-logits.txt", rows(&|i| spaced(&job.records_layout.predictions[i].logits)).into()),
        ("expected-classes.txt", rows(&|i| job.records_layout.predictions[i].class.to_string()).into()),
    ])
}

/// A list, one item a line.
fn lines(items: &[String]) -> String {
    format!("[\n    {}\n  ]", items.join(",\n    "))
}

/// An object with its members in the order given.
fn object<const N: usize>(members: [(&str, Value); N]) -> String {
    format!("{{{}}}", members.map(|(name, value)| format!("{}:{value}", json!(name))).join(","))
}

/// The first bytes of SHAKE256("tacita vectors/" || label).
fn stream(label: &str, bytes: &mut [u8]) {
    Shake256::default().chain(b"tacita vectors/").chain(label).finalize_xof().read(bytes);
}

/// A number of `bits` bits at most, big-endian from the stream of a label.
fn number(label: &str, bits: u32) -> Integer {
    let mut bytes = vec![0; bits as usize / 8];
    stream(label, &mut bytes);
    Integer::from_digits(&bytes, Order::Msf)
}

fn hex(number: &Integer) -> Value {
    number.to_string_radix(16).into()
}

struct Key {
    name: &'static str,
    secret: SecretKey,
    p: Integer,
    q: Integer,
    residue: u32,
}

impl Key {
    fn make(name: &'static str, residue: u32) -> Result<Self> {
        let [p, q] = ["p", "q"].map(|factor| prime(&format!("{name} {factor}"), residue));
        let secret = SecretKey::from_primes(p.clone(), q.clone())?;
        // So that it is in the public part, too.
        secret.proof()?;
        Ok(Self { name, secret, p, q, residue })
    }

    fn to_json(&self) -> Result<String> {
        let public = self.secret.public_key();
        let proof = self.secret.proof()?.as_bytes().chunks_exact(BITS as usize / 8);
        let proof = proof.map(|root| hex(&Integer::from_digits(root, Order::Msf))).collect();
        let nonce_base =
            if public.short_nonces() { hex(&Drawn::PublicBase(1.into()).residue(&self.secret)?) } else { Value::Null };
        Ok(object([
            ("name", self.name.into()),
            ("residue_mod_4", self.residue.into()),
            ("p", hex(&self.p)),
            ("q", hex(&self.q)),
            ("n", hex(public.modulus())),
            ("fingerprint", public.fingerprint().to_string().into()),
            ("short_nonces", public.short_nonces().into()),
            ("proof", proof),
            ("nonce_base", nonce_base),
            ("public_jwk", public.to_json().into()),
            ("secret_jwk", self.secret.to_json()?.as_str().into()),
        ]))
    }
}

/// The least prime of the residue modulo 4 from the label's number on, its top two bits set.
fn prime(label: &str, residue: u32) -> Integer {
    let mut candidate = number(label, BITS / 2) | (Integer::from(3) << (BITS / 2 - 2));
    candidate += (residue + 4 - candidate.mod_u(4)) % 4;
    while candidate.is_probably_prime(40) == IsPrime::No {
        candidate += 4;
    }
    candidate
}

/// How a nonce is drawn. A nonce is consumed by its use, so it is drawn anew for each.
enum Drawn {
    Power(Integer),
    PublicBase(Integer),
    SecretBase(Integer, Integer),
}

impl Drawn {
    fn nonce(&self, secret: &SecretKey) -> Result<Nonce> {
        match self {
            Self::Power(r) => secret.public_key().nonce_from_root(r),
            Self::PublicBase(a) => secret.public_key().nonce_from_exponent(a),
            Self::SecretBase(a, b) => secret.nonce_from_exponents(a, b),
        }
    }

    /// The number that the nonce is: an encryption of zero with it.
    fn residue(&self, secret: &SecretKey) -> Result<Integer> {
        let key = secret.public_key();
        Ok(key.encrypt_with(&Plaintext::new(0, key)?, self.nonce(secret)?)?.to_integer())
    }

    fn to_json(&self, secret: &SecretKey) -> Result<String> {
        let rho = ("rho", hex(&self.residue(secret)?));
        let method = |name: &str| ("method", name.into());
        Ok(match self {
            Self::Power(r) => object([method("power"), ("r", hex(r)), rho]),
            Self::PublicBase(a) => object([method("public base"), ("a", hex(a)), rho]),
            Self::SecretBase(a, b) => object([method("secret base"), ("a", hex(a)), ("b", hex(b)), rho]),
        })
    }
}

/// Nonces, ciphertexts, and what becomes of ciphertexts; each is named by its place in its list.
struct Numbers {
    nonces: Vec<String>,
    encryptions: Vec<String>,
    operations: Vec<String>,
}

impl Numbers {
    fn make(secret: &SecretKey) -> Result<Self> {
        let key = secret.public_key();
        let n = key.modulus();
        let half = BITS / 2;
        let roots = [1.into(), 2.into(), Integer::from(n - 1), number("root 0", BITS) % n, number("root 1", BITS) % n];
        let short = [0.into(), 1.into(), (Integer::from(1) << half) - 1u32, number("short", half)];
        // Eight bits shorter than p - 1 and q - 1, so below them.
        let pair = ["a", "b"].map(|label| number(label, half - 8));
        let pairs = [[0, 1].map(Integer::from), pair];
        let drawn: Vec<_> = (roots.into_iter().map(Drawn::Power))
            .chain(short.into_iter().map(Drawn::PublicBase))
            .chain(pairs.into_iter().map(|[a, b]| Drawn::SecretBase(a, b)))
            .collect();

        let middle = Integer::from(n / 2);
        let plaintexts = [
            0.into(),
            1.into(),
            (-1).into(),
            middle.clone(),
            -middle,
            Integer::from(n - 1),
            Integer::from(1) << (BITS - 2),
            number("plaintext 0", BITS) % n,
            number("plaintext 1", BITS) % n,
            number("plaintext 2", 64),
            -number("plaintext 3", 256),
        ];
        let mut ciphertexts = Vec::new();
        let mut encryptions = Vec::new();
        for (place, plaintext) in plaintexts.iter().enumerate() {
            let nonce = place % drawn.len();
            let ciphertext = key.encrypt_with(&Plaintext::new(plaintext.clone(), key)?, drawn[nonce].nonce(secret)?)?;
            let number = hex(&ciphertext.to_integer());
            encryptions.push(object([("plaintext", hex(plaintext)), ("nonce", nonce.into()), ("ciphertext", number)]));
            ciphertexts.push(ciphertext);
        }
        Ok(Self {
            nonces: drawn.iter().map(|drawn| drawn.to_json(secret)).collect::<Result<_>>()?,
            encryptions,
            operations: Self::operations(key, &ciphertexts, &plaintexts)?,
        })
    }

    fn operations(key: &PublicKey, ciphertexts: &[Ciphertext], plaintexts: &[Integer]) -> Result<Vec<String>> {
        let mut operations = Vec::new();
        let mut push = |name: &str, x: usize, y: Value, result: Ciphertext, plaintext: Integer| {
            operations.push(object([
                ("operation", name.into()),
                ("x", x.into()),
                ("y", y),
                ("result", hex(&result.to_integer())),
                ("plaintext", hex(&plaintext.modulo(key.modulus()))),
            ]));
        };
        for (x, y) in [(0, 0), (1, 2), (7, 8), (5, 5), (9, 10)] {
            let sum = key.add(&ciphertexts[x], &ciphertexts[y])?;
            push("add", x, y.into(), sum, Integer::from(&plaintexts[x] + &plaintexts[y]));
        }
        for (x, y) in [(1, -1), (5, 1), (7, i64::MIN), (10, i64::MAX)] {
            let sum = key.add_plain(&ciphertexts[x], &Plaintext::new(y, key)?)?;
            push("add plain", x, hex(&y.into()), sum, Integer::from(&plaintexts[x] + y));
        }
        for (x, y) in [(7, 0), (7, 1), (7, -1), (8, 127), (8, -127), (9, i64::MIN), (10, i64::MAX)] {
            let product = key.mul_plain(&ciphertexts[x], &y.into())?;
            push("multiply plain", x, hex(&y.into()), product, Integer::from(&plaintexts[x] * y));
        }
        Ok(operations)
    }
}

/// A network all the way to predictions, for one record more than a ciphertext has room for in the records layout, and for
/// the first of these records, one more than it has room for, in a features layout.
struct Job {
    network: Network,
    model: PrivateModel,
    records: Vec<Vec<f64>>,
    records_layout: Exchange,
    features_layout: Exchange,
}

/// A request and its response.
struct Exchange {
    request_seed: &'static str,
    response_seed: &'static str,
    request: Request,
    response: Response,
    predictions: Vec<Prediction>,
}

impl Job {
    fn make(secret: &SecretKey) -> Result<Self> {
        let network = network()?;
        let features = Features::new([
            Feature::new("temperature", Grid::new(30.0, 0.125, 0, 120)?),
            Feature::new("pulse", Grid::new(0.0, 1.0, 20, 300)?),
            Feature::run("electrode", 2, Grid::new(0.0, 0.5, -512, 511)?),
        ])?;
        let labels = ["rest", "strain", "fever"];
        let activation = network.activation();
        let options = QuantiseOptions::default();
        let (model, _) =
            PrivateModel::compile(&network.collapse()?, features, &labels, activation, "monitor", options)?;
        let spec = model.spec().clone();
        let pin = spec.fingerprint();
        let encryptor = |layout| Encryptor::with_secret_key(spec.clone(), pin, secret.clone())?.layout(layout);
        let [by_records, by_features] = [Layout::Records, Layout::Features { together: 3 }].map(encryptor);
        let (by_records, by_features) = (by_records?, by_features?);
        let records = records(spec.features(), by_records.capacity() + 1);
        let seeds = ["tacita vectors/request", "tacita vectors/response"];
        let records_layout = Exchange::make(&by_records, &records, &model, secret, seeds)?;
        let seeds = ["tacita vectors/features request", "tacita vectors/features response"];
        let few = &records[..=by_features.capacity()];
        let features_layout = Exchange::make(&by_features, few, &model, secret, seeds)?;
        Ok(Self { network, model, records, records_layout, features_layout })
    }

    fn model_json(&self) -> Result<String> {
        let (model, spec) = (&self.model, self.model.spec());
        let weights = (0..model.rows()).map(|row| json!(model.weights_row(row))).collect();
        Ok(object([
            ("network", STANDARD.encode(self.network.to_safetensors()?).into()),
            ("file", STANDARD.encode(model.to_bytes()).into()),
            ("spec", spec.as_json().into()),
            ("spec_fingerprint", spec.fingerprint().to_string().into()),
            ("weights", weights),
            ("bias", model.bias().into()),
            ("slot_bias", model.slot_bias().into()),
        ]))
    }

    fn records_json(&self) -> Result<Vec<String>> {
        let features = self.model.spec().features();
        let record = |(values, prediction): (&Vec<f64>, &Prediction)| {
            let mut integers = vec![0; features.len()];
            features.encode(values, OutOfRange::Refuse, &mut integers)?;
            // The exponential's last digits depend on the machine.
            let probabilities = prediction.probabilities.iter().map(|p| json!((p * 1e12).round() / 1e12));
            Ok(object([
                ("values", values.as_slice().into()),
                ("integers", integers.into()),
                ("outputs", prediction.outputs.as_slice().into()),
                ("logits", prediction.logits.as_slice().into()),
                ("probabilities", probabilities.collect()),
                ("class", prediction.class.into()),
            ]))
        };
        self.records.iter().zip(&self.records_layout.predictions).map(record).collect()
    }
}

impl Exchange {
    fn make(
        encryptor: &Encryptor,
        records: &[Vec<f64>],
        model: &PrivateModel,
        secret: &SecretKey,
        [request_seed, response_seed]: [&'static str; 2],
    ) -> Result<Self> {
        let request = encryptor.encrypt_from_seed(records, request_seed.as_bytes())?;
        let evaluator = Evaluator::new(model.clone());
        let response = evaluator.evaluate_from_seed(&request, secret.public_key(), response_seed.as_bytes())?;
        let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
        let predictions = Decryptor::new(spec, pin, secret.clone())?.decrypt(&response, request.header())?;
        Ok(Self { request_seed, response_seed, request, response, predictions })
    }

    fn request_json(&self) -> String {
        let header = self.request.header();
        let id = Integer::from_digits(header.id(), Order::Msf);
        object([
            ("seed", self.request_seed.into()),
            ("id", format!("{id:032x}").into()),
            ("records", header.records().into()),
            ("together", header.layout().together().into()),
            ("bytes", STANDARD.encode(self.request.to_bytes()).into()),
        ])
    }

    fn response_json(&self, secret: &SecretKey) -> Result<String> {
        let bytes = self.response.to_bytes();
        // The ciphertexts are a message's end.
        let ciphertexts = &bytes[bytes.len() - self.response.ciphertext_bytes()..];
        let ciphertexts = secret.public_key().ciphertexts_from_bytes(ciphertexts)?;
        let plaintexts = secret.decrypt_batch(&ciphertexts)?;
        let plaintexts = plaintexts.iter().map(|plaintext| hex(&plaintext.to_integer())).collect();
        let bytes = STANDARD.encode(bytes);
        Ok(object([("seed", self.response_seed.into()), ("plaintexts", plaintexts), ("bytes", bytes.into())]))
    }
}

/// Four inputs, five numbers in between, three outputs.
fn network() -> Result<Network> {
    let mut digits = [0; 64];
    stream("network", &mut digits);
    // Multiples of 1/64 from -2 to 2.
    let mut numbers = digits.iter().map(|&digit| f64::from(i32::from(digit) - 128) / 64.0);
    let mut take = |count| numbers.by_ref().take(count).collect::<Vec<_>>();
    let layers = vec![Affine::new(4, take(20), take(5))?, Affine::new(5, take(15), take(3))?];
    let normalisation = Normalisation::new(vec![37.0, 80.0, 0.0, 0.0], vec![2.0, 32.0, 128.0, 64.0])?;
    Network::new(Some(normalisation), layers, Activation::Softmax)
}

/// Records off the grid, between ends that stand in the first two.
fn records(features: &Features, count: usize) -> Vec<Vec<f64>> {
    let record = |record| {
        let value = |(i, grid): (usize, &Grid)| match record {
            0 => grid.decode(grid.least()),
            1 => grid.decode(grid.greatest()),
            _ => {
                let mut digits = [0; 8];
                stream(&format!("record {record} {i}"), &mut digits);
                let share = (u64::from_be_bytes(digits) >> 11) as f64 / (1_u64 << 53) as f64;
                let (least, greatest) = (grid.decode(grid.least()), grid.decode(grid.greatest()));
                // In hundredths, as a person would write it.
                ((least + share * (greatest - least)) * 100.0).round() / 100.0
            }
        };
        features.grids().enumerate().map(value).collect()
    };
    (0..count).map(record).collect()
}
