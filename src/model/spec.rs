//! The public spec of a model: what a hospital needs to know of it.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::fmt;

use super::labels::Labels;
use super::layouts::Entry;
use super::seal;
use crate::encoding::{Feature, Features, Layout, Packing, check_name};
use crate::error::{Error, Result};
use crate::fingerprint::Fingerprint;
use crate::json;
use crate::network::Activation;
use crate::paillier::KeySize;

/// What a file begins with; its SHA-256 follows.
const PREFIX: &str = "{\n  \"sha256\": \"";

/// A ciphertext of a response in ciphertexts of a request: see [`PublicSpec::best_layout`].
const RESPONSE: u64 = 50;

/// The public spec of a model: input features with their grids, names of the outputs, and how to read an answer.
///
/// As a file it is JSON (`spec.json`; `docs/formats.md` and `docs/spec.schema.json` describe it). The SHA-256 in its
/// first member is its [`fingerprint`](Self::fingerprint): it pins the text to the last byte, white space included.
///
/// A spec holds no weight, bias or normalisation. Some of its numbers do tell something of them: see
/// [`scale`](Self::scale), [`slot_bits`](Self::slot_bits), [`spacing`](Self::spacing) and
/// [`logit_error`](Self::logit_error).
#[derive(Clone)]
pub struct PublicSpec {
    content: Content,
    text: Box<str>,
    fingerprint: Fingerprint,
}

/// What a spec says.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) model: Box<str>,
    pub(super) features: Features,
    pub(super) labels: Labels,
    pub(super) activation: Activation,
    pub(super) scale: f64,
    pub(super) logit_error: f64,
    pub(super) slot_bits: u32,
    pub(super) features_layouts: Vec<Entry>,
}

/// The JSON object. The format stands before what depends on it, so that another version is refused by its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "sha256")]
    _sha256: IgnoredAny,
    #[serde(rename = "format")]
    _format: Format,
    model: Box<str>,
    features: Vec<Feature>,
    labels: Labels,
    activation: Activation,
    scale: f64,
    logit_error: f64,
    slot_bits: u32,
    features_layouts: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
enum Format {
    #[serde(rename = "tacita-spec/1")]
    V1,
}

impl PublicSpec {
    /// Longest text of a spec in bytes.
    pub const MAX_BYTES: usize = 64 << 20;

    pub(super) fn new(content: Content) -> Result<Self> {
        content.check()?;
        let after = content.text_after_digest()?;
        let fingerprint = seal::digest(PREFIX.as_bytes(), after.as_bytes());
        let text: Box<str> = format!("{PREFIX}{fingerprint}{after}").into();
        check_length(text.len())?;
        Ok(Self { content, text, fingerprint })
    }

