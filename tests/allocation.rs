//! No reader takes more memory than 16 times its input and 64 kB, whatever the input says.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/wire.rs"]
mod wire;

use counting::{bounded, peak};
use fixtures::{KEY, random_model};
use sha2::{Digest, Sha256};
use tacita::Fingerprint;
use tacita::encoding::Grid;
use tacita::inference::{Encryptor, Evaluator, Request, RequestReader, Response, ResponseReader, VerifiedKeys};
use tacita::model::{PrivateModel, PublicSpec};
use tacita::network::{Activation, Affine, Network};
use tacita::paillier::{SecretKey, UnverifiedPublicKey};
use wire::{Message, seal};

/// Reads a file of some kind, and says whether it was accepted. Its memory is bounded.
type Reader = fn(&[u8]) -> bool;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("these files are text")
}

fn public_key(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || UnverifiedPublicKey::from_json(text(bytes))).is_ok()
}

fn secret_key(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || SecretKey::from_json(text(bytes))).is_ok()
}

fn spec(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || PublicSpec::from_json(bytes)).is_ok()
}

fn model(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || PrivateModel::from_bytes(bytes)).is_ok()
}

fn network(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || Network::from_safetensors(bytes, None)).is_ok()
}

fn request(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || Request::from_bytes(bytes)).is_ok()
}

fn response(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || Response::from_bytes(bytes)).is_ok()
}

fn requests(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || RequestReader::new(bytes, u64::MAX).all(|request| request.is_ok()))
}

fn responses(bytes: &[u8]) -> bool {
    bounded(bytes.len(), || ResponseReader::new(bytes, u64::MAX).all(|response| response.is_ok()))
}

fn verified_keys(bytes: &[u8]) -> bool {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    bounded(bytes.len(), || VerifiedKeys::open(file.path())).is_ok()
}

fn pixels() -> Grid {
    Grid::new(0.0, 1.0, 0, 255).unwrap()
}

/// A request of one record.
fn sent(model: &PrivateModel) -> Request {
    let (spec, pin) = (model.spec().clone(), model.spec().fingerprint());
    let encryptor = Encryptor::with_secret_key(spec, pin, KEY.clone()).unwrap();
    encryptor.encrypt(&[vec![1.0; model.columns()]]).unwrap()
}

/// A valid file of each kind.
fn files() -> Vec<(Reader, Vec<u8>)> {
    let private = random_model(3, 4, pixels(), 1);
    let public = private.spec();
    let pin = public.fingerprint();
    let sent = sent(&private);
    let answer = Evaluator::new(private.clone()).evaluate(&sent, KEY.public_key()).unwrap();
    let layers = [Affine::new(40, vec![0.1; 1200], vec![0.5; 30]), Affine::new(30, vec![1.5; 60], vec![0.0; 2])];
    let layers = layers.into_iter().collect::<tacita::Result<_>>().unwrap();
    let trained = Network::new(None, layers, Activation::Softmax).unwrap();
    vec![
        (public_key, KEY.public_key().to_json().into_bytes()),
        (secret_key, KEY.to_json().unwrap().as_bytes().to_vec()),
        (spec, public.as_json().as_bytes().to_vec()),
        (model, private.to_bytes()),
        (network, trained.to_safetensors().unwrap()),
        (request, sent.to_bytes()),
        (response, answer.to_bytes()),
        (requests, sent.to_bytes().repeat(3)),
        (responses, answer.to_bytes().repeat(3)),
        (verified_keys, format!("{pin}\n").repeat(100).into_bytes()),
    ]
}

/// With the SHA-256 of the rest at byte `at`.
fn sealed(mut file: Vec<u8>, at: usize) -> Vec<u8> {
    let digest = Sha256::new().chain_update(&file[..at]).chain_update(&file[at + 64..]).finalize();
    let digits = Fingerprint::from(<[u8; 32]>::from(digest)).to_string();
    file[at..at + 64].copy_from_slice(digits.as_bytes());
    file
}

fn sealed_spec(members: &str) -> Vec<u8> {
    sealed(format!("{{\n  \"sha256\": \"{}\",{members}}}", "0".repeat(64)).into_bytes(), 15)
}

