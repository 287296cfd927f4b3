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
        let major = env::var("CARGO_PKG_VERSION_MAJOR").expect("cargo sets it");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libtacita.so.{major}");
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
    let builder = sources.into_iter().fold(builder, cbindgen::Builder::with_src);
    builder.generate()?.write_to_file(target);
    Ok(())
}

/// The module's documentation as a comment of C.
fn conventions(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.fold("/*\n".to_owned(), |text, line| text + format!(" *{line}").trim_end() + "\n") + " */"
}
