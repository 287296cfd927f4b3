//! Numbers modulo an odd modulus and its square: the one door to big-integer work.
//!
//! Every modulus of Paillier's scheme is a square: n^2 on the public side, p^2 and q^2 on the secret one. A residue is
//! kept as a pair, the algorithms are written once over [`lanes::Lanes`], and an engine implements the lanes.

mod backend;
pub(crate) mod fixed_base;
#[cfg(target_arch = "x86_64")]
pub(crate) mod ifma;
pub(crate) mod lanes;
pub(crate) mod montgomery;
mod mpn;
pub(crate) mod portable;
pub(crate) mod power;
pub(crate) mod product;

pub use backend::Backend;

#[cfg(test)]
pub(crate) mod testing;
