//! Files that came wrong, by accident or by design: each has its own exit code, and no output is written.

#[path = "support/clinic.rs"]
mod clinic;
#[path = "support/command.rs"]
mod command;
#[path = "support/message.rs"]
mod message;

use std::sync::LazyLock;

use clinic::{fingerprint, key};
use command::{Folder, KEY, OTHER_KEY, Run};
use message::Message;
use rug::Integer;
use rug::integer::Order;

static CLINIC: LazyLock<Folder> = LazyLock::new(clinic::open);

/// Runs a command that must fail with `code` and leave its output file as it was.
#[track_caller]
fn refused(folder: &Folder, line: &str, code: i32) -> Run {
    let before = folder.names();
    let run = folder.tacita(&format!("{line} --out absent")).failure(code);
    assert!(!folder.exists("absent"), "{line}");
    folder.write("present", "as before");
    folder.tacita(&format!("{line} --out present")).failure(code);
    assert_eq!(folder.read("present"), b"as before", "{line}");
    std::fs::remove_file(folder.path("present")).unwrap();
    assert_eq!(folder.names(), before, "{line}: nothing else is left behind");
    run
}

/// A folder of its own with one file of the clinic's changed.
fn with(name: &str, content: impl AsRef<[u8]>) -> Folder {
    let folder = copy();
    folder.write(name, content);
    folder
}

/// A folder of its own with the clinic's files.
fn copy() -> Folder {
    let folder = Folder::new();
    for file in CLINIC.names() {
        folder.write(&file, CLINIC.read(&file));
    }
    folder
}

const EVALUATE: &str = "evaluate --model model.safetensors --in request";
const DECRYPT: &str = "decrypt --spec spec.json --key secret.json --request request --in response";
const ENCRYPT: &str = "encrypt --spec spec.json --key secret.json --in records.csv";

#[test]
fn a_request_for_another_model_or_key_is_refused() {
    let clinic = copy();
    let run = refused(&clinic, "evaluate --model other-model.safetensors --in request", 31);
    for spec in ["spec.json", "other-spec.json"] {
        assert!(run.stderr.contains(&fingerprint(&clinic, spec)), "{}", run.stderr);
    }
    let [own, other] = ["public.json", "other-public.json"].map(|file| fingerprint(&clinic, file));
    let run = refused(&clinic, &format!("{EVALUATE} --pin-key {other}"), 30);
    assert!(run.stderr.contains(&own) && run.stderr.contains(&other), "{}", run.stderr);
    refused(&clinic, &format!("{EVALUATE} --public-key other-public.json"), 30);
    clinic.tacita(&format!("{EVALUATE} --pin-key {other} --pin-key {own} --out pinned")).success();
    refused(&clinic, &format!("{EVALUATE} --max-records 0"), 23);
}

#[test]
fn a_spec_or_key_that_is_not_the_right_one_is_refused() {
    let clinic = copy();
    let other = fingerprint(&clinic, "other-spec.json");
    refused(&clinic, &format!("{ENCRYPT} --pin {other}"), 31);
    refused(&clinic, &format!("{DECRYPT} --pin {other}"), 31);
    refused(&clinic, &DECRYPT.replace("spec.json", "other-spec.json"), 31);
    refused(&clinic, &DECRYPT.replace("secret.json", "other-secret.json"), 30);
    refused(&clinic, &DECRYPT.replace("--in response", "--in other-response"), 32);
    refused(&clinic, &DECRYPT.replace("--request request", "--request other-request"), 32);
}

#[test]
fn cut_and_padded_messages_are_refused() {
    for (file, line) in [("request", EVALUATE), ("response", DECRYPT)] {
        let whole = CLINIC.read(file);
        // With less than its kind and version it is no message at all.
        for (length, code) in
            [(0, 20), (10, 20), (18, 22), (40, 22), (55, 22), (whole.len() / 2, 22), (whole.len() - 1, 22)]
        {
            refused(&with(file, &whole[..length]), line, code);
        }
        for padding in [&b"\0"[..], b"\xff\xff", &whole[..whole.len() - 1]] {
            refused(&with(file, [&whole, padding].concat()), line, 22);
        }
    }
}

