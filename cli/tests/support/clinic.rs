//! A folder with keys, a small model and one record, all made by the command itself.

#![allow(dead_code)]

use serde_json::Value;
use tacita::network::{Activation, Affine, Network, Normalisation};
use tacita::paillier::SecretKey;

use crate::command::{Folder, KEY, OTHER_KEY};

/// Values of a record, with digits that no message may show.
pub(crate) const RECORD: &str = "61.5,98765,1,0.25\n";

pub(crate) const FEATURES: &str = r#"[
  {"name": "age", "offset": 0, "step": 0.5, "least": 0, "greatest": 240},
  {"name": "marker", "offset": 0, "step": 1, "least": 0, "greatest": 100000},
  {"name": "smoker", "offset": 0, "step": 1, "least": 0, "greatest": 1},
  {"name": "ratio", "offset": -1, "step": 0.125, "least": 0, "greatest": 16}
]"#;

/// Two layers and a normalisation: four inputs, three outputs.
pub(crate) fn network(seed: f64) -> Network {
    let numbers = |count: usize| (0..count).map(|i| (i as f64 * 0.7 + seed).sin()).collect::<Vec<_>>();
    let layers =
        vec![Affine::new(4, numbers(20), numbers(5)).unwrap(), Affine::new(5, numbers(15), numbers(3)).unwrap()];
    let normalisation = Normalisation::new(vec![50.0, 40_000.0, 0.3, 0.0], vec![20.0, 30_000.0, 0.5, 0.7]).unwrap();
    Network::new(Some(normalisation), layers, Activation::Softmax).unwrap()
}

pub(crate) fn key(text: &str) -> SecretKey {
    SecretKey::from_json(text).unwrap()
}

/// A hospital with `secret.json` and `public.json`, the owner's `model.safetensors` and `spec.json`, an unsent `request`
/// and its `response`; of each another one too: `other-secret.json` and so on.
pub(crate) fn open() -> Folder {
    let folder = Folder::new();
    for (prefix, text, seed) in [("", KEY, 1.0), ("other-", OTHER_KEY, 2.0)] {
        let key = key(text);
        key.proof().unwrap();
        folder.write(&format!("{prefix}secret.json"), text);
        folder.write(&format!("{prefix}public.json"), key.public_key().to_json());
        folder.write(&format!("{prefix}network.safetensors"), network(seed).to_safetensors().unwrap());
        folder.write("features.json", FEATURES);
        folder
            .tacita(&format!(
                "compile {prefix}network.safetensors --model {prefix}model.safetensors --spec {prefix}spec.json \
                 --features features.json --labels low,medium,high --name {prefix}risk"
            ))
            .success();
    }
    folder.write("records.csv", RECORD);
    folder.tacita("encrypt --spec spec.json --key secret.json --in records.csv --out request").success();
    folder.tacita("encrypt --spec spec.json --key secret.json --in records.csv --out other-request").success();
    folder.tacita("evaluate --model model.safetensors --in request --out response").success();
    folder.tacita("evaluate --model model.safetensors --in other-request --out other-response").success();
    folder
}

/// A fact that `inspect` tells.
pub(crate) fn fact(folder: &Folder, file: &str, name: &str) -> Value {
    folder.tacita(&format!("inspect {file} --json")).success().json()[name].clone()
}

/// A fingerprint that `inspect` tells.
pub(crate) fn fingerprint(folder: &Folder, file: &str) -> String {
    fact(folder, file, "fingerprint").as_str().unwrap().to_string()
}
