//! Many records in a sequence of requests, from process to process, and sequences that came wrong.

#[path = "support/clinic.rs"]
mod clinic;
#[path = "support/command.rs"]
mod command;
#[path = "support/message.rs"]
mod message;

use std::sync::LazyLock;

use clinic::fact;
use command::Folder;
use message::Message;

const RECORDS: usize = 7;
const ENCRYPT: &str = "encrypt --spec spec.json --key secret.json --in many.csv --per-request 2";
const EVALUATE: &str = "evaluate --model model.safetensors --in requests";
const DECRYPT: &str = "decrypt --spec spec.json --key secret.json --request requests --in responses";

/// The clinic, with seven records in `many.csv`, four `requests` of at most two and their `responses`; and with those of
/// other random numbers in `other-requests` and `other-responses`.
static CLINIC: LazyLock<Folder> = LazyLock::new(|| {
    let folder = clinic::open();
    let line = |i: usize| format!("{},{},{},0.25\n", 20 + i, 1000 * i, i % 2);
    folder.write("many.csv", (0..RECORDS).map(line).collect::<String>());
    for prefix in ["", "other-"] {
        folder.tacita(&format!("{ENCRYPT} --out {prefix}requests")).success();
        let evaluate = EVALUATE.replace("requests", &format!("{prefix}requests"));
        folder.tacita(&format!("{evaluate} --out {prefix}responses")).success();
    }
    folder
});

/// A folder of its own with the clinic's files, one of them changed.
fn with(name: &str, content: impl AsRef<[u8]>) -> Folder {
    let folder = Folder::new();
    for file in CLINIC.names() {
        folder.write(&file, CLINIC.read(&file));
    }
    folder.write(name, content);
    folder
}

/// The messages of a file.
fn messages(name: &str) -> Vec<Vec<u8>> {
    let bytes = CLINIC.read(name);
    let mut decoder = minicbor::Decoder::new(&bytes);
    let mut messages = Vec::new();
    while decoder.position() < bytes.len() {
        let start = decoder.position();
        decoder.skip().unwrap();
        messages.push(bytes[start..decoder.position()].to_vec());
    }
    messages
}

/// The command fails and leaves nothing, neither in a file nor on standard output.
#[track_caller]
fn refused(folder: &Folder, line: &str, code: i32) {
    folder.tacita(&format!("{line} --out absent")).failure(code);
    assert!(!folder.exists("absent"));
    assert!(!folder.names().iter().any(|name| name.starts_with(".tacita")), "{:?}", folder.names());
    if line.starts_with("decrypt") {
        folder.tacita(line).failure(code);
        assert_eq!(folder.tacita(&format!("{line} --json")).json()["error"]["code"], code);
    }
}

#[test]
fn a_sequence_gives_the_predictions_that_one_request_gives() {
    let folder = with("one.csv", CLINIC.read("many.csv"));
    let requests = messages("requests");
    assert_eq!(requests.iter().map(|request| Message::read(request).records).collect::<Vec<_>>(), [2, 2, 2, 1]);
    for (file, kind) in [("requests", "request"), ("responses", "response")] {
        assert_eq!(fact(&folder, file, "kind"), kind);
        assert_eq!((fact(&folder, file, "messages"), fact(&folder, file, "records")), (4.into(), RECORDS.into()));
        assert_eq!(fact(&folder, file, "bytes"), folder.read(file).len());
    }
    folder.tacita("encrypt --spec spec.json --key secret.json --in one.csv --out one").success();
    assert_eq!(fact(&folder, "one", "messages"), 1);
    folder.tacita("evaluate --model model.safetensors --in one --out answer").success();
    let whole = "decrypt --spec spec.json --key secret.json --request one --in answer --json";
    let whole = folder.tacita(whole).success().json();
    assert_eq!(whole["records"].as_array().unwrap().len(), RECORDS);
    assert_eq!(folder.tacita(&format!("{DECRYPT} --json")).success().json(), whole);
    let table = folder.tacita(DECRYPT).success();
    assert_eq!(table.text().lines().count(), 1 + RECORDS);

    // Into a file and into a pipe they go piece by piece.
    let report = folder.tacita(&format!("{DECRYPT} --out predictions --json")).success().json();
    assert_eq!(report["records"], RECORDS);
    let piped = folder.tacita(&format!("{DECRYPT} --out -")).success();
    for content in [folder.read("predictions"), piped.stdout] {
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&content).unwrap(), whole);
    }
}

