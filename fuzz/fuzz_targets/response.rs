//! A whole response. Its SHA-256 stops nearly everything: see sealed_response.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tacita_fuzz::read_response(bytes);
});
