//! Runs the built command as a process.

#![allow(dead_code)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The secret keys that tests share. What they hold must never come out.
pub(crate) const KEY: &str = include_str!("../../../tests/data/secret-key-2048.json");
pub(crate) const OTHER_KEY: &str = include_str!("../../../tests/data/other-secret-key-2048.json");

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("the output is text")
    }

    /// Its standard output, which must be one JSON object, with nothing on standard error.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stderr, "", "--json is silent on standard error");
        let value: Value = serde_json::from_str(self.text()).expect("one JSON object and nothing else");
        assert!(value.is_object());
        value
    }

    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.text(), self.stderr);
        self
    }

    /// It failed with this code and said why in its last line, and nothing came out on standard output.
    #[track_caller]
    pub(crate) fn failure(self, code: i32) -> Self {
        assert_eq!((self.code, self.text()), (code, ""), "{}", self.stderr);
        assert!(self.stderr.lines().last().is_some_and(|line| line.starts_with("tacita: ")), "{}", self.stderr);
        self
    }
}

/// A folder in which commands run.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file can be written");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = std::fs::read_dir(self.0.path()).unwrap().map(name).collect();
        names.sort();
        names
    }

    /// Runs `tacita` in this folder with the words of `line` as its arguments.
    pub(crate) fn tacita(&self, line: &str) -> Run {
        self.tacita_with_input(line, b"")
    }

    pub(crate) fn tacita_with_input(&self, line: &str, input: &[u8]) -> Run {
        run(self.0.path(), Path::new(env!("CARGO_BIN_EXE_tacita")), line, input)
    }
}

/// Runs a program, and makes sure that no prime of the shared keys comes out.
pub(crate) fn run(folder: &Path, program: &Path, line: &str, input: &[u8]) -> Run {
    let mut child = Command::new(program)
        .args(line.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("it has an input");
    let output = std::thread::scope(|scope| {
        // A command that fails early does not read its input.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("it ends")
    });
    let stderr = String::from_utf8(output.stderr).expect("messages are UTF-8");
    for prime in [KEY, OTHER_KEY].into_iter().flat_map(primes) {
        let holds = |bytes: &[u8]| bytes.windows(16).any(|window| window == &prime.as_bytes()[..16]);
        assert!(!holds(&output.stdout) && !holds(stderr.as_bytes()), "{line}: a prime came out");
    }
    Run { code: output.status.code().expect("it was not killed"), stdout: output.stdout, stderr }
}

/// p and q as their file has them.
pub(crate) fn primes(key: &str) -> [String; 2] {
    let key: Value = serde_json::from_str(key).expect("a key is JSON");
    ["p", "q"].map(|name| key[name].as_str().expect("it is a text").to_string())
}
