//! Arguments, help, and the programs and data sets beside the command.

#[path = "support/clinic.rs"]
mod clinic;
#[path = "support/command.rs"]
mod command;

use std::path::Path;

use clinic::fact;
use command::{Folder, run};
use serde_json::json;
use tacita_datasets::{Digit, PIXELS};

#[test]
fn a_wrong_command_line_says_what_is_missing() {
    let folder = clinic::open();
    for (line, part) in [
        ("encrypt --spec spec.json --key secret.json --out out", "--in <FILE>|--mnist <DIR>"),
        ("encrypt --spec spec.json --key secret.json --in records.csv --mnist . --out out", "--mnist"),
        ("encrypt --spec spec.json --key secret.json --in records.csv --out out --pin 123", "64 hexadecimal digits"),
        ("compile network.safetensors --model m --spec s", "--grid 0,0.5,0,200"),
        ("compile network.safetensors --model m --spec s --grid 0,1,0", "OFFSET,STEP,LEAST,GREATEST"),
        ("compile network.safetensors --model m --spec s --grid 0,0,0,9", "grid refused"),
        ("compile network.safetensors --model m --spec s --pixels --bits 3 --calibrate records.csv", "--bits"),
        ("keygen --bits 1024 --secret a --public b", "a key has 2048, 3072 or 4096 bits"),
        ("frobnicate", "frobnicate"),
    ] {
        let run = folder.tacita(line);
        assert_eq!((run.code, run.text()), (2, ""), "{line}");
        assert!(run.stderr.contains(part), "{line}: {}", run.stderr);
    }
    assert!(!folder.exists("out") && !folder.exists("m"));
}

#[test]
fn nonces_are_drawn_as_asked_for_where_the_key_permits_it() {
    let folder = clinic::open();
    let encrypt = |key: &str, method: &str| {
        folder.tacita(&format!("encrypt --spec spec.json --key {key} --in records.csv --out drawn --nonces {method}"))
    };
    for method in ["power", "public-base", "random-bases"] {
        for key in ["public.json", "secret.json"] {
            encrypt(key, method).success();
            folder.tacita("evaluate --model model.safetensors --in drawn --out answer").success();
            folder.tacita("decrypt --spec spec.json --key secret.json --request drawn --in answer").success();
        }
    }
    encrypt("secret.json", "secret-base").success();
    encrypt("public.json", "secret-base").failure(10);
    assert_eq!(encrypt("public.json", "weak").code, 2);
}

