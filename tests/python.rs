//! Others' programs on our data: python-paillier, and Python's own integers on the known-answer vectors.
//!
//! `scripts/python-env` makes `build/venv`; `TACITA_PYTHON` names another Python that has the packages.

#[path = "support/fixtures.rs"]
mod fixtures;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fixtures::KEY;
use rug::Integer;
use serde_json::{Value, json};
use tacita::paillier::{Ciphertext, NonceMethod, Plaintext, PublicKey, SecretKey, UnverifiedPublicKey};

/// A Python with the packages of `tests/python/requirements.txt`. Where there is none it says so, past the test harness's
/// capture; in CI that is an error.
fn python() -> Option<PathBuf> {
    let given = std::env::var_os("TACITA_PYTHON").map(PathBuf::from);
    let python = given.unwrap_or_else(|| folder("build/venv/bin/python"));
    let works = Command::new(&python).args(["-c", "import phe, click, pycddl"]).output();
    if works.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let why =
        format!("there is no Python with phe, click and pycddl at {}; scripts/python-env makes it", python.display());
    let in_ci = std::env::var("CI").is_ok_and(|ci| !["", "0", "false"].contains(&ci.as_str()));
    assert!(!in_ci, "{why} (CI must not skip this)");
    std::io::stderr().write_all(format!("\n*** SKIPPED: {why}\n\n").as_bytes()).unwrap();
    None
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn pythons_integers_recompute_the_known_answer_vectors() {
    let Some(python) = python() else { return };
    let output = Command::new(python).arg(folder("tests/python/test_vectors.py")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// python-paillier, waiting for orders.
struct Phe(Child);

impl Phe {
    fn start(python: PathBuf) -> Self {
        let mut command = Command::new(python);
        command.arg(folder("tests/python/phe_peer.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn order(&mut self, order: Value) -> Value {
        writeln!(self.0.stdin.as_mut().unwrap(), "{order}").unwrap();
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("an answer; if there is none, the reason stands above")
    }

    /// The files that are there when pheutil is done.
    fn run(&mut self, arguments: &[&str], files: Value) -> Value {
        self.order(json!({"run": arguments, "files": files}))
    }

    fn encrypt(&mut self, plaintexts: &[Integer], key: &PublicKey) -> Vec<Ciphertext> {
        let plaintexts: Vec<_> =
            plaintexts.iter().map(|plaintext| hex(&plaintext.clone().modulo(key.modulus()))).collect();
        let answer = self.order(json!({"encrypt": plaintexts, "key": key.to_json()}));
        numbers(&answer).iter().map(|number| key.ciphertext(number).unwrap()).collect()
    }

    fn decrypt(&mut self, ciphertexts: &[Ciphertext], key: &SecretKey) -> Vec<Integer> {
        let ciphertexts: Vec<_> = ciphertexts.iter().map(|ciphertext| hex(&ciphertext.to_integer())).collect();
        numbers(&self.order(json!({"decrypt": ciphertexts, "key": key.to_json().unwrap().as_str()})))
    }
}

impl Drop for Phe {
    fn drop(&mut self) {
        // The end of its input is the end of its work.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn hex(number: &Integer) -> String {
    number.to_string_radix(16)
}

fn numbers(list: &Value) -> Vec<Integer> {
    let number = |text: &Value| Integer::from_str_radix(text.as_str().unwrap(), 16).unwrap();
    list.as_array().unwrap().iter().map(number).collect()
}

/// Numbers at the edges of what a plaintext can be.
fn plaintexts(key: &PublicKey) -> Vec<Integer> {
    let half = Integer::from(key.modulus() / 2);
    [0.into(), 1.into(), (-1).into(), half.clone(), -half, Integer::from(1) << 1000, (-123_456_789).into()].into()
}

/// Each decrypts what the other encrypted, and sums of both.
fn agree(phe: &mut Phe, secret: &SecretKey) {
    let public = secret.public_key();
    let values = plaintexts(public);
    let modulo_n = |value: &Integer| value.clone().modulo(public.modulus());
    let expected: Vec<_> = values.iter().map(modulo_n).collect();
    let plaintexts: Vec<_> = values.iter().map(|value| Plaintext::new(value.clone(), public).unwrap()).collect();
    let ours = secret.encrypt_batch(&plaintexts).unwrap();
    assert_eq!(phe.decrypt(&ours, secret), expected);
    let theirs = phe.encrypt(&values, public);
    let decrypted = secret.decrypt_batch(&theirs).unwrap();
    assert_eq!(decrypted.iter().map(Plaintext::to_integer).collect::<Vec<_>>(), expected);
    let sums = public.add_batch(&ours, &theirs).unwrap();
    let doubled: Vec<_> = values.iter().map(|value| modulo_n(&Integer::from(value * 2))).collect();
    assert_eq!(phe.decrypt(&sums, secret), doubled);
}

#[test]
fn python_paillier_reads_our_keys_and_each_decrypts_what_the_other_encrypted() {
    let Some(python) = python() else { return };
    let phe = &mut Phe::start(python);
    let public = KEY.public_key();
    agree(phe, &KEY);
    for method in [NonceMethod::Power, NonceMethod::PublicBase, NonceMethod::SecretBase] {
        let [nonce] = KEY.nonces(method, 1).unwrap().try_into().unwrap();
        let ciphertext = public.encrypt_with(&Plaintext::new(-77, public).unwrap(), nonce).unwrap();
        assert_eq!(phe.decrypt(&[ciphertext], &KEY), [Integer::from(public.modulus() - 77)], "{method:?}");
    }

    // Its command, on our files: the public part comes back with its proof, a ciphertext of ours opens.
    let secret = KEY.to_json().unwrap();
    let files = phe.run(&["extract", "secret.json", "public.json"], json!({"secret.json": secret.as_str()}));
    let extracted = UnverifiedPublicKey::from_json(files["public.json"].as_str().unwrap()).unwrap();
    assert_eq!(extracted.verify().unwrap(), *public);
    let ciphertext = public.encrypt(&Plaintext::new(-98_765, public).unwrap()).unwrap();
    let number = json!({"v": ciphertext.to_integer().to_string(), "e": 0}).to_string();
    let files = json!({"secret.json": secret.as_str(), "number.json": number});
    let files = phe.run(&["decrypt", "secret.json", "number.json", "--output", "plain.txt"], files);
    assert_eq!(files["plain.txt"], "-98765\n");
}

#[test]
fn keys_of_python_paillier_serve_here() {
    let Some(python) = python() else { return };
    let phe = &mut Phe::start(python);
    let files = phe.run(&["genpkey", "--keysize", "2048", "secret.json"], json!({}));
    let text = files["secret.json"].as_str().unwrap();
    let secret = SecretKey::from_json(text).unwrap();
    agree(phe, &secret);

    // Such keys come without a proof. We make one, and write it where it is ignored there.
    let public: Value = serde_json::from_str(text).unwrap();
    let public = UnverifiedPublicKey::from_json(&public["pub"].to_string()).unwrap();
    assert!(public.proof().is_none() && public.clone().verify().is_err());
    secret.proof().unwrap();
    let proved = UnverifiedPublicKey::from_json(&secret.public_key().to_json()).unwrap();
    assert_eq!(proved.verify().unwrap().modulus(), public.modulus());
}

#[test]
fn a_key_that_misses_our_promises_draws_nonces_as_powers_and_serves_as_well() {
    let Some(python) = python() else { return };
    let vectors: Value =
        serde_json::from_slice(&std::fs::read(folder("tests/vectors/tacita-v1.json")).unwrap()).unwrap();
    let key = &vectors["keys"][1];
    assert_eq!(key["residue_mod_4"], 1);
    let secret = SecretKey::from_json(key["secret_jwk"].as_str().unwrap()).unwrap();
    assert_eq!(secret.nonce_method(), NonceMethod::Power);
    assert_eq!(secret.public_key().nonce_method(), NonceMethod::Power);
    for method in [NonceMethod::PublicBase, NonceMethod::SecretBase] {
        assert!(secret.nonces(method, 1).is_err());
    }
    agree(&mut Phe::start(python), &secret);
}
