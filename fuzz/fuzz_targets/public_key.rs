//! A public key file.
#![no_main]

use tacita::paillier::UnverifiedPublicKey;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(key) = tacita_fuzz::bounded(text.len(), || UnverifiedPublicKey::from_json(text)) else { return };
    assert!([2048, 3072, 4096].contains(&key.bits()));
    let again = UnverifiedPublicKey::from_json(&key.to_json()).expect("what was written is read");
    assert_eq!(
        (again.modulus(), again.short_nonces(), again.proof()),
        (key.modulus(), key.short_nonces(), key.proof())
    );
});
