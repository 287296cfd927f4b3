//! What a job will take in each layout, from the costs of its parts.

use std::fmt;

use serde::Serialize;

use super::costs::steps;
use super::{Cost, Evaluator, UnitCosts, evaluator};
use crate::arith::Backend;
use crate::encoding::{Batch, Layout, Packing};
use crate::error::Result;
use crate::model::PublicSpec;
use crate::progress::{OnSharedProgress, go_on};

/// Where nonces come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nonces {
    /// The encryptor has the secret key.
    #[default]
    Secret,
    /// The encryptor has the public key only.
    Public,
    /// Both sides have made enough of them beforehand.
    Pool,
}

/// What a job takes in one layout.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Forecast {
    /// The layout.
    #[serde(serialize_with = "text")]
    pub layout: Layout,
    /// Ciphertexts of the request.
    pub request_ciphertexts: u64,
    /// Ciphertexts of the response.
    pub response_ciphertexts: u64,
    /// Bytes of the request's ciphertexts alone: its header, public key and key proof come on top.
    pub request_bytes: u64,
    /// Bytes of the response's ciphertexts alone.
    pub response_bytes: u64,
    /// Multiplications of the planned linear layer, for all batches.
    pub multiplications: u64,
    /// Seconds of the encryptor.
    pub encrypt: f64,
    /// Seconds of the evaluator.
    pub evaluate: f64,
    /// Seconds of the decryptor.
    pub decrypt: f64,
}

impl Forecast {
    /// Seconds of all three.
    pub fn total(&self) -> f64 {
        self.encrypt + self.evaluate + self.decrypt
    }
}

fn text<S: serde::Serializer>(layout: &impl fmt::Display, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(layout)
}

impl UnitCosts {
    /// What `records` records take in each layout of a spec that fits the key, the quickest first. `multiplications` tells
    /// those of a batch: [`Evaluator::multiplications`], or
    /// [`estimated_multiplications`](Self::estimated_multiplications) where the model is not known.
    /// [`Evaluator::forecasts`] does both.
    ///
    /// ```
    /// # use tacita::encoding::{Feature, Features, Grid};
    /// # use tacita::inference::{Evaluator, Nonces, UnitCosts};
    /// # use tacita::model::{PrivateModel, QuantiseOptions};
    /// # use tacita::network::{Activation, Affine};
    /// # use tacita::paillier::{KeySize, SecretKey};
    /// # let affine = Affine::new(64, vec![0.5; 64], vec![0.0])?;
    /// # let features = Features::new([Feature::run("pixel", 64, Grid::new(0.0, 1.0, 0, 255)?)])?;
    /// # let options = QuantiseOptions::default();
    /// # let (model, _) = PrivateModel::compile(&affine, features, &["y"], Activation::Sigmoid, "patch", options)?;
    /// let evaluator = Evaluator::new(model);
    /// let costs = UnitCosts::measure(&SecretKey::generate(KeySize::Bits2048)?)?;
    /// let forecasts =
    ///     costs.forecasts(evaluator.spec(), 1, Nonces::Secret, |layout| evaluator.multiplications(layout))?;
    /// assert!(forecasts[0].request_ciphertexts < 64); // one record is best off in a features layout
    /// # Ok::<(), tacita::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `multiplications` fails with; [`Error::Argument`](crate::Error::Argument) if not even the records layout fits
    /// the key.
    pub fn forecasts(
        &self,
        spec: &PublicSpec,
        records: usize,
        nonces: Nonces,
        mut multiplications: impl FnMut(Layout) -> Result<usize>,
    ) -> Result<Vec<Forecast>> {
        spec.packing(Layout::Records, self.bits)?;
        let mut forecasts = Vec::new();
        for layout in spec.layouts() {
            // Specs list layouts for all lengths of keys.
            let Ok(packing) = spec.packing(layout, self.bits) else { continue };
            forecasts.push(self.forecast(spec, &packing, records, nonces, multiplications(layout)?));
        }
        forecasts.sort_by(|x, y| x.total().total_cmp(&y.total()));
        Ok(forecasts)
    }

    /// The multiplications of a batch in any layout, where the model is not known: seven for eight
    /// weights. Plans of 10 x 784 weights of 8 bits take from five to seven.
    pub fn estimated_multiplications(spec: &PublicSpec) -> usize {
        spec.features().len() * spec.labels().len() * 7 / 8
    }

