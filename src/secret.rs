//! Containers whose memory is wiped before it is freed.

use std::fmt;
use std::ops::{Deref, DerefMut};

use rug::Integer;
use zeroize::Zeroize;

/// A fixed number of limbs, least significant first, wiped on drop. `Debug` shows only how many.
///
/// The length is fixed from the start, so that no reallocation can leave a copy behind.
#[derive(Clone)]
pub(crate) struct Limbs(Box<[u64]>);

impl Limbs {
    /// `length` limbs of zero.
    pub(crate) fn zero(length: usize) -> Self {
        Self(vec![0; length].into())
    }

    /// A copy of `limbs`.
    pub(crate) fn copy_of(limbs: &[u64]) -> Self {
        Self(limbs.into())
    }

    /// The nonnegative `value` in exactly `length` limbs.
    ///
    /// # Panics
    /// If it does not fit.
    pub(crate) fn from_integer(value: &Integer, length: usize) -> Self {
        let mut limbs = Self::zero(length);
        limbs.copy_from_integer(value);
        limbs
    }

    /// Overwrites with the nonnegative `value`.
    ///
    /// # Panics
    /// If it does not fit.
    pub(crate) fn copy_from_integer(&mut self, value: &Integer) {
        value.write_digits(&mut self.0, rug::integer::Order::Lsf);
    }

    /// The value as an [`Integer`], whose memory is not wiped: for public values and for key loading.
    pub(crate) fn to_integer(&self) -> Integer {
        integer(&self.0)
    }
}

impl Deref for Limbs {
    type Target = [u64];
    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl DerefMut for Limbs {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

impl fmt::Debug for Limbs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limbs({} redacted)", self.0.len())
    }
}

impl Drop for Limbs {
    fn drop(&mut self) {
        self.0.zeroize();
        #[cfg(test)]
        observe::about_to_free(&self.0);
    }
}

/// The numbers of a list.
pub(crate) fn slices(numbers: &[Limbs]) -> Vec<&[u64]> {
    numbers.iter().map(|number| &number[..]).collect()
}

/// The value of little-endian limbs.
pub(crate) fn integer(limbs: &[u64]) -> Integer {
    Integer::from_digits(limbs, rug::integer::Order::Lsf)
}

/// An [`Integer`] that is wiped on drop, as far as its present memory goes: what GMP freed while it grew is beyond reach.
pub(crate) struct WipedInteger(pub(crate) Integer);

impl Deref for WipedInteger {
    type Target = Integer;
    fn deref(&self) -> &Integer {
        &self.0
    }
}

impl Drop for WipedInteger {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        let raw = self.0.as_raw_mut();
        // SAFETY: `raw` is the live mpz of `self.0`; its `d` points to `alloc` limbs that GMP owns and that nobody else
        // borrows during drop. Zero limbs with size 0 are a valid mpz.
        unsafe {
            let allocated = usize::try_from((*raw).alloc).unwrap_or(0);
            std::slice::from_raw_parts_mut((*raw).d.as_ptr(), allocated).zeroize();
            (*raw).size = 0;
        }
    }
}

/// Number of bits of a number, 0 for zero.
pub(crate) fn significant_bits(limbs: &[u64]) -> u32 {
    let top = limbs.iter().rposition(|&limb| limb != 0);
    top.map_or(0, |i| 64 * (i as u32 + 1) - limbs[i].leading_zeros())
}

/// x < y for numbers of the same length, in constant time.
pub(crate) fn less(x: &[u64], y: &[u64]) -> bool {
    debug_assert_eq!(x.len(), y.len());
    let borrow = x.iter().zip(y).fold(false, |borrow, (&x, &y)| {
        let (difference, first) = x.overflowing_sub(y);
        let (_, second) = difference.overflowing_sub(borrow.into());
        first | second
    });
    std::hint::black_box(borrow)
}

/// Lets a test read the buffers of this thread just before they are freed.
#[cfg(test)]
pub(crate) mod observe {
    use std::cell::RefCell;

    /// Address and content.
    type Buffer = (usize, Vec<u64>);

    thread_local! {
        static FREED: RefCell<Option<Vec<Buffer>>> = const { RefCell::new(None) };
    }

    /// Every buffer of this thread that is dropped while `f` runs.
    pub(crate) fn freed_during(f: impl FnOnce()) -> Vec<Buffer> {
        FREED.with_borrow_mut(|log| *log = Some(Vec::new()));
        f();
        FREED.with_borrow_mut(|log| log.take().unwrap_or_default())
    }

    pub(super) fn about_to_free(limbs: &[u64]) {
        FREED.with_borrow_mut(|log| {
            if let Some(log) = log {
                log.push((limbs.as_ptr() as usize, limbs.to_vec()));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limbs_are_zero_when_they_are_freed() {
        let limbs = Limbs::from_integer(&Integer::from(u128::MAX), 3);
        let address = limbs.as_ptr() as usize;
        assert_eq!(&limbs[..], [u64::MAX, u64::MAX, 0]);
        let freed = observe::freed_during(|| drop(limbs));
        assert_eq!(freed, [(address, vec![0; 3])]);
    }

    #[test]
    fn debug_shows_no_limb() {
        assert_eq!(format!("{:?}", Limbs::from_integer(&Integer::from(12345), 2)), "Limbs(2 redacted)");
    }

    #[test]
    fn comparison_agrees_with_integers() {
        let numbers = [[0, 0], [1, 0], [u64::MAX, 0], [0, 1], [1, 1], [u64::MAX, u64::MAX]];
        for x in &numbers {
            for y in &numbers {
                assert_eq!(less(x, y), integer(x) < integer(y));
            }
        }
    }
}