    /// Reads a spec, and checks everything that can be checked without the private model.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`MAX_BYTES`](Self::MAX_BYTES); [`Error::Damaged`] if the text does not have the
    /// SHA-256 it claims; [`Error::Malformed`] if it is not a spec, or one whose numbers make no sense.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        const WHAT: &str = "spec";
        check_length(text.len())?;
        if !text.starts_with(PREFIX.as_bytes()) {
            return Err(Error::malformed(WHAT, format!("it does not begin with {PREFIX:?}")));
        }
        let fingerprint = seal::check(WHAT, text, PREFIX.len())?;
        let text = std::str::from_utf8(text).map_err(|_| Error::malformed(WHAT, "it is not UTF-8"))?;
        let document: Document = json::read(text).map_err(|error| json::malformed(WHAT, &error))?;
        let Document { model, features, labels, activation, scale, logit_error, slot_bits, features_layouts, .. } =
            document;
        let content = Features::new(features).and_then(|features| {
            let content =
                Content { model, features, labels, activation, scale, logit_error, slot_bits, features_layouts };
            content.check().map(|()| content)
        });
        let content = content.map_err(|error| Error::malformed(WHAT, error.to_string()))?;
        Ok(Self { content, text: text.into(), fingerprint })
    }

    /// The text, as it was read or is to be written.
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text without its digits.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Refuses to be another spec than the pinned one.
    pub(crate) fn expect(&self, pin: Fingerprint) -> Result<()> {
        let found = self.fingerprint;
        if found == pin { Ok(()) } else { Err(Error::SpecMismatch { expected: pin, found }) }
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        &self.content.model
    }

    /// The input features, in the order of a record's values.
    pub fn features(&self) -> &Features {
        &self.content.features
    }

    /// The names of the outputs, at least one.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = &str> {
        self.content.labels.iter()
    }

    /// What is applied to the logits.
    pub fn activation(&self) -> Activation {
        self.content.activation
    }

    /// The step size of the outputs: logit = scale * integer output. With weights of b bits, `scale * (2^(b-1) - 1)` is
    /// the size of the largest weight.
    pub fn scale(&self) -> f64 {
        self.content.scale
    }

    /// Proved by the model's owner: for records on the grids, no logit differs by more from the unrounded affine map's.
    /// It depends on how the weights happen to round.
    pub fn logit_error(&self) -> f64 {
        self.content.logit_error
    }

    /// Width of an answer in its slot. It tells the size of the largest possible answer to a factor of 2.
    pub fn slot_bits(&self) -> u32 {
        self.content.slot_bits
    }

    /// The layouts in which the model can be asked: records, and features layouts with more and more features together.
    pub fn layouts(&self) -> impl Iterator<Item = Layout> {
        let features = |entry: &Entry| Layout::Features { together: entry.together };
        std::iter::once(Layout::Records).chain(self.content.features_layouts.iter().map(features))
    }

    /// Bits from slot to slot in a layout, if the spec lists it. In a features layout it may tell the size of the largest sum
    /// that the weights of one or two rows, shifted against the features, can give over the permitted records, to a factor
    /// of 2.
    pub fn spacing(&self, layout: Layout) -> Option<u32> {
        let entry = |together| self.content.features_layouts.iter().find(|entry| entry.together == together);
        match layout {
            Layout::Records => Some(self.slot_bits()),
            Layout::Features { together } => entry(together).map(|entry| entry.spacing),
        }
    }

    /// Where the values of a request and of its response stand in plaintexts under a key of `key_bits` bits: how many
    /// ciphertexts go up and come down, among other things.
    ///
    /// ```
    /// # use tacita::encoding::{Feature, Features, Grid};
    /// # use tacita::model::{PrivateModel, QuantiseOptions};
    /// # use tacita::network::{Activation, Affine};
    /// # let affine = Affine::new(64, (0..256).map(|i| f64::from(i % 17) - 8.0).collect(), vec![0.0; 4])?;
    /// # let features = Features::new([Feature::run("pixel", 64, Grid::new(0.0, 1.0, 0, 255)?)])?;
    /// # let (model, _) = PrivateModel::compile(
    /// #     &affine, features, &["a", "b", "c", "d"], Activation::Softmax, "patch", QuantiseOptions::default())?;
    /// # let spec = model.spec();
    /// for layout in spec.layouts() {
    ///     // Some need more room than a short key has.
    ///     let Ok(packing) = spec.packing(layout, 3072) else { continue };
    ///     let up = packing.request_ciphertexts(1, spec.features().len());
    ///     let down = packing.response_ciphertexts(1, spec.labels().len());
    ///     println!("{layout}: {up} ciphertexts of {} bytes up, {down} down", 3072 / 4);
    /// }
    /// # Ok::<(), tacita::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Argument`] if the spec does not list the layout, or not even one record and one row fit such a key.
    pub fn packing(&self, layout: Layout, key_bits: u32) -> Result<Packing> {
        let spacing = self.permit(layout)?;
        match layout {
            Layout::Records => Packing::records(key_bits, self.slot_bits()),
            Layout::Features { together } => Packing::features(key_bits, self.slot_bits(), together, spacing),
        }
    }

    /// Bits from slot to slot in a layout, which the spec must list.
    pub(crate) fn permit(&self, layout: Layout) -> Result<u32> {
        let refused = || Error::Argument(format!("the spec does not permit the layout {layout}"));
        self.spacing(layout).ok_or_else(refused)
    }

    /// The layout in which so many records are probably done the soonest under a key of `key_bits` bits, by a rule of thumb: one
    /// ciphertext of a response keeps evaluator and decryptor busy for as long as the encryption of 50 takes. What is the
    /// best on a machine, and by how much, is told by [`UnitCosts::forecasts`](crate::inference::UnitCosts::forecasts).
    ///
    /// # Errors
    /// As [`packing`](Self::packing) if the records layout does not fit the key.
    pub fn best_layout(&self, key_bits: u32, records: usize) -> Result<Layout> {
        self.packing(Layout::Records, key_bits)?;
        let cost = |layout: &Layout| {
            // A spec lists layouts for keys of all lengths.
            let packing = self.packing(*layout, key_bits).ok()?;
            let up = packing.request_ciphertexts(records, self.features().len());
            let down = packing.response_ciphertexts(records, self.labels().len());
            Some(up.saturating_add(down.saturating_mul(RESPONSE)))
        };
        let fit = self.layouts().filter_map(|layout| Some((cost(&layout)?, layout)));
        Ok(fit.min_by_key(|(cost, _)| *cost).map_or(Layout::Records, |(_, layout)| layout))
    }

    /// The logits that integer outputs stand for.
    pub fn logits(&self, outputs: &[i64]) -> Vec<f64> {
        outputs.iter().map(|&output| self.scale() * output as f64).collect()
    }
}

