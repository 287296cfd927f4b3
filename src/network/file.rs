//! Networks as safetensors files.
//!
//! A layer is a pair of tensors, `<name>.weight` of shape [outputs, inputs] and optionally `<name>.bias` of shape
//! [outputs]: what PyTorch calls the `state_dict` of a module of `Linear` layers. `input.mean` and `input.deviation` hold
//! the normalisation, the metadata key `tacita.activation` the activation.

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::cmp::Ordering;
use std::collections::HashMap;

use super::{Activation, Affine, Network, Normalisation};
use crate::error::{Error, Result};
use crate::tensors::{Tensor, Tensors};

const WHAT: &str = "network";
const MEAN: &str = "input.mean";
const DEVIATION: &str = "input.deviation";
const ACTIVATION: &str = "tacita.activation";

impl Network {
    /// Reads a network from a safetensors file; the tensors may be of type F64, F32, F16 or BF16.
    ///
    /// A `state_dict` does not say in which order its layers follow each other. They are taken in the natural order of
    /// their names, where `10.weight` comes after `2.weight`, unless `order` gives the names from input to output. A
    /// layer without bias has the bias 0. A file that does not name its activation has a sigmoid on top of a single
    /// output and a softmax on top of several.
    ///
    /// Never holds more than about eight times the length of `bytes`, and 16 kB.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the bytes are not a safetensors file, or if it holds anything but dense layers and a
    /// normalisation; [`Error::Argument`] if `order` does not name each layer once; [`Error::Model`] if
    /// the parts do not make a network, as when the layers' natural order is not the order they are computed in.
    pub fn from_safetensors(bytes: &[u8], order: Option<&[String]>) -> Result<Self> {
        let file = Tensors::read(WHAT, bytes)?;
        let mut names = layer_names(&file)?;
        match order {
            Some(order) => names = ordered(names, order)?,
            None => names.sort_unstable_by(|a, b| natural_order(a, b)),
        }
        let layers = names.iter().map(|name| read_layer(&file, name)).collect::<Result<Vec<_>>>()?;
        for (pair, names) in layers.windows(2).zip(names.windows(2)) {
            if pair[0].rows() != pair[1].columns() {
                return Err(Error::Model(format!(
                    "layer {:?} has {} outputs but layer {:?}, taken to follow it, has {} inputs; \
                     give the order of the layers from input to output (--layers {},{},...)",
                    names[0],
                    pair[0].rows(),
                    names[1],
                    pair[1].columns(),
                    names[1],
                    names[0],
                )));
            }
        }
        let normalisation = match (file.get(MEAN), file.get(DEVIATION)) {
            (None, None) => None,
            (Some(mean), Some(deviation)) => Some(Normalisation::new(read_list(mean)?, read_list(deviation)?)?),
            _ => return Err(malformed(format!("{MEAN} and {DEVIATION} belong together, and one is missing"))),
        };
        let activation = match file.metadata(ACTIVATION) {
            Some(name) => name.parse().map_err(|_| malformed(format!("the activation in {ACTIVATION} is unknown")))?,
            None => Activation::usual(layers.last().map_or(0, Affine::rows)),
        };
        Self::new(normalisation, layers, activation)
    }

    /// The network as a safetensors file, which [`from_safetensors`](Self::from_safetensors) reads back to an equal
    /// network. Layers are named `layers.0`, `layers.1` and so on; a tensor is of type F32 if that holds each of its
    /// numbers exactly, and of type F64 otherwise.
    ///
    /// # Errors
    /// None are known; the writer's own would come out as [`Error::Malformed`].
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let mut parts: Vec<(String, Vec<usize>, &[f64])> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            parts.push((format!("layers.{index}.weight"), vec![layer.rows(), layer.columns()], layer.weights()));
            parts.push((format!("layers.{index}.bias"), vec![layer.rows()], layer.bias()));
        }
        if let Some(normalisation) = &self.normalisation {
            for (name, list) in [(MEAN, normalisation.mean()), (DEVIATION, normalisation.deviation())] {
                parts.push((name.into(), vec![list.len()], list));
            }
        }
        let encoded: Vec<_> = parts.iter().map(|(_, _, numbers)| encode(numbers)).collect();
        let views = parts.iter().zip(&encoded).map(|((name, shape, _), (dtype, data))| {
            TensorView::new(*dtype, shape.clone(), data).map(|view| (name.as_str(), view))
        });
        let metadata = HashMap::from([(ACTIVATION.into(), self.activation.name().into())]);
        let failed = |error| malformed(format!("not written: {error}"));
        safetensors::serialize(views.collect::<Result<Vec<_>, _>>().map_err(failed)?, Some(metadata)).map_err(failed)
    }
}

