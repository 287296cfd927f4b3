//! The C API, as C programs see it: the header, the exported symbols, the examples, and calls that make no sense.

#[path = "support/c.rs"]
mod c;
#[path = "support/c_fixtures.rs"]
mod c_fixtures;
#[path = "support/fixtures.rs"]
mod fixtures;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use c::{Build, LINKAGES, Linkage, cc, command, compile, cxx, folder, have, libraries, root, succeeds, write};
use c_fixtures::fixtures;
use fixtures::random_model;
use tacita::encoding::{Grid, OutOfRange};
use tacita::model::PrivateModel;

static LIBRARIES: LazyLock<PathBuf> = LazyLock::new(|| libraries(Build::Plain));

/// The names of all functions that the header declares.
fn declared() -> BTreeSet<String> {
    functions().into_iter().map(|function| function.name).collect()
}

/// A function that the header declares.
struct Function {
    name: String,
    returns: String,
    /// Type and name, as they are written.
    parameters: Vec<String>,
}

/// All functions that the header declares, without its comments.
fn functions() -> Vec<Function> {
    let header = fs::read_to_string(root().join("include/tacita.h")).unwrap();
    let code: String = header.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code)).collect();
    let statements = code.split(';').map(|statement| statement.lines().filter(|line| !line.starts_with('#')));
    let statements = statements.map(|lines| lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" "));
    let function = |statement: String| {
        let (before, parameters) = statement.strip_suffix(')')?.split_once('(')?;
        let at = before.find("tacita_").filter(|_| !before.contains("typedef"))?;
        let at = before[at..].rfind("tacita_").map(|last| at + last)?;
        let parameters =
            if parameters == "void" { Vec::new() } else { parameters.split(", ").map(str::to_owned).collect() };
        Some(Function { name: before[at..].to_owned(), returns: before[..at].trim().to_owned(), parameters })
    };
    statements.filter_map(function).collect()
}

/// The calls of a function in a C source, as lists of arguments.
fn calls<'a>(source: &'a str, name: &str) -> Vec<Vec<&'a str>> {
    let start = format!("{name}(");
    let arguments = source.match_indices(&start).map(|(at, _)| {
        let (mut depth, mut arguments, mut from) = (0, Vec::new(), at + start.len());
        for (i, byte) in source.bytes().enumerate().skip(from) {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b',' | b')' if depth == 0 => {
                    arguments.push(source[from..i].trim());
                    from = i + 1;
                    if byte == b')' {
                        break;
                    }
                }
                _ => {}
            }
        }
        arguments
    });
    arguments.collect()
}

fn have_compiler_and_valgrind() -> bool {
    have(&cc()) && have("valgrind")
}

#[test]
fn the_header_alone_compiles_as_c11_and_as_cpp17() {
    for (compiler, language, standard) in [(cc(), "c", "c11"), (cxx(), "c++", "c++17")] {
        if have(&compiler) {
            let source = folder("header").join(format!("header.{language}"));
            fs::write(&source, "#include \"tacita.h\"\n").unwrap();
            let mut command = Command::new(compiler);
            command.args(["-fsyntax-only", "-x", language, &format!("-std={standard}")]).args(c::WARNINGS);
            succeeds(command.arg("-I").arg(root().join("include")).arg(source));
        }
    }
}

#[test]
fn the_shared_library_exports_what_the_header_declares_and_no_more() {
    if !have("nm") {
        return;
    }
    let library = LIBRARIES.join("libtacita.so");
    let output = succeeds(Command::new("nm").args(["--dynamic", "--defined-only", "--format=posix"]).arg(library));
    let symbols = String::from_utf8(output.stdout).unwrap();
    let exported: BTreeSet<_> = symbols.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert_eq!(exported, declared());
}

#[test]
fn the_shared_library_has_a_name_with_its_version() {
    if !have("readelf") {
        return;
    }
    let output = succeeds(Command::new("readelf").arg("--dynamic").arg(LIBRARIES.join("libtacita.so")));
    assert!(String::from_utf8(output.stdout).unwrap().contains(&format!("[{}]", c::SONAME)));
}

fn c_test(name: &str) -> String {
    fs::read_to_string(root().join("c-examples/tests").join(name)).unwrap()
}

