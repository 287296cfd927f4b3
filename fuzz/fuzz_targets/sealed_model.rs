//! A private model without its SHA-256, sealed with the right one, and so the spec in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tacita_fuzz::read_model(&tacita_fuzz::sealed_model(bytes));
});