fn malformed(why: impl Into<String>) -> Error {
    Error::malformed(WHAT, why)
}

/// The layer that a tensor named `<layer>.<part>` belongs to. The `state_dict` of a lone `Linear` says just `<part>`.
fn layer_of<'n>(tensor: &'n str, part: &str) -> Option<&'n str> {
    let before = tensor.strip_suffix(part)?;
    if before.is_empty() { Some(before) } else { before.strip_suffix('.') }
}

fn tensor_name(layer: &str, part: &str) -> String {
    if layer.is_empty() { part.into() } else { format!("{layer}.{part}") }
}

/// Names of the layers, after making sure that the file holds nothing else.
fn layer_names<'f>(file: &'f Tensors) -> Result<Vec<&'f str>> {
    let mut layers = Vec::new();
    let mut strange = Vec::new();
    for Tensor { name, .. } in file.iter() {
        if let Some(layer) = layer_of(name, "weight") {
            layers.push(layer);
        } else if name != MEAN
            && name != DEVIATION
            && layer_of(name, "bias").is_none_or(|layer| file.get(&tensor_name(layer, "weight")).is_none())
        {
            strange.push(name);
        }
    }
    if !strange.is_empty() {
        let shown = &strange[..strange.len().min(5)];
        let more = strange.len() - shown.len();
        let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return Err(malformed(format!(
            "only dense layers can be evaluated, and these tensors are not of one: {shown:?}{and_more}"
        )));
    }
    if layers.is_empty() {
        return Err(malformed("it holds no layer, that is, no tensor `<layer>.weight`"));
    }
    Ok(layers)
}

/// The names as `order` has them.
fn ordered<'f>(names: Vec<&'f str>, order: &[String]) -> Result<Vec<&'f str>> {
    let mut left = names;
    let mut result = Vec::with_capacity(left.len());
    for wanted in order {
        let position = left.iter().position(|name| name == wanted);
        let position = position.ok_or_else(|| Error::Argument(format!("no layer {wanted:?} is left to be ordered")))?;
        result.push(left.swap_remove(position));
    }
    match left.first() {
        Some(name) => Err(Error::Argument(format!("layer {name:?} is missing in the order of the layers"))),
        None => Ok(result),
    }
}

/// Orders names with their numbers taken as numbers: `fc2` before `fc10`.
fn natural_order(a: &str, b: &str) -> Ordering {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    loop {
        let (m, n) = (digits(x), digits(y));
        if m > 0 && n > 0 {
            let (i, j) = (significant(&x[..m]), significant(&y[..n]));
            let order = i.len().cmp(&j.len()).then_with(|| i.cmp(j));
            if order.is_ne() {
                return order;
            }
            (x, y) = (&x[m..], &y[n..]);
        } else {
            match (x.split_first(), y.split_first()) {
                (Some((i, after_i)), Some((j, after_j))) if i == j => (x, y) = (after_i, after_j),
                (None, None) => return a.cmp(b), // equal, or different in leading zeros only
                (i, j) => return i.map(|(byte, _)| byte).cmp(&j.map(|(byte, _)| byte)),
            }
        }
    }
}

/// A decimal number without its leading zeros.
fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

fn read_layer(file: &Tensors, layer: &str) -> Result<Affine> {
    let part = |part| file.get(&tensor_name(layer, part));
    let weight = part("weight").ok_or(Error::Bug("a layer without its weight tensor"))?;
    let &[rows, columns] = weight.shape.as_slice() else {
        return Err(malformed(format!(
            "{:?} has {} dimensions; a dense layer's weight has two, [outputs, inputs]",
            weight.name,
            weight.shape.len()
        )));
    };
    if rows == 0 || columns == 0 {
        return Err(malformed(format!("{:?} is empty: its shape is [{rows}, {columns}]", weight.name)));
    }
    let bias = match part("bias") {
        Some(bias) if bias.shape == [rows] => decode(bias)?,
        Some(bias) => return Err(malformed(format!("{:?} is not a list of {rows} numbers", bias.name))),
        None => vec![0.0; rows],
    };
    Affine::new(columns, decode(weight)?, bias)
}

