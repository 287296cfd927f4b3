//! The private model: what the evaluating side holds.

use safetensors::Dtype;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::integer::IntegerMap;
use super::labels::Labels;
use super::layouts;
use super::quantisation::{QuantisationReport, QuantiseOptions, Quantised, quantise};
use super::seal;
use super::spec::{Content, PublicSpec};
use crate::arith::StoredPlan;
use crate::encoding::{Features, Grid, Layout};
use crate::error::{Error, Result};
use crate::network::{Activation, Affine};
use crate::paillier::LinearLayer;
use crate::progress::{OnSharedProgress, go_on};
use crate::tensors::Tensors;

const WHAT: &str = "private model";
/// Behind the 8 bytes of the header's length, the header begins with this; the file's SHA-256 follows.
const PREFIX: &str = "{\"__metadata__\":{\"tacita.sha256\":\"";
const FORMAT: &str = "tacita-model/1";
/// Where the digits begin.
const DIGEST_AT: usize = 8 + PREFIX.len();

/// Integer weights and bias with the spec they belong to. Whatever record a spec lets through, no output overflows.
///
/// A model can carry the [plans](Self::plan) of its multiplications in some of the spec's layouts. A plan takes seconds to find,
/// or half a minute for a thousand outputs, and is good for as few multiplications as possible.
///
/// As a file it is safetensors (`model.safetensors`; `docs/formats.md` describes it).
#[derive(Clone)]
pub struct PrivateModel {
    spec: PublicSpec,
    map: IntegerMap,
    slot_bias: Vec<i64>,
    /// The plans that it carries, by the features that share a ciphertext.
    layers: BTreeMap<u32, LinearLayer>,
}

impl PrivateModel {
    /// Longest file of a private model in bytes.
    pub const MAX_BYTES: usize = 1 << 30;

    /// Rounds an affine map on real values to integers, one weight a row and feature, and says what that costs.
    ///
    /// # Errors
    /// [`Error::Count`] if there is not one feature a column and one label a row; [`Error::Argument`] if the bits of a
    /// weight are not from 2 to 16, or a name is not fit to be one; [`Error::Model`] if weights and bias are too far
    /// apart for a common step size, or the answers need slots of more than 62 bits; [`Error::TooLarge`] for more
    /// outputs or a longer spec than are readable.
    pub fn compile(
        affine: &Affine,
        features: Features,
        labels: &[impl AsRef<str>],
        activation: Activation,
        name: &str,
        options: QuantiseOptions,
    ) -> Result<(Self, QuantisationReport)> {
        if labels.len() != affine.rows() {
            return Err(Error::Count { what: "labels of the model", expected: affine.rows(), found: labels.len() });
        }
        let Quantised { map, report } = quantise(affine, &features, options)?;
        let features_layouts = layouts::choose(&map, &features, report.slot_bits);
        let spec = PublicSpec::new(Content {
            model: name.into(),
            features,
            labels: Labels::new(labels)?,
            activation,
            scale: report.scale,
            logit_error: report.logit_error,
            slot_bits: report.slot_bits,
            features_layouts,
        })?;
        Ok((Self::new(spec, map)?, report))
    }

    /// The one gate: weights of the spec's shape, and no overflow in the spec's slots, in any layout.
    fn new(spec: PublicSpec, map: IntegerMap) -> Result<Self> {
        let needed = map.slot_bits(spec.features())?;
        if needed > spec.slot_bits() {
            let found = spec.slot_bits();
            return Err(Error::Model(format!("its answers need slots of {needed} bits and its spec has {found}")));
        }
        for layout in spec.layouts().filter(|layout| *layout != Layout::Records) {
            let needed = map.spacing(spec.features(), layout.together() as usize, spec.slot_bits());
            let found = spec.spacing(layout).unwrap_or(0);
            if needed > found {
                let why =
                    format!("in the layout {layout} its slots must be {needed} bits apart and its spec says {found}");
                return Err(Error::Model(why));
            }
        }
        let slot_bias = map.bias_at_least(spec.features());
        Ok(Self { spec, map, slot_bias, layers: BTreeMap::new() })
    }

    /// Finds the plan of the multiplications in a layout, unless the model carries it, and carries it from now on: for files
    /// and for every evaluator that is made of the model. The search takes a few seconds of all cores for 10 outputs of 784
    /// features; the same weights always get the same plan.
    ///
    /// ```
    /// # use tacita::encoding::{Feature, Features, Grid, Layout};
    /// # use tacita::model::{PrivateModel, QuantiseOptions};
    /// # use tacita::network::{Activation, Affine};
    /// # let affine = Affine::new(64, (0..256).map(|i| f64::from(i % 17) - 8.0).collect(), vec![0.0; 4])?;
    /// # let features = Features::new([Feature::run("pixel", 64, Grid::new(0.0, 1.0, 0, 255)?)])?;
    /// # let (labels, options) = (["a", "b", "c", "d"], QuantiseOptions::default());
    /// # let (mut model, _) = PrivateModel::compile(&affine, features, &labels, Activation::Softmax, "patch", options)?;
    /// for layout in [Layout::Records, model.spec().best_layout(3072, 1)?] {
    ///     model.plan(layout)?;
    /// }
    /// let read = PrivateModel::from_bytes(&model.to_bytes())?;
    /// assert_eq!(read.multiplications(Layout::Records), model.multiplications(Layout::Records));
    /// # Ok::<(), tacita::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Argument`] if the spec does not list the layout; [`Error::Threads`].
    pub fn plan(&mut self, layout: Layout) -> Result<()> {
        self.plan_with_progress(layout, &mut go_on)
    }

