//! Training as a library and as a program.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use tacita::network::Network;
use tacita_datasets::{Images, PIXELS};
use tacita_trainer::{Settings, correct, train};

/// Pictures that an affine network can tell apart: for each class two bright rows of its own, over some grey.
fn bars(count: usize) -> Images {
    let label = |image: usize| (image * 7 % 10) as u8;
    let pixel = |image: usize, place: usize| {
        let bright = place / 28 / 2 == usize::from(label(image)) + 2;
        let grey = (image * 31 + place * 17) % 60;
        (if bright { 190 + grey } else { grey }) as u8
    };
    let pixels = (0..count).flat_map(|image| (0..PIXELS).map(move |place| pixel(image, place))).collect();
    Images::new(pixels, (0..count).map(label).collect())
}

fn small() -> Settings {
    Settings { hidden: vec![12, 11], epochs: 6, batch: 10, ..Settings::default() }
}

#[test]
fn a_small_set_is_learnt() {
    let images = bars(300);
    let mut losses = Vec::new();
    let network = train(&images, &small(), |progress| {
        assert_eq!((progress.step, progress.steps), (losses.len() + 1, 180));
        losses.push(progress.loss);
    });
    let network = network.unwrap();
    assert_eq!(network.layers().iter().map(|layer| layer.rows()).collect::<Vec<_>>(), [12, 11, 10]);
    assert_eq!(correct(&network, &images).unwrap(), 300);
    assert!(losses[179] < losses[0] / 10.0, "{losses:?}");
}

#[test]
fn a_seed_gives_the_same_network_again_and_another_seed_another() {
    let images = bars(100);
    let with_seed = |seed| train(&images, &Settings { seed, ..small() }, |_| ()).unwrap().to_safetensors().unwrap();
    let first = with_seed(3);
    assert!(first == with_seed(3), "the same seed");
    assert!(first != with_seed(4), "another seed");
}

#[test]
fn training_that_diverges_is_an_error() {
    assert!(train(&bars(50), &Settings { learning_rate: 1e38, ..small() }, |_| ()).is_err());
    assert!(train(&bars(0), &small(), |_| ()).is_err(), "no images");
}

fn tacita_train(mnist: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tacita-train"));
    command.args([OsStr::new("--mnist"), mnist.as_ref(), OsStr::new("--out"), out.as_ref()]).args(more);
    command.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Writes a set as a pair of IDX files.
fn write_idx(folder: &Path, prefix: &str, images: &Images) {
    let file = |name: &str, magic: u8, dimensions: &[usize], bytes: &[u8]| {
        let header = dimensions.iter().flat_map(|&dimension| (dimension as u32).to_be_bytes());
        let content: Vec<u8> = [0, 0, 8, magic].into_iter().chain(header).chain(bytes.iter().copied()).collect();
        fs::write(folder.join(format!("{prefix}-{name}")), content).unwrap();
    };
    file("images-idx3-ubyte", 3, &[images.len(), 28, 28], images.pixels());
    file("labels-idx1-ubyte", 1, &[images.len()], images.labels());
}

#[test]
fn the_program_trains_on_idx_files_and_holds_the_network_to_what_is_required() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("network.safetensors");
    write_idx(folder.path(), "train", &bars(60_000));
    let test = bars(10_000);
    write_idx(folder.path(), "t10k", &test);
    let options = ["--epochs", "1", "--hidden", "16", "--seed", "5", "--require", "0.99", "--json"];

    let output = tacita_train(folder.path(), &out, &options);
    assert!(output.status.success(), "{}", stderr(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let bytes = fs::read(&out).unwrap();
    let network = Network::from_safetensors(&bytes, None).unwrap();
    assert_eq!(result["correct"], correct(&network, &test).unwrap());
    assert_eq!(result["bytes"], bytes.len());
    assert_eq!((network.inputs(), network.layers()[0].rows(), network.outputs()), (PIXELS, 16, 10));
    assert!(stderr(&output).contains("epoch 1 of 1"), "progress: {}", stderr(&output));

    // With every test label wrong, the network is refused and not written.
    fs::remove_file(&out).unwrap();
    let wrong = test.labels().iter().map(|label| (label + 1) % 10).collect();
    write_idx(folder.path(), "t10k", &Images::new(test.pixels().to_vec(), wrong));
    let output = tacita_train(folder.path(), &out, &options);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is below the required 99.00 %"), "{}", stderr(&output));
    assert!(!out.exists());
}

#[test]
fn bad_data_and_bad_usage_have_their_own_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("network.safetensors");
    let output = tacita_train(folder.path(), &out, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("train-images-idx3-ubyte"), "{}", stderr(&output));
    for usage in [&["--epochs", "0"][..], &["--hidden", "12,x"], &["--hidden", "0"], &["--require", "92"], &["--what"]]
    {
        assert_eq!(tacita_train(folder.path(), &out, usage).status.code(), Some(2), "{usage:?}");
    }
    assert!(!out.exists());
}

#[test]
fn one_epoch_on_mnist_reaches_88_percent() {
    let Some(mnist) = std::env::var_os("TACITA_MNIST_DIR") else {
        // Not eprintln!, which the test harness keeps to itself.
        let _ = writeln!(std::io::stderr(), "skipped: TACITA_MNIST_DIR does not name a folder with MNIST");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("network.safetensors");
    let output = tacita_train(mnist.as_ref(), &out, &["--epochs", "1", "--require", "0.88"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let network = Network::from_safetensors(&fs::read(&out).unwrap(), None).unwrap();
    assert_eq!(network.layers().iter().map(|layer| layer.rows()).collect::<Vec<_>>(), [128, 64, 10]);
}