/// Shows its name and its fingerprint.
impl fmt::Debug for PublicSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicSpec({:?}, {})", self.model(), self.fingerprint)
    }
}

fn check_length(length: usize) -> Result<()> {
    let (found, limit) = (length as u64, PublicSpec::MAX_BYTES as u64);
    if found > limit { Err(Error::TooLarge { what: "spec", found, limit }) } else { Ok(()) }
}

impl Content {
    fn check(&self) -> Result<()> {
        let refused = |why: &str| Err(Error::Model(why.into()));
        check_name("name of the model", &self.model)?;
        if self.labels.len() == 0 {
            return refused("it has no outputs");
        }
        self.activation.check(self.labels.len())?;
        if !(1..=Packing::MAX_SLOT_BITS).contains(&self.slot_bits) {
            return refused("its slots are not of 1 to 62 bits");
        }
        let together = self.features_layouts.iter().map(|entry| entry.together);
        if !together.is_sorted_by(|one, next| one < next) {
            return refused("its features layouts are not in order");
        }
        for &Entry { together, spacing } in &self.features_layouts {
            Packing::features(KeySize::Bits4096.bits(), self.slot_bits, together, spacing)?;
        }
        if self.features.span_bits() > self.slot_bits {
            return refused("the range of a feature does not fit its slots");
        }
        let greatest_logit = self.scale * (1_u64 << (self.slot_bits - 1)) as f64;
        if !self.scale.is_normal() || self.scale < 0.0 || !greatest_logit.is_finite() {
            return refused("its scale is not a positive number of ordinary size");
        }
        if !self.logit_error.is_finite() || self.logit_error < 0.0 {
            return refused("its error bound is negative");
        }
        Ok(())
    }

    /// The text from the end of the digest on: one feature or run, and one features layout, a line.
    fn text_after_digest(&self) -> Result<String> {
        let runs = self.features.runs().iter().map(json::text).collect::<Result<Vec<_>>>()?;
        let layouts = self.features_layouts.iter().map(json::text).collect::<Result<Vec<_>>>()?;
        Ok(format!(
            "\",\n  \"format\": {},\n  \"model\": {},\n  \"features\": [\n    {}\n  ],\n  \"labels\": {},\n  \
             \"activation\": {},\n  \"scale\": {},\n  \"logit_error\": {},\n  \"slot_bits\": {},\n  \
             \"features_layouts\": [{}]\n}}\n",
            json::text(&Format::V1)?,
            json::text(&self.model)?,
            runs.join(",\n    "),
            json::text(&self.labels)?,
            json::text(&self.activation)?,
            json::text(&self.scale)?,
            json::text(&self.logit_error)?,
            self.slot_bits,
            if layouts.is_empty() { String::new() } else { format!("\n    {}\n  ", layouts.join(",\n    ")) },
        ))
    }
}