    fn forecast(
        &self,
        spec: &PublicSpec,
        packing: &Packing,
        records: usize,
        nonces: Nonces,
        multiplications: usize,
    ) -> Forecast {
        let (features, rows) = (spec.features().len(), spec.labels().len());
        let bytes = u64::from(self.bits) / 4;
        let (up, down) = (packing.request_ciphertexts(records, features), packing.response_ciphertexts(records, rows));
        let batches = packing.batches(records);
        let mut forecast = Forecast {
            layout: packing.layout(),
            request_ciphertexts: up,
            response_ciphertexts: down,
            request_bytes: up.saturating_mul(bytes),
            response_bytes: down.saturating_mul(bytes),
            multiplications: (multiplications as u64).saturating_mul(batches.len() as u64),
            encrypt: up as f64 * self.wire,
            // What comes is hashed as well.
            evaluate: up as f64 * self.wire,
            decrypt: self.check + down as f64 * self.check_each + self.decrypt(down as usize),
        };
        // All batches are alike but the last.
        let full = records / packing.capacity();
        let first = packing.batches(records.min(packing.capacity())).next();
        let last = packing.batches(records % packing.capacity()).next();
        for (batch, times) in [(first.filter(|_| full > 0), full), (last, 1)] {
            let Some(batch) = batch else { continue };
            let columns = packing.columns(features);
            forecast.encrypt += times as f64 * self.encrypt(columns, nonces);
            forecast.evaluate += times as f64 * self.evaluate(&batch, times, rows, columns, nonces, multiplications);
        }
        forecast
    }

    fn encrypt(&self, count: usize, nonces: Nonces) -> f64 {
        let (cost, threads) = match nonces {
            // Both primes work at the same time.
            Nonces::Secret => (self.encrypt_secret, (self.threads / 2).max(1)),
            Nonces::Public => (self.encrypt_public, self.threads),
            Nonces::Pool => return self.spread(self.encrypt_ready, count, self.threads),
        };
        self.spread_with(Backend::bundled_powers, cost, count, threads)
    }

    fn decrypt(&self, count: usize) -> f64 {
        self.spread(self.decrypt, count, (self.threads / 2).max(1))
    }

    /// One batch of `times` alike, as the evaluator does it.
    fn evaluate(
        &self,
        batch: &Batch,
        times: usize,
        rows: usize,
        columns: usize,
        nonces: Nonces,
        multiplications: usize,
    ) -> f64 {
        let parts: Vec<_> = batch.responses(rows).collect();
        // As many batches as there are threads, if there are, share what does not fill the threads.
        let side_by_side = times.min(self.threads);
        let check = self.check / side_by_side as f64 + columns as f64 * self.check_each;
        let rows = parts.iter().map(|part| part.coefficients().len()).sum::<usize>();
        let layer =
            self.layer / side_by_side as f64 + steps(columns, multiplications) * self.step + rows as f64 * self.row;
        let spread = |cost| self.spread(cost, parts.len() * side_by_side, self.threads) / side_by_side as f64;
        let length = parts.first().map_or(0, |part| part.coefficients().len());
        let squarings = (length.max(1) - 1) as f64 * f64::from(batch.shift());
        let pack = self.pack.plus(self.pack_next, length as f64 - 1.0);
        let pool = nonces == Nonces::Pool;
        if !pool && evaluator::packs_with_nonces(batch.shift(), length, self.bits) {
            let more = (squarings - f64::from(self.bits)).max(0.0);
            return check + layer + spread(self.nth_power.plus(pack, 1.0).plus(self.square, more));
        }
        let ahead = times.div_ceil(times.div_ceil(evaluator::batches_ahead(self.threads)));
        let powers = if pool { 0 } else { ahead * parts.len() };
        let rows = check + layer;
        let first = self.beside(powers, side_by_side as f64 * rows);
        let rows = (first + (ahead - side_by_side) as f64 * rows) / ahead as f64;
        // Concealing a packed number is a product more.
        rows + spread(pack.plus(self.square, squarings)) + spread(self.pack)
    }

    /// So many powers r^n, and linear layers with the reading of their ciphertexts, side by side.
    fn beside(&self, powers: usize, layers: f64) -> f64 {
        let (lanes, threads) = (self.backend.lanes(), self.threads);
        let bundled = self.backend.bundled(powers, threads);
        let longest = self.nth_power.of(powers, bundled, lanes, threads);
        // Bundles that the threads would wait for leave their products to others.
        let shared = lanes > 1 && (1..threads).contains(&bundled.div_ceil(lanes));
        let longest = if shared { longest * SQUARINGS_SHARE } else { longest };
        longest.max(self.nth_power.work(powers, bundled, lanes) / threads as f64 + layers)
    }

