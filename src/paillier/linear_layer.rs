//! A matrix of known integers times a vector of ciphertexts.

use std::fmt;

use super::{Ciphertext, PublicKey};
use crate::arith::{Plan, StoredPlan};
use crate::error::{Error, Result};
use crate::progress::{OnSharedProgress, Steps, go_on};
use crate::secret::Limbs;
use crate::threads;

/// An integer matrix, with the multiplications that apply it to ciphertexts planned ahead.
///
/// ```
/// use tacita::paillier::{LinearLayer, Plaintext, SecretKey};
///
/// let secret = SecretKey::generate_insecure_for_tests(512)?;
/// let public = secret.public_key();
/// let encrypt = |x: i32| secret.encrypt(&Plaintext::new(x, public)?);
/// let layer = LinearLayer::new(3, &[1, -2, 0, /* second row */ 0, 5, 127])?;
/// let sums = layer.apply(public, &[encrypt(10)?, encrypt(4)?, encrypt(-1)?])?;
/// assert_eq!(secret.decrypt(&sums[0])?.to_signed(public), 2);
/// assert_eq!(secret.decrypt(&sums[1])?.to_signed(public), -107);
/// # Ok::<(), tacita::Error>(())
/// ```
#[derive(Clone)]
pub struct LinearLayer(Plan);

/// Without the plan, which tells the weights.
impl fmt::Debug for LinearLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinearLayer").field("columns", &self.0.columns()).finish_non_exhaustive()
    }
}

impl LinearLayer {
    /// Plans the multiplications for row-major weights, `columns` a row. The search takes a few seconds of all cores for
    /// 10 rows of 784, and its time is bounded whatever the matrix. The same weights always get the same plan.
    ///
    /// # Errors
    /// [`Error::Argument`] if there are no weights or no whole number of rows of them; [`Error::Threads`].
    pub fn new(columns: usize, weights: &[i32]) -> Result<Self> {
        if columns == 0 || weights.is_empty() || !weights.len().is_multiple_of(columns) {
            let found = weights.len();
            return Err(Error::Argument(format!("{found} weights do not make whole rows of {columns}, at least one")));
        }
        Self::planned(columns, weights, &mut go_on)
    }

    /// [`new`](Self::new) for weights that are known to make whole rows, with the steps of the search.
    pub(crate) fn planned(columns: usize, weights: &[i32], progress: OnSharedProgress) -> Result<Self> {
        let steps = Steps::new(progress);
        threads::run(|| Plan::new(columns, weights, &steps))?.map(Self)
    }

    /// The layer with a plan from a file, if it is a plan of these weights.
    ///
    /// # Errors
    /// [`Error::Model`] if it is not.
    pub(crate) fn from_stored(columns: usize, weights: &[i32], stored: &StoredPlan) -> Result<Self> {
        let refused = |why| Error::Model(format!("its plan is not one of its weights: {why}"));
        Plan::from_stored(columns, weights, stored).map(Self).map_err(refused)
    }

    /// The plan as files have it.
    pub(crate) fn to_stored(&self) -> StoredPlan<'static> {
        self.0.to_stored()
    }

    /// Makes ready what the first evaluation otherwise would.
    pub(crate) fn prepare(&self) {
        self.0.prepare();
    }

    /// Multiplications and squarings modulo n^2 that the plan takes.
    pub fn multiplications(&self) -> usize {
        self.0.multiplications()
    }

    /// Ciphertexts of the rows' sums, on all cores. Their nonces are made of the weights:
    /// [re-randomise](PublicKey::rerandomise_batch) what leaves the house. The time depends on weights and ciphertexts.
    ///
    /// # Errors
    /// [`Error::Count`] if there is not one ciphertext a column; [`Error::KeyMismatch`] if one belongs to another key.
    pub fn apply(&self, key: &PublicKey, x: &[Ciphertext]) -> Result<Vec<Ciphertext>> {
        Ok(key.as_ciphertexts(self.rows(key, x)?))
    }

    /// [`apply`](Self::apply), the rows left as numbers for those who go on with them.
    pub(crate) fn rows(&self, key: &PublicKey, x: &[Ciphertext]) -> Result<Vec<Limbs>> {
        let columns = key.numbers(x)?;
        if columns.len() != self.0.columns() {
            return Err(Error::Count { what: "ciphertexts of a vector", expected: self.0.columns(), found: x.len() });
        }
        threads::run(|| key.variable_time().evaluate(&self.0, &columns))?
    }
}