fn read_list(tensor: &Tensor) -> Result<Vec<f64>> {
    if tensor.shape.len() != 1 {
        return Err(malformed(format!("{:?} is not a list", tensor.name)));
    }
    decode(tensor)
}

/// The numbers of a tensor, all of them finite.
fn decode(tensor: &Tensor) -> Result<Vec<f64>> {
    let numbers = match tensor.dtype {
        Dtype::F64 => numbers(tensor.data, f64::from_le_bytes),
        Dtype::F32 => numbers(tensor.data, |bytes| f32::from_le_bytes(bytes).into()),
        Dtype::F16 => numbers(tensor.data, |bytes| half_to_double(u16::from_le_bytes(bytes))),
        // The upper half of an F32.
        Dtype::BF16 => numbers(tensor.data, |[low, high]| f32::from_le_bytes([0, 0, low, high]).into()),
        other => {
            let name = &tensor.name;
            return Err(malformed(format!("{name:?} is of type {other}; known are F64, F32, F16 and BF16")));
        }
    };
    if numbers.iter().all(|number| number.is_finite()) {
        Ok(numbers)
    } else {
        Err(malformed(format!("{:?} holds a number that is not finite", tensor.name)))
    }
}

fn numbers<const SIZE: usize>(data: &[u8], number: impl Fn([u8; SIZE]) -> f64) -> Vec<f64> {
    data.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}