/// A spec with these features, labels and scale.
fn spec_of(features: &str, labels: &str, scale: &str) -> Vec<u8> {
    spec_with(features, labels, scale, r#"{"together":2,"spacing":41},{"together":3,"spacing":41}"#)
}

/// The same with these features layouts.
fn spec_with(features: &str, labels: &str, scale: &str, layouts: &str) -> Vec<u8> {
    sealed_spec(&format!(
        r#""format":"tacita-spec/1","model":"m","features":[{features}],"labels":[{labels}],"activation":"identity",
        "scale":{scale},"logit_error":0,"slot_bits":40,"features_layouts":[{layouts}]"#
    ))
}

fn tensor(name: &str, dtype: &str, shape: &str, start: usize, end: usize) -> String {
    format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{start},{end}]}}")
}

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A model of zeros with these members in its header before its tensors.
fn model_of(more: &str, rows: usize, columns: usize, spec: &[u8]) -> Vec<u8> {
    let (bias, weights) = (8 * rows, 8 * rows + rows * columns);
    let end = weights + spec.len();
    let header = format!(
        "{{\"__metadata__\":{{\"tacita.sha256\":\"{}\",\"tacita.format\":\"tacita-model/1\"}},{more}{},{},{}}}",
        "0".repeat(64),
        tensor("bias", "I64", &format!("[{rows}]"), 0, bias),
        tensor("weights", "I8", &format!("[{rows},{columns}]"), bias, weights),
        tensor("spec", "U8", &format!("[{}]", spec.len()), weights, end),
    );
    sealed(safetensors(&header, &[&vec![0; weights], spec].concat()), 42)
}

const FEATURE: &str = r#"{"name":"a","offset":0,"step":1,"least":0,"greatest":1}"#;

/// `count` items, `item` with its number for each `#`, as a JSON list's inside.
fn list(count: usize, item: &str) -> String {
    (0..count).map(|i| item.replace('#', &i.to_string())).collect::<Vec<_>>().join(",")
}

#[test]
fn the_counter_sees_what_is_held_at_once() {
    let (_, held) = peak(|| {
        drop(vec![0_u8; 1000]);
        vec![0_u8; 300]
    });
    assert_eq!(held, 1000);
    let (_, held) = peak(|| {
        let mut growing = vec![0_u8; 1000];
        growing.reserve_exact(1000);
        growing
    });
    assert_eq!(held, 3000, "it counts twice while it moves");
    let caught = std::panic::catch_unwind(|| bounded(10, || vec![0_u8; 64_161]));
    assert!(caught.is_err());
    bounded(10, || vec![0_u8; 64_160]);
}

#[test]
fn valid_files_keep_the_bound_and_so_do_their_beginnings() {
    for (read, file) in files() {
        assert!(read(&file));
        for cut in (0..file.len()).step_by(file.len() / 200 + 1) {
            read(&file[..cut]);
        }
    }
}

#[test]
fn json_keys_that_ask_for_memory_keep_the_bound() {
    let public = KEY.public_key().to_json();
    let secret = KEY.to_json().unwrap().to_string();
    let both = |text: String| {
        public_key(text.as_bytes());
        secret_key(text.as_bytes());
    };
    for size in [1_000, 10_000, 60_000] {
        for filler in ["[", "{\"a\":", "\"", "1", "1e", "-", " ", "\u{7f}", "\u{0}", "é", "{}", "\"\","] {
            let filler = filler.repeat(size / filler.len());
            both(filler.clone());
            for open in ["{\"kty\":", "{\"kty\":\"DAJ\",\"key_ops\":[", "{\"short_nonces\":\"", "{\"p\":\"", "{\"q\":["]
            {
                both(format!("{open}{filler}"));
                both(format!("{open}{filler}\"}}"));
            }
        }
        for text in [&public, &secret] {
            let room = size.min(65_536 - text.len());
            let longer = |old: &str, new: String| both(text.replacen(old, &new, 1));
            longer("\"kty\"", format!("\"more\": {}{}, \"kty\"", "[".repeat(100), "]".repeat(100)));
            longer("\"key_ops\": [", format!("\"key_ops\": [{}", "\"\",".repeat(room / 3)));
            longer("\"key_ops\": [", format!("\"key_ops\": [{}", "\"\\u007f\",".repeat(room / 9)));
            longer("\"kid\": ", format!("\"kid\": \"{}\", \"old\": ", "\\n".repeat(room / 2 - 12)));
            longer("\"short_nonces\": true", format!("\"short_nonces\": \"{}\"", "\u{7f}".repeat(room - 12)));
            longer("\"n\": \"", format!("\"n\": \"{}", "_".repeat(room)));
            longer("\"p\": \"", format!("\"p\": \"{}", "_".repeat(room)));
            longer("\"proof\": \"", format!("\"proof\": \"{}", "A".repeat(room)));
        }
    }
}