    fn spread(&self, cost: Cost, count: usize, threads: usize) -> f64 {
        self.spread_with(Backend::bundled, cost, count, threads)
    }

    /// With what goes into bundles as `bundled` has it.
    fn spread_with(&self, bundled: BundledBy, cost: Cost, count: usize, threads: usize) -> f64 {
        // A single job stays on its thread.
        let threads = if count < 2 { 1 } else { threads };
        cost.of(count, bundled(self.backend, count, threads), self.backend.lanes(), threads)
    }
}

impl Evaluator {
    /// What `records` records take in each layout, the quickest first, and whether the multiplications are those of a plan:
    /// plans are searched for the layouts that are near the best. The others' are estimated, because a search takes seconds.
    ///
    /// # Errors
    /// As [`UnitCosts::forecasts`].
    pub fn forecasts(&self, costs: &UnitCosts, records: usize, nonces: Nonces) -> Result<Vec<(Forecast, bool)>> {
        self.forecasts_with_progress(costs, records, nonces, &mut go_on)
    }

    /// [`forecasts`](Self::forecasts) that tells how far it is, search by search.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) if `progress` breaks; otherwise as [`forecasts`](Self::forecasts).
    pub fn forecasts_with_progress(
        &self,
        costs: &UnitCosts,
        records: usize,
        nonces: Nonces,
        progress: OnSharedProgress,
    ) -> Result<Vec<(Forecast, bool)>> {
        self.prepare_with_progress(Layout::Records, progress)?;
        let is_planned = |layout| self.is_planned(layout);
        loop {
            // Plans that are not there are taken for the mean of those that are, among them that of the records layout.
            let planned = self.spec().layouts().filter(|&layout| is_planned(layout));
            let known = planned.map(|layout| self.multiplications(layout)).collect::<Result<Vec<_>>>()?;
            let estimate = known.iter().sum::<usize>() / known.len();
            let multiplications = |layout| if is_planned(layout) { self.multiplications(layout) } else { Ok(estimate) };
            let forecasts = costs.forecasts(self.spec(), records, nonces, multiplications)?;
            let longest = NEAR * forecasts[0].total();
            let mut unplanned = forecasts.iter().filter(|x| x.total() <= longest && !is_planned(x.layout)).peekable();
            if unplanned.peek().is_none() {
                return Ok(forecasts.into_iter().map(|forecast| (forecast, is_planned(forecast.layout))).collect());
            }
            for forecast in unplanned {
                self.prepare_with_progress(forecast.layout, progress)?;
            }
        }
    }
}

/// How many of so many jobs go into bundles on so many threads.
type BundledBy = fn(Backend, usize, usize) -> usize;

/// Share of squares in the time of an n-th power.
const SQUARINGS_SHARE: f64 = 0.84;

/// A layout whose time is not above the best one's by this factor is near the best.
const NEAR: f64 = 1.1;

#[cfg(test)]
mod tests {
    use super::super::costs::stand_in;
    use super::*;
    use crate::encoding::{Feature, Features, Grid};
    use crate::model::{PrivateModel, QuantiseOptions};
    use crate::network::{Activation, Affine};

    fn model() -> PrivateModel {
        let weights: Vec<_> = stand_in(300).iter().map(|&w| f64::from(w)).collect();
        let affine = Affine::new(100, weights, vec![0.0; 3]).unwrap();
        let features = Features::new([Feature::run("x", 100, Grid::new(0.0, 1.0, 0, 255).unwrap())]).unwrap();
        let options = QuantiseOptions::default();
        let labels = ["a", "b", "c"];
        PrivateModel::compile(&affine, features, &labels, Activation::Softmax, "m", options).unwrap().0
    }

    fn spec() -> PublicSpec {
        model().spec().clone()
    }

    /// Costs in which a response is a hundred encryptions.
    fn costs() -> UnitCosts {
        let cost = |one: f64| Cost { one, bundle: one, next: one };
        UnitCosts {
            bits: 2048,
            backend: Backend::Portable,
            threads: 1,
            encrypt_secret: cost(1.0),
            encrypt_public: cost(2.0),
            encrypt_ready: cost(0.1),
            nth_power: cost(80.0),
            decrypt: cost(20.0),
            check: 0.0,
            check_each: 0.0,
            wire: 0.0,
            step: 0.01,
            row: 0.0,
            layer: 0.0,
            pack: cost(0.01),
            pack_next: cost(0.01),
            square: cost(0.01),
        }
    }

