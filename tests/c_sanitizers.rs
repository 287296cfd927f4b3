//! The C tests once more, with every access to memory checked in the library too, and with threads watched.

#[path = "support/c.rs"]
#[allow(dead_code, reason = "the tests of the C API use the rest")]
mod c;
#[path = "support/c_fixtures.rs"]
mod c_fixtures;
#[path = "support/fixtures.rs"]
mod fixtures;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use c::{Build, LINKAGES, Linkage, compile_with, folder, have, libraries, write};
use c_fixtures::fixtures;
use tacita::Backend;

static CHECKED: LazyLock<PathBuf> = LazyLock::new(|| libraries(Build::AddressSanitizer));
static PLAIN: LazyLock<PathBuf> = LazyLock::new(|| libraries(Build::Plain));

/// Wrong reads and writes, lost memory, and in C undefined behaviour: each ends a program with an error.
const ADDRESS: [&str; 3] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

const THREAD: [&str; 1] = ["-fsanitize=thread"];

const TESTS: [&str; 8] = [
    "tests/null_pointers.c",
    "tests/wrong_handles.c",
    "tests/hostile_bytes.c",
    "tests/wrong_values.c",
    "tests/library.c",
    "tests/nouns.c",
    "tests/progress.c",
    "tests/passphrases.c",
];

fn run(program: &Path, engine: Backend, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.arg(fixtures()).args(arguments).env(Backend::VARIABLE, engine.name()).env("ASAN_OPTIONS", "detect_leaks=1");
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

/// Address sanitizers are made for these processors, and for Linux.
fn can_check(compiler: &str) -> bool {
    cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) && have(compiler)
}

#[test]
fn no_test_reads_or_writes_where_it_must_not_on_any_engine() {
    for (compiler, linkage) in [("gcc", Linkage::Shared), ("clang", Linkage::Static)] {
        if !can_check(compiler) {
            continue;
        }
        for test in TESTS {
            let program = compile_with(compiler, &ADDRESS, test, &CHECKED, linkage);
            // The second compiler sees the same library; once is enough for it.
            let engines = Backend::available().filter(|engine| compiler == "gcc" || *engine == Backend::Portable);
            for engine in engines {
                let output = run(&program, engine, &["37"]);
                let said = said(&output);
                assert!(output.status.success() && said.contains(" checks, 0 failed"), "{test} on {engine}: {said}");
            }
        }
    }
}

#[test]
fn the_cpp_header_reads_and_writes_where_it_must() {
    for (compiler, linkage) in [("g++", Linkage::Static), ("clang++", Linkage::Shared)] {
        if can_check(compiler) {
            let program = compile_with(compiler, &ADDRESS, "tests/cpp.cpp", &CHECKED, linkage);
            let engines = Backend::available().filter(|engine| compiler == "g++" || *engine == Backend::Portable);
            for engine in engines {
                let output = run(&program, engine, &[]);
                let said = said(&output);
                assert!(output.status.success() && said.contains(" checks, 0 failed"), "{compiler}, {engine}: {said}");
            }
        }
    }
}

#[test]
fn a_lost_handle_and_reads_beyond_the_end_are_seen_in_c_and_in_the_library() {
    for (compiler, linkage) in [("gcc", Linkage::Static), ("clang", Linkage::Shared)] {
        if !can_check(compiler) {
            continue;
        }
        let program = compile_with(compiler, &ADDRESS, "tests/planted_faults.c", &CHECKED, linkage);
        let faults = [
            ("leak", "LeakSanitizer: detected memory leaks"),
            ("overread", "heap-buffer-overflow"),
            ("astray", "heap-buffer-overflow"),
        ];
        for (fault, seen) in faults {
            let output = run(&program, Backend::Portable, &[fault]);
            let said = said(&output);
            assert!(!output.status.success() && said.contains(seen), "{fault} with {compiler}: {said}");
            // In the library, mangled or not, and not in the program.
            assert!(fault != "astray" || said.contains("Features") && said.contains("encode"), "{said}");
        }
    }
}

/// The library has no instruments against races: its types exclude them. What it does on behalf of C is passed over.
fn watched(source: &str) -> Command {
    watched_on(source, &fixtures())
}

fn watched_on(source: &str, first: &Path) -> Command {
    let program = compile_with("gcc", &THREAD, source, &PLAIN, Linkage::Shared);
    let suppressions = folder("programs").join("thread.supp");
    write(&suppressions, "race:libtacita.so\ncalled_from_lib:libtacita.so\n");
    let mut command = Command::new(program);
    command.arg(first).env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()));
    command
}

#[test]
fn eight_threads_share_everything_without_a_race() {
    if can_check("gcc") {
        // The long run without instruments is in `eight_threads_share_everything_for_a_minute`.
        let output = watched("tests/threads.c").arg("5").output().unwrap();
        let said = said(&output);
        assert!(output.status.success() && said.contains(" checks, 0 failed"), "{said}");
    }
}

#[test]
fn a_service_whose_threads_share_an_evaluator_has_no_race() {
    if can_check("gcc") {
        let model = fixtures().join("model.safetensors");
        let output = watched_on("service.c", &model).args(["3", "12"]).output().unwrap();
        let said = said(&output);
        assert!(output.status.success() && said.contains("answered 12 of 12 requests, 0 wrong"), "{said}");
    }
}

#[test]
fn a_race_in_c_is_seen() {
    if can_check("gcc") {
        let output = watched("tests/race.c").output().unwrap();
        let said = said(&output);
        assert!(output.status.code() == Some(66) && said.contains("ThreadSanitizer: data race"), "{said}");
    }
}

#[test]
fn eight_threads_share_everything_for_a_minute() {
    if have("gcc") {
        let program = compile_with("gcc", &[], "tests/threads.c", &PLAIN, LINKAGES[0]);
        let seconds = std::env::var("TACITA_SOAK_SECONDS").unwrap_or_else(|_| "60".into());
        let output = Command::new(program).arg(fixtures()).arg(seconds).output().unwrap();
        let said = said(&output);
        assert!(output.status.success() && said.contains(" checks, 0 failed"), "{said}");
    }
}
