//! From a trained affine map to integers: the private model, the public spec, and what is proved about them.
//!
//! [`PrivateModel::compile`] rounds an [`Affine`](crate::network::Affine) to integer weights on the grids of its input
//! features. What the hospital needs to know of the result is the [`PublicSpec`]; the [`QuantisationReport`] says what
//! the rounding costs, with proof.
//!
//! ```
//! use tacita::encoding::{Feature, Features, Grid, OutOfRange};
//! use tacita::model::{PrivateModel, PublicSpec, QuantiseOptions};
//! use tacita::network::{Activation, Affine};
//!
//! let affine = Affine::new(2, vec![0.5, -1.25, -0.5, 2.0], vec![3.0, -40.0])?;
//! let features = Features::new([
//!     Feature::new("temperature", Grid::new(0.0, 0.1, 300, 450)?),
//!     Feature::new("pain", Grid::new(0.0, 1.0, 0, 10)?),
//! ])?;
//! let (model, report) = PrivateModel::compile(
//!     &affine, features, &["well", "ill"], Activation::Softmax, "fever", QuantiseOptions::default(),
//! )?;
//!
//! // The hospital reads the spec and encodes a record; the integer model answers within the proved bound.
//! let spec = PublicSpec::from_json(model.spec().as_json().as_bytes())?;
//! let mut integers = [0; 2];
//! spec.features().encode(&[38.5, 7.0], OutOfRange::Refuse, &mut integers)?;
//! let logits = spec.logits(&model.evaluate(&integers)?);
//! for (logit, exact) in logits.iter().zip(affine.apply(&[38.5, 7.0])?) {
//!     assert!((logit - exact).abs() <= report.logit_error);
//! }
//!
//! // The evaluator's file holds all of it.
//! assert_eq!(PrivateModel::from_bytes(&model.to_bytes())?.spec().fingerprint(), spec.fingerprint());
//! # Ok::<(), tacita::Error>(())
//! ```

mod calibration;
mod integer;
mod junk;
mod labels;
mod layouts;
mod private;
mod quantisation;
mod seal;
mod spec;

pub use calibration::{Calibration, choose_bits};
pub use private::PrivateModel;
pub use quantisation::{QuantisationReport, QuantiseOptions};
pub use spec::PublicSpec;