#[test]
fn the_cpp_header_has_every_function_and_compiles_alone_in_both_standards() {
    let header = fs::read_to_string(root().join("include/tacita.hpp")).unwrap();
    for name in declared() {
        let whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        assert!(
            header.match_indices(&name).any(|(at, _)| whole(&header[at + name.len()..])),
            "{name} is not in tacita.hpp"
        );
    }
    for compiler in [cxx(), "clang++".into()] {
        for standard in ["-std=c++17", "-std=c++20"] {
            if have(&compiler) {
                let source = folder("header").join("header.cpp");
                write(&source, "#include \"tacita.hpp\"\n");
                let mut command = Command::new(&compiler);
                command.args(["-fsyntax-only", "-Wshadow", standard]).args(c::WARNINGS);
                succeeds(command.arg("-I").arg(root().join("include")).arg(source));
            }
        }
    }
}

#[test]
fn the_cpp_classes_do_what_the_functions_do() {
    if have(&cxx()) && have("valgrind") {
        checks_hold("tests/cpp.cpp", &fixtures());
    }
}

/// A folder with a model, its spec, a key and records, for the examples that take them all.
fn example_folder(records: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let model = random_model(2, 3, Grid::new(0.0, 1.0, 0, 255).unwrap(), 6);
    fs::write(folder.path().join("model"), model.to_bytes()).unwrap();
    fs::write(folder.path().join("spec"), model.spec().as_json()).unwrap();
    fs::write(folder.path().join("key"), include_str!("data/secret-key-2048.json")).unwrap();
    fs::write(folder.path().join("records"), records).unwrap();
    (folder, model.spec().fingerprint().to_string())
}

#[test]
fn the_scorer_streams_a_table_whatever_the_order_of_its_columns() {
    if !have(&cc()) {
        return;
    }
    let scorer = compile("scorer.c", &LIBRARIES, Linkage::Shared);
    let score = |records: &str, predictions: &str| {
        let (folder, pin) = example_folder(records);
        let mut command = Command::new(&scorer);
        command.args(["model", "spec", &pin, "key", "records", predictions, "7"]).current_dir(folder.path());
        let output = command.output().unwrap();
        let scored = fs::read_to_string(folder.path().join(predictions)).ok();
        (output.status.code(), scored, String::from_utf8(output.stderr).unwrap())
    };
    let rows: Vec<_> = (0..20).map(|i| [i, 2 * i, 255 - i]).collect();
    let table = |header: &str, order: [usize; 3]| {
        let lines = rows.iter().map(|row| order.map(|place| row[place].to_string()).join(",") + "\n");
        header.to_owned() + "\n" + &lines.collect::<String>()
    };
    let (status, scored, said) = score(&table("x_0,x_1,x_2", [0, 1, 2]), "out.csv");
    assert_eq!((status, scored.as_ref().map(|text| text.lines().count())), (Some(0), Some(21)), "{said}");
    assert_eq!(score(&table("x_2,x_0,x_1", [2, 0, 1]), "out.csv").1, scored);
    for (wrong, named) in [
        ("x_0,x_1\n1,2\n", "x_2"),
        ("x_0,x_1,x_3\n1,2,3\n", "column 3"),
        ("x_0,x_1,x_2\n1,2,4711\n", "x_2"),
        ("x_0,x_1,x_2\n1,4711x,3\n", "2"),
    ] {
        let (status, scored, said) = score(wrong, "out.csv");
        assert!(status == Some(1) && scored.is_none() && said.contains(named) && !said.contains("4711"), "{said}");
    }
}

#[test]
fn hospital_and_cloud_talk_over_a_socket_as_they_do_by_files() {
    if !have(&cxx()) {
        return;
    }
    let (folder, pin) = example_folder("1 2 3\n200 100 0\n");
    let run = |program: &Path, arguments: &[&str]| {
        let output = succeeds(Command::new(program).args(arguments).current_dir(folder.path()));
        String::from_utf8(output.stdout).unwrap()
    };
    let [hospital, cloud] = ["hospital.c", "cloud.c"].map(|source| compile(source, &LIBRARIES, Linkage::Shared));
    run(&hospital, &["encrypt", "key", "spec", &pin, "records", "request"]);
    run(&cloud, &["model", "request", "response", "verified-keys"]);
    let by_files = run(&hospital, &["decrypt", "key", "spec", &pin, "request", "response"]);
    for linkage in LINKAGES {
        let tcp = compile("tcp.cpp", &LIBRARIES, linkage);
        assert_eq!(run(&tcp, &["model", "spec", &pin, "key", "records"]), by_files);
        let mut refused = Command::new(&tcp);
        refused.args(["model", "spec", &"0".repeat(64), "key", "records"]).current_dir(folder.path());
        assert_eq!(refused.output().unwrap().status.code(), Some(1));
    }
}

