//! Builds C programs against the library, and runs them.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
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

/// The name that programs look for when they start.
pub(crate) const SONAME: &str =
    concat!("libtacita.so.", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// What the static library needs besides itself.
const STATIC_LINK_LINE: [&str; 6] = ["-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

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
        let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "0" && ci != "false");
        assert!(!in_ci, "{tool} is missing");
        // Past the test harness, which keeps what tests print to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {tool} is missing");
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

/// How libraries differ from those that ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    Plain,
    /// With a function that panics.
    Panic,
    /// With checks of every access to memory, which the compiler keeps behind a switch of its own.
    AddressSanitizer,
}

/// Both libraries in a folder of their own, built just now in this test's profile: `cargo test` alone would leave old ones
/// in their usual place. Others than those that ship are built apart, so that nobody takes them for those.
pub(crate) fn libraries(build: Build) -> PathBuf {
    // The test runs as TARGET/[TRIPLE/]PROFILE/deps/NAME; the target folder is marked as a cache, if cargo has made it.
    let test = std::env::current_exe().expect("the test knows its path");
    let built = test.ancestors().nth(2).expect("the test is in a folder of its profile");
    let marked = built.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let target = marked.or(built.parent()).expect("a target folder");
    let inside: Vec<_> =
        built.strip_prefix(target).expect("it was found above").iter().filter_map(OsStr::to_str).collect();
    let (triple, profile) = match inside[..] {
        [profile] => (None, profile),
        [triple, profile] => (Some(triple), profile),
        _ => panic!("{} is not a folder of a profile", built.display()),
    };
    let name = format!("{build:?}");
    let target = if build == Build::Plain { target.to_owned() } else { folder(&name) };
    let host = || {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let said = String::from_utf8(succeeds(Command::new(rustc).arg("-vV")).stdout).expect("it is text");
        said.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
    };
    let mut triple = triple.map(str::to_owned);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--offline", "--quiet", "--lib", "--package", "tacita"]).current_dir(root());
    if build == Build::Panic {
        // Nothing is computed with it, so it need not be optimised.
        cargo.arg("--features=ffi-test-panic").env("CARGO_PROFILE_DEV_OPT_LEVEL", "0");
    } else {
        // As they ship, with keys under a passphrase.
        cargo.arg("--features=passphrase");
    }
    if build == Build::AddressSanitizer {
        // Without a triple the flag would go to build scripts, too.
        triple = triple.or_else(|| Some(host()));
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
        // The test of planted faults looks for the name of a type, which line tables leave out.
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "full").env("CARGO_PROFILE_RELEASE_DEBUG", "full");
    }
    cargo.args(["--profile", if profile == "debug" { "dev" } else { profile }]).arg("--target-dir").arg(&target);
    cargo.args(triple.as_ref().map(|triple| format!("--target={triple}")));
    succeeds(&mut cargo);
    let copies = folder(&format!("libraries-{name}"));
    let built = target.join(triple.unwrap_or_default()).join(inside[inside.len() - 1]);
    for (from, to) in [("libtacita.so", "libtacita.so"), ("libtacita.so", SONAME), ("libtacita.a", "libtacita.a")] {
        let new = copies.join(to).with_extension(unique());
        fs::copy(built.join(from), &new).expect("the library was built");
        fs::rename(&new, copies.join(to)).expect("a file can be renamed");
    }
    copies
}

/// Compiles one file of `c-examples`, C or C++, to a program.
pub(crate) fn compile(source: &str, libraries: &Path, linkage: Linkage) -> PathBuf {
    let compiler = if source.ends_with(".cpp") { cxx() } else { cc() };
    compile_with(&compiler, &[], source, libraries, linkage)
}

/// The same with a certain compiler and further flags.
pub(crate) fn compile_with(
    compiler: &str,
    flags: &[&str],
    source: &str,
    libraries: &Path,
    linkage: Linkage,
) -> PathBuf {
    let standard = if source.ends_with(".cpp") { "-std=c++17" } else { "-std=c11" };
    let source = root().join("c-examples").join(source);
    let name = source.file_name().and_then(OsStr::to_str).expect("a name").replace('.', "-");
    let flavour: String = flags.concat().chars().filter(char::is_ascii_alphanumeric).collect();
    let program = folder("programs").join(format!("{name}-{linkage:?}-{compiler}{flavour}"));
    let new = program.with_extension(unique());
    let mut command = Command::new(compiler);
    command.args([standard, "-g", "-O1"]).args(WARNINGS).arg("-I").arg(root().join("include"));
    command.args(flags).arg(&source).arg("-o").arg(&new);
    match linkage {
        Linkage::Shared => {
            command.arg("-L").arg(libraries).arg(format!("-Wl,-rpath,{}", libraries.display()));
            command.args(["-ltacita", "-lpthread", "-lm", "-ldl"])
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
