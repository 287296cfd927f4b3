//! Which engine computes.

use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

#[cfg(target_arch = "x86_64")]
use super::engine::Engine;
use super::engine::{bundled, bundled_powers};
use super::montgomery::Montgomery;
use super::portable::{ConstantTime, Portable, VariableTime};
use super::ring::{EngineRing, Ring};
use crate::error::{Error, Result};

/// An engine for arithmetic modulo a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// GMP limbs, one residue at a time; runs everywhere.
    Portable,
    /// AVX-512 IFMA, eight residues side by side: the 52-bit multiply-adds of x86-64 processors since Ice Lake and Zen 4. Tables
    /// are read with AVX-512 VBMI, which every one of them has too.
    Ifma,
}

/// What an engine's times may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// Lengths and what is declared to be public: for everything secret.
    Constant,
    /// The numbers too, where that is quicker: for ciphertexts, which are public.
    Variable,
}

impl Backend {
    /// The environment variable that chooses the engine.
    pub const VARIABLE: &str = "TACITA_BACKEND";

    /// All engines, the slowest first.
    const ALL: [Self; 2] = [Self::Portable, Self::Ifma];

    /// The engine that keys made from now on use: what [`VARIABLE`](Self::VARIABLE) asks for, otherwise the best one.
    ///
    /// # Errors
    /// [`Error::Backend`] if the variable asks for an engine that is not there.
    pub fn selected() -> Result<Self> {
        Self::choose(std::env::var_os(Self::VARIABLE).as_deref())
    }

    /// The engines that this machine has, the slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|backend| backend.is_available())
    }

    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Ifma => super::ifma::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Ifma => false,
        }
    }

    /// The engine of a [name](Self::name).
    ///
    /// # Errors
    /// [`Error::Backend`] if this machine or this build has none.
    pub fn named(name: &str) -> Result<Self> {
        let refused = || {
            let short: String = name.chars().take(40).collect();
            Error::Backend(format!("there is no engine {short:?}; this build has {} here", names()))
        };
        Self::available().find(|backend| name == backend.name()).ok_or_else(refused)
    }

    fn choose(wanted: Option<&OsStr>) -> Result<Self> {
        let found = match wanted {
            None => Self::available().last(),
            Some(name) => Self::available().find(|backend| name == backend.name()),
        };
        found.ok_or_else(|| {
            let (name, variable, names) = (wanted.unwrap_or_default().to_string_lossy(), Self::VARIABLE, names());
            Error::Backend(format!(
                "{variable} asks for `{name}`; this build has {names} here: set it to one of these or unset it"
            ))
        })
    }

    /// Integers modulo the square of m. `sharers` counts the rings that work at the same time on the same threads.
    ///
    /// # Errors
    /// [`Error::Backend`] if this machine lacks what the engine needs.
    pub(crate) fn ring(self, m: Arc<Montgomery>, timing: Timing, sharers: usize) -> Result<Arc<dyn Ring>> {
        if !self.is_available() {
            return Err(Error::Backend(format!(
                "this machine has no engine `{self}`; this build has {} here",
                names()
            )));
        }
        Ok(match (self, timing) {
            (Self::Portable, Timing::Constant) => Arc::new(EngineRing::new(Portable::<ConstantTime>::new(m), sharers)),
            (Self::Portable, Timing::Variable) => Arc::new(EngineRing::new(Portable::<VariableTime>::new(m), sharers)),
            #[cfg(target_arch = "x86_64")]
            (Self::Ifma, _) => Arc::new(EngineRing::new(super::ifma::Ifma::new(m), sharers)),
            #[cfg(not(target_arch = "x86_64"))]
            (Self::Ifma, _) => return Err(Error::Bug("an engine for another processor")),
        })
    }

    /// Residues that it computes side by side.
    pub fn lanes(self) -> usize {
        match self {
            Self::Portable => 1,
            Self::Ifma => 8,
        }
    }

    /// How many of `count` equal jobs a [`Ring`] does in bundles of [`lanes`](Self::lanes), on so many threads.
    pub(crate) fn bundled(self, count: usize, threads: usize) -> usize {
        bundled(count, self.lanes(), self.bundle(), threads)
    }

    /// The same for powers of a fixed base.
    pub(crate) fn bundled_powers(self, count: usize, threads: usize) -> usize {
        bundled_powers(count, self.lanes(), self.bundle(), threads)
    }

    fn bundle(self) -> f64 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Ifma => super::ifma::Ifma::BUNDLE,
            _ => 1.0,
        }
    }

    /// Its name, as [`VARIABLE`](Self::VARIABLE) writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Ifma => "ifma",
        }
    }
}

/// The engines of this machine, for an error.
fn names() -> String {
    let names: Vec<_> = Backend::available().map(|backend| format!("`{backend}`")).collect();
    names.join(" and ")
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_not_there_is_an_error() {
        assert_eq!(Backend::choose(Some("portable".as_ref())), Ok(Backend::Portable));
        for missing in ["", "Portable", "gpu"] {
            assert!(matches!(Backend::choose(Some(missing.as_ref())), Err(Error::Backend(_))));
        }
    }

    #[test]
    fn the_best_engine_is_chosen_unless_another_is_asked_for() {
        assert_eq!(Backend::choose(None).ok(), Backend::available().last());
        for backend in Backend::available() {
            assert_eq!(Backend::choose(Some(backend.name().as_ref())), Ok(backend));
        }
    }
}