#[test]
fn a_service_and_a_program_that_loads_the_library_by_name_work() {
    if !have(&cc()) {
        return;
    }
    let (folder, _) = example_folder("");
    let service = compile("service.c", &LIBRARIES, Linkage::Shared);
    let output = succeeds(Command::new(service).args(["model", "3", "12"]).current_dir(folder.path()));
    assert!(String::from_utf8(output.stdout).unwrap().contains("answered 12 of 12 requests, 0 wrong"));
    let dynamic = compile("dynamic.c", &LIBRARIES, Linkage::Shared);
    succeeds(Command::new(&dynamic).arg(LIBRARIES.join("libtacita.so")));
    let missing = Command::new(&dynamic).arg("no-such-library.so").output().unwrap();
    assert!(missing.status.code() == Some(1) && String::from_utf8(missing.stderr).unwrap().contains("no-such-library"));
    let quickstart = compile("quickstart.cpp", &LIBRARIES, Linkage::Static);
    let said = succeeds(Command::new(quickstart).args(["model", "1", "2", "3"]).current_dir(folder.path())).stdout;
    assert!(String::from_utf8(said).unwrap().starts_with("class "));
}

#[test]
fn each_pointer_of_each_function_is_tried_as_null() {
    let (tests, mut tried) = (c_test("null_pointers.c"), 0);
    for Function { name, returns, parameters } in functions() {
        let calls = calls(&tests, &name);
        for (place, parameter) in parameters.iter().enumerate() {
            // What a callback is given may be anything.
            let is_pointer = parameter.contains(['*', '[']) && !parameter.contains("user_data");
            if is_pointer && (returns == "tacita_status" || name.ends_with("_free")) {
                tried += 1;
                let alone = |call: &&Vec<&str>| {
                    let nulls = call.iter().zip(&parameters).filter(|(argument, parameter)| {
                        **argument == "NULL" && parameter.contains(['*', '[']) && !parameter.contains("user_data")
                    });
                    call.get(place) == Some(&"NULL") && nulls.count() == 1
                };
                assert!(calls.iter().any(|call| alone(&call)), "{name} is not called with NULL as `{parameter}` alone");
            }
        }
    }
    assert!(tried > 200, "only {tried} pointers were found");
}

#[test]
fn each_handle_of_each_function_is_tried_with_those_of_other_types() {
    let (tests, mut tried) = (c_test("wrong_handles.c"), 0);
    for Function { name, parameters, .. } in functions() {
        for (place, parameter) in parameters.iter().enumerate() {
            let kind = parameter.trim_start_matches("const ");
            if kind.starts_with("tacita_") && kind.matches('*').count() == 1 && !kind.starts_with("tacita_status") {
                tried += 1;
                let wrong = |call: &Vec<&str>| call.get(place) == Some(&"wrong");
                assert!(calls(&tests, &name).iter().any(wrong), "{name} is not called with a wrong `{parameter}`");
            }
        }
    }
    assert!(tried > 120, "only {tried} handles were found");
}

#[test]
fn the_c_tests_call_every_function() {
    let tests = root().join("c-examples/tests").read_dir().unwrap();
    let sources: String = tests.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    for name in declared() {
        assert!(sources.contains(&format!("{name}(")), "{name} is not called");
    }
}

fn misuse_ends_well(source: &str) {
    if have_compiler_and_valgrind() {
        checks_hold(source, &fixtures());
    }
}

/// Whether an engine is chosen, as in the second round of `scripts/test`. Valgrind hides the vectors, so that the portable
/// engine runs under it in any case, and what it sees once is enough; so is one way to link.
fn engine_is_chosen() -> bool {
    std::env::var_os("TACITA_BACKEND").is_some()
}

/// Runs a C test on a folder of files.
fn checks_hold(source: &str, fixtures: &Path) {
    let chosen = engine_is_chosen();
    for linkage in LINKAGES.into_iter().filter(|&linkage| !chosen || linkage == Linkage::Static) {
        let program = compile(source, &LIBRARIES, linkage);
        // Under valgrind, which is slow, not every byte is cut and changed, but every 37th.
        let runs = [(false, "1"), (true, "37")];
        for (valgrind, step) in
            runs.into_iter().filter(|(valgrind, _)| !valgrind || linkage == Linkage::Static && !chosen)
        {
            let output = succeeds(command(&program, valgrind).arg(fixtures).arg(step));
            let report = String::from_utf8(output.stdout).unwrap();
            assert!(report.ends_with(" checks, 0 failed\n"), "{report}");
        }
    }
}

