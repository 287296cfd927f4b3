//! Plans: which layout is the best for a job on this machine, and what it will take.

use serde::Serialize;
use std::ffi::c_void;
use zeroize::Zeroizing;

use super::bytes::{self, tacita_bytes};
use super::evaluator::tacita_evaluator;
use super::guard::{guard, guard_or};
use super::handle::{Handle, Role, borrow, free};
use super::pointers::room;
use super::progress::{Listener, tacita_progress};
use super::secret_key::tacita_secret_key;
use super::spec::{check_records, tacita_spec};
use super::status::{Failure, tacita_status};
use crate::error::{Error, Result};
use crate::inference::{Forecast, Nonces, UnitCosts};

/// A job encrypts with the secret key.
pub const TACITA_PLAN_SECRET_KEY: u32 = 0;
/// A job encrypts with the public key.
pub const TACITA_PLAN_PUBLIC_KEY: u32 = 1;
/// Both sides of a job find all nonces in their pools.
pub const TACITA_PLAN_POOLS: u32 = 2;

/// What the parts of the work cost on this machine, under keys of one length.
pub struct tacita_costs {
    _opaque: [u8; 0],
}

impl Handle for tacita_costs {
    const ROLE: Role = Role::Costs;
    type Value = UnitCosts;
}

/// Measures the costs with the engine of a key and all threads: a second of work, or a few where the engine is slow. They
/// are those of any key of this length and engine, each the least of up to three turns: what neighbours of the machine take comes
/// on top.
///
/// Threads: any number may share `key`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, KEY_HASH, RANDOMNESS, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_costs_measure(
    key: *const tacita_secret_key,
    costs_out: *mut *mut tacita_costs,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (key, out) = unsafe { (borrow("key", key)?, room("costs_out", costs_out, 1)?) };
        out.give(UnitCosts::measure(key)?)
    })
}

/// An explained plan.
#[derive(Serialize)]
struct Explained<'a> {
    records: usize,
    best: String,
    /// The quickest first.
    layouts: Vec<Row>,
    costs: &'a UnitCosts,
}

#[derive(Serialize)]
struct Row {
    together: u32,
    /// Whether the multiplications are not those of a plan.
    estimated: bool,
    #[serde(flatten)]
    forecast: Forecast,
    /// Seconds.
    total: f64,
}

fn explain(records: usize, costs: &UnitCosts, forecasts: Vec<(Forecast, bool)>) -> Result<Zeroizing<Vec<u8>>> {
    let row = |(forecast, planned): (Forecast, bool)| Row {
        together: forecast.layout.together(),
        estimated: !planned,
        total: forecast.total(),
        forecast,
    };
    let layouts: Vec<_> = forecasts.into_iter().map(row).collect();
    let best = layouts.first().map(|row| row.forecast.layout.to_string()).unwrap_or_default();
    bytes::json(&Explained { records, best, layouts, costs })
}

/// Refuses a number of records that no request has, and a number that stands for no source of nonces.
fn job(records: usize, nonces: u32) -> Result<Nonces, Failure> {
    if records == 0 {
        return Err(Error::Argument("a plan is for at least one record".into()).into());
    }
    check_records(records)?;
    match nonces {
        TACITA_PLAN_SECRET_KEY => Ok(Nonces::Secret),
        TACITA_PLAN_PUBLIC_KEY => Ok(Nonces::Public),
        TACITA_PLAN_POOLS => Ok(Nonces::Pool),
        _ => Err(Error::Argument(format!("there is no source {nonces} of nonces: take one of TACITA_PLAN_...")).into()),
    }
}

/// Predicts what `records` records take in each layout of a model, the quickest first, as JSON text: `records`, `best`,
/// `layouts` (`layout`, `together`, `request_ciphertexts`, `response_ciphertexts`, `request_bytes`, `response_bytes`,
/// `multiplications`, `estimated`, and in seconds `encrypt`, `evaluate`, `decrypt`, `total`) and `costs`. Plans of
/// layouts near the best that are not there yet are searched for, which takes seconds each, or half a minute for a thousand
/// outputs; the evaluator keeps them. For the rest multiplications are `estimated`.
///
/// `nonces` is one of TACITA_PLAN_.... `progress` is told the steps of each search, and may be NULL. `user_data` is handed to
/// it, and may be NULL.
/// Threads: any number may share `evaluator` and `costs`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT, TOO_LARGE, CANCELLED, THREADS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_plan_for_evaluator(
    evaluator: *const tacita_evaluator,
    costs: *const tacita_costs,
    records: usize,
    nonces: u32,
    progress: tacita_progress,
    user_data: *mut c_void,
    json_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (evaluator, costs, listener, out) = unsafe {
            (
                borrow("evaluator", evaluator)?,
                borrow("costs", costs)?,
                Listener::new(progress, user_data),
                room("json_out", json_out, 1)?,
            )
        };
        let nonces = job(records, nonces)?;
        let forecasts =
            listener.relay_plan(|progress| evaluator.forecasts_with_progress(costs, records, nonces, progress))?;
        out.give(explain(records, costs, forecasts)?)
    })
}

/// Predicts the same for whoever knows the spec alone: all multiplications are estimated.
///
/// `nonces` and the text as in `tacita_plan_for_evaluator`.
/// Threads: any number may share `spec` and `costs`.
/// Fails with: NULL_POINTER, WRONG_HANDLE, ARGUMENT, TOO_LARGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_plan_for_spec(
    spec: *const tacita_spec,
    costs: *const tacita_costs,
    records: usize,
    nonces: u32,
    json_out: *mut *mut tacita_bytes,
) -> tacita_status {
    guard(|| {
        // SAFETY: the conventions.
        let (spec, costs, out) =
            unsafe { (borrow("spec", spec)?, borrow("costs", costs)?, room("json_out", json_out, 1)?) };
        let nonces = job(records, nonces)?;
        let estimate = UnitCosts::estimated_multiplications(spec);
        let forecasts = costs.forecasts(spec, records, nonces, |_| Ok(estimate))?;
        let forecasts = forecasts.into_iter().map(|forecast| (forecast, false)).collect();
        out.give(explain(records, costs, forecasts)?)
    })
}

/// Frees costs; NULL and handles of other types are left alone.
///
/// Threads: no other call may still use `costs`. Never fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tacita_costs_free(costs: *mut tacita_costs) {
    guard_or((), || {
        // SAFETY: the conventions.
        unsafe { free(costs) }
    })
}
