//! The files that the C tests read.

use std::path::PathBuf;

use tacita::encoding::Grid;
use tacita::network::{Activation, Affine, Network};

use crate::c::{folder, write};
use crate::fixtures::random_model;

/// Two models of the shape that `check.h` says, a network, and two keys.
pub(crate) fn fixtures() -> PathBuf {
    let folder = folder("fixtures");
    let pixels = Grid::new(0.0, 1.0, 0, 255).unwrap();
    for (prefix, seed) in [("", 1), ("other-", 2)] {
        let model = random_model(2, 3, pixels, seed);
        write(&folder.join(format!("{prefix}spec.json")), model.spec().as_json());
        write(&folder.join(format!("{prefix}model.safetensors")), model.to_bytes());
    }
    let affine = Affine::new(3, vec![0.5, -1.0, 0.25, 1.5, 0.0, -0.75], vec![1.0, -1.0]).unwrap();
    let network = Network::new(None, vec![affine], Activation::Softmax).unwrap();
    write(&folder.join("network.safetensors"), network.to_safetensors().unwrap());
    write(&folder.join("key.json"), include_str!("../data/secret-key-2048.json"));
    write(&folder.join("other-key.json"), include_str!("../data/other-secret-key-2048.json"));
    folder
}
