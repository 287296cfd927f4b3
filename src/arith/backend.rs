//! Which engine computes.

use std::ffi::OsStr;
use std::fmt;

use crate::error::{Error, Result};

/// An engine for arithmetic modulo a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// GMP limbs, one residue at a time; runs everywhere.
    Portable,
}

impl Backend {
    /// The environment variable that chooses the engine.
    pub const VARIABLE: &str = "TACITA_BACKEND";

    /// The engine that keys made from now on use: what [`VARIABLE`](Self::VARIABLE) asks for, otherwise the best one.
    ///
    /// # Errors
    /// [`Error::Backend`] if the variable asks for an engine that is not there.
    pub fn selected() -> Result<Self> {
        Self::choose(std::env::var_os(Self::VARIABLE).as_deref())
    }

    fn choose(wanted: Option<&OsStr>) -> Result<Self> {
        match wanted {
            None => Ok(Self::Portable),
            Some(name) if name == Self::Portable.name() => Ok(Self::Portable),
            Some(name) => {
                let (name, variable) = (name.to_string_lossy(), Self::VARIABLE);
                Err(Error::Backend(format!("{variable} asks for `{name}`; this build has `portable`")))
            }
        }
    }

    /// Its name, as [`VARIABLE`](Self::VARIABLE) writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
        }
    }
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
        assert_eq!(Backend::choose(None), Ok(Backend::Portable));
        assert_eq!(Backend::choose(Some("portable".as_ref())), Ok(Backend::Portable));
        for missing in ["", "Portable", "gpu"] {
            assert!(matches!(Backend::choose(Some(missing.as_ref())), Err(Error::Backend(_))));
        }
    }
}
