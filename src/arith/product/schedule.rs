//! The order in which a program runs: bundles of steps that do not wait for one another.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

use super::program::Program;

/// Steps in a bundle: as many as the widest engine has lanes. Narrower ones take a bundle in several goes.
pub(super) const BUNDLE: usize = 8;

/// Bundles between a step and its users where there is a choice, so that threads seldom wait for one another.
const DISTANCE: usize = 4;

/// Bundles that an inversion takes the time of, about.
const INVERSION: usize = 64;

/// Steps in a stretch. Dead values are freed at its end, so a program's memory is what lives on plus one stretch; a
/// residue modulo the square of a 3072-bit number has a kilobyte.
const STRETCH: usize = 1 << 14;

/// One step: value `out` is the product of two values, or, if `right` is `out` itself, the inverse of `left`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) out: u32,
}

impl Step {
    pub(super) fn is_inverse(self) -> bool {
        self.right == self.out
    }

    pub(super) fn is_square(self) -> bool {
        self.left == self.right
    }
}

/// Bundles one after another, and the values that nobody needs behind each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) bundles: Range<usize>,
    pub(super) dead: Vec<u32>,
}

/// A program in the order in which it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    steps: Vec<Step>,
    /// Where the bundles end in `steps`.
    ends: Vec<usize>,
    pub(super) stretches: Vec<Stretch>,
    /// Number of values, inputs included.
    pub(super) values: usize,
}

impl Schedule {
    /// The program in bundles: the step with the longest way to the end first, among those of one stretch of the program.
    pub(super) fn new(program: &Program, outputs: &[u32]) -> Self {
        let values = program.inputs + program.steps.len();
        let step = |index: usize| {
            let [left, right] = program.steps[index];
            Step { left, right, out: (program.inputs + index) as u32 }
        };
        let users = Users::new(program);
        let mut heights = vec![0_usize; program.steps.len()];
        for index in (0..heights.len()).rev() {
            let own = if step(index).is_inverse() { INVERSION } else { 1 };
            let after = users.of(program.inputs + index).iter().map(|&user| heights[user as usize]).max();
            heights[index] = own + after.unwrap_or(0);
        }
        let mut missing = vec![0_u8; program.steps.len()];
        for input in program.inputs..values {
            users.of(input).iter().for_each(|&user| missing[user as usize] += 1);
        }

        let rank = |index: usize| (Reverse(index / STRETCH), heights[index], Reverse(index));
        let mut ready: BinaryHeap<_> = (0..missing.len()).filter(|&index| missing[index] == 0).map(rank).collect();
        // Steps whose factors are on their way, with the bundle from which on they are surely there.
        let mut coming = VecDeque::new();
        let (mut steps, mut ends) = (Vec::with_capacity(missing.len()), Vec::new());
        while steps.len() < missing.len() {
            let now = ends.len();
            while coming.front().is_some_and(|&(from, _)| from <= now) {
                let (_, index) = coming.pop_front().expect("there is a front");
                ready.push(rank(index));
            }
            let mut taken = Vec::with_capacity(BUNDLE);
            while taken.len() < BUNDLE {
                let next = ready.pop().map(|(_, _, Reverse(index))| index);
                let Some(index) = next.or_else(|| coming.pop_front().map(|(_, index)| index)) else { break };
                if step(index).is_inverse() && !taken.is_empty() {
                    ready.push(rank(index));
                    break;
                }
                taken.push(index);
                if step(index).is_inverse() {
                    break;
                }
            }
            assert!(!taken.is_empty(), "a program's steps are in order");
            let delay = if step(taken[0]).is_inverse() { INVERSION } else { DISTANCE };
            for &index in &taken {
                steps.push(step(index));
                for &user in users.of(program.inputs + index) {
                    missing[user as usize] -= 1;
                    if missing[user as usize] == 0 {
                        let at = coming.partition_point(|&(from, _)| from <= now + delay);
                        coming.insert(at, (now + delay, user as usize));
                    }
                }
            }
            ends.push(steps.len());
        }
        let stretches = stretches(&steps, &ends, outputs, values);
        Self { steps, ends, stretches, values }
    }

    /// The steps of a bundle, which do not depend on one another.
    pub(super) fn bundle(&self, index: usize) -> &[Step] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.steps[start..self.ends[index]]
    }
}

/// Which steps use a value.
struct Users {
    starts: Vec<u32>,
    users: Vec<u32>,
}

impl Users {
    fn new(program: &Program) -> Self {
        let values = program.inputs + program.steps.len();
        let mut starts = vec![0_u32; values + 1];
        // A square uses its root once, an inverse itself not at all.
        let factors = |index: usize| {
            let [left, right] = program.steps[index];
            let second = right != left && right as usize != program.inputs + index;
            [Some(left), second.then_some(right)].into_iter().flatten()
        };
        for index in 0..program.steps.len() {
            factors(index).for_each(|factor| starts[factor as usize + 1] += 1);
        }
        for value in 0..values {
            starts[value + 1] += starts[value];
        }
        let mut next = starts.clone();
        let mut users = vec![0; starts[values] as usize];
        for index in 0..program.steps.len() {
            for factor in factors(index) {
                users[next[factor as usize] as usize] = index as u32;
                next[factor as usize] += 1;
            }
        }
        Self { starts, users }
    }

