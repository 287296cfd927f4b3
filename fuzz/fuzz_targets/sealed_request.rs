//! The content of a request, sealed with its right SHA-256.
#![no_main]

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    tacita_fuzz::read_request(&tacita_fuzz::wire::seal("tacita.request", content));
});
