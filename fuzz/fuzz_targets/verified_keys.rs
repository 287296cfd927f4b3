//! A file of verified keys, and the fingerprints in it.
#![no_main]

use std::sync::LazyLock;

use tacita::Fingerprint;
use tacita::inference::VerifiedKeys;
use tacita_fuzz::bounded;

static PATH: LazyLock<std::path::PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("tacita-fuzz-{}", std::process::id())));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = &*PATH;
    std::fs::write(path, bytes).expect("the temporary folder takes a file");
    let keys = bounded(bytes.len(), || VerifiedKeys::open(path));
    let lines = || std::str::from_utf8(bytes).ok().filter(|text| text.ends_with('\n')).map(str::lines);
    let fingerprints = lines().map(|lines| lines.map(str::parse).collect::<tacita::Result<Vec<Fingerprint>>>());
    match (keys, fingerprints) {
        (Ok(keys), Some(Ok(fingerprints))) => assert!(keys.count() <= fingerprints.len()),
        (Ok(keys), None) => assert!(bytes.is_empty() && keys.count() == 0),
        (Err(_), None | Some(Err(_))) => {}
        (keys, _) => panic!("the file is read otherwise than its lines: {keys:?}"),
    }
});