/// IEEE 754 binary16: one sign bit, five of exponent, ten of mantissa.
fn half_to_double(bits: u16) -> f64 {
    let mantissa = f64::from(bits & 0x3ff);
    let magnitude = match i32::from(bits >> 10 & 0x1f) {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1024.0 + mantissa) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

/// The smaller of the types that hold every one of the numbers exactly, and the bytes.
fn encode(numbers: &[f64]) -> (Dtype, Vec<u8>) {
    if numbers.iter().all(|&number| f64::from(number as f32) == number) {
        (Dtype::F32, numbers.iter().flat_map(|&number| (number as f32).to_le_bytes()).collect())
    } else {
        (Dtype::F64, numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    /// A tensor to be: name, type, shape, bytes.
    type Part = (String, Dtype, Vec<usize>, Vec<u8>);

    fn f32s(name: &str, shape: &[usize], numbers: &[f32]) -> Part {
        (name.into(), Dtype::F32, shape.into(), numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }

    fn ones(name: &str, shape: &[usize]) -> Part {
        f32s(name, shape, &vec![1.0; shape.iter().product()])
    }

    fn file_with(parts: &[Part], activation: Option<&str>) -> Vec<u8> {
        let views = parts
            .iter()
            .map(|(name, dtype, shape, data)| (name.as_str(), TensorView::new(*dtype, shape.clone(), data).unwrap()));
        let metadata = activation.map(|name| HashMap::from([(ACTIVATION.into(), name.into())]));
        safetensors::serialize(views, metadata).unwrap()
    }

    fn read(parts: &[Part]) -> Result<Network> {
        Network::from_safetensors(&file_with(parts, None), None)
    }

    fn why_refused(parts: &[Part]) -> String {
        read(parts).unwrap_err().to_string()
    }

    fn order(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn a_state_dict_is_read_as_it_is() {
        let parts = [
            f32s("2.weight", &[1, 2], &[10.0, 100.0]),
            f32s("0.weight", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            f32s("0.bias", &[2], &[0.5, -0.5]),
        ];
        let network = read(&parts).unwrap();
        assert_eq!(network.logits(&[1.0, 0.0, -1.0]).unwrap(), [10.0 * (-2.0 + 0.5) + 100.0 * (-2.0 - 0.5)]);
        assert_eq!(network.activation(), Activation::Sigmoid);
        assert!(network.normalisation().is_none());
        assert_eq!(read(&[ones("weight", &[2, 3]), ones("bias", &[2])]).unwrap().activation(), Activation::Softmax);
    }

    #[test]
    fn layers_follow_in_the_natural_order_of_their_names() {
        let mut names = ["net.10", "net.9", "fc2", "fc10", "fc1.b", "fc1.a10", "fc1.a9", "fc01", "fc1", ""];
        names.sort_unstable_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["", "fc01", "fc1", "fc1.a9", "fc1.a10", "fc1.b", "fc2", "fc10", "net.9", "net.10"]);
        let parts: Vec<_> = (0..12).map(|i| ones(&format!("{i}.weight"), &[i + 2, i + 1])).collect();
        let network = read(&parts).unwrap();
        assert_eq!((network.inputs(), network.outputs(), network.layers().len()), (1, 13, 12));
    }

    #[test]
    fn an_order_that_does_not_chain_is_refused_with_advice_and_a_given_order_helps() {
        let parts = [ones("body.0.weight", &[4, 3]), ones("body.1.weight", &[5, 4]), ones("a_head.weight", &[2, 5])];
        let why = why_refused(&parts);
        assert!(why.contains(r#"layer "a_head" has 2 outputs but layer "body.0""#), "{why}");
        assert!(why.contains("--layers"), "{why}");
        let bytes = file_with(&parts, None);
        let given = order(&["body.0", "body.1", "a_head"]);
        let network = Network::from_safetensors(&bytes, Some(&given)).unwrap();
        assert_eq!((network.inputs(), network.outputs()), (3, 2));
        for wrong in [&["body.0", "body.1"][..], &["body.0", "body.1", "head"], &["body.0", "body.0", "a_head"], &[]] {
            let result = Network::from_safetensors(&bytes, Some(&order(wrong)));
            assert!(matches!(result, Err(Error::Argument(_))), "{wrong:?} was accepted");
        }
    }

    #[test]
    fn every_floating_point_type_is_read_exactly() {
        // The same numbers, all of them exact in binary16, in four types.
        let numbers = [1.0, -2.5, 65504.0, 2f64.powi(-24), -0.0, 1023.0 * 2f64.powi(-24)];
        let halves: [u16; 6] = [0x3c00, 0xc100, 0x7bff, 0x0001, 0x8000, 0x03ff];
        let types: [(Dtype, Vec<u8>); 3] = [
            (Dtype::F16, halves.iter().flat_map(|bits| bits.to_le_bytes()).collect()),
            (Dtype::F32, numbers.iter().flat_map(|&number| (number as f32).to_le_bytes()).collect()),
            (Dtype::F64, numbers.iter().flat_map(|number| number.to_le_bytes()).collect()),
        ];
        for (dtype, data) in types {
            let network = read(&[("weight".into(), dtype, vec![2, 3], data)]).unwrap();
            assert_eq!(network.layers()[0].weights(), numbers, "{dtype}");
        }
        let brain: Vec<u8> = [0x3f80u16, 0xc020, 0x7f00].iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let network = read(&[("weight".into(), Dtype::BF16, vec![1, 3], brain)]).unwrap();
        assert_eq!(network.layers()[0].weights(), [1.0, -2.5, 2f64.powi(127)]);
    }

    #[test]
    fn the_normalisation_is_read_and_applied() {
        let parts = [ones("weight", &[1, 2]), f32s(MEAN, &[2], &[10.0, 20.0]), f32s(DEVIATION, &[1], &[4.0])];
        assert_eq!(read(&parts).unwrap().logits(&[18.0, 24.0]).unwrap(), [3.0]);
        assert!(why_refused(&parts[..2]).contains("belong together"));
        assert!(why_refused(&[ones("weight", &[1, 3]), parts[1].clone(), parts[2].clone()]).contains("2 inputs"));
        assert!(why_refused(&[ones("weight", &[1, 2]), ones(MEAN, &[1, 1]), ones(DEVIATION, &[1])]).contains("list"));
    }

    #[test]
    fn the_activation_is_read_from_the_metadata() {
        let parts = [ones("weight", &[2, 2])];
        let read = |name| Network::from_safetensors(&file_with(&parts, Some(name)), None);
        assert_eq!(read("identity").unwrap().activation(), Activation::Identity);
        assert_eq!(read("sigmoid").unwrap().activation(), Activation::Sigmoid);
        assert!(matches!(read("relu"), Err(Error::Malformed { .. })));
    }

    #[test]
    fn tensors_that_are_no_dense_layer_are_refused_by_name() {
        let weight = ones("fc.weight", &[2, 2]);
        let refused = |name: &str, shape: &[usize]| why_refused(&[weight.clone(), ones(name, shape)]);
        for (name, shape) in
            [("norm.running_mean", &[2][..]), ("fc2.bias", &[2]), ("fcweight", &[2, 2]), ("bias", &[2])]
        {
            let why = refused(name, shape);
            assert!(why.contains(&format!("{name:?}")), "{why}");
        }
        assert!(refused("norm.weight", &[2]).contains("\"norm.weight\" has 1 dimensions"));
        assert!(refused("conv.weight", &[2, 2, 3, 3]).contains("\"conv.weight\" has 4 dimensions"));
        assert!(refused("fc.bias", &[3]).contains("\"fc.bias\" is not a list of 2 numbers"));
        assert!(refused("fc.bias", &[2, 1]).contains("\"fc.bias\" is not a list of 2 numbers"));
        assert!(why_refused(&[ones("fc.weight", &[0, 2])]).contains("empty"));
        assert!(why_refused(&[ones("fc.weight", &[2, 0])]).contains("empty"));
        assert!(why_refused(&[]).contains("no layer"));
        let many: Vec<_> = (0..9).map(|i| ones(&format!("x{i}"), &[1])).collect();
        assert!(why_refused(&many).ends_with("\"x4\"] and 4 more"), "{}", why_refused(&many));
        let integers = [("weight".into(), Dtype::I8, vec![1, 2], vec![1, 2])];
        assert!(why_refused(&integers).contains("of type I8"));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(why_refused(&[f32s("weight", &[1, 2], &[0.0, number])]).contains("not finite"));
            assert!(why_refused(&[ones("weight", &[1, 1]), f32s("bias", &[1], &[number])]).contains("not finite"));
        }
        for bits in [0x7c00u16, 0x7e00, 0xfc00] {
            let part = ("weight".into(), Dtype::F16, vec![1, 1], bits.to_le_bytes().to_vec());
            assert!(why_refused(&[part]).contains("not finite"), "{bits:x}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_unchanged() {
        let layer = |columns, weights: &[f64], bias: &[f64]| Affine::new(columns, weights.into(), bias.into()).unwrap();
        let small = vec![layer(1, &[0.5, -0.25], &[0.0, 1.0]), layer(2, &[1.5, 3.0], &[2.0])];
        let exact = vec![layer(1, &[0.1, -1e300], &[0.0, 1.0])];
        let normalisation = Normalisation::new(vec![0.1], vec![2.0]).unwrap();
        for (layers, activation) in [(small, Activation::Sigmoid), (exact, Activation::Identity)] {
            for normalisation in [None, Some(normalisation.clone())] {
                let network = Network::new(normalisation, layers.clone(), activation).unwrap();
                let bytes = network.to_safetensors().unwrap();
                assert_eq!(bytes, network.to_safetensors().unwrap(), "written differently the second time");
                assert!(Network::from_safetensors(&bytes, None).unwrap() == network);
            }
        }
    }

    #[test]
    fn damaged_files_are_read_or_refused_without_panic() {
        let layer = Affine::new(3, vec![0.5; 6], vec![1.0; 2]).unwrap();
        let normalisation = Normalisation::new(vec![1.0], vec![2.0]).unwrap();
        let network = Network::new(Some(normalisation), vec![layer], Activation::Softmax).unwrap();
        let bytes = network.to_safetensors().unwrap();
        let random = &mut Xoshiro256PlusPlus::seed_from_u64(5);
        for _ in 0..20_000 {
            let mut damaged = bytes.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..damaged.len());
                damaged[at] = if random.random() { random.random() } else { b"0123456789[]{},:\""[at % 17] };
            }
            if let Ok(network) = Network::from_safetensors(&damaged, None) {
                assert!(network.layers().iter().all(|layer| layer.weights().iter().all(|weight| weight.is_finite())));
            }
        }
    }
}
