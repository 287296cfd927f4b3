//! Writes the C header to OUT_DIR, where `tests/header.rs` compares it with `include/tacita.h`, and names the shared
//! library. Nothing that is compiled depends on the header, so a failure here is a warning.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of the C API, in the order of the header.
const SOURCES: [&str; 19] = [
    "status",
    "library",
    "bytes",
    "progress",
    "fingerprint",
    "secret_key",
    "public_key",
    "spec",
    "records",
    "nonce_pool",
    "encryptor",
    "request",
    "model",
    "verified_keys",
    "evaluator",
    "plan",
    "response",
    "decryptor",
    "predictions",
];

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("tacita.h");
    for input in ["build.rs", "cbindgen.toml", "src/ffi.rs", "src/ffi"] {
        println!("cargo::rerun-if-changed={input}");
    }
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        let part = |name| env::var(format!("CARGO_PKG_VERSION_{name}")).expect("cargo sets it");
        // Before 1.0 every minor version may have another interface.
        let interface = match part("MAJOR") {
            major if major == "0" => format!("0.{}", part("MINOR")),
            major => major,
        };
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libtacita.so.{interface}");
    }
    if let Err(error) = header(&root, &target) {
        println!("cargo::warning=the C header was not made: {error}");
        // None rather than an old one.
        let _ = fs::remove_file(&target);
    }
}

fn header(root: &Path, target: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let conventions = conventions(&fs::read_to_string(root.join("src/ffi.rs"))?);
    let builder = cbindgen::Builder::new().with_config(config).with_header(conventions);
    // Single files: given the crate, cbindgen would run `cargo metadata`, which may want the network.
    let sources = SOURCES.map(|name| root.join("src/ffi").join(name).with_extension("rs"));
    let builder = sources.iter().fold(builder, cbindgen::Builder::with_src);
    let mut header = Vec::new();
    builder.generate()?.write(&mut header);
    let mut header = String::from_utf8(header)?;
    for source in &sources {
        begin_section(&mut header, &fs::read_to_string(source)?)?;
    }
    fs::write(target, header)?;
    Ok(())
}

/// Puts a heading before the functions of a file: its first line.
fn begin_section(header: &mut String, source: &str) -> Result<(), Box<dyn std::error::Error>> {
    let Some((_, first)) = source.split_once("extern \"C\" fn ") else { return Ok(()) };
    let name = first.split('(').next().unwrap_or_default();
    let title = source.lines().next().and_then(|line| line.strip_prefix("//! ")).ok_or("a file without a title")?;
    let at = header.find(&format!("{name}(")).ok_or("a function is not in the header")?;
    let at = header[..at].rfind("/**").ok_or("a function without a comment")?;
    header.insert_str(at, &format!("/* ==== {title} ==== */\n\n"));
    Ok(())
}

/// The module's documentation as a comment of C.
fn conventions(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.fold("/*\n".to_owned(), |text, line| text + format!(" *{line}").trim_end() + "\n") + " */"
}
