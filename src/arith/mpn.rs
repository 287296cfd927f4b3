//! Thin safe wrappers of GMP's low-level functions on limb slices, least significant limb first.
//!
//! Each wrapper checks the lengths and that outputs do not overlap inputs (slices of Rust cannot, where GMP demands it).
//! The `sec_` functions take time that depends on the lengths only (GMP manual, "Low-level Functions for cryptography");
//! so do `add_n`, `sub_n`, `addmul_1` and `lshift`, of which the `sec_` functions are made.
#![allow(unsafe_code)]

use gmp_mpfr_sys::gmp;

const _: () = assert!(gmp::LIMB_BITS == 64 && gmp::NAIL_BITS == 0, "tacita needs 64-bit limbs");

fn size(limbs: &[u64]) -> gmp::size_t {
    limbs.len() as gmp::size_t
}

/// `out` = x * y, both of n limbs, `out` of 2n. Time may depend on the values.
pub(super) fn mul_n(out: &mut [u64], x: &[u64], y: &[u64]) {
    assert!(!x.is_empty() && x.len() == y.len() && out.len() == 2 * x.len());
    // SAFETY: n > 0, both inputs hold n limbs, `out` holds 2n and, being a unique borrow, overlaps neither.
    unsafe { gmp::mpn_mul_n(out.as_mut_ptr(), x.as_ptr(), y.as_ptr(), size(x)) }
}

/// `out` = x^2, x of n limbs, `out` of 2n. Time may depend on the value.
pub(super) fn sqr(out: &mut [u64], x: &[u64]) {
    assert!(!x.is_empty() && out.len() == 2 * x.len());
    // SAFETY: n > 0, `x` holds n limbs, `out` holds 2n and, being a unique borrow, does not overlap it.
    unsafe { gmp::mpn_sqr(out.as_mut_ptr(), x.as_ptr(), size(x)) }
}

/// Limbs of scratch that [`sec_mul`] and [`sec_sqr`] want for factors of n limbs.
pub(super) fn sec_mul_itch(n: usize) -> usize {
    let n = n as gmp::size_t;
    // SAFETY: both functions only compute a number from their argument.
    unsafe { gmp::mpn_sec_mul_itch(n, n).max(gmp::mpn_sec_sqr_itch(n)) as usize }
}

/// `out` = x * y in constant time, both of n limbs, `out` of 2n, `scratch` of [`sec_mul_itch`].
pub(super) fn sec_mul(out: &mut [u64], x: &[u64], y: &[u64], scratch: &mut [u64]) {
    assert!(!x.is_empty() && x.len() == y.len() && out.len() == 2 * x.len());
    assert!(scratch.len() >= sec_mul_itch(x.len()));
    // SAFETY: n > 0, both inputs hold n limbs, `out` holds 2n, `scratch` is long enough, and unique borrows overlap
    // nothing.
    unsafe {
        gmp::mpn_sec_mul(out.as_mut_ptr(), x.as_ptr(), size(x), y.as_ptr(), size(y), scratch.as_mut_ptr());
    }
}

/// `out` = x^2 in constant time, x of n limbs, `out` of 2n, `scratch` of [`sec_mul_itch`].
pub(super) fn sec_sqr(out: &mut [u64], x: &[u64], scratch: &mut [u64]) {
    assert!(!x.is_empty() && out.len() == 2 * x.len());
    assert!(scratch.len() >= sec_mul_itch(x.len()));
    // SAFETY: as for `sec_mul`.
    unsafe { gmp::mpn_sec_sqr(out.as_mut_ptr(), x.as_ptr(), size(x), scratch.as_mut_ptr()) }
}

/// `x` += y * factor, same length; returns the carry limb.
pub(super) fn addmul_1(x: &mut [u64], y: &[u64], factor: u64) -> u64 {
    assert!(!x.is_empty() && x.len() == y.len());
    // SAFETY: both hold n > 0 limbs and do not overlap.
    unsafe { gmp::mpn_addmul_1(x.as_mut_ptr(), y.as_ptr(), size(y), factor) }
}

/// `x` += y, same length; returns the carry, 0 or 1.
pub(super) fn add_assign(x: &mut [u64], y: &[u64]) -> u64 {
    assert!(!x.is_empty() && x.len() == y.len());
    let out = x.as_mut_ptr();
    // SAFETY: both hold n > 0 limbs; GMP allows the output to be the first operand.
    unsafe { gmp::mpn_add_n(out, out, y.as_ptr(), size(y)) }
}

/// `x` -= y, same length; returns the borrow, 0 or 1.
pub(super) fn sub_assign(x: &mut [u64], y: &[u64]) -> u64 {
    assert!(!x.is_empty() && x.len() == y.len());
    let out = x.as_mut_ptr();
    // SAFETY: both hold n > 0 limbs; GMP allows the output to be the first operand.
    unsafe { gmp::mpn_sub_n(out, out, y.as_ptr(), size(y)) }
}

/// `x` += y if `condition` is 1, `x` unchanged if it is 0, in constant time; returns the carry.
pub(super) fn cnd_add_assign(condition: u64, x: &mut [u64], y: &[u64]) -> u64 {
    assert!(!x.is_empty() && x.len() == y.len());
    let out = x.as_mut_ptr();
    // SAFETY: both hold n > 0 limbs; GMP allows the output to be the first operand.
    unsafe { gmp::mpn_cnd_add_n(condition, out, out, y.as_ptr(), size(y)) }
}

/// `x` = 2x modulo 2^(64 n).
pub(super) fn double(x: &mut [u64]) {
    assert!(!x.is_empty());
    let out = x.as_mut_ptr();
    // SAFETY: `x` holds n > 0 limbs, 1 <= count <= 63, and GMP allows the output to be the input.
    unsafe { gmp::mpn_lshift(out, out, size(x), 1) };
}

/// `out` = entry `which` of `table`, which holds whole entries of `out.len()` limbs. Reads every entry, whatever `which`.
pub(super) fn sec_tabselect(out: &mut [u64], table: &[u64], which: usize) {
    let n = out.len();
    assert!(n > 0 && table.len().is_multiple_of(n));
    let entries = table.len() / n;
    assert!(which < entries);
    // SAFETY: `table` holds `entries` entries of n > 0 limbs, `which` is one of them, and `out` overlaps nothing.
    unsafe {
        gmp::mpn_sec_tabselect(
            out.as_mut_ptr(),
            table.as_ptr(),
            size(out),
            entries as gmp::size_t,
            which as gmp::size_t,
        );
    }
}

/// Limbs of scratch that [`sec_rem`] wants.
pub(super) fn sec_rem_itch(dividend: usize, divisor: usize) -> usize {
    // SAFETY: the function only computes a number from its arguments.
    unsafe { gmp::mpn_sec_div_r_itch(dividend as gmp::size_t, divisor as gmp::size_t) as usize }
}

/// Leaves `x` mod `divisor` in the low limbs of `x` in constant time; the limbs above hold nothing of use.
pub(super) fn sec_rem(x: &mut [u64], divisor: &[u64], scratch: &mut [u64]) {
    assert!(divisor.last().is_some_and(|&top| top != 0) && x.len() >= divisor.len());
    assert!(scratch.len() >= sec_rem_itch(x.len(), divisor.len()));
    // SAFETY: nn >= dn >= 1, the divisor's top limb is nonzero, `scratch` is long enough and nothing overlaps.
    unsafe {
        gmp::mpn_sec_div_r(x.as_mut_ptr(), size(x), divisor.as_ptr(), size(divisor), scratch.as_mut_ptr());
    }
}
