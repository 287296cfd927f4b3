//! Private models: what the evaluating side holds.

use std::ffi::{c_char, c_void};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::bytes::{self, tacita_bytes};
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::{self, read_file, room, slice, text};
use super::progress::{Listener, tacita_progress};
use super::spec::tacita_spec;
use super::status::{Failure, tacita_status};
use crate::encoding::{Feature, Features, Layout, OutOfRange};
use crate::json;
use crate::model::{PrivateModel, PublicSpec, QuantiseOptions};
use crate::network::{Activation, Network};

/// The integer weights of a model, with its public spec.
pub struct tacita_model {
    _opaque: [u8; 0],
}

impl Handle for tacita_model {
    const ROLE: Role = Role::Model;
    type Value = PrivateModel;
}

/// Reads a private model from the bytes of its file.
///
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, TOO_LARGE, DAMAGED, MALFORMED, MODEL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_from_bytes(
    bytes: *const u8,
    bytes_len: usize,
    model_out: *mut *mut tacita_model,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (bytes, out) = unsafe { (slice("bytes", bytes, bytes_len)?, room("model_out", model_out, 1)?) };
        out.give(PrivateModel::from_bytes(bytes)?)
    })
}

/// Reads a private model from a file.
///
/// Threads: any.
/// Fails with: NULL_POINTER, IO, TOO_LARGE, DAMAGED, MALFORMED, MODEL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_load(path: *const c_char, model_out: *mut *mut tacita_model) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (path, out) = unsafe { (pointers::path("path", path)?, room("model_out", model_out, 1)?) };
        let bytes = read_file(path, PrivateModel::MAX_BYTES)?;
        out.give(PrivateModel::from_bytes(&bytes).map_err(|error| Failure::of_file(path, &error))?)
    })
}

/// What a model is made of besides the network.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    features: Vec<Feature>,
    labels: Vec<String>,
    activation: Option<Activation>,
    #[serde(default = "usual_bits")]
    bits: u32,
    layers: Option<Vec<String>>,
}

fn usual_bits() -> u32 {
    QuantiseOptions::default().bits
}

/// Makes a private model of a trained network: the bytes of a safetensors file of dense layers, as PyTorch's `state_dict`
/// makes it.
///
/// `description` is JSON text with `name`, the model's; `features`, a list of `name`, `offset`, `step`, `least`, `greatest`
/// and, for a run of equal features, `count`, as in a spec; `labels`, a list of the outputs' names; and, if they are not as
/// usual, `activation` (`softmax`, `sigmoid`, `identity`; otherwise what the network says), `bits` of a weight (2 to 16,
/// otherwise 8) and `layers`, their names from input to output. `report_out` gets JSON text of what the rounding costs:
/// `bits`, `scale`, `logit_error` and `logit_error_off_grid` (proved bounds), `largest_weight`, `zero_weights`, `weights`,
/// `output_bits`, `slot_bits`. It belongs to the model's owner: parts of it describe the weights.
/// Threads: any.
/// Fails with: NULL_POINTER, LENGTH, MALFORMED, TOO_LARGE, ARGUMENT, MODEL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_compile(
    network: *const u8,
    network_len: usize,
    description: *const u8,
    description_len: usize,
    model_out: *mut *mut tacita_model,
    report_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (network, description, model_out, report_out) = unsafe {
            (
                slice("network", network, network_len)?,
                text("description", description, description_len, PublicSpec::MAX_BYTES)?,
                room("model_out", model_out, 1)?,
                room("report_out", report_out, 1)?,
            )
        };
        let Description { name, features, labels, activation, bits, layers } =
            json::read(description).map_err(|error| json::malformed("description", &error))?;
        let network = Network::from_safetensors(network, layers.as_deref())?;
        let activation = activation.unwrap_or(network.activation());
        let (features, options) = (Features::new(features)?, QuantiseOptions { bits });
        let (model, report) =
            PrivateModel::compile(&network.collapse()?, features, &labels, activation, &name, options)?;
        let report = bytes::json(&report)?;
        model_out.give(model)?;
        report_out.give(report)
    })
}

