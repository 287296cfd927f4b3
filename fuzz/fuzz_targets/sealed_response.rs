//! The content of a response, sealed with its right SHA-256.
#![no_main]

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    tacita_fuzz::read_response(&tacita_fuzz::wire::seal("tacita.response", content));
});
