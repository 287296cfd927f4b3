//! A private model whose header fits its tensors, so that what they say is looked at.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tacita_fuzz::read_model(&tacita_fuzz::model_of_parts(bytes));
});
