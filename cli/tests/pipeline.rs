//! From a key to a prediction by files, each step a process of its own.

#[path = "support/clinic.rs"]
mod clinic;
#[path = "support/command.rs"]
mod command;
#[path = "support/message.rs"]
mod message;

use clinic::{fact, fingerprint, network};
use command::{Folder, KEY};
use message::Message;
use serde_json::Value;
use tacita::encoding::{Features, OutOfRange};
use tacita::model::{PrivateModel, PublicSpec};
use tacita::network::Network;
use tacita_datasets::{Digit, NETWORK};

/// What `decrypt --json` says of the record at `index`.
fn prediction(predictions: &Value, index: usize) -> (Vec<i64>, Vec<f64>, usize) {
    let record = &predictions["records"][index];
    let list = |name: &str| record[name].as_array().unwrap().clone();
    let outputs = list("outputs").iter().map(|output| output.as_i64().unwrap()).collect();
    let logits = list("logits").iter().map(|logit| logit.as_f64().unwrap()).collect();
    (outputs, logits, record["class"].as_u64().unwrap() as usize)
}

#[test]
fn five_processes_do_what_the_demo_does() {
    let digits = Digit::embedded();
    let [hospital, owner, cloud] = [(); 3].map(|()| Folder::new());
    owner.write("network.safetensors", NETWORK);
    owner
        .tacita("compile network.safetensors --model model.safetensors --spec spec.json --pixels --name digits")
        .success();
    cloud.write("model.safetensors", owner.read("model.safetensors"));
    hospital.write("spec.json", owner.read("spec.json"));
    let pin = fingerprint(&owner, "spec.json");

    hospital.tacita("keygen --bits 2048 --secret secret.json --public public.json").success();
    let row = |digit: &Digit| digit.pixels.map(|pixel| pixel.to_string()).join(",") + "\n";
    hospital.write("records.csv", digits.iter().map(row).collect::<String>());
    hospital
        .tacita(&format!("encrypt --spec spec.json --pin {pin} --key secret.json --in records.csv --out request"))
        .success();

    cloud.write("request", hospital.read("request"));
    let key = fingerprint(&hospital, "public.json");
    cloud
        .tacita(&format!(
            "evaluate --model model.safetensors --in request --out response --pin-key {key} --verified-keys keys"
        ))
        .success();
    assert_eq!(cloud.names(), ["keys", "model.safetensors", "request", "response"], "no secret came here");

    hospital.write("response", cloud.read("response"));
    let decrypt =
        format!("decrypt --spec spec.json --pin {pin} --key secret.json --request request --in response --json");
    let predictions = hospital.tacita(&decrypt).success().json();

    let model = PrivateModel::from_bytes(&owner.read("model.safetensors")).unwrap();
    let network = Network::from_safetensors(NETWORK, None).unwrap();
    let (mut correct, mut max_error) = (0, 0.0_f64);
    for (index, digit) in digits.iter().enumerate() {
        let (outputs, logits, class) = prediction(&predictions, index);
        assert_eq!(outputs, model.evaluate(&digit.pixels.map(i64::from)).unwrap());
        correct += usize::from(class == usize::from(digit.label));
        for (logit, expected) in logits.iter().zip(network.logits(&digit.pixels.map(f64::from)).unwrap()) {
            max_error = max_error.max((logit - expected).abs());
        }
    }
    let demo = hospital.tacita("demo --bits 2048 --json").success().json();
    assert_eq!(demo["records"], digits.len());
    assert_eq!(demo["agree_with_integer_model"], digits.len());
    assert_eq!(demo["correct"], correct);
    assert_eq!(demo["max_logit_error"].as_f64().unwrap(), max_error);
    assert!(max_error <= demo["proved_logit_error"].as_f64().unwrap());
    assert_eq!(demo["request_bytes"], hospital.read("request").len());
    assert_eq!(demo["response_bytes"], hospital.read("response").len());
}

