//! A sequence of requests.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tacita_fuzz::read_sequence(bytes);
});
