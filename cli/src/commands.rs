//! The subcommands.

pub(crate) mod bench;
pub(crate) mod compile;
pub(crate) mod decrypt;
pub(crate) mod demo;
pub(crate) mod encrypt;
pub(crate) mod evaluate;
pub(crate) mod inspect;
pub(crate) mod keygen;
pub(crate) mod plan;
pub(crate) mod train;