#[test]
fn every_key_and_every_order_of_columns_gives_the_same_prediction() {
    let folder = clinic::open();
    let spec = PublicSpec::from_json(&folder.read("spec.json")).unwrap();
    let model = PrivateModel::from_bytes(&folder.read("model.safetensors")).unwrap();
    let expected = plain(&model, spec.features(), &[61.5, 98765.0, 1.0, 0.25]);
    folder.write("named.csv", "smoker,ratio,age,marker\r\n1,0.25,61.5,98765\r\n");
    for (key, records) in [("secret", "records"), ("public", "records"), ("secret", "named"), ("public", "named")] {
        folder.tacita(&format!("encrypt --spec spec.json --key {key}.json --in {records}.csv --out request")).success();
        folder.tacita("evaluate --model model.safetensors --in request --out response").success();
        let decrypted = folder
            .tacita("decrypt --spec spec.json --key secret.json --request request --in response --json")
            .success()
            .json();
        let (outputs, logits, class) = prediction(&decrypted, 0);
        assert_eq!(outputs, expected);
        let label = &decrypted["records"][0]["label"];
        assert_eq!(label, ["low", "medium", "high"][class]);
        let float = network(1.0).logits(&[61.5, 98765.0, 1.0, 0.25]).unwrap();
        for (logit, float) in logits.iter().zip(float) {
            assert!((logit - float).abs() <= spec.logit_error());
        }
    }
}

#[test]
fn every_layout_gives_the_same_answers() {
    let folder = clinic::open();
    let model = PrivateModel::from_bytes(&folder.read("model.safetensors")).unwrap();
    let expected = plain(&model, model.spec().features(), &[61.5, 98765.0, 1.0, 0.25]);
    let listed: Vec<_> = model.spec().layouts().map(|layout| layout.to_string()).collect();
    assert_eq!(listed, ["records", "features:2", "features:3", "features:4"]);
    let encrypt = "encrypt --spec spec.json --key secret.json --in records.csv --out request --json --layout";
    let mut lengths = Vec::new();
    for layout in listed.iter().map(String::as_str).chain(["features"]) {
        let found = folder.tacita(&format!("{encrypt} {layout}")).success().json()["layout"].clone();
        assert!(found == layout || found == "features:4", "{found}");
        assert_eq!(fact(&folder, "request", "layout"), found);
        lengths.push(folder.read("request").len());
        let evaluated =
            folder.tacita("evaluate --model model.safetensors --in request --out response --json").success();
        assert_eq!(evaluated.json()["layout"], found);
        let decrypt = "decrypt --spec spec.json --key secret.json --request request --in response --json";
        assert_eq!(prediction(&folder.tacita(decrypt).success().json(), 0).0, expected, "{layout}");
    }
    // Four ciphertexts of 512 bytes, then two, two and one.
    assert!([2, 2, 3, 3].iter().zip(&lengths[1..]).all(|(fewer, length)| lengths[0] - fewer * 512 == *length));
    let encrypt = encrypt.replace(" --json", "");
    for layout in ["features:5", "features:1000000"] {
        folder.tacita(&format!("{encrypt} {layout}")).failure(10);
    }
    for layout in ["feature", "features:1", "features:-1", "features:x", "records:1", "''"] {
        let refused = folder.tacita(&format!("{encrypt} {layout}"));
        assert_eq!((refused.code, refused.text()), (2, ""), "{layout}");
    }
}

fn plain(model: &PrivateModel, features: &Features, record: &[f64]) -> Vec<i64> {
    let mut integers = vec![0; features.len()];
    features.encode(record, OutOfRange::Refuse, &mut integers).unwrap();
    model.evaluate(&integers).unwrap()
}

#[test]
fn a_dash_is_standard_input_or_output() {
    let folder = clinic::open();
    let encrypt = "encrypt --spec spec.json --key secret.json --in - --out -";
    let request = folder.tacita_with_input(encrypt, &folder.read("records.csv")).success();
    let evaluate = "evaluate --model model.safetensors --in - --out -";
    let response = folder.tacita_with_input(evaluate, &request.stdout).success();
    folder.write("request", &request.stdout);
    folder.write("response", &response.stdout);
    let decrypt = "decrypt --spec spec.json --key secret.json --request request --in - --out -";
    let predictions = folder.tacita_with_input(decrypt, &response.stdout).success();
    assert_eq!(serde_json::from_str::<Value>(predictions.text()).unwrap()["records"].as_array().unwrap().len(), 1);

    let spec = folder.read("spec.json");
    let from_stdin = |line: &str, input: &[u8]| folder.tacita_with_input(line, input).success();
    from_stdin("encrypt --spec - --key public.json --in records.csv --out out", &spec);
    from_stdin("encrypt --spec spec.json --key - --in records.csv --out out", &folder.read("public.json"));
    from_stdin("evaluate --model - --in request --out out", &folder.read("model.safetensors"));
    from_stdin(
        "decrypt --spec spec.json --key - --request request --in response --out out --quiet",
        &folder.read("secret.json"),
    );
    assert_eq!(from_stdin("inspect - --json", &spec).json()["kind"], "public spec");
    let compiled = folder.tacita("compile network.safetensors --model model --spec - --grid 0,1,0,100000").success();
    assert!(PublicSpec::from_json(&compiled.stdout).is_ok());
    let generated = folder.tacita("keygen --bits 2048 --secret new.json --public -").success();
    assert_eq!(fingerprint(&folder, "new.json"), serde_json::from_str::<Value>(generated.text()).unwrap()["kid"]);

    folder.tacita_with_input("encrypt --spec - --key secret.json --in - --out out2", &spec).failure(10);
    folder.tacita("keygen --bits 2048 --secret - --public -").failure(10);
    assert!(!folder.exists("out2") && !folder.exists("-"));
    let both = folder.tacita_with_input(&format!("{encrypt} --json"), b"");
    assert_eq!((both.code, &both.json()["error"]["name"]), (10, &"argument".into()));
}