#[test]
fn specs_that_ask_for_memory_keep_the_bound() {
    let run = |count: &str| FEATURE.replacen("\"offset\"", &format!("\"count\":{count},\"offset\""), 1);
    assert!(spec(&spec_of(FEATURE, "\"y\"", "1")));
    assert!(spec(&spec_of(&run("1000000"), "\"y\"", "1")));
    assert!(!spec(&spec_of(&run("4294967295"), "\"y\"", "1")));
    let short = FEATURE.replacen("\"a\"", "\"#\"", 1);
    for count in [10, 1_000, 20_000] {
        assert!(spec(&spec_of(&list(count, &short), "\"y\"", "1")));
        assert!(!spec(&spec_of(&list(count, FEATURE), "\"y\"", "1")), "one name for all of them");
    }
    assert!(spec(&spec_of(FEATURE, &list(65_536, "\"a\""), "1")));
    assert!(!spec(&spec_of(FEATURE, &list(300_000, "\"a\""), "1")));
    assert!(!spec(&spec_of(FEATURE, &list(300_000, "\"\""), "1")));
    let layouts = |count, item: &str| spec(&spec_with(FEATURE, "\"y\"", "1", &list(count, item)));
    assert!(layouts(1, r#"{"together":2,"spacing":40}"#) && layouts(0, ""));
    assert!(!layouts(40_000, r#"{"together":2,"spacing":40}"#) && !layouts(300_000, "{}"));

    let long = 1 << 20;
    for filler in ["[", "{\"a\":", "\u{7f}", "\\u0001", "\u{80}", "\u{301}", "\u{10ffff}", "é", "1", "\\", "{},"] {
        let filler = filler.repeat(long / filler.len());
        assert!(!spec(&sealed_spec(&filler)));
        assert!(!spec(&spec_of(&filler, "", "1")));
        assert!(!spec(&spec_of(FEATURE, &filler, "1")));
        assert!(!spec(&spec_of(FEATURE, "\"y\"", &format!("\"{filler}\""))));
        assert!(!spec(&spec_of(FEATURE, "\"y\"", &format!("0.{filler}x"))));
        for old in ["\"count\"", "1000000", "\"a\"", "\"step\":1", ":0,", "}"] {
            for new in
                [filler.clone(), format!("\"{filler}\""), format!("\"{filler}\":1,"), format!(",\"{filler}\":1}}")]
            {
                spec(&spec_of(&run("1000000").replacen(old, &new, 1), "\"y\"", "1"));
            }
        }
        let whole = text(&spec_of(FEATURE, "\"y\"", "1")).to_owned();
        for member in ["format", "model", "activation", "slot_bits", "features_layouts", "features"] {
            let member = format!("\"{member}\":");
            let found = whole.replacen(&member, &format!("{member}\"{filler}\",\"x\":"), 1).into_bytes();
            spec(&sealed(found, 15));
        }
    }
}

#[test]
fn models_that_ask_for_memory_keep_the_bound() {
    let run = |count: usize| FEATURE.replacen("\"offset\"", &format!("\"count\":{count},\"offset\""), 1);
    // Wide and tall, with as few bytes a weight as there can be.
    assert!(model(&model_of("", 1, 1_000_000, &spec_of(&run(1_000_000), "\"y\"", "1"))));
    let two_runs = format!("{},{}", run(1), run(999_999).replacen("\"a\"", "\"b\"", 1));
    assert!(model(&model_of("", 1, 1_000_000, &spec_of(&two_runs, "\"y\"", "1"))));
    assert!(model(&model_of("", 60_000, 1, &spec_of(FEATURE, &list(60_000, "\"y\""), "1"))));
    assert!(!model(&model_of("", 1, 1, &spec_of(&run(1_000_000), "\"y\"", "1"))), "fewer weights than features");

    let fine = spec_of(FEATURE, "\"y\"", "1");
    assert!(model(&model_of("", 1, 1, &fine)));
    let long = 1 << 20;
    for filler in ["[", "{\"a\":", "\u{7f}", "\\u0001", "\u{80}", "é", "1", "\"a\":{},"] {
        let filler = filler.repeat(long / filler.len());
        for more in [
            filler.clone(),
            format!("\"{filler}\":{{}},"),
            format!("\"x\":\"{filler}\","),
            format!("\"x\":{{\"shape\":\"{filler}\"}},"),
            format!("\"x\":{{\"shape\":[\"{filler}\"]}},"),
            format!("\"x\":{{\"shape\":[{filler}]}},"),
            format!("\"x\":{{\"dtype\":\"{filler}\"}},"),
            format!("\"x\":{{\"dtype\":[{filler}]}},"),
            format!("\"x\":{{\"data_offsets\":\"{filler}\"}},"),
            format!("\"x\":{{\"data_offsets\":[\"{filler}\",1]}},"),
            format!("\"x\":{{\"{filler}\":1}},"),
            format!("\"__metadata__\":{{\"{filler}\":1}},"),
        ] {
            assert!(!model(&model_of(&more, 1, 1, &fine)));
        }
    }
    for length in [0, 100, long, u32::MAX as usize, usize::MAX] {
        let mut file = model_of("", 1, 1, &fine);
        file[..8].copy_from_slice(&(length as u64).to_le_bytes());
        assert!(!model(&sealed(file, 42)));
    }
}

#[test]
fn networks_that_ask_for_memory_keep_the_bound() {
    for dtype in ["F16", "BF16", "F32", "F64"] {
        let width = if dtype.len() == 4 || dtype == "F16" { 2 } else { dtype[1..].parse::<usize>().unwrap() / 8 };
        for (rows, columns) in [(200_000, 1), (1, 200_000), (400, 500)] {
            let bytes = rows * columns * width;
            let header = tensor("weight", dtype, &format!("[{rows},{columns}]"), 0, bytes);
            assert!(network(&safetensors(&format!("{{{header}}}"), &vec![0; bytes])));
            let lie = tensor("weight", dtype, &format!("[{rows},{columns}000]"), 0, 1000 * bytes);
            assert!(!network(&safetensors(&format!("{{{lie}}}"), &vec![0; bytes])));
        }
    }
    // As many layers as there can be, each of one weight.
    let layers = |count: usize| {
        let layer = |i: usize| tensor(&format!("{i}.weight"), "F16", "[1,1]", 2 * i, 2 * i + 2);
        safetensors(&format!("{{{}}}", (0..count).map(layer).collect::<Vec<_>>().join(",")), &vec![0; 2 * count])
    };
    assert!(network(&layers(4096)));
    assert!(!network(&layers(10_000)));
    let empties = |shape: &str, count| list(count, &tensor("#", "F32", shape, 0, 0));
    assert!(!network(&safetensors(&format!("{{{}}}", empties("[]", 4096)), &[])));
    assert!(!network(&safetensors(&format!("{{{}}}", empties("[0,0,0,0,0,0,0,0]", 4096)), &[])));
    assert!(!network(&safetensors(&format!("{{{}}}", empties("[0]", 50_000)), &[])));

    let long = 1 << 20;
    for filler in ["[", "{\"a\":", "\u{7f}", "\\u0001", "\u{80}", "é", "1", "\"a\":{},", "0,"] {
        let filler = filler.repeat(long / filler.len());
        for header in [
            filler.clone(),
            format!("{{\"{filler}\":{{}}}}"),
            format!("{{\"x\":\"{filler}\"}}"),
            format!("{{\"x\":{{\"shape\":\"{filler}\"}}}}"),
            format!("{{\"x\":{{\"shape\":[{filler}0]}}}}"),
            format!("{{\"x\":{{\"dtype\":\"{filler}\"}}}}"),
            format!("{{\"x\":{{\"data_offsets\":\"{filler}\"}}}}"),
            format!("{{\"__metadata__\":\"{filler}\"}}"),
            format!("{{\"__metadata__\":{{\"a\":\"{filler}\",\"tacita.a\":1}}}}"),
            format!("{{\"__metadata__\":{{\"tacita.activation\":\"{filler}\"}}}}"),
            format!("{{\"__metadata__\":{{{filler}\"b\":\"\"}}}}"),
        ] {
            assert!(!network(&safetensors(&header, &[0; 8])));
        }
    }
    for length in [0, 7, long, u32::MAX as usize, usize::MAX] {
        assert!(!network(&[&(length as u64).to_le_bytes()[..], &[b'{'; 100]].concat()));
    }
}

#[test]
fn messages_that_ask_for_memory_keep_the_bound() {
    let honest = sent(&random_model(3, 4, pixels(), 1));
    let message = Message::of_request(&honest);
    assert_eq!(message.to_bytes(), honest.to_bytes());
    let long = vec![0xff; 1 << 20];

    let with = |change: &dyn Fn(&mut Message)| {
        let mut changed = message.clone();
        change(&mut changed);
        changed.to_bytes()
    };
    assert!(!request(&with(&|m| m.public_key.as_mut().unwrap().n = long.clone())));
    assert!(!request(&with(&|m| m.public_key.as_mut().unwrap().proof = Some(long.clone()))));
    assert!(request(&with(&|m| m.ciphertexts = long.clone())));
    assert!(request(&with(&|m| m.records = u32::MAX.into())));
    assert!(!request(&with(&|m| m.records = u64::MAX)));

    // Heads that promise more than follows, at every place where an item may begin.
    let content = message.content();
    for at in 0..content.len().min(400) {
        for major in 0..8_u8 {
            for rest in [&[27, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[26, 0x7f, 0, 0, 0], &[31]] {
                let head = [&[major << 5 | rest[0]], &rest[1..]].concat();
                let lie = [&content[..at], &head, &content[at..]].concat();
                assert!(!request(&seal("tacita.request", &lie)));
                assert!(!response(&seal("tacita.response", &lie)));
                assert!(!requests(&seal("tacita.request", &lie)));
            }
        }
    }
    let whole = honest.to_bytes();
    for at in 0..60 {
        for head in [&[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[0x5a, 0xff, 0xff, 0xff, 0xff]] {
            assert!(!requests(&[&whole[..at], head, &whole[at..]].concat()));
            assert!(!requests(&[&whole, &whole[..at], head].concat()));
        }
    }
    for byte in 0..=255 {
        let run = vec![byte; 1 << 16];
        for kind in ["tacita.request", "tacita.response"] {
            let file = seal(kind, &run);
            assert!(!request(&file) && !response(&file));
        }
        assert!(!request(&run) && !response(&run));
        // In place of the digest and of the content.
        for (kind, read) in [("tacita.request", request as Reader), ("tacita.response", response)] {
            let file = seal(kind, &[]);
            for at in [file.len() - 35, file.len() - 1] {
                assert!(!read(&[&file[..at], &run].concat()));
                assert!(!read(&[&file[..at], &[0x82], &run].concat()));
            }
        }
    }
}

#[test]
fn files_of_verified_keys_that_ask_for_memory_keep_the_bound() {
    let lines =
        |count: usize| (0..count).map(|i| format!("{}\n", Fingerprint::of(&i.to_le_bytes()))).collect::<String>();
    assert!(verified_keys(b""));
    for count in [1, 100, 16_000] {
        assert!(verified_keys(lines(count).as_bytes()));
    }
    for refused in
        ["\n".repeat(1 << 20), "0".repeat(1 << 20), "\u{7f}".repeat(1 << 20), lines(20_000), "0".repeat(5 << 20)]
    {
        assert!(!verified_keys(refused.as_bytes()));
    }
    for digits in [0, 63, 64, 65, 1 << 20] {
        let digits = "a".repeat(digits);
        assert_eq!(bounded(digits.len(), || digits.parse::<Fingerprint>()).is_ok(), digits.len() == 64);
    }
}
