//! What follows the SHA-256 of a spec, sealed with the right one.
#![no_main]

libfuzzer_sys::fuzz_target!(|after: &[u8]| {
    tacita_fuzz::read_spec(&tacita_fuzz::sealed_spec(after));
});
