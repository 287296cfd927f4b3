//! Whether two classes of times differ: Welch's t, also of what is left when slow outliers are cropped.

/// Times of two classes, in the order in which they were taken.
#[derive(Default)]
pub(crate) struct Times {
    fixed: Vec<f64>,
    random: Vec<f64>,
}

impl Times {
    pub(crate) fn add(&mut self, is_fixed: bool, time: f64) {
        if is_fixed { self.fixed.push(time) } else { self.random.push(time) }
    }

    /// The t that is farthest from 0, over all measurements and over those below each of some percentiles of all: a
    /// dependence may hide under interrupts, and one in rare events shows only without cropping. The percentiles are those
    /// of Reparaz, Balasch and Verbauwhede (2017), 1 - 2^(-i/10).
    pub(crate) fn largest_t(&self) -> f64 {
        /// Fewer in a class say nothing.
        const FEWEST: usize = 200;
        let mut sorted = [&self.fixed[..], &self.random].concat();
        sorted.sort_by(f64::total_cmp);
        let percentile = |i: i32| sorted[((1.0 - (-f64::from(i) / 10.0).exp2()) * sorted.len() as f64) as usize];
        let limits = (1..=100).map(percentile).chain([f64::INFINITY]);
        let t = limits.filter_map(|limit| {
            let [fixed, random] = [&self.fixed, &self.random].map(|class| Moments::of(class, limit));
            (fixed.count.min(random.count) >= FEWEST).then(|| welch(&fixed, &random))
        });
        t.fold(0.0, |most, t| if t.abs() > most.abs() { t } else { most })
    }
}

struct Moments {
    count: usize,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Of the numbers up to a limit.
    fn of(numbers: &[f64], limit: f64) -> Self {
        let below = || numbers.iter().filter(|&&number| number <= limit);
        let count = below().count();
        let mean = below().sum::<f64>() / count as f64;
        let variance = below().map(|number| (number - mean).powi(2)).sum::<f64>() / (count as f64 - 1.0);
        Self { count, mean, variance }
    }
}

fn welch(x: &Moments, y: &Moments) -> f64 {
    let difference = x.mean - y.mean;
    let deviation = (x.variance / x.count as f64 + y.variance / y.count as f64).sqrt();
    // Times in whole nanoseconds may all be alike.
    if difference == 0.0 { 0.0 } else { difference / deviation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_is_what_the_formula_says() {
        let moments = |numbers: &[f64]| Moments::of(numbers, f64::INFINITY);
        let (x, y) = (moments(&[1.0, 2.0, 3.0, 4.0]), moments(&[2.0, 4.0, 6.0]));
        // Means 2.5 and 4, variances 5/3 and 4.
        let expected = -1.5 / (5.0 / 12.0 + 4.0 / 3.0_f64).sqrt();
        assert!((welch(&x, &y) - expected).abs() < 1e-12);
    }

    #[test]
    fn a_difference_under_outliers_is_found_and_noise_is_none() {
        // A generator of its own, so that the numbers are the same each time.
        let mut state = 1_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1_u64 << 31) as f64
        };
        for (shift, found) in [(0.0, false), (0.1, true)] {
            let mut times = Times::default();
            for _ in 0..20_000 {
                let is_fixed = noise() < 0.5;
                let interrupt = if noise() < 0.01 { 1e5 * noise() } else { 0.0 };
                times.add(is_fixed, 100.0 + noise() + interrupt + if is_fixed { shift } else { 0.0 });
            }
            assert_eq!(times.largest_t().abs() > 4.5, found, "{}", times.largest_t());
        }
    }
}
