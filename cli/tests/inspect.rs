//! What the command says of files and of itself.

#[path = "support/clinic.rs"]
mod clinic;
#[path = "support/command.rs"]
mod command;

use clinic::{fact, fingerprint};
use command::{KEY, primes};
use serde_json::{Value, json};

#[test]
fn every_kind_of_file_is_told_with_its_public_facts() {
    let folder = clinic::open();
    folder.tacita("evaluate --model model.safetensors --in request --out out --verified-keys keys").success();
    folder
        .tacita("decrypt --spec spec.json --key secret.json --request request --in response --out predictions")
        .success();
    for (file, kind, hash) in [
        ("public.json", "public key", "this kind of file has none"),
        ("secret.json", "secret key", "this kind of file has none"),
        ("spec.json", "public spec", "holds"),
        ("model.safetensors", "private model", "holds"),
        ("network.safetensors", "network", "this kind of file has none"),
        ("request", "request", "holds"),
        ("response", "response", "holds"),
        ("keys", "list of verified keys", "this kind of file has none"),
        ("predictions", "predictions", "this kind of file has none"),
    ] {
        assert_eq!(fact(&folder, file, "kind"), kind);
        assert_eq!(fact(&folder, file, "content_hash"), hash);
        assert_eq!(fact(&folder, file, "bytes"), folder.read(file).len());
        let text = folder.tacita(&format!("inspect {file}")).success();
        assert!(text.text().starts_with(&format!("{:23}{kind}\n", "kind")), "{}", text.text());
    }
    let (key, spec) = (fingerprint(&folder, "public.json"), fingerprint(&folder, "spec.json"));
    assert_eq!(fingerprint(&folder, "secret.json"), key);
    assert_eq!(fingerprint(&folder, "model.safetensors"), spec);
    for file in ["request", "response"] {
        assert_eq!(fact(&folder, file, "key"), key);
        assert_eq!(fact(&folder, file, "spec"), spec);
        assert_eq!(fact(&folder, file, "records"), 1);
        assert_eq!(fact(&folder, file, "layout"), "records");
    }
    assert_eq!(fact(&folder, "request", "request_id"), fact(&folder, "response", "request_id"));
    assert_eq!(fact(&folder, "public.json", "proof"), "holds");
    assert_eq!(fact(&folder, "spec.json", "labels"), json!(["low", "medium", "high"]));
    assert_eq!(fact(&folder, "spec.json", "grids")[0]["name"], "age");
    assert_eq!(fact(&folder, "network.safetensors", "widths"), json!([5, 3]));
    assert_eq!(fact(&folder, "keys", "fingerprints"), json!([key]));
    assert_eq!(fact(&folder, "predictions", "records"), 1);
}

#[test]
fn neither_secrets_nor_weights_nor_predictions_come_out() {
    let folder = clinic::open();
    // That no prime comes out is checked for every command that a test runs.
    let secret = folder.tacita("inspect secret.json").success();
    assert!(primes(KEY).iter().all(|prime| !secret.text().contains(prime.as_str())));
    let facts = |file: &str| {
        let facts = folder.tacita(&format!("inspect {file} --json")).success().json();
        facts.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let of_spec = facts("spec.json");
    let of_model = facts("model.safetensors");
    let of_model_alone = ["rows", "columns", "plans"];
    assert!(of_model.iter().all(|name| of_spec.contains(name) || of_model_alone.contains(&&**name)), "{of_model:?}");
    folder
        .tacita("decrypt --spec spec.json --key secret.json --request request --in response --out predictions")
        .success();
    assert_eq!(facts("predictions"), ["bytes", "content_hash", "kind", "records"]);
}

#[test]
fn faults_of_a_key_are_facts_and_damage_is_an_error() {
    let folder = clinic::open();
    let public = String::from_utf8(folder.read("public.json")).unwrap();
    folder.write("unproved.json", public.replace("\"proof\"", "\"proven\""));
    assert_eq!(fact(&folder, "unproved.json", "proof"), "key refused: the public key comes without a key proof");
    let request = folder.read("request");
    folder.write("cut", &request[..request.len() - 1]);
    folder.tacita("inspect cut").failure(22);
    let spec = String::from_utf8(folder.read("spec.json")).unwrap();
    folder.write("changed", spec.replace("\"low\"", "\"law\""));
    folder.tacita("inspect changed").failure(21);
    folder.write("reformatted", spec.replace("  ", " "));
    folder.tacita("inspect reformatted").failure(20);
    for (name, content) in [("empty", &b""[..]), ("text", b"hello"), ("zeros", &[0; 1000]), ("json", b"{}")] {
        folder.write(name, content);
        let run = folder.tacita(&format!("inspect {name}")).failure(25);
        assert!(run.stderr.contains("private model"), "it lists what it knows: {}", run.stderr);
    }
    folder.tacita("inspect absent").failure(60);
    folder.tacita("inspect .").failure(60);
}

#[test]
fn json_is_one_object_and_nothing_else() {
    let folder = clinic::open();
    let spec = "--spec spec.json --key secret.json";
    let members = |line: &str| {
        let object = folder.tacita(&format!("{line} --json")).success().json();
        object.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(members("keygen --bits 2048 --secret a.json --public b.json"), ["bits", "fingerprint", "ms"]);
    let compiled = members("compile network.safetensors --grid 0,1,0,9 --model m --spec s");
    assert!(compiled.contains(&"logit_error".into()) && compiled.contains(&"multiplications".into()), "{compiled:?}");
    let encrypted = members(&format!("encrypt {spec} --in records.csv --out request"));
    assert_eq!(
        encrypted,
        ["key", "key_bits", "layout", "ms", "records", "request_bytes", "request_id", "requests", "spec"]
    );
    let evaluated = members("evaluate --model model.safetensors --in request --out response");
    let expected = "key key_bits layout ms proof_checked records request_bytes request_id requests response_bytes spec";
    assert_eq!(evaluated.join(" "), expected);
    assert_eq!(members(&format!("decrypt {spec} --request request --in response")), ["records"]);
    assert_eq!(
        members(&format!("decrypt {spec} --request request --in response --out predictions")),
        ["ms", "records"]
    );
    let demo = "agree_with_float_model agree_with_integer_model backend correct key_bits layout max_logit_error ms \
                proved_logit_error records request_bytes response_bytes threads";
    assert_eq!(members("demo --bits 2048").join(" "), demo);

    for (line, code, family) in [
        ("", 2, "bad usage"),
        ("encrypt", 2, "bad usage"),
        ("keygen --bits 1024 --secret a --public b", 2, "bad usage"),
        ("compile network.safetensors --model m --spec s", 2, "bad usage"),
        ("inspect features.json", 25, "bad data"),
        ("inspect absent", 60, "failure of the machine"),
    ] {
        let run = folder.tacita(&format!("{line} --json"));
        let error: Value = run.json()["error"].clone();
        assert_eq!((run.code, &error["code"], &error["family"]), (code, &code.into(), &family.into()), "{line}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
}
