//! Which values share a ciphertext.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How the values of a request share ciphertexts. A spec lists the layouts that its model can be asked in.
///
/// | 784 pixels, ten outputs, a 3072-bit key | one ciphertext holds | one record takes |
/// |---|---|---|
/// | `Records` | one feature of up to 146 records | 784 ciphertexts up, 1 down |
/// | `Features { together: 9 }` | 9 features of up to 6 records | 88 up, 1 down |
/// | `Features { together: 53 }` | 53 features of one record | 15 up, 10 down |
///
/// As text it is `records` or `features:9`.
///
/// ```
/// use tacita::encoding::Layout;
///
/// let layout: Layout = "features:9".parse()?;
/// assert_eq!(layout, Layout::Features { together: 9 });
/// assert_eq!(layout.to_string(), "features:9");
/// # Ok::<(), tacita::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Layout {
    /// Each ciphertext holds one feature, of as many records as it has room for: for many records.
    #[default]
    Records,
    /// Each ciphertext holds several features of a record, so that fewer go up and, if they are many, more come down: for
    /// few records.
    Features {
        /// Features that share a ciphertext, at least 2.
        together: u32,
    },
}

impl Layout {
    /// The layout with so many features in a ciphertext; with one it is `Records`.
    pub(crate) fn from_together(together: u32) -> Self {
        if together == 1 { Self::Records } else { Self::Features { together } }
    }

    /// Features that share a ciphertext.
    pub fn together(self) -> u32 {
        match self {
            Self::Records => 1,
            Self::Features { together } => together,
        }
    }
}

impl Layout {
    /// Ciphertexts for `features` features of as many records as share them.
    pub fn columns(self, features: usize) -> usize {
        features.div_ceil(self.together() as usize)
    }

    /// The matrix that takes those ciphertexts to the coefficients of a response (see [`Packing`](super::Packing)),
    /// row-major with [`columns`](Self::columns) columns, from row-major weights: with t features together, its row
    /// j t + t - 1 - i has in column g weight g t + i of the weights' row j, or 0 where there is no such feature. With one
    /// feature a ciphertext these are the weights themselves.
    ///
    /// ```
    /// # use tacita::encoding::Layout;
    /// let weights = [1, 2, 3, 4, 5, /* second row */ -1, -2, -3, -4, -5];
    /// let matrix = Layout::Features { together: 2 }.matrix(5, &weights);
    /// assert_eq!(*matrix, [2, 4, 0, 1, 3, 5, /* second row */ -2, -4, 0, -1, -3, -5]);
    /// ```
    pub fn matrix(self, features: usize, weights: &[i32]) -> Cow<'_, [i32]> {
        let t = self.together() as usize;
        if t == 1 {
            return weights.into();
        }
        let mut matrix = Vec::with_capacity(weights.len() / features * t * self.columns(features));
        for row in weights.chunks_exact(features) {
            for i in (0..t).rev() {
                matrix.extend((0..self.columns(features)).map(|g| row.get(g * t + i).copied().unwrap_or(0)));
            }
        }
        matrix.into()
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records => f.write_str("records"),
            Self::Features { together } => write!(f, "features:{together}"),
        }
    }
}

impl FromStr for Layout {
    type Err = Error;

    /// # Errors
    /// [`Error::Argument`] for any other text.
    fn from_str(text: &str) -> Result<Self> {
        let together = |text: &str| text.parse().ok().filter(|&together| together > 1);
        match text.split_once(':') {
            None if text == "records" => Some(Self::Records),
            Some(("features", text)) => together(text).map(|together| Self::Features { together }),
            _ => None,
        }
        .ok_or_else(|| Error::Argument("a layout is `records`, or `features:` and a number of at least 2".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_read_as_it_is_written_and_nothing_else_is() {
        for layout in [Layout::Records, Layout::Features { together: 2 }, Layout::Features { together: u32::MAX }] {
            assert_eq!(layout.to_string().parse(), Ok(layout));
            assert_eq!(Layout::from_together(layout.together()), layout);
        }
        for text in ["", "Records", "records:1", "features", "features:", "features:0", "features:1", "features:-2"] {
            assert!(text.parse::<Layout>().is_err(), "{text}");
        }
    }
}