#[test]
fn cut_and_padded_specs_models_and_keys_are_refused() {
    for (file, line, code) in
        [("spec.json", ENCRYPT, 21), ("model.safetensors", EVALUATE, 21), ("secret.json", ENCRYPT, 20)]
    {
        let whole = CLINIC.read(file);
        for length in [whole.len() / 2, whole.len() - 2] {
            refused(&with(file, &whole[..length]), line, code);
        }
        refused(&with(file, [&whole, &b"x"[..]].concat()), line, code);
        refused(&with(file, &whole[..10]), line, 20);
    }
}

#[test]
fn a_flipped_byte_anywhere_is_found_by_the_content_hash() {
    for (file, line) in
        [("request", EVALUATE), ("response", DECRYPT), ("spec.json", ENCRYPT), ("model.safetensors", EVALUATE)]
    {
        let whole = CLINIC.read(file);
        // Kind, version and digest of a message, or what a spec or a model begins with.
        let head = 60;
        let positions =
            (0..head).step_by(7).chain((head..whole.len()).step_by(whole.len() / 10)).chain([whole.len() - 1]);
        for position in positions {
            let mut changed = whole.clone();
            changed[position] ^= 0x10;
            let folder = with(file, &changed);
            let code = folder.tacita(&format!("{line} --out out")).code;
            let possible: &[i32] = if position >= head { &[21] } else { &[20, 21, 22] };
            assert!(possible.contains(&code), "{file}, byte {position}: {code}");
            assert!(!folder.exists("out"));
        }
    }
}

/// The first ciphertext of a message replaced by a number, with a fresh hash.
fn forge(file: &str, number: &Integer) -> Folder {
    let mut message = Message::read(&CLINIC.read(file));
    let mut digits = number.to_digits::<u8>(Order::Lsf);
    digits.resize(512, 0);
    digits.reverse();
    message.ciphertexts[..512].copy_from_slice(&digits);
    with(file, message.write())
}

#[test]
fn ciphertexts_that_are_no_units_are_refused_in_spite_of_a_right_hash() {
    let n = key(KEY).public_key().modulus().clone();
    let [p, _] = command::primes(KEY).map(|prime| decode(&prime));
    for (file, line) in [("request", EVALUATE), ("response", DECRYPT)] {
        let run = refused(&forge(file, &Integer::ZERO), line, 50);
        assert!(run.stderr.contains("ciphertext 0"), "{}", run.stderr);
        refused(&forge(file, &n.clone().square()), line, 51);
        refused(&forge(file, &(n.clone().square() + 1)), line, 51);
        refused(&forge(file, &((Integer::from(1) << 4096) - 1)), line, 51);
        for multiple in [p.clone(), n.clone(), p.clone() * 12345, n.clone() * 3, p.clone().square()] {
            refused(&forge(file, &multiple), line, 52);
        }
        let honest = forge(file, &Integer::from(2));
        honest.tacita(&format!("{line} --out out")).success();
    }
}

/// A number in base64url, as keys have it.
fn decode(text: &str) -> Integer {
    let value = |letter: u8| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".iter().position(|l| *l == letter)
    };
    let bits = text.bytes().fold(Integer::new(), |number, letter| (number << 6) + value(letter).unwrap());
    bits >> (6 * text.len() % 8) as u32
}

#[test]
fn public_keys_with_a_fault_are_refused_each_for_its_own() {
    let request = Message::read(&CLINIC.read("request"));
    let n = key(KEY).public_key().modulus().clone();
    let forge = |n: &Integer| with("request", request.clone().with_modulus(&n.to_digits(Order::Msf)).write());

    refused(&forge(&(n.clone() - 1)), EVALUATE, 41);
    let thirds = n.clone() - n.mod_u(3);
    let odd_thirds = if thirds.is_even() { thirds - 3 } else { thirds };
    refused(&forge(&odd_thirds), EVALUATE, 42);
    // The largest prime below 2^2048.
    refused(&forge(&((Integer::from(1) << 2048) - 1_942_289)), EVALUATE, 43);
    for wrong in [n.clone() >> 1, n.clone() >> 8, n.clone() << 1, n.clone() * &n, Integer::from(15)] {
        refused(&forge(&wrong), EVALUATE, 40);
    }

    let mut without = request.clone();
    without.public_key.as_mut().unwrap().proof = None;
    refused(&with("request", without.write()), EVALUATE, 44);

    let other = key(OTHER_KEY);
    let others_proof = other.proof().unwrap().as_bytes().to_vec();
    let mut wrong = request.clone();
    wrong.public_key.as_mut().unwrap().proof = Some(others_proof.clone());
    refused(&with("request", wrong.clone().write()), EVALUATE, 45);
    wrong.public_key.as_mut().unwrap().proof = Some(others_proof[..others_proof.len() - 1].to_vec());
    refused(&with("request", wrong.write()), EVALUATE, 45);

    // The key of somebody else under the name of this one.
    let mut misnamed = request.clone();
    misnamed.public_key.as_mut().unwrap().n = other.public_key().modulus().to_digits(Order::Msf);
    refused(&with("request", misnamed.write()), EVALUATE, 30);

    let mut keyless = request;
    keyless.public_key = None;
    refused(&with("request", keyless.write()), EVALUATE, 12);
}

