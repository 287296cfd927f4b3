//! The checked-in C header is the one that the sources make. `make header` renews it.

use std::fs;
use std::path::Path;

#[test]
fn the_checked_in_header_is_the_one_that_the_sources_make() {
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/tacita.h");
    let made = Path::new(env!("OUT_DIR")).join("tacita.h");
    let made = fs::read_to_string(made).expect("the build has warned why it could not make the header");
    if std::env::var_os("TACITA_WRITE_HEADER").is_some() {
        fs::create_dir_all(checked_in.parent().expect("it is in a folder")).expect("the folder can be made");
        fs::write(&checked_in, made).expect("the header can be written");
        return;
    }
    let found = fs::read_to_string(checked_in).unwrap_or_default();
    let first = found.lines().zip(made.lines()).position(|(found, made)| found != made);
    let line = 1 + first.unwrap_or(found.lines().count().min(made.lines().count()));
    assert!(found == made, "include/tacita.h differs from what the sources make, from line {line} on; run make header");
}
