//! A secret key file.
#![no_main]

use tacita::paillier::SecretKey;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(key) = tacita_fuzz::bounded(text.len(), || SecretKey::from_json(text)) else { return };
    assert_eq!(key.public_key(), tacita_fuzz::fixtures::KEY.public_key(), "nobody finds another key by chance");
});
