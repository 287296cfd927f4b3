//! Numbers modulo an odd modulus and its square: the one door to big-integer work.
//!
//! Every modulus of Paillier's scheme is a square: n^2 on the public side, p^2 and q^2 on the secret one. The rest of the
//! library sees a [`Ring`], which does lists of like jobs on all cores. Behind it a residue is kept as a pair, the algorithms
//! are written once over [`lanes::Lanes`], and an [engine](engine::Engine) implements the lanes.

mod backend;
mod engine;
mod fixed_base;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod lanes;
pub(crate) mod measure;
mod montgomery;
mod mpn;
mod portable;
mod power;
mod product;
mod ring;

pub use backend::Backend;
pub(crate) use backend::Timing;
pub use measure::Kernel;
pub(crate) use montgomery::Montgomery;
pub(crate) use product::{Plan, StoredPlan};
pub(crate) use ring::{Concealment, FixedBasePowers, Ring};

#[cfg(test)]
pub(crate) mod testing;