    fn of(&self, value: usize) -> &[u32] {
        &self.users[self.starts[value] as usize..self.starts[value + 1] as usize]
    }
}

fn stretches(steps: &[Step], ends: &[usize], outputs: &[u32], values: usize) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut first = 0;
    for (bundle, &end) in ends.iter().enumerate() {
        let start = if first == 0 { 0 } else { ends[first - 1] };
        if end - start >= STRETCH || bundle + 1 == ends.len() {
            stretches.push(Stretch { bundles: first..bundle + 1, dead: Vec::new() });
            first = bundle + 1;
        }
    }
    // From the end: the first stretch in which a value is seen is the last that needs it.
    let mut seen = vec![false; values];
    outputs.iter().for_each(|&output| seen[output as usize] = true);
    for stretch in stretches.iter_mut().rev() {
        let start = if stretch.bundles.start == 0 { 0 } else { ends[stretch.bundles.start - 1] };
        for step in &steps[start..ends[stretch.bundles.end - 1]] {
            for value in [step.left, step.right] {
                if !std::mem::replace(&mut seen[value as usize], true) {
                    stretch.dead.push(value);
                }
            }
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::super::program::Builder;
    use super::*;

    impl Schedule {
        /// Share of the lanes of its bundles that have work.
        pub(in super::super) fn fullness(&self) -> f64 {
            self.steps.len() as f64 / (BUNDLE * self.ends.len()) as f64
        }
    }

    /// Runs a schedule on plain numbers modulo 2^61 - 1, forgetting what is dead, and compares with the program.
    fn runs(program: Program, outputs: &[u32]) -> Schedule {
        let prime = (1_u128 << 61) - 1;
        let inverse = |x: u128| {
            let (mut power, mut square, mut exponent) = (1, x, prime - 2);
            while exponent > 0 {
                if exponent & 1 == 1 {
                    power = power * square % prime;
                }
                square = square * square % prime;
                exponent >>= 1;
            }
            power
        };
        let mut expected: Vec<u128> = (2..2 + program.inputs as u128).collect();
        for (itself, &[left, right]) in (program.inputs..).zip(&program.steps) {
            let left = expected[left as usize];
            expected.push(if right as usize == itself {
                inverse(left)
            } else {
                left * expected[right as usize] % prime
            });
        }
        let schedule = Schedule::new(&program, outputs);
        let mut values: Vec<_> = expected[..program.inputs].iter().copied().map(Some).collect();
        values.resize(schedule.values, None);
        for stretch in &schedule.stretches {
            for bundle in stretch.bundles.clone() {
                let steps = schedule.bundle(bundle);
                assert!((1..=BUNDLE).contains(&steps.len()));
                let computed: Vec<_> = steps
                    .iter()
                    .map(|step| {
                        let left = values[step.left as usize].expect("it is there, and not dead");
                        if step.is_inverse() {
                            assert_eq!(steps.len(), 1);
                            inverse(left)
                        } else {
                            left * values[step.right as usize].expect("it is there, and not dead") % prime
                        }
                    })
                    .collect();
                for (step, value) in steps.iter().zip(computed) {
                    assert_eq!(values[step.out as usize].replace(value), None, "a value is computed once");
                }
            }
            for &dead in &stretch.dead {
                assert!(values[dead as usize].take().is_some(), "what dies was there");
            }
        }
        for &output in outputs {
            assert_eq!(values[output as usize], Some(expected[output as usize]));
        }
        schedule
    }

    #[test]
    fn a_program_runs_as_it_is_written_whatever_its_length() {
        let mut state = 1_u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % bound
        };
        for length in [0, 1, 7, 8, 9, 100, STRETCH, 3 * STRETCH + 5] {
            let mut builder = Builder::new(5);
            for step in 0..length {
                let mut factor = || (5 + step - 1 - below((5 + step).min(60))) as u32;
                let (left, right) = (factor(), factor());
                if step % 777 == 500 {
                    builder.inverse(left)
                } else {
                    builder.mul(left, right)
                };
            }
            let last = 5 + length as u32 - 1;
            runs(builder.finish(), &[last, 0, last / 2]);
        }
    }

    #[test]
    fn independent_steps_fill_their_bundles_and_dead_values_go() {
        let mut builder = Builder::new(1000);
        let columns: Vec<u32> = (0..1000).collect();
        let mut products = Vec::new();
        for shift in 0..100 {
            products.push(builder.product(&columns[shift..shift + 700]).unwrap());
        }
        let schedule = runs(builder.finish(), &products);
        assert!(schedule.fullness() > 0.999, "{}", schedule.fullness());
        let dead: usize = schedule.stretches.iter().map(|stretch| stretch.dead.len()).sum();
        assert!(
            dead > 60_000 && schedule.stretches.len() > 3,
            "{dead} values in {} stretches",
            schedule.stretches.len()
        );
    }
}