#[test]
fn public_key_files_with_a_fault_are_refused_by_encrypt() {
    let whole = String::from_utf8(CLINIC.read("public.json")).unwrap();
    let other = String::from_utf8(CLINIC.read("other-public.json")).unwrap();
    let member = |text: &str, name: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()[name].to_string();
    let encrypt = "encrypt --spec spec.json --key public.json --in records.csv";
    let swapped = whole.replace(&member(&whole, "proof"), &member(&other, "proof"));
    refused(&with("public.json", &swapped), encrypt, 45);
    let unproved = whole.replace("\"proof\"", "\"proven\"");
    refused(&with("public.json", &unproved), encrypt, 44);
    with("public.json", &unproved).tacita(&format!("{encrypt} --trust-key --out out")).success();
    with("public.json", &whole).tacita(&format!("{encrypt} --out out")).success();
    refused(&with("public.json", "{}"), encrypt, 20);
    refused(&with("public.json", vec![b' '; 70_000]), encrypt, 23);
    let parts = KEY.replace(&member(&whole, "n"), &member(&other, "n"));
    refused(&with("secret.json", parts), ENCRYPT, 48);
}

#[test]
fn messages_of_the_wrong_kind_or_length_are_refused() {
    refused(&with("request", CLINIC.read("response")), EVALUATE, 20);
    refused(&with("response", CLINIC.read("request")), DECRYPT, 20);
    for (file, line) in [("request", EVALUATE), ("response", DECRYPT)] {
        let mut short = Message::read(&CLINIC.read(file));
        short.ciphertexts.truncate(short.ciphertexts.len() - 512);
        refused(&with(file, short.write()), line, 20);
        let mut many = Message::read(&CLINIC.read(file));
        many.records = u32::MAX;
        let code = if file == "request" { 23 } else { 32 };
        refused(&with(file, many.write()), line, code);
    }
    // More than the model and the greatest number of records can need is not even read: here no content follows at all.
    let front = &CLINIC.read("request")[..51];
    let claim = [front, &[0x5b], &u64::MAX.to_be_bytes()].concat();
    refused(&with("request", claim), EVALUATE, 23);
    let mut long = Message::read(&CLINIC.read("request"));
    long.ciphertexts.resize(4 * 1024 + 20_000, 0);
    refused(&with("request", long.write()), &format!("{EVALUATE} --max-records 1"), 23);
}

#[test]
fn a_bad_record_is_refused_without_showing_it() {
    for (text, code, part) in [
        ("61.5,987654321,1,0.25\n", 27, "line 1: feature `marker` is outside its range 0 to 100000"),
        ("age,marker,smoker,ratio\n61.5,98765,98765,0.25\n", 27, "line 2: feature `smoker`"),
        ("61.5,98765,1,98765x\n61.5,98765,1,0.25\n", 26, "line 1: column 4"),
        ("61.5,98765,1,0.25\n61.5,98765x,1,0.25\n", 26, "line 2: column 2, feature `marker`"),
        ("61.5,98765,1,0.25\n61.5,98765,1\n", 24, "line 2"),
        ("61.5,NaN,98765,0.25\n", 27, "line 1: feature `marker`"),
        ("", 26, "no records"),
    ] {
        let run = refused(&with("records.csv", text), ENCRYPT, code);
        assert!(run.stderr.contains(part), "{} does not say {part}", run.stderr);
        assert!(!run.stderr.contains("98765"), "{}", run.stderr);
        let run = with("records.csv", text).tacita(&format!("{ENCRYPT} --out out --json"));
        assert!(!run.text().contains("98765"));
        assert_eq!(run.json()["error"]["code"], code);
    }
    let clamped = with("records.csv", "61.5,987654321,1,-98765\n");
    clamped.tacita(&format!("{ENCRYPT} --clamp --out out")).success();
}
