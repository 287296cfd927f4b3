//! From real numbers to integers, and from integers to the slots of a plaintext.
//!
//! A [`Grid`] says which real numbers an input feature can take and numbers them; [`Features`] is the list of all input
//! features with their names. A [`Layout`] says which of them share a ciphertext, a [`Packing`] which stands where in it.
//!
//! ```
//! use tacita::encoding::{Feature, Features, Grid, OutOfRange, Packing};
//!
//! // Body temperature in steps of 0.1 from 30 to 45 degrees, and four pixels.
//! let features = Features::new([
//!     Feature::new("temperature", Grid::new(0.0, 0.1, 300, 450)?),
//!     Feature::run("pixel", 4, Grid::new(0.0, 1.0, 0, 255)?),
//! ])?;
//! let mut integers = [0; 5];
//! features.encode(&[36.62, 0.0, 128.0, 254.7, 255.0], OutOfRange::Refuse, &mut integers)?;
//! assert_eq!(integers, [366, 0, 128, 255, 255]);
//! assert!(features.encode(&[366.0, 0.0, 0.0, 0.0, 0.0], OutOfRange::Refuse, &mut integers).is_err());
//!
//! // 22-bit slots under a 3072-bit key: 139 records share a plaintext.
//! let packing = Packing::records(3072, 22)?;
//! assert_eq!(packing.capacity(), 139);
//! let mut plaintext = vec![0; packing.limbs()];
//! packing.pack(&[66, 12, 9], &mut plaintext)?;
//! let mut slots = [0; 3];
//! packing.unpack(&plaintext, &mut slots)?;
//! assert_eq!(slots, [66, 12, 9]);
//!
//! // Nine pixels of a record share a plaintext, and the answers of all ten rows another one.
//! let packing = Packing::features(3072, 22, 9, 31)?;
//! assert_eq!((packing.request_ciphertexts(1, 784), packing.response_ciphertexts(1, 10)), (88, 1));
//! # Ok::<(), tacita::Error>(())
//! ```

mod features;
mod gap;
mod grid;
mod layout;
mod packing;

pub(crate) use features::check_name;
pub use features::{Feature, Features, OutOfRange};
pub use gap::Gap;
pub use grid::Grid;
pub use layout::Layout;
pub use packing::{Batch, Packing, ResponsePart};
