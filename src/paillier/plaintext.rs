//! Numbers modulo n.

use rug::Integer;

use super::PublicKey;
use crate::error::{Error, Result};
use crate::secret::{Limbs, WipedInteger};

/// A number modulo n. Wiped on drop; `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct Plaintext(Limbs);

impl Plaintext {
    /// The plaintext of a number in -n/2 < value < n; negative ones count from n downwards. The time
    /// depends on the number.
    ///
    /// # Errors
    /// [`Error::Argument`] if the number is outside that range.
    pub fn new(value: impl Into<Integer>, key: &PublicKey) -> Result<Self> {
        let mut value = WipedInteger(value.into());
        let n = key.modulus();
        if value.0 >= *n || WipedInteger(Integer::from(&value.0 * -2)).0 >= *n {
            return Err(Error::Argument("a plaintext must lie between -n/2 and n".into()));
        }
        if value.0 < 0 {
            value.0 += n;
        }
        Ok(Self(Limbs::from_integer(&value, key.limbs())))
    }

    /// Little-endian limbs below n, as many as n has.
    pub(crate) fn from_limbs(limbs: Limbs) -> Self {
        Self(limbs)
    }

    pub(crate) fn limbs(&self) -> &[u64] {
        &self.0
    }

    /// The number in 0..n. The copy's memory is not wiped.
    pub fn to_integer(&self) -> Integer {
        self.0.to_integer()
    }

    /// The number in -n/2..n/2. The copy's memory is not wiped.
    pub fn to_signed(&self, key: &PublicKey) -> Integer {
        let value = self.to_integer();
        if Integer::from(&value * 2) > *key.modulus() { value - key.modulus() } else { value }
    }
}
