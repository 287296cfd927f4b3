//! The known-answer vectors of `tests/vectors`. `make vectors` renews them; C and Python read the same files.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rug::Integer;
use rug::integer::Order;
use serde_json::Value;
use tacita::encoding::OutOfRange;
use tacita::inference::{Decryptor, Evaluator, Prediction, Request, Response};
use tacita::model::{PrivateModel, PublicSpec, QuantiseOptions};
use tacita::network::Network;
use tacita::paillier::{Ciphertext, Plaintext, PublicKey, SecretKey, UnverifiedPublicKey};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn vectors() -> Value {
    let vectors: Value = serde_json::from_slice(&file("tacita-v1.json")).unwrap();
    assert_eq!(vectors["format"], "tacita-vectors/1");
    vectors
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hex(value: &Value) -> Integer {
    Integer::from_str_radix(text(value), 16).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(text(value)).unwrap()
}

fn place(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn numbers<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// The key that everything but the list of keys is under.
fn key(vectors: &Value) -> SecretKey {
    SecretKey::from_json(text(&vectors["keys"][0]["secret_jwk"])).unwrap()
}

#[test]
fn keys_fingerprints_and_proofs_are_as_they_were() {
    for vector in list(&vectors()["keys"]) {
        let secret = SecretKey::from_primes(hex(&vector["p"]), hex(&vector["q"])).unwrap();
        let public = secret.public_key();
        let proof: Vec<Integer> = list(&vector["proof"]).iter().map(hex).collect();
        let made = secret.proof().unwrap().as_bytes().chunks_exact(256);
        assert!(made.map(|root| Integer::from_digits(root, Order::Msf)).eq(proof));
        assert_eq!(*public.modulus(), hex(&vector["n"]));
        assert_eq!(public.fingerprint().to_string(), text(&vector["fingerprint"]));
        assert_eq!(public.short_nonces(), vector["short_nonces"]);
        assert_eq!(public.to_json(), text(&vector["public_jwk"]));
        assert_eq!(secret.to_json().unwrap().as_str(), text(&vector["secret_jwk"]));
        let received = UnverifiedPublicKey::from_json(text(&vector["public_jwk"])).unwrap();
        assert_eq!(received.verify().unwrap(), *public);
    }
}

#[test]
fn ciphertexts_have_the_listed_nonce_and_decrypt_to_the_listed_plaintext() {
    let vectors = vectors();
    let secret = key(&vectors);
    let n = secret.public_key().modulus();
    for vector in list(&vectors["encryptions"]) {
        let (plaintext, number) = (hex(&vector["plaintext"]), hex(&vector["ciphertext"]));
        let rho = hex(&vectors["nonces"][place(&vector["nonce"])]["rho"]);
        let encrypted = (Integer::from(&plaintext * n) + 1u32) * rho;
        assert_eq!(encrypted.modulo(&n.clone().square()), number);
        let ciphertext = secret.public_key().ciphertext(&number).unwrap();
        assert_eq!(secret.decrypt(&ciphertext).unwrap().to_integer(), plaintext.modulo(n));
    }
}

#[test]
fn operations_on_ciphertexts_give_the_listed_ones() {
    let vectors = vectors();
    let secret = key(&vectors);
    let public = secret.public_key();
    let ciphertext = |index: &Value| -> Ciphertext {
        public.ciphertext(&hex(&vectors["encryptions"][place(index)]["ciphertext"])).unwrap()
    };
    for vector in list(&vectors["operations"]) {
        let (x, y) = (ciphertext(&vector["x"]), &vector["y"]);
        let result = match text(&vector["operation"]) {
            "add" => public.add(&x, &ciphertext(y)),
            "add plain" => public.add_plain(&x, &Plaintext::new(hex(y), public).unwrap()),
            "multiply plain" => public.mul_plain(&x, &hex(y)),
            other => panic!("an operation nobody knows: {other}"),
        };
        let result = result.unwrap();
        assert_eq!(result.to_integer(), hex(&vector["result"]));
        assert_eq!(secret.decrypt(&result).unwrap().to_integer(), hex(&vector["plaintext"]));
    }
}

#[test]
fn the_network_compiles_to_the_listed_model_and_spec_byte_for_byte() {
    let model = &vectors()["model"];
    let (file, spec) = (bytes(&model["file"]), text(&model["spec"]));
    let read = PrivateModel::from_bytes(&file).unwrap();
    assert_eq!((read.to_bytes(), read.spec().as_json()), (file.clone(), spec));
    assert_eq!(read.spec().fingerprint().to_string(), text(&model["spec_fingerprint"]));
    assert_eq!(PublicSpec::from_json(spec.as_bytes()).unwrap().fingerprint(), read.spec().fingerprint());
    let weights: Vec<_> = (0..read.rows()).map(|row| read.weights_row(row).to_vec()).collect();
    assert_eq!(weights, numbers::<Vec<Vec<i32>>>(&model["weights"]));
    assert_eq!(read.bias(), numbers::<Vec<i64>>(&model["bias"]));
    assert_eq!(read.slot_bias(), numbers::<Vec<i64>>(&model["slot_bias"]));

    let network = Network::from_safetensors(&bytes(&model["network"]), None).unwrap();
    assert_eq!(network.to_safetensors().unwrap(), bytes(&model["network"]));
    let labels: Vec<_> = read.spec().labels().collect();
    let (features, activation) = (read.spec().features().clone(), network.activation());
    let (name, options) = (read.spec().model(), QuantiseOptions::default());
    let affine = network.collapse().unwrap();
    let (compiled, _) = PrivateModel::compile(&affine, features, &labels, activation, name, options).unwrap();
    assert_eq!(compiled.to_bytes(), file);
}

/// The predictions are those listed for the first `count` records.
fn assert_listed(predictions: &[Prediction], vectors: &Value, count: usize) {
    let listed = &list(&vectors["records"])[..count];
    assert_eq!(predictions.len(), listed.len());
    for (prediction, listed) in predictions.iter().zip(listed) {
        assert_eq!(prediction.outputs, numbers::<Vec<i64>>(&listed["outputs"]));
        assert_eq!(prediction.logits, numbers::<Vec<f64>>(&listed["logits"]));
        assert_eq!(prediction.class, place(&listed["class"]));
        for (found, listed) in prediction.probabilities.iter().zip(numbers::<Vec<f64>>(&listed["probabilities"])) {
            assert!((found - listed).abs() < 1e-11, "{found} is not {listed}");
        }
    }
}

#[test]
fn records_give_the_listed_integers_and_outputs() {
    let vectors = vectors();
    let model = PrivateModel::from_bytes(&bytes(&vectors["model"]["file"])).unwrap();
    let network = Network::from_safetensors(&bytes(&vectors["model"]["network"]), None).unwrap();
    let features = model.spec().features();
    for record in list(&vectors["records"]) {
        let mut integers = vec![0; features.len()];
        features.encode(&numbers::<Vec<f64>>(&record["values"]), OutOfRange::Refuse, &mut integers).unwrap();
        assert_eq!(integers, numbers::<Vec<i64>>(&record["integers"]));
        assert_eq!(model.evaluate(&integers).unwrap(), numbers::<Vec<i64>>(&record["outputs"]));
        let exact = network.logits(&features.decode(&integers).unwrap()).unwrap();
        for (logit, exact) in numbers::<Vec<f64>>(&record["logits"]).iter().zip(exact) {
            assert!((logit - exact).abs() <= model.spec().logit_error());
        }
    }
}

#[test]
fn the_requests_are_answered_and_the_responses_decrypt_to_the_listed_predictions() {
    let vectors = vectors();
    let secret = key(&vectors);
    for (request, response) in [("request", "response"), ("features_request", "features_response")] {
        let (facts, listed) = (&vectors[request], bytes(&vectors[response]["bytes"]));
        let request = Request::from_bytes(&bytes(&facts["bytes"])).unwrap();
        assert_eq!(request.to_bytes(), bytes(&facts["bytes"]));
        let header = request.header();
        assert_eq!(Integer::from_digits(header.id(), Order::Msf), hex(&facts["id"]));
        assert_eq!(
            [header.records(), header.layout().together() as usize],
            ["records", "together"].map(|m| place(&facts[m]))
        );
        let model = PrivateModel::from_bytes(&bytes(&vectors["model"]["file"])).unwrap();
        let spec = model.spec().clone();
        let pin = spec.fingerprint();
        let response = Response::from_bytes(&listed).unwrap();
        assert_eq!(response.to_bytes(), listed);
        let verified: PublicKey = request.public_key().unwrap().clone().verify().unwrap();
        let fresh = Evaluator::new(model).evaluate(&request, &verified).unwrap();
        let decryptor = Decryptor::new(spec, pin, secret.clone()).unwrap();
        for response in [response, fresh] {
            assert_listed(&decryptor.decrypt(&response, header).unwrap(), &vectors, header.records());
        }
    }
}

#[test]
fn the_single_files_say_what_the_json_says() {
    let vectors = vectors();
    let (key, model) = (&vectors["keys"][0], &vectors["model"]);
    assert_eq!(file("public-key.json"), text(&key["public_jwk"]).as_bytes());
    assert_eq!(file("secret-key.json"), text(&key["secret_jwk"]).as_bytes());
    assert_eq!(file("network.safetensors"), bytes(&model["network"]));
    assert_eq!(file("model.safetensors"), bytes(&model["file"]));
    assert_eq!(file("spec.json"), text(&model["spec"]).as_bytes());
    assert_eq!(file("request.cbor"), bytes(&vectors["request"]["bytes"]));
    assert_eq!(file("response.cbor"), bytes(&vectors["response"]["bytes"]));
    assert_eq!(file("features-request.cbor"), bytes(&vectors["features_request"]["bytes"]));
    assert_eq!(file("features-response.cbor"), bytes(&vectors["features_response"]["bytes"]));
    for (name, member) in
        [("records.txt", "values"), ("expected-logits.txt", "logits"), ("expected-classes.txt", "class")]
    {
        let text = String::from_utf8(file(name)).unwrap();
        let rows = text.lines().map(|line| line.split(' ').map(|word| word.parse().unwrap()).collect::<Vec<f64>>());
        let listed = list(&vectors["records"]).iter().map(|record| match &record[member] {
            one @ Value::Number(_) => vec![numbers::<f64>(one)],
            several => numbers(several),
        });
        assert!(rows.eq(listed), "{name}");
    }
}

#[cfg(feature = "hazmat")]
#[path = "../examples/make_vectors/files.rs"]
mod files;

#[cfg(feature = "hazmat")]
#[test]
fn the_files_are_what_the_program_makes() {
    let mut made = files::make().unwrap();
    made.sort();
    let mut names: Vec<_> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.iter().eq(made.iter().map(|(name, _)| name)), "{names:?}");
    for (name, content) in made {
        assert!(file(name) == content, "{name} is not what `make vectors` makes");
    }
}
