//! What C programs are compiled and linked against does not change unless the version does. `include/tacita.abi` records the
//! interface of the version it names; `make abi` records that of a new one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include").join(name)
}

/// The declarations of a header, one a line: types, constants and functions without comments, white space and the version.
fn interface(header: &str) -> BTreeSet<String> {
    let code: String = header.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, code)| code)).collect();
    let (directives, code): (Vec<_>, Vec<_>) = code.lines().partition(|line| line.starts_with('#'));
    let constants = directives.into_iter().filter(|line| line.starts_with("#define TACITA_"));
    let constants = constants.filter(|line| !line.contains("TACITA_VERSION_") && *line != "#define TACITA_H");
    let code = code.join(" ");
    // The brackets of `extern "C"` are the header's alone.
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ").replace("extern \"C\" {", "");
    let mut declarations = Vec::new();
    let mut rest = code.as_str();
    while let Some(end) = statement(rest) {
        declarations.push(rest[..end].trim().to_owned());
        rest = &rest[end + 1..];
    }
    constants.map(str::to_owned).chain(declarations).filter(|line| !line.is_empty()).collect()
}

/// Where the first statement ends: at a semicolon outside of brackets.
fn statement(code: &str) -> Option<usize> {
    let mut depth = 0;
    code.bytes().position(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        byte == b';' && depth == 0
    })
}

/// What a version promises: before 1.0 the interface of its minor version, afterwards that of its major one.
fn promise(version: &str) -> Vec<&str> {
    let parts: Vec<_> = version.split('.').collect();
    if parts[0] == "0" { parts[..2].to_vec() } else { parts[..1].to_vec() }
}

/// Whether an interface may be that of a version, where another was recorded for another version.
fn may_become(recorded: &Record, version: &str, interface: &BTreeSet<String>) -> Result<(), String> {
    if recorded.interface == *interface {
        return Ok(());
    }
    let gone: Vec<_> = recorded.interface.difference(interface).collect();
    let come: Vec<_> = interface.difference(&recorded.interface).collect();
    if recorded.version == version {
        return Err(format!(
            "the C interface differs from that of {version}; raise the version\ngone {gone:#?}\nnew {come:#?}"
        ));
    }
    if !gone.is_empty() && promise(&recorded.version) == promise(version) {
        return Err(format!("{} promises what {version} does not keep: {gone:#?}", recorded.version));
    }
    Ok(())
}

struct Record {
    version: String,
    interface: BTreeSet<String>,
}

impl Record {
    fn read(text: &str) -> Self {
        let (version, interface) = text.split_once('\n').expect("a version, then declarations");
        Self { version: version.to_owned(), interface: interface.lines().map(str::to_owned).collect() }
    }

    fn write(version: &str, interface: &BTreeSet<String>) -> String {
        interface.iter().fold(format!("{version}\n"), |text, line| text + line + "\n")
    }
}

#[test]
fn the_interface_is_the_one_that_is_recorded_for_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let found = interface(&fs::read_to_string(file("tacita.h")).unwrap());
    assert!(found.len() > 130, "{found:#?}");
    let recorded = fs::read_to_string(file("tacita.abi")).ok().map(|text| Record::read(&text));
    if let Some(recorded) = &recorded {
        may_become(recorded, version, &found).unwrap_or_else(|why| panic!("{why}"));
    }
    if std::env::var_os("TACITA_WRITE_ABI").is_some() {
        fs::write(file("tacita.abi"), Record::write(version, &found)).unwrap();
        return;
    }
    let recorded = recorded.expect("include/tacita.abi is missing; run make abi");
    assert_eq!(recorded.version, version, "the interface is recorded for another version; run make abi");
    assert_eq!(recorded.interface, found, "the interface is another one than is recorded; run make abi");
}

#[test]
fn nothing_but_pointers_to_opaque_types_and_numbers_crosses() {
    for line in interface(&fs::read_to_string(file("tacita.h")).unwrap()) {
        let opaque = line.strip_prefix("typedef struct ").is_some_and(|names| !names.contains('{'));
        assert!(opaque || !line.contains("struct") && !line.contains("union"), "{line}");
    }
}

#[test]
fn a_change_needs_another_version_and_a_break_another_promise() {
    let lines = |lines: &[&str]| lines.iter().map(|line| line.to_string()).collect::<BTreeSet<_>>();
    let recorded =
        |version: &str| Record { version: version.into(), interface: lines(&["int a(void)", "int b(void)"]) };
    let (more, less) = (lines(&["int a(void)", "int b(void)", "int c(void)"]), lines(&["int a(void)"]));
    let same = lines(&["int a(void)", "int b(void)"]);
    for (version, next, interface, may) in [
        ("0.1.0", "0.1.0", &same, true),
        ("0.1.0", "0.1.0", &more, false),
        ("0.1.0", "0.1.1", &more, true),
        ("0.1.0", "0.1.1", &less, false),
        ("0.1.0", "0.2.0", &less, true),
        ("1.4.0", "1.5.0", &less, false),
        ("1.4.0", "2.0.0", &less, true),
    ] {
        assert_eq!(may_become(&recorded(version), next, interface).is_ok(), may, "{version} to {next}");
    }
}

#[test]
fn declarations_are_read_whatever_their_comments_say() {
    let header = "/* int no(void); */\n#define TACITA_H\n#define TACITA_VERSION_MAJOR 1\n#define TACITA_LEN 3\n\
        typedef enum e {\n    A = 0, /* a; */\n    B = 1,\n} e;\n/** x */\nint\nf(const int *a,\n  int b);\n";
    let expected = ["#define TACITA_LEN 3", "int f(const int *a, int b)", "typedef enum e { A = 0, B = 1, } e"];
    assert_eq!(interface(header), expected.map(str::to_owned).into());
}
