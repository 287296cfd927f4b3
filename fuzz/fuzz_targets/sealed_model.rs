//! A private model without its SHA-256, sealed with the right one, and so the spec in it.
#![no_main]

use tacita_fuzz::{DIGITS, MODEL_PREFIX, SPEC_PREFIX, read_model, sealed};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((length, after)) = bytes.split_first_chunk::<8>() else { return };
    let mut after = after.to_vec();
    // The spec is the last tensor of what we write.
    if let Some(start) = after.windows(SPEC_PREFIX.len()).rposition(|window| window == SPEC_PREFIX.as_bytes())
        && let Some((before, rest)) = after[start..].split_at_checked(SPEC_PREFIX.len())
        && rest.len() >= DIGITS
    {
        let spec = sealed(before, &rest[DIGITS..]);
        after.truncate(start);
        after.extend(spec);
    }
    read_model(&sealed(&[length, MODEL_PREFIX.as_bytes()].concat(), &after));
});
