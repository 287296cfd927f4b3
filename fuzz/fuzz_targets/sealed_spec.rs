//! What follows the SHA-256 of a spec, sealed with the right one.
#![no_main]

use tacita_fuzz::{SPEC_PREFIX, read_spec, sealed};

libfuzzer_sys::fuzz_target!(|after: &[u8]| read_spec(&sealed(SPEC_PREFIX.as_bytes(), after)));
