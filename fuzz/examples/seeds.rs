//! Writes the seeds of the corpus, valid files of each kind, into the folder given: the same bytes each time.
//!
//! ```text
//! cargo run --release --manifest-path fuzz/Cargo.toml --example seeds fuzz/corpus
//! ```

use std::path::PathBuf;

use tacita::encoding::{Feature, Features, Grid, Layout};
use tacita::inference::{Encryptor, Request};
use tacita::model::{PrivateModel, QuantiseOptions};
use tacita::network::{Activation, Affine, Network, Normalisation};
use tacita_fuzz::fixtures::KEY;
use tacita_fuzz::wire::Message;
use tacita_fuzz::{
    EVALUATOR, MODEL, model_of_parts, read_model, read_request, read_response, read_sequence, read_spec, sealed_model,
    sealed_spec, unsealed_model, unsealed_spec,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("give the folder of the corpus")?);
    let write = |target: &str, name: &str, bytes: &[u8]| -> std::io::Result<()> {
        std::fs::create_dir_all(folder.join(target))?;
        std::fs::write(folder.join(target).join(name), bytes)
    };

    let public = KEY.public_key().to_json();
    let secret = KEY.to_json()?;
    write("public_key", "with-proof", public.as_bytes())?;
    let short = without_member(&public, "proof");
    write("public_key", "without-proof", short.as_bytes())?;
    write("secret_key", "whole", secret.as_bytes())?;
    write("secret_key", "without-proof", without_member(&secret, "proof").as_bytes())?;

    for (name, model) in [("two-pixels", MODEL.clone()), ("mixed", mixed()?)] {
        let spec = model.spec().as_json().as_bytes();
        write("spec", name, spec)?;
        write("sealed_spec", name, unsealed_spec(spec))?;
        write("model", name, &model.to_bytes())?;
        let unsealed = unsealed_model(&model.to_bytes());
        write("sealed_model", name, &unsealed)?;
        let shape = [model.rows() as u8, model.columns() as u8, 0];
        let parts = [&shape, unsealed_spec(spec), &[0, 1, 2, 3]].concat();
        write("model_parts", name, &parts)?;
        assert!(read_spec(&sealed_spec(unsealed_spec(spec))));
        assert!(read_model(&sealed_model(&unsealed)) && read_model(&model_of_parts(&parts)));
    }

    let deep = vec![Affine::new(2, vec![0.5; 6], vec![1.0; 3])?, Affine::new(3, vec![-0.1; 6], vec![0.0; 2])?];
    let normalisation = Normalisation::new(vec![1.0, 2.0], vec![3.0])?;
    write("network", "deep", &Network::new(Some(normalisation), deep, Activation::Softmax)?.to_safetensors()?)?;
    let half = br#"{"weight":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}"#;
    write("network", "half", &[&(half.len() as u64).to_le_bytes()[..], half, &[0, 0x3c, 0, 0xc0]].concat())?;

    let (spec, pin) = (MODEL.spec().clone(), MODEL.spec().fingerprint());
    let encryptor = Encryptor::with_secret_key(spec, pin, KEY.clone())?;
    let request = encryptor.encrypt_from_seed(&[[1.0, 255.0]], b"request")?;
    let together = encryptor.layout(Layout::Features { together: 2 })?;
    let together = together.encrypt_from_seed(&[[1.0, 255.0], [3.0, 4.0]], b"together")?;
    let response = EVALUATOR.evaluate_from_seed(&request, KEY.public_key(), b"response")?;
    let second = request.clone().without_key();
    for (name, requests) in [("two", [&request, &second]), ("two-alike", [&request; 2])] {
        let sequence = requests.map(Request::to_bytes).concat();
        write("sequence", name, &sequence)?;
        assert!(read_sequence(&sequence));
    }
    let answer = EVALUATOR.evaluate_from_seed(&together, KEY.public_key(), b"answer")?;
    for (name, request) in
        [("with-key", request.clone()), ("without-key", request.without_key()), ("features", together.without_key())]
    {
        write("request", name, &request.to_bytes())?;
        write("sealed_request", name, &Message::of_request(&request).content())?;
        assert!(read_request(&request.to_bytes()));
    }
    for (name, response) in [("one-record", response), ("features", answer)] {
        write("response", name, &response.to_bytes())?;
        write("sealed_response", name, &Message::of_response(&response).content())?;
        assert!(read_response(&response.to_bytes()));
    }

    let fingerprint = KEY.public_key().fingerprint();
    write("verified_keys", "one", format!("{fingerprint}\n").as_bytes())?;
    write("verified_keys", "two", format!("{pin}\n{fingerprint}\n").as_bytes())?;
    Ok(())
}

/// A key file without one of its members, which stands in a line of its own, after another.
fn without_member(text: &str, member: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains(&format!("\"{member}\""))).collect();
    // The line before it ended with a comma, and now a brace follows.
    lines.join("\n").replace(",\n}", "\n}").replace(",\n  }", "\n  }")
}

/// Names that need escapes, a run, a grid with fractions, wide weights.
fn mixed() -> tacita::Result<PrivateModel> {
    let features = Features::new([
        Feature::new("β \"sugar\" \\", Grid::new(0.1, 1.0 / 3.0, -7, 1000)?),
        Feature::run("pixel", 2, Grid::new(0.0, 1.0, 0, 255)?),
    ])?;
    let affine = Affine::new(3, vec![0.7, -0.3, 0.11], vec![-1.0 / 7.0])?;
    let options = QuantiseOptions { bits: 12 };
    Ok(PrivateModel::compile(&affine, features, &["ill"], Activation::Sigmoid, "mixed", options)?.0)
}