#[test]
fn null_pointers_are_refused() {
    misuse_ends_well("tests/null_pointers.c");
}

#[test]
fn handles_of_other_types_are_refused() {
    misuse_ends_well("tests/wrong_handles.c");
}

#[test]
fn hostile_bytes_are_refused() {
    misuse_ends_well("tests/hostile_bytes.c");
}

#[test]
fn values_that_make_no_sense_are_refused() {
    misuse_ends_well("tests/wrong_values.c");
}

#[test]
fn versions_statuses_and_threads_are_as_documented() {
    misuse_ends_well("tests/library.c");
}

#[test]
fn every_noun_does_what_it_says() {
    misuse_ends_well("tests/nouns.c");
}

#[test]
fn long_work_tells_of_its_progress_and_can_be_cancelled() {
    misuse_ends_well("tests/progress.c");
}

#[test]
fn key_files_under_a_passphrase_open_with_it_alone() {
    misuse_ends_well("tests/passphrases.c");
}

#[test]
fn a_lost_handle_and_a_read_beyond_the_end_are_seen() {
    if !have_compiler_and_valgrind() || engine_is_chosen() {
        return;
    }
    let fixtures = fixtures();
    for linkage in LINKAGES {
        let program = compile("tests/planted_faults.c", &LIBRARIES, linkage);
        for (fault, seen) in [("leak", "definitely lost"), ("overread", "Invalid read"), ("astray", "Invalid read")] {
            succeeds(command(&program, false).arg(&fixtures).arg(fault));
            let output = command(&program, true).arg(&fixtures).arg(fault).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.code() == Some(99) && said.contains(seen), "{fault}: {said}");
        }
    }
}

#[test]
fn known_answer_vectors_are_read_and_answered_as_listed() {
    if have_compiler_and_valgrind() {
        checks_hold("tests/vectors.c", &root().join("tests/vectors"));
    }
}

#[test]
fn a_panic_comes_out_as_a_status_and_does_not_show_its_values() {
    if !have(&cc()) {
        return;
    }
    let libraries = libraries(Build::Panic);
    for linkage in LINKAGES {
        let output = succeeds(&mut command(&compile("tests/panic.c", &libraries, linkage), false));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.matches("tacita: bug at src/ffi/test_panic.rs:").count(), 2, "{said}");
        assert!(!said.contains("123456789"), "{said}");
    }
}

/// The hospital's and the cloud's process, which share nothing but files.
struct Example<'a> {
    hospital: PathBuf,
    cloud: PathBuf,
    valgrind: bool,
    folder: &'a Path,
}

impl Example<'_> {
    fn run(&self, program: &Path, arguments: &[&str]) -> String {
        let output = succeeds(command(program, self.valgrind).args(arguments).current_dir(self.folder));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Encrypts, evaluates and decrypts, and compares with the model in plain.
    fn predicts(&self, model: &PrivateModel, records: &[Vec<f64>]) {
        let spec = model.spec();
        let pin = spec.fingerprint().to_string();
        fs::write(self.folder.join("spec.json"), spec.as_json()).unwrap();
        fs::write(self.folder.join("model.safetensors"), model.to_bytes()).unwrap();
        let text: String =
            records.iter().map(|record| record.iter().map(|v| format!("{v} ")).collect::<String>() + "\n").collect();
        fs::write(self.folder.join("records"), text).unwrap();
        self.run(&self.hospital, &["encrypt", "key.json", "spec.json", &pin, "records", "request"]);
        let said = self.run(&self.cloud, &["model.safetensors", "request", "response", "verified-keys"]);
        assert_eq!(said, format!("evaluated {} records\n", records.len()));
        let said = self.run(&self.hospital, &["decrypt", "key.json", "spec.json", &pin, "request", "response"]);
        let expected: String = records
            .iter()
            .enumerate()
            .map(|(i, record)| {
                let mut integers = vec![0; record.len()];
                spec.features().encode(record, OutOfRange::Refuse, &mut integers).unwrap();
                let logits = spec.logits(&model.evaluate(&integers).unwrap());
                let class = spec.activation().class(&logits);
                let probabilities = spec.activation().probabilities(&logits);
                let probabilities: String = probabilities.iter().map(|p| format!(" {p:.4}")).collect();
                format!("record {i}: class {class}, {};{probabilities}\n", spec.labels().nth(class).unwrap())
            })
            .collect();
        assert_eq!(said, expected);
    }
}