#[test]
fn facts_count_all_requests() {
    let folder = with("requests", b"");
    let encrypted = folder.tacita(&format!("{ENCRYPT} --out requests --json")).success().json();
    assert_eq!((&encrypted["requests"], &encrypted["records"]), (&4.into(), &RECORDS.into()));
    assert_eq!(encrypted["request_bytes"], folder.read("requests").len());
    let evaluated = folder.tacita(&format!("{EVALUATE} --out responses --json")).success().json();
    assert_eq!((&evaluated["requests"], &evaluated["records"]), (&4.into(), &RECORDS.into()));
    assert_eq!(evaluated["request_bytes"], folder.read("requests").len());
    assert_eq!(evaluated["response_bytes"], folder.read("responses").len());
    assert_eq!(evaluated["request_id"], encrypted["request_id"]);
    folder.tacita(&format!("{EVALUATE} --max-records {RECORDS} --out responses")).success();
    refused(&folder, &format!("{EVALUATE} --max-records {}", RECORDS - 1), 23);
}

#[test]
fn a_sequence_that_is_cut_or_damaged_is_refused() {
    for (file, line) in [("requests", EVALUATE), ("responses", DECRYPT)] {
        let (whole, messages) = (CLINIC.read(file), messages(file));
        let third: usize = messages[..2].iter().map(Vec::len).sum();
        // In the middle of the third: in its kind, in its digest, in the head of its content, in its content.
        for cut in [1, 10, 20, 40, 52, 54, messages[2].len() / 2, messages[2].len() - 1] {
            refused(&with(file, &whole[..third + cut]), line, 22);
        }
        for (position, code) in [(third, 22), (third + 5, 22), (third + 30, 21), (third + 200, 21), (third - 1, 21)] {
            let mut changed = whole.clone();
            changed[position] ^= 1;
            refused(&with(file, changed), line, code);
        }
        refused(&with(file, [&whole[..], b"\n"].concat()), line, 22);
        // A length that only a claim has behind it.
        let claim = [&messages[0][..if file == "requests" { 51 } else { 52 }], &[0x5b], &[0x7f; 8]].concat();
        refused(&with(file, [&messages[0][..], &claim].concat()), line, 23);
    }
}

#[test]
fn responses_in_another_order_or_number_are_refused() {
    let [own, other] = ["responses", "other-responses"].map(messages);
    let refused = |order: &[&[u8]], code| refused(&with("responses", order.concat()), DECRYPT, code);
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| &own[i][..]);
    refused(&[b, a, c, d], 32);
    refused(&[a, b, d, c], 32);
    refused(&[a, b, c], 22);
    refused(&[a, c, d], 32);
    refused(&[a], 22);
    refused(&[a, b, b, d], 32);
    refused(&[a, b, c, d, d], 22);
    refused(&[a, b, c, &other[3]], 32);
    refused(&[a, b, c, d, &messages("requests")[0]], 22);
    // A request that was left out, too.
    let requests = messages("requests")[..3].concat();
    self::refused(&with("requests", requests), DECRYPT, 22);
    with("responses", own.concat()).tacita(DECRYPT).success();
}

#[test]
fn what_a_pipe_has_before_a_failure_is_not_complete_and_said_to_be_not() {
    let own = messages("responses");
    let folder = with("responses", own[..3].concat());
    let run = folder.tacita(&format!("{DECRYPT} --out -"));
    assert_eq!(run.code, 22);
    assert!(run.stderr.contains("standard output has 6 predictions and is not complete"), "{}", run.stderr);
    assert!(serde_json::from_str::<serde_json::Value>(run.text()).is_err(), "half a list is no JSON");

    let mut requests = messages("requests");
    requests[2].pop();
    let run = with("requests", requests[..3].concat()).tacita(&format!("{EVALUATE} --out -"));
    assert_eq!(run.code, 22);
    assert!(run.stderr.contains("message 3") && run.stderr.contains("has 2 responses and is not"), "{}", run.stderr);
    // And whoever gets these two sees that they are not all.
    folder.write("responses", run.stdout);
    refused(&folder, DECRYPT, 22);

    let records = [CLINIC.read("many.csv"), b"1,2\n".to_vec()].concat();
    let folder = with("many.csv", records);
    refused(&folder, ENCRYPT, 24);
    let run = folder.tacita(&format!("{ENCRYPT} --out -"));
    assert_eq!(run.code, 24);
    assert!(run.stderr.contains("line 8") && run.stderr.contains("has 3 requests and is not"), "{}", run.stderr);
}

#[test]
fn a_sequence_under_two_keys_is_refused() {
    let folder = with("many.csv", CLINIC.read("many.csv"));
    folder.tacita(&format!("{} --out others", ENCRYPT.replace("secret", "other-secret"))).success();
    let both = [CLINIC.read("requests"), folder.read("others")].concat();
    refused(&with("requests", &both), EVALUATE, 30);
    // The key is given once, or comes with the first.
    folder.tacita(&format!("{ENCRYPT} --without-key --out requests")).success();
    refused(&folder, EVALUATE, 12);
    folder.tacita(&format!("{EVALUATE} --public-key public.json --out responses")).success();
    folder.tacita(DECRYPT).success();
}