    /// [`plan`](Self::plan) that tells how far it is, in steps of its search: more of them come to light as it goes on.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `progress` breaks; otherwise as [`plan`](Self::plan).
    pub fn plan_with_progress(&mut self, layout: Layout, progress: OnSharedProgress) -> Result<()> {
        self.spec.permit(layout)?;
        if !self.layers.contains_key(&layout.together()) {
            self.layers.insert(layout.together(), self.search(layout, progress)?);
        }
        Ok(())
    }

    /// Multiplications of the plan that the model carries for a layout; `None` if it carries none.
    pub fn multiplications(&self, layout: Layout) -> Option<usize> {
        self.layer(layout).map(LinearLayer::multiplications)
    }

    /// The plan that the model carries for a layout.
    pub(crate) fn layer(&self, layout: Layout) -> Option<&LinearLayer> {
        self.layers.get(&layout.together())
    }

    /// The plan for a layout of the spec, found anew.
    pub(crate) fn search(&self, layout: Layout, progress: OnSharedProgress) -> Result<LinearLayer> {
        LinearLayer::planned(layout.columns(self.columns()), &layout.matrix(self.columns(), self.weights()), progress)
    }

    /// The public spec.
    pub fn spec(&self) -> &PublicSpec {
        &self.spec
    }

    /// Number of outputs.
    pub fn rows(&self) -> usize {
        self.map.bias.len()
    }

    /// Number of input features.
    pub fn columns(&self) -> usize {
        self.map.columns
    }

    /// The integer weights of one output, one a feature.
    ///
    /// # Panics
    /// If `row` is not below [`rows`](Self::rows).
    pub fn weights_row(&self, row: usize) -> &[i32] {
        &self.map.weights[row * self.map.columns..][..self.map.columns]
    }

    /// All integer weights, row after row.
    pub fn weights(&self) -> &[i32] {
        &self.map.weights
    }

    /// The integer bias, one number an output.
    pub fn bias(&self) -> &[i64] {
        &self.map.bias
    }

    /// What to add to W times slot contents, one number an output: input slots hold `integer - least`, so this is
    /// bias + W least. Like every answer it is in [-c, c), c the layout's
    /// [`centre`](crate::encoding::Packing::centre).
    pub fn slot_bias(&self) -> &[i64] {
        &self.slot_bias
    }

    /// The outputs for one record of integers, in plain arithmetic: what the encrypted evaluation must give.
    ///
    /// # Errors
    /// [`Error::Count`] if there is not one integer a feature; [`Error::Range`] if one is outside its grid.
    pub fn evaluate(&self, integers: &[i64]) -> Result<Vec<i64>> {
        if integers.len() != self.columns() {
            return Err(Error::Count { what: "integers of a record", expected: self.columns(), found: integers.len() });
        }
        let features = self.spec.features();
        let outside = |(integer, grid): (&i64, &Grid)| !(grid.least()..=grid.greatest()).contains(integer);
        match integers.iter().zip(features.grids()).position(outside) {
            Some(index) => Err(features.out_of_range(index)),
            None => Ok(self.map.apply(integers.iter().copied())),
        }
    }

    /// The file: little-endian tensors `bias` (I64), `plan` and `plan.features:9` and so on (U16 or U32, those that the model
    /// carries), `weights` (I8 or, above 8 bits, I16) and `spec` (U8, the text), in this order. The same model with the same
    /// plans always gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (rows, columns, text) = (self.rows(), self.columns(), self.spec.as_json());
        let narrow = self.map.weights.iter().all(|&weight| i8::try_from(weight).is_ok());
        let (dtype, width) = if narrow { (Dtype::I8, 1) } else { (Dtype::I16, 2) };
        let bias_end = rows * size_of::<i64>();
        let (mut plans, mut plan_entries) = (Vec::new(), String::new());
        for (&together, layer) in &self.layers {
            let StoredPlan { width, data } = layer.to_stored();
            let (name, bits, pairs) =
                (tensor_of_plan(Layout::from_together(together)), 8 * width, data.len() / (2 * width));
            let start = bias_end + plans.len();
            let end = start + data.len();
            let _ = write!(
                plan_entries,
                "\"{name}\":{{\"dtype\":\"U{bits}\",\"shape\":[{pairs},2],\"data_offsets\":[{start},{end}]}},"
            );
            plans.extend_from_slice(&data);
        }
        let plans_end = bias_end + plans.len();
        let weights_end = plans_end + rows * columns * width;
        let end = weights_end + text.len();

