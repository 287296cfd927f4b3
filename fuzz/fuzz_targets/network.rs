//! A network.
#![no_main]

use tacita::network::Network;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(network) = tacita_fuzz::bounded(bytes.len(), || Network::from_safetensors(bytes, None)) else { return };
    let written = network.to_safetensors().expect("every network can be written");
    assert!(Network::from_safetensors(&written, None).expect("what was written is read") == network);
    // Few layers, or the product could take minutes: thousands of them may each be thousands wide and one high.
    if network.layers().len() < 10 {
        let _ = network.collapse();
    }
});
