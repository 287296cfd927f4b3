//! A whole private model. Its SHA-256 stops nearly everything: see sealed_model.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tacita_fuzz::read_model(bytes);
});