    fn forecasts(records: usize, nonces: Nonces) -> Vec<Forecast> {
        costs().forecasts(&spec(), records, nonces, |_| Ok(UnitCosts::estimated_multiplications(&spec()))).unwrap()
    }

    #[test]
    fn few_records_share_by_features_and_many_by_records() {
        let [one, many] = [1, 1000].map(|records| forecasts(records, Nonces::Secret));
        assert_ne!(one[0].layout, Layout::Records);
        assert_eq!(many[0].layout, Layout::Records);
        for forecasts in [&one, &many] {
            assert!(forecasts.is_sorted_by(|x, y| x.total() <= y.total()));
            assert!(forecasts.iter().any(|forecast| forecast.layout == Layout::Records));
        }
    }

    #[test]
    fn an_evaluator_plans_what_may_be_the_best() {
        let evaluator = Evaluator::new(model());
        let forecasts = evaluator.forecasts(&costs(), 1, Nonces::Secret).unwrap();
        assert!(forecasts[0].1, "the best is planned");
        for (forecast, planned) in forecasts {
            let layout = forecast.layout;
            assert_eq!(planned, evaluator.is_planned(layout));
            assert!(!planned || forecast.multiplications == evaluator.multiplications(layout).unwrap() as u64);
        }
    }

    #[test]
    fn the_best_is_found_whether_plans_are_long_or_short() {
        let compile = |weights: Vec<f64>, bits| {
            let affine = Affine::new(100, weights, vec![0.0; 3]).unwrap();
            let features = Features::new([Feature::run("x", 100, Grid::new(0.0, 1.0, 0, 255).unwrap())]).unwrap();
            let options = QuantiseOptions { bits };
            PrivateModel::compile(&affine, features, &["a", "b", "c"], Activation::Softmax, "m", options).unwrap().0
        };
        let long = stand_in(600).chunks(2).map(|w| f64::from(w[0] << 8 | (w[1] & 255))).collect();
        let short = (0..300).map(|i| f64::from(u8::from(i % 7 == 0))).collect();
        for (model, nonces) in [(compile(long, 16), Nonces::Secret), (compile(short, 2), Nonces::Pool)] {
            let every = Evaluator::new(model.clone());
            every.spec().layouts().for_each(|layout| every.prepare(layout).unwrap());
            for step in [0.01, 0.1, 1.0] {
                let costs = UnitCosts { step, ..costs() };
                let (best, _) = every.forecasts(&costs, 1, nonces).unwrap()[0];
                let (found, planned) = Evaluator::new(model.clone()).forecasts(&costs, 1, nonces).unwrap()[0];
                assert!(planned && found.total() <= NEAR * best.total(), "{found:?}, {best:?}");
            }
        }
    }

    #[test]
    fn the_rule_of_thumb_agrees_about_few_and_many() {
        let best = |records| spec().best_layout(2048, records).unwrap();
        assert!(matches!(best(1), Layout::Features { together } if together < 50));
        assert_eq!(best(1000), Layout::Records);
        assert!(spec().best_layout(16, 1).is_err());
    }

    #[test]
    fn ciphertexts_and_bytes_are_those_of_the_packing() {
        for forecast in forecasts(10, Nonces::Secret) {
            let packing = spec().packing(forecast.layout, 2048).unwrap();
            let ciphertexts = [packing.request_ciphertexts(10, 100), packing.response_ciphertexts(10, 3)];
            assert_eq!([forecast.request_ciphertexts, forecast.response_ciphertexts], ciphertexts);
            assert_eq!([forecast.request_bytes, forecast.response_bytes], ciphertexts.map(|count| 512 * count));
        }
    }

    #[test]
    fn work_grows_with_records_and_shrinks_with_nonces_at_hand() {
        let total = |records, nonces| forecasts(records, nonces).iter().map(Forecast::total).sum::<f64>();
        assert!(total(1000, Nonces::Secret) > 4.0 * total(200, Nonces::Secret));
        assert!(
            total(1, Nonces::Pool) < total(1, Nonces::Secret) && total(1, Nonces::Secret) < total(1, Nonces::Public)
        );
    }
}