        let mut header = format!(
            "\",\"tacita.format\":\"{FORMAT}\"}},\
             \"bias\":{{\"dtype\":\"I64\",\"shape\":[{rows}],\"data_offsets\":[0,{bias_end}]}},{plan_entries}\
             \"weights\":{{\"dtype\":\"{dtype:?}\",\"shape\":[{rows},{columns}],\"data_offsets\":[{plans_end},{weights_end}]}},\
             \"spec\":{{\"dtype\":\"U8\",\"shape\":[{}],\"data_offsets\":[{weights_end},{end}]}}}}",
            text.len()
        );
        // The format wants its tensors aligned to 8 bytes.
        let length = (PREFIX.len() + seal::DIGITS + header.len()).next_multiple_of(8);
        header.extend(std::iter::repeat_n(' ', length - PREFIX.len() - seal::DIGITS - header.len()));

        let mut after = Vec::with_capacity(header.len() + end);
        after.extend(header.as_bytes());
        self.map.bias.iter().for_each(|bias| after.extend(bias.to_le_bytes()));
        after.extend(plans);
        for weight in &self.map.weights {
            after.extend(&weight.to_le_bytes()[..width]);
        }
        after.extend(text.as_bytes());
        let before = [&(length as u64).to_le_bytes(), PREFIX.as_bytes()].concat();
        let digest = seal::digest(&before, &after).to_string();
        [&before, digest.as_bytes(), &after].concat()
    }

    /// Reads a file, derives its largest possible output anew and refuses it if its spec has too narrow slots for that, or
    /// if it carries a plan that does not compute its weights.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`MAX_BYTES`](Self::MAX_BYTES); [`Error::Damaged`] if the file, or the spec in it, does
    /// not have the SHA-256 it claims; [`Error::Malformed`] if it is not a private model; [`Error::Model`] if an output
    /// could overflow, or if a plan is not a plan of these weights:
    /// [`from_bytes_without_plan`](Self::from_bytes_without_plan) reads the rest.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes, true)
    }

    /// [`from_bytes`](Self::from_bytes) that does not look at plans. The model has none then, until it is
    /// [planned](Self::plan) anew.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), but for plans.
    pub fn from_bytes_without_plan(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes, false)
    }

    fn read(bytes: &[u8], with_plans: bool) -> Result<Self> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(Error::TooLarge { what: WHAT, found: bytes.len() as u64, limit: Self::MAX_BYTES as u64 });
        }
        if !bytes.get(8..).is_some_and(|header| header.starts_with(PREFIX.as_bytes())) {
            return Err(Error::malformed(WHAT, format!("from byte 8 on it does not have {PREFIX:?}")));
        }
        seal::check(WHAT, bytes, DIGEST_AT)?;
        let tensors = Tensors::read(WHAT, bytes)?;
        if tensors.metadata("tacita.format") != Some(FORMAT) {
            return Err(Error::malformed(WHAT, format!("its format is not {FORMAT}")));
        }
        let get = |name| tensors.get(name).ok_or_else(|| Error::malformed(WHAT, format!("there is no tensor {name}")));
        let (bias, weights, spec) = (get("bias")?, get("weights")?, get("spec")?);
        let shapes = || Error::malformed(WHAT, "its tensors are not of the types and shapes that its spec asks for");
        if spec.dtype != Dtype::U8 {
            return Err(shapes());
        }
        let spec = PublicSpec::from_json(spec.data)?;
        let plan = |layout| Some((layout, tensors.get(&tensor_of_plan(layout))?));
        let plans: Vec<_> = spec.layouts().filter_map(plan).collect();
        if tensors.iter().count() != 3 + plans.len() {
            return Err(shapes());
        }
        let (rows, columns) = (spec.labels().len(), spec.features().len());
        if bias.dtype != Dtype::I64 || bias.shape != [rows] || weights.shape != [rows, columns] {
            return Err(shapes());
        }
        let map = IntegerMap {
            columns,
            bias: bias.data.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect(),
            weights: match weights.dtype {
                Dtype::I8 => weights.data.iter().map(|byte| byte.cast_signed().into()).collect(),
                Dtype::I16 => {
                    weights.data.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes).into()).collect()
                }
                _ => return Err(shapes()),
            },
        };
        let mut model = Self::new(spec, map)?;
        for (layout, plan) in plans.into_iter().filter(|_| with_plans) {
            let width = match (plan.dtype, &plan.shape[..]) {
                (Dtype::U16, [_, 2]) => 2,
                (Dtype::U32, [_, 2]) => 4,
                _ => return Err(shapes()),
            };
            let stored = StoredPlan { width, data: plan.data.into() };
            let matrix = layout.matrix(columns, model.weights());
            let layer = LinearLayer::from_stored(layout.columns(columns), &matrix, &stored)?;
            model.layers.insert(layout.together(), layer);
        }
        Ok(model)
    }
}

/// The tensor of a layout's plan.
fn tensor_of_plan(layout: Layout) -> String {
    match layout {
        Layout::Records => "plan".into(),
        Layout::Features { .. } => format!("plan.{layout}"),
    }
}

/// Shows shape and spec only: the numbers are the model owner's.
impl fmt::Debug for PrivateModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateModel({} x {}, {:?})", self.rows(), self.columns(), self.spec)
    }
}
