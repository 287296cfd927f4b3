//! tacita beside other Paillier libraries and plain GMP: the same jobs on the same key, matrix and records, in one thread.
//!
//! `benches/peers.rs` shows each job to criterion; the program `tacita-peers` runs all of them interleaved and prints how
//! many times quicker tacita is, beside what the project asks for. README.md says how to run both.

mod contender;
mod fast;
mod gmp;
mod inputs;
mod kzen;
mod measure;
mod ours;
mod report;

pub use contender::{Contender, Job, Work, contenders};
pub use inputs::{Inputs, RECORDS, ZEROS};
pub use measure::{Clock, Pace, Time, measure};
pub use report::{Foreign, Report, duration, figures};