#[test]
fn the_examples_predict_what_the_model_says_in_two_processes() {
    if !have_compiler_and_valgrind() {
        return;
    }
    let model = random_model(2, 3, Grid::new(-1.0, 0.5, 0, 40).unwrap(), 3);
    let records = [vec![-1.0, 0.0, 19.0], vec![3.5, 7.0, -0.5]];
    for linkage in LINKAGES {
        let [hospital, cloud] = ["hospital.c", "cloud.c"].map(|source| compile(source, &LIBRARIES, linkage));
        for valgrind in [false, linkage == Linkage::Static && !engine_is_chosen()] {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            fs::write(folder.path().join("key.json"), include_str!("data/secret-key-2048.json")).unwrap();
            let example = Example { hospital: hospital.clone(), cloud: cloud.clone(), valgrind, folder: folder.path() };
            example.predicts(&model, &records);
        }
    }
}

#[test]
fn the_examples_work_with_a_fresh_key_and_a_model_for_images() {
    if !have(&cc()) {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [hospital, cloud] = ["hospital.c", "cloud.c"].map(|source| compile(source, &LIBRARIES, Linkage::Shared));
    let example = Example { hospital, cloud, valgrind: false, folder: folder.path() };
    example.run(&example.hospital, &["keygen", "key.json", "2048"]);
    let model = random_model(10, 784, Grid::new(0.0, 1.0, 0, 255).unwrap(), 4);
    let image = |seed: usize| (0..784).map(|i| ((i * i + seed * i) % 256) as f64).collect();
    example.predicts(&model, &[image(1), image(2), image(3)]);
    // The key is the hospital's only one: it is not overwritten.
    let again =
        Command::new(&example.hospital).args(["keygen", "key.json", "2048"]).current_dir(folder.path()).output();
    assert_eq!(again.unwrap().status.code(), Some(1));
}

#[test]
fn the_examples_say_what_is_wrong_and_write_nothing() {
    if !have(&cc()) {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [hospital, cloud] = ["hospital.c", "cloud.c"].map(|source| compile(source, &LIBRARIES, Linkage::Shared));
    let spec = random_model(2, 3, Grid::new(0.0, 1.0, 0, 9).unwrap(), 5).spec().clone();
    fs::write(folder.path().join("key.json"), include_str!("data/secret-key-2048.json")).unwrap();
    fs::write(folder.path().join("spec.json"), spec.as_json()).unwrap();
    let pin = spec.fingerprint().to_string();
    let wrong_pin = "0".repeat(64);
    for (pin, records, status) in [
        (&pin, "1 2 4711", "error 200"),
        (&pin, "1 2 nan", "error 200"),
        (&pin, "1 2", "not of whole records"),
        (&pin, "1, 2, 3\n4\n", "not of whole records"),
        (&pin, "1\t\t3\n4\t\t6\n7\t\t9\n", "byte 4 is not of whole records"),
        (&pin, "", "error 102"),
        (&pin, "1 2 three", "byte 4 is not a number"),
        (&pin, "1 2 3x", "byte 4 is not a number"),
        (&pin, "1,,2\n3", "byte 2 is not a number"),
        (&pin, "1,2,\n4,5,6\n7,8", "byte 4 is not a number"),
        (&pin, "1,2,3\n,4,5,6", "byte 6 is not a number"),
        (&pin, "1,2,3,", "byte 6 is not a number"),
        (&pin, "1 2 3\0", "byte 5 is not a number"),
        (&wrong_pin, "1 2 3", "error 221"),
    ] {
        fs::write(folder.path().join("records"), records).unwrap();
        let mut command = Command::new(&hospital);
        command.args(["encrypt", "key.json", "spec.json", pin, "records", "request"]).current_dir(folder.path());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{records}: {said}");
        assert!(said.contains(status), "{records}: {said}");
        assert!(!said.contains("4711") && !folder.path().join("request").exists());
    }
    assert_eq!(Command::new(hospital).output().unwrap().status.code(), Some(2));
    assert_eq!(Command::new(cloud).output().unwrap().status.code(), Some(2));
}
