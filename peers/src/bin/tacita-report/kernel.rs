//! How many multiply-adds of eight lanes the kernels of the engine `ifma` take.

/// Limbs of a block, in whole numbers of which the kernels compute.
const BLOCK: u64 = 5;

/// 52-bit limbs of a modulus m, R > 16 m.
pub fn limbs(bits: u32) -> u64 {
    u64::from((bits + 4).div_ceil(52)).next_multiple_of(BLOCK)
}

/// By the schoolbook: for `mul` three products and two reductions, for `sqr` a square, a product and two reductions.
pub fn schoolbook(op: &str, limbs: u64) -> u64 {
    let reductions = 4 * limbs * limbs;
    reductions + if op == "mul" { 3 * product(limbs, 0) } else { square(limbs, 0) + product(limbs, 0) }
}

/// The same with the products by Karatsuba's method as far as the kernels take it; reductions stay as they are.
pub fn karatsuba(op: &str, limbs: u64) -> u64 {
    let reductions = 4 * limbs * limbs;
    reductions + if op == "mul" { 3 * product(limbs, 2) } else { square(limbs, 2) + product(limbs, 2) }
}

fn halves(limbs: u64, least: u64) -> bool {
    limbs >= least * BLOCK && limbs.is_multiple_of(2 * BLOCK)
}

fn product(limbs: u64, levels: u32) -> u64 {
    if levels > 0 && halves(limbs, 4) { 3 * product(limbs / 2, levels - 1) } else { 2 * limbs * limbs }
}

fn square(limbs: u64, levels: u32) -> u64 {
    if levels > 0 && halves(limbs, 6) { 3 * square(limbs / 2, levels - 1) } else { limbs * limbs + limbs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schoolbook_counts_are_those_of_the_bench() {
        for bits in [1024, 1536, 2048, 3072, 4096] {
            let theirs = |kernel| tacita::measure::schoolbook(kernel, bits);
            assert_eq!(schoolbook("mul", limbs(bits)), theirs(tacita::measure::Kernel::Product));
            assert_eq!(schoolbook("sqr", limbs(bits)), theirs(tacita::measure::Kernel::Square));
        }
    }

    #[test]
    fn two_levels_of_karatsuba_save_a_quarter_at_3072_bits() {
        assert_eq!([karatsuba("mul", 60), karatsuba("sqr", 60)], [26_550, 20_610]);
        assert_eq!([karatsuba("mul", 20), karatsuba("sqr", 20)], [3_400, schoolbook("sqr", 20) - 200]);
    }
}
