//! Straight-line programs: every step is the product of two earlier values.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Ends;

/// Products of two earlier values. The values are numbered: first the inputs, then one a step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Program {
    pub(super) inputs: usize,
    pub(super) steps: Vec<[u32; 2]>,
}

impl Program {
    /// Number of values.
    pub(super) fn values(&self) -> usize {
        self.inputs + self.steps.len()
    }

    /// Leaves out the steps that no end needs.
    pub(super) fn prune(&mut self, ends: &mut [Ends]) {
        let mut needed = vec![false; self.values()];
        ends.iter().flatten().flatten().for_each(|&end| needed[end as usize] = true);
        for (index, step) in self.steps.iter().enumerate().rev() {
            if needed[self.inputs + index] {
                step.iter().for_each(|&factor| needed[factor as usize] = true);
            }
        }
        let mut place: Vec<u32> = (0..self.inputs as u32).collect();
        let mut next = place.len() as u32;
        for (step, &needed) in self.steps.iter_mut().zip(&needed[self.inputs..]) {
            place.push(next);
            if needed {
                *step = step.map(|factor| place[factor as usize]);
                next += 1;
            }
        }
        let mut needed = needed[self.inputs..].iter();
        self.steps.retain(|_| *needed.next().expect("one a step"));
        ends.iter_mut().flatten().flatten().for_each(|end| *end = place[*end as usize]);
    }
}

/// Writes a program. Products of many factors are taken in the order that keeps the longest chain of steps short, so that
/// many steps stay independent of one another.
#[derive(Debug)]
pub(super) struct Builder {
    program: Program,
    /// Steps on the longest way from an input, one number a value.
    depths: Vec<u32>,
}

impl Builder {
    pub(super) fn new(inputs: usize) -> Self {
        Self { program: Program { inputs, steps: Vec::new() }, depths: vec![0; inputs] }
    }

    pub(super) fn finish(self) -> Program {
        self.program
    }

    pub(super) fn mul(&mut self, left: u32, right: u32) -> u32 {
        let depth = self.depths[left as usize].max(self.depths[right as usize]) + 1;
        self.depths.push(depth);
        self.program.steps.push([left, right]);
        self.depths.len() as u32 - 1
    }

    /// A step that stands for something else than a product: see the [schedule](super::schedule).
    pub(super) fn inverse(&mut self, of: u32) -> u32 {
        let itself = self.depths.len() as u32;
        self.depths.push(self.depths[of as usize] + 1);
        self.program.steps.push([of, itself]);
        itself
    }

    /// The product of all factors; `None` if there are none.
    pub(super) fn product(&mut self, factors: &[u32]) -> Option<u32> {
        if let [one] = factors {
            return Some(*one);
        }
        // The two shallowest first, as in Huffman's code.
        let mut queue: BinaryHeap<_> = factors.iter().map(|&x| Reverse((self.depths[x as usize], x))).collect();
        loop {
            let Reverse((_, left)) = queue.pop()?;
            let Some(Reverse((_, right))) = queue.pop() else { return Some(left) };
            let product = self.mul(left, right);
            queue.push(Reverse((self.depths[product as usize], product)));
        }
    }

    /// base^exponent for a positive exponent.
    pub(super) fn power(&mut self, base: u32, exponent: u64) -> u32 {
        let mut power = base;
        for bit in (0..exponent.ilog2()).rev() {
            power = self.mul(power, power);
            if exponent >> bit & 1 == 1 {
                power = self.mul(power, base);
            }
        }
        power
    }
}