/// Makes a model like another one, which carries the plan of its multiplications in the layout with `together` features in a
/// ciphertext, 1 for the records layout: for its file and for every evaluator that is made of it. The search takes seconds, or
/// half a minute for a thousand outputs.
///
/// `progress` is told the steps of the search, of which more come to light as it goes on, and may be NULL. `user_data` is
/// handed to it, and may be NULL.
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT if the spec does not permit the layout, CANCELLED, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_new_with_plan(
    model: *const tacita_model,
    together: u32,
    progress: tacita_progress,
    user_data: *mut c_void,
    model_out: *mut *mut tacita_model,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, listener, out) =
            unsafe { (borrow("model", model)?, Listener::new(progress, user_data), room("model_out", model_out, 1)?) };
        let planned = listener.relay_plan(|progress| {
            let mut model = model.clone();
            model.plan_with_progress(Layout::from_together(together), progress)?;
            Ok(model)
        })?;
        out.give(planned)
    })
}

/// Writes a private model as the bytes of its file: for the evaluating side alone.
///
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_to_bytes(
    model: *const tacita_model,
    bytes_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, out) = unsafe { (borrow("model", model)?, room("bytes_out", bytes_out, 1)?) };
        out.give(Zeroizing::new(model.to_bytes()))
    })
}

/// What is to be said of a model without its network.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    outputs: usize,
    features: usize,
    weights: usize,
    zero_weights: usize,
    largest_weight: u32,
    scale: f64,
    logit_error: f64,
    slot_bits: u32,
    plans: Vec<Planned>,
}

#[derive(Serialize)]
struct Planned {
    layout: String,
    together: u32,
    /// Of the plan that the model carries, if it does.
    multiplications: Option<usize>,
}

/// Tells of a private model, as JSON text: `name`, `outputs`, `features`, `weights`, `zero_weights`, `largest_weight`,
/// `scale` (a logit is that times an integer), `logit_error` (proved: how far a logit can be from the network's),
/// `slot_bits`, and of each layout in `plans` `layout`, `together` and `multiplications`, which is null where the model does
/// not carry their plan. It belongs to the model's owner: parts of it describe the weights.
///
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_report(
    model: *const tacita_model,
    json_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, out) = unsafe { (borrow("model", model)?, room("json_out", json_out, 1)?) };
        let (spec, weights) = (model.spec(), model.weights());
        let planned = |layout: Layout| Planned {
            layout: layout.to_string(),
            together: layout.together(),
            multiplications: model.multiplications(layout),
        };
        let report = Report {
            name: spec.model(),
            outputs: model.rows(),
            features: model.columns(),
            weights: weights.len(),
            zero_weights: weights.iter().filter(|&&weight| weight == 0).count(),
            largest_weight: weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap_or(0),
            scale: spec.scale(),
            logit_error: spec.logit_error(),
            slot_bits: spec.slot_bits(),
            plans: spec.layouts().map(planned).collect(),
        };
        out.give(bytes::json(&report)?)
    })
}

/// Computes the logits of one record in plain, without any encryption: what an encrypted evaluation must give, bit for bit.
///
/// `values` is one number a feature, in the order of the spec; `logits_len` is the number of labels of the spec.
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, LENGTH, OUT_OF_RANGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_logits(
    model: *const tacita_model,
    values: *const f64,
    values_len: usize,
    logits_out: *mut f64,
    logits_len: usize,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, values, out) = unsafe {
            (borrow("model", model)?, slice("values", values, values_len)?, room("logits_out", logits_out, logits_len)?)
        };
        let mut integers = Zeroizing::new(vec![0; model.columns()]);
        model.spec().features().encode(values, OutOfRange::Refuse, &mut integers)?;
        let outputs = Zeroizing::new(model.evaluate(&integers)?);
        out.write_all(&Zeroizing::new(model.spec().logits(&outputs)))
    })
}

/// Gives the public spec of a model.
///
/// Threads: any number may share `model`.
/// Fails with: NULL_POINTER, WRONG_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_spec(
    model: *const tacita_model,
    spec_out: *mut *mut tacita_spec,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (model, out) = unsafe { (borrow("model", model)?, room("spec_out", spec_out, 1)?) };
        out.give(model.spec().clone())
    })
}

/// Frees a model; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `model`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_model_free(model: *mut tacita_model) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(model) }
    })
}
