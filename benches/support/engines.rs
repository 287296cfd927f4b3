//! Which engines are measured.

use std::process::exit;

use tacita::Backend;

/// The engine that `TACITA_BACKEND` asks for, otherwise all that the machine has; says so if AVX-512 IFMA is not among them.
pub(crate) fn engines() -> Vec<Backend> {
    if std::env::var_os(Backend::VARIABLE).is_some() {
        return vec![selected()];
    }
    let engines: Vec<_> = Backend::available().collect();
    if !engines.contains(&Backend::Ifma) {
        eprintln!("*** SKIPPED: the engine ifma, for whose instructions this processor is not made");
    }
    engines
}

/// The engine that a key is made with.
pub(crate) fn selected() -> Backend {
    Backend::selected().unwrap_or_else(|error| {
        eprintln!("error: {error}");
        exit(1)
    })
}