#[test]
fn networks_and_options_that_do_not_fit_are_refused() {
    let folder = clinic::open();
    folder.write("three.txt", "a\nb\nc\n");
    folder.write("one-feature.json", r#"[{"name": "a", "offset": 0, "step": 1, "least": 0, "greatest": 1}]"#);
    let compile = "compile network.safetensors --model m --spec s";
    for (line, code) in [
        (format!("{compile} --grid 0,1,0,9 --labels a,b"), 24),
        (format!("{compile} --grid 0,1,0,9 --bits 17"), 10),
        (format!("{compile} --grid 0,1,0,9 --layers layers.1,layers.0"), 28),
        (format!("{compile} --grid 0,1,0,9 --layers layers.0"), 10),
        (format!("{compile} --features one-feature.json"), 24),
        (format!("{compile} --features records.csv"), 20),
        (format!("{compile} --features features.json --calibrate records.csv --agreement 1.5"), 10),
        ("compile spec.json --model m --spec s --pixels".into(), 20),
        ("compile network.safetensors --model no/such/m --spec s --pixels".into(), 60),
    ] {
        folder.tacita(&line).failure(code);
        assert!(!folder.exists("m") && !folder.exists("s"), "{line}");
    }
    folder.tacita(&format!("{compile} --grid -9,1,0,9 --labels-file three.txt --layers layers.0,layers.1")).success();
    assert_eq!(fact(&folder, "s", "labels"), json!(["a", "b", "c"]));
    assert_eq!(fact(&folder, "s", "grids")[0]["offset"], -9.0);
}

#[test]
fn calibration_takes_the_least_bits_that_decide_alike() {
    let folder = clinic::open();
    let line = |i: usize| format!("{},{},{},{}\n", 20 + i, i * 997, i % 2, i as f64 * 0.01 - 1.0);
    folder.write("calibration.csv", (0..100).map(line).collect::<String>());
    let compile = "compile network.safetensors --model m --spec s --features features.json --json";
    let calibrated = |agreement: &str| {
        let report = folder.tacita(&format!("{compile} --calibrate calibration.csv --agreement {agreement}"));
        let report = report.success().json();
        assert_eq!(report["calibration"]["records"], 100);
        assert!(report["calibration"]["agreement"].as_f64() >= agreement.parse().ok());
        report["bits"].as_u64().unwrap()
    };
    assert_eq!(calibrated("0"), 2);
    assert!((2..=8).contains(&calibrated("0.7")));
    assert_eq!(folder.tacita(&format!("{compile} --calibrate calibration.csv --agreement 1")).code, 28);
}

#[test]
fn help_lists_every_exit_code() {
    let help = Folder::new().tacita("--help").success();
    for code in [0, 2, 10, 22, 31, 45, 52, 59, 60, 70] {
        assert!(help.text().lines().any(|line| line.starts_with(&format!("  {code:2}  "))), "{code}");
    }
}

#[test]
fn an_engine_that_is_not_there_is_refused() {
    let folder = clinic::open();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_tacita"))
        .args("encrypt --spec spec.json --key secret.json --in records.csv --out out".split(' '))
        .env("TACITA_BACKEND", "abacus")
        .current_dir(folder.path("."))
        .output()
        .unwrap();
    assert_eq!(status.status.code(), Some(63));
    assert!(!folder.exists("out"));
}

/// Training is another program's work, which stands beside this one or in PATH.
#[cfg(unix)]
#[test]
fn train_hands_its_arguments_and_its_exit_code_on() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let copy = folder.path("tacita");
    std::fs::copy(env!("CARGO_BIN_EXE_tacita"), &copy).unwrap();
    let alone = run(&folder.path("."), &copy, "train --epochs 3", b"");
    assert!(alone.failure(65).stderr.contains("make build"));
    folder.write("tacita-train", "#!/bin/sh\necho \"$@\"\nexit 42\n");
    std::fs::set_permissions(folder.path("tacita-train"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let both = run(&folder.path("."), Path::new(&copy), "train --epochs 3 --help out.safetensors", b"");
    assert_eq!((both.code, both.text()), (42, "--epochs 3 --help out.safetensors\n"));
}

/// A folder that looks like MNIST's test set, with the drawn digits over and over.
fn mnist() -> Folder {
    let folder = Folder::new();
    let (mut images, mut labels) = (vec![0, 0, 8, 3], vec![0, 0, 8, 1]);
    for number in [10_000_u32, 28, 28] {
        images.extend(number.to_be_bytes());
    }
    labels.extend(10_000_u32.to_be_bytes());
    for digit in Digit::embedded().iter().cycle().take(10_000) {
        images.extend(digit.pixels);
        labels.push(digit.label);
    }
    folder.write("t10k-images-idx3-ubyte", images);
    folder.write("t10k-labels-idx1-ubyte", labels);
    folder
}

#[test]
fn images_of_a_folder_are_classified_and_encrypted() {
    let folder = mnist();
    let demo = "demo --mnist . --bits 2048 --json";
    let report = folder.tacita(&format!("{demo} --records 100")).success().json();
    assert_eq!([&report["records"], &report["agree_with_integer_model"]], [100, 100]);
    let random = folder.tacita(&format!("{demo} --records 7 --seed 1")).success().json();
    assert_eq!(random["agree_with_integer_model"], 7);
    assert_eq!(folder.tacita(&format!("{demo} --records 10001")).code, 10);
    assert_eq!(folder.tacita("demo --mnist absent --json").code, 29);
    folder.write("t10k-labels-idx1-ubyte", "too short");
    assert_eq!(folder.tacita(demo).code, 29);

    let folder = mnist();
    folder.write("network.safetensors", tacita_datasets::NETWORK);
    folder.write("secret.json", command::KEY);
    folder.tacita("compile network.safetensors --model m --spec s --pixels").success();
    let encrypt = "encrypt --spec s --key secret.json --out request --json --mnist .";
    let report = folder.tacita(&format!("{encrypt} --first 9990 --count 10")).success().json();
    assert_eq!(report["records"], 10);
    assert_eq!(folder.tacita(&format!("{encrypt} --first 9991 --count 10")).code, 10);
    assert_eq!(PIXELS, 784);
}

#[test]
fn the_demo_answers_in_every_kind_of_layout() {
    let folder = Folder::new();
    for layout in ["features", "features:35", "features:2"] {
        let report = folder.tacita(&format!("demo --bits 2048 --json --layout {layout}")).success().json();
        assert_eq!((&report["agree_with_integer_model"], &report["records"]), (&json!(20), &json!(20)), "{layout}");
        assert!(report["layout"].as_str().is_some_and(|found| found.starts_with(layout)), "{report}");
    }
}

#[test]
fn the_demo_draws_digits_and_probabilities() {
    let folder = Folder::new();
    let shown = folder.tacita("demo --bits 2048 --ascii").success();
    let text = shown.text();
    assert!(text.is_ascii());
    for part in ["1. owner", "2. hospital", "3. hospital", "4. cloud", "5. hospital", "digit 7", "% <", "of 20"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_secret_key_under_a_passphrase_opens_with_it_alone() {
    let folder = clinic::open();
    folder.write("passphrase", "correct horse\n");
    folder.write("wrong", "battery staple\n");
    folder
        .tacita("keygen --bits 2048 --secret s.age --public p.json --passphrase --passphrase-file passphrase")
        .success();
    assert!(folder.read("s.age").starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(fact(&folder, "s.age", "encrypted"), json!("under a passphrase, in the age format"));
    let encrypt = "encrypt --spec spec.json --key s.age --in records.csv --out sealed.cbor";
    folder.tacita(&format!("{encrypt} --passphrase-file wrong")).failure(33);
    // Without a terminal nobody can be asked.
    folder.tacita(encrypt).failure(10);
    assert!(!folder.exists("sealed.cbor"));
    folder.tacita(&format!("{encrypt} --passphrase-file passphrase")).success();
    // Neither is an encrypted secret key ever overwritten.
    folder.tacita("keygen --bits 2048 --secret new.json --public s.age").failure(11);
}

/// The promise of the whole project, on the real test images.
#[test]
fn two_thousand_real_digits_are_answered_exactly_as_in_the_clear() {
    let Some(mnist) = std::env::var_os("TACITA_MNIST_DIR") else {
        println!("SKIPPED: TACITA_MNIST_DIR is not set");
        return;
    };
    let folder = clinic::open();
    let mnist = std::fs::canonicalize(mnist).unwrap();
    let facts = folder.tacita(&format!("demo --mnist {} --records 2000 --json", mnist.display())).success().json();
    assert_eq!((&facts["records"], &facts["agree_with_integer_model"]), (&json!(2000), &json!(2000)));
    assert!(facts["correct"].as_u64() >= Some(1840), "{facts}");
    assert!(facts["max_logit_error"].as_f64() <= facts["proved_logit_error"].as_f64(), "{facts}");
    let demo = format!("demo --mnist {} --records 100 --layout features --json", mnist.display());
    let facts = folder.tacita(&demo).success().json();
    assert_eq!((&facts["records"], &facts["agree_with_integer_model"]), (&json!(100), &json!(100)));
    assert!(facts["layout"].as_str().is_some_and(|layout| layout.starts_with("features:")), "{facts}");
}