#[test]
fn a_proof_is_checked_once_a_key() {
    let folder = clinic::open();
    let evaluate = |request: &str, keys: &str| {
        folder.tacita(&format!("evaluate --model model.safetensors --in {request} --out out --json {keys}"))
    };
    let checked = |keys: &str| evaluate("request", keys).success().json()["proof_checked"].clone();
    assert_eq!(checked("--verified-keys keys"), true);
    assert_eq!(checked("--verified-keys keys"), false);
    assert_eq!(checked(""), true);
    assert_eq!(folder.read("keys"), format!("{}\n", fingerprint(&folder, "public.json")).as_bytes());
    assert_eq!(fact(&folder, "keys", "kind"), "list of verified keys");

    // A key that is remembered needs no proof any more; one that is not does.
    let mut bare = Message::read(&folder.read("request"));
    bare.public_key.as_mut().unwrap().proof = None;
    folder.write("bare", bare.write());
    assert_eq!(evaluate("bare", "--verified-keys keys").success().json()["proof_checked"], false);
    assert_eq!(evaluate("bare", "--verified-keys other-keys").code, 44);
    assert!(!folder.exists("other-keys"));
    folder.write("keys", "not a fingerprint\n");
    assert_eq!(evaluate("request", "--verified-keys keys").code, 20);
}

#[test]
fn a_request_without_its_key_is_evaluated_where_the_key_is_given() {
    let folder = clinic::open();
    folder.tacita("encrypt --spec spec.json --key secret.json --in records.csv --out keyless --without-key").success();
    // The modulus, eleven roots, and what names them.
    let saved = folder.read("request").len() - folder.read("keyless").len();
    assert!((12 * 256..12 * 256 + 64).contains(&saved), "{saved}");
    let evaluate = "evaluate --model model.safetensors --in keyless --out keyless-response";
    folder.tacita(evaluate).failure(12);
    folder.tacita(&format!("{evaluate} --public-key other-public.json")).failure(30);
    folder.tacita(&format!("{evaluate} --public-key public.json --verified-keys keys")).success();
    folder.tacita("decrypt --spec spec.json --key secret.json --request keyless --in keyless-response").success();
}

#[test]
fn a_secret_key_is_never_overwritten() {
    let folder = clinic::open();
    let spec = "--spec spec.json --key secret.json";
    for line in [
        "keygen --bits 2048 --secret secret.json --public new.json".to_string(),
        "keygen --bits 2048 --secret new.json --public secret.json".into(),
        "compile network.safetensors --grid 0,1,0,9 --model secret.json --spec new.json".into(),
        "compile network.safetensors --grid 0,1,0,9 --model new.json --spec secret.json".into(),
        format!("encrypt {spec} --in records.csv --out secret.json"),
        "evaluate --model model.safetensors --in request --out ./secret.json".into(),
        format!("decrypt {spec} --request request --in response --out secret.json"),
    ] {
        folder.tacita(&line).failure(11);
        assert_eq!(folder.read("secret.json"), KEY.as_bytes());
        assert!(!folder.exists("new.json"), "{line}");
    }
    folder.tacita("keygen --bits 2048 --secret new.json --public new.json").failure(10);
    folder.tacita("keygen --bits 2048 --secret no/such/folder.json --public new.json").failure(60);
    assert!(!folder.exists("new.json"));
}

