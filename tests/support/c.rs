//! Builds C programs against the library, and runs them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How a program is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linkage {
    Shared,
    Static,
}

pub(crate) const LINKAGES: [Linkage; 2] = [Linkage::Shared, Linkage::Static];

/// What the static library needs besides itself.
const STATIC_LINK_LINE: [&str; 7] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

pub(crate) const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of this name for files that tests make.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// Replaces a file at one stroke, because another test may be using it.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    let new = path.with_extension(unique());
    fs::write(&new, content).expect("a file can be written");
    fs::rename(new, path).expect("a file can be renamed");
}

/// An extension that no other test, in this process or another, has.
fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Whether a tool is there. Without it a test is skipped, which is said, and which fails where everything has to be there.
pub(crate) fn have(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{tool} is missing");
        eprintln!("SKIPPED: {tool} is missing");
    }
    found
}

/// The C compiler.
pub(crate) fn cc() -> String {
    std::env::var("CC").unwrap_or_else(|_| "cc".into())
}

/// The C++ compiler.
pub(crate) fn cxx() -> String {
    std::env::var("CXX").unwrap_or_else(|_| "c++".into())
}

/// Both libraries as this test's profile builds them, made fresh: `cargo test` alone would leave old ones there. They are
/// copied to a folder of their own, which is returned, so that no other build changes them while they are in use.
pub(crate) fn libraries(features: &[&str]) -> PathBuf {
    // The test runs as target/[TRIPLE/]PROFILE/deps/NAME.
    let test = std::env::current_exe().expect("the test knows its path");
    let built = test.ancestors().nth(2).expect("the test is in a folder of its profile");
    let profile = match built.file_name().and_then(OsStr::to_str) {
        Some("debug") => "dev",
        Some(other) => other,
        None => panic!("{} is not a folder of a profile", built.display()),
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--offline", "--quiet", "--lib", "--package", "tacita", "--profile", profile]);
    cargo.current_dir(root());
    let above = built.parent().expect("the profile's folder is in the target folder");
    // Only the target folder itself is marked like this.
    if above.join("CACHEDIR.TAG").exists() {
        cargo.arg("--target-dir").arg(above);
    } else {
        cargo.arg("--target").arg(above.file_name().expect("a triple"));
        cargo.arg("--target-dir").arg(above.parent().expect("the target folder"));
    }
    let folder = folder(&["libraries", &features.join("-")].concat());
    succeeds(
        Command::new(cargo.get_program())
            .args(cargo.get_args())
            .args(["--features", &features.join(",")])
            .current_dir(root()),
    );
    for (from, to) in
        [("libtacita.so", "libtacita.so"), ("libtacita.so", "libtacita.so.0"), ("libtacita.a", "libtacita.a")]
    {
        let new = folder.join(to).with_extension(unique());
        fs::copy(built.join(from), &new).expect("the library was built");
        fs::rename(&new, folder.join(to)).expect("a file can be renamed");
    }
    if !features.is_empty() {
        // Nobody should find the library with features where the plain one is expected.
        succeeds(&mut cargo);
    }
    folder
}

/// Compiles one file of `c-examples` to a program.
pub(crate) fn compile(source: &str, libraries: &Path, linkage: Linkage) -> PathBuf {
    let source = root().join("c-examples").join(source);
    let name = source.file_stem().and_then(OsStr::to_str).expect("a name");
    let program = folder("programs").join(format!("{name}-{linkage:?}"));
    let new = program.with_extension(unique());
    let mut command = Command::new(cc());
    command.args(["-std=c11", "-g", "-O1", "-D_DEFAULT_SOURCE"]).args(WARNINGS).arg("-I").arg(root().join("include"));
    command.arg(&source).arg("-o").arg(&new);
    match linkage {
        Linkage::Shared => {
            command.arg("-L").arg(libraries).arg(format!("-Wl,-rpath,{}", libraries.display()));
            command.args(["-ltacita", "-lpthread", "-lm"])
        }
        Linkage::Static => command.arg(libraries.join("libtacita.a")).args(STATIC_LINK_LINE),
    };
    succeeds(&mut command);
    fs::rename(new, &program).expect("a file can be renamed");
    program
}

/// The program to be run, under valgrind if wanted: memory errors and lost memory make it fail.
pub(crate) fn command(program: &Path, valgrind: bool) -> Command {
    if !valgrind {
        return Command::new(program);
    }
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
    let suppressions = root().join("c-examples/tests/valgrind.supp");
    command.arg(format!("--suppressions={}", suppressions.display())).arg(program);
    command
}

/// Runs a command that must succeed.
pub(crate) fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}