#[cfg(unix)]
#[test]
fn what_is_private_can_be_read_by_its_owner_only() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = clinic::open();
    let mode = |name: &str| std::fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o077;
    folder.tacita("keygen --bits 2048 --secret new.json --public new-public.json").success();
    folder
        .tacita("decrypt --spec spec.json --key secret.json --request request --in response --out predictions.json")
        .success();
    for name in ["new.json", "model.safetensors", "predictions.json"] {
        assert_eq!(mode(name), 0, "{name}");
    }

    // Through a link to where it leads; a device is written to and not replaced.
    symlink("target", folder.path("link")).unwrap();
    folder.write("target", "");
    folder.tacita("evaluate --model model.safetensors --in request --out link").success();
    assert!(folder.path("link").is_symlink());
    assert_eq!(fact(&folder, "target", "kind"), "response");
    folder.tacita("evaluate --model model.safetensors --in request --out /dev/null").success();
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn the_model_of_a_single_output_has_two_classes() {
    let folder = clinic::open();
    let affine = tacita::network::Affine::new(2, vec![1.0, -1.0], vec![0.0]).unwrap();
    let network = Network::new(None, vec![affine], tacita::network::Activation::Sigmoid).unwrap();
    folder.write("one.safetensors", network.to_safetensors().unwrap());
    folder.write("two.csv", "9,1\n1,9\n");
    for (activation, expected) in [("sigmoid", [" ill ", " not ill "]), ("identity", ["  8.0", "  -8.0"])] {
        folder
            .tacita(&format!(
                "compile one.safetensors --model m --spec s --grid 0,1,0,9 --labels ill --activation {activation}"
            ))
            .success();
        folder.tacita("encrypt --spec s --key secret.json --in two.csv --out request").success();
        folder.tacita("evaluate --model m --in request --out response").success();
        let table = folder.tacita("decrypt --spec s --key secret.json --request request --in response").success();
        let lines: Vec<_> = table.text().lines().map(|line| format!("{line} ")).collect();
        assert_eq!(lines.len(), 3);
        for (line, expected) in lines[1..].iter().zip(expected) {
            assert!(line.contains(expected), "{line:?} does not say {expected:?}");
        }
    }
    folder.tacita("compile one.safetensors --model m --spec s --grid 0,1,0,9 --activation softmax").failure(28);
}

/// The layouts whose plans a model file carries.
fn plans(folder: &Folder, file: &str) -> Vec<String> {
    let plans = fact(folder, file, "plans");
    plans.as_array().unwrap().iter().map(|plan| plan["layout"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_plan_that_the_model_carries_is_not_searched_again() {
    let folder = clinic::open();
    let spec = PublicSpec::from_json(&folder.read("spec.json")).unwrap();
    assert_eq!(
        plans(&folder, "model.safetensors"),
        ["records".to_string(), spec.best_layout(3072, 1).unwrap().to_string()],
        "if nothing else is asked for"
    );
    let compile = |plan: &str| {
        let line = format!("compile network.safetensors --model m --spec s --features features.json --plan {plan}");
        folder.tacita(&line)
    };
    for refused in ["features:5", "features:3,features:1000000"] {
        compile(refused).failure(10);
    }
    assert_eq!(compile("features").code, 2);
    compile("records").success();
    assert_eq!(plans(&folder, "m"), ["records"]);
    compile("features:3,features:2").success();
    assert_eq!(plans(&folder, "m"), ["records", "features:2", "features:3"]);
    for (layout, is_stored) in [("records", true), ("features:2", true), ("features:4", false)] {
        let encrypt = "encrypt --spec s --key secret.json --in records.csv --out request";
        folder.tacita(&format!("{encrypt} --layout {layout}")).success();
        let evaluate = "evaluate --model m --in request --out response";
        let run = folder.tacita(evaluate).success();
        let said = run.stderr.contains(&format!("`tacita compile --plan {layout}`"));
        assert_eq!(said, !is_stored, "{}", run.stderr);
        assert!(folder.tacita(&format!("{evaluate} --json")).success().json()["ms"].as_f64() > Some(0.0));
        assert_eq!(folder.tacita(&format!("{evaluate} --quiet")).success().stderr, "");
        folder.tacita("decrypt --spec s --key secret.json --request request --in response").success();
    }
}
