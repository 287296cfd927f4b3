//! Digits as text: readable pictures in `assets/digits.txt`.

use std::fmt;

use crate::{PIXELS, SIDE};

/// The greys from black to white. Black is a dot, so that no line ends in blanks.
const GREYS: &[u8; 10] = b".,:-=+*#%@";

/// A handwritten digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digit {
    /// What it shows, 0 to 9.
    pub label: u8,
    /// Which of the ways to write it: `a`, `b` and so on.
    pub style: char,
    /// Its pixels, row by row from the top left; 0 is the black ground, 255 the white stroke.
    pub pixels: [u8; PIXELS],
}

impl Digit {
    /// The digits drawn for this project, none of them from MNIST: at least two of each class.
    pub fn embedded() -> Vec<Self> {
        Self::parse(include_str!("../../assets/digits.txt")).expect("a test reads them")
    }

    /// Reads digits from text as `assets/digits.txt` has it: a line `digit 7 b`, then 28 lines of 28 characters out of
    /// `.,:-=+*#%@`, from black to white. Between digits there may be blank lines and lines that begin with `#`.
    ///
    /// # Errors
    /// The number of the first line that is not as it should be, from 1, and what was expected there.
    pub fn parse(text: &str) -> Result<Vec<Self>, ParseError> {
        let mut digits = Vec::new();
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (label, style) = heading(line).ok_or(ParseError { line: number, expected: "digit <label> <style>" })?;
            let mut pixels = [0; PIXELS];
            for (index, row) in pixels.chunks_exact_mut(SIDE).enumerate() {
                let line = number + 1 + index;
                let fault = || ParseError { line, expected: "28 characters out of .,:-=+*#%@" };
                let (text, _) = lines.next().filter(|(text, _)| text.len() == SIDE).ok_or_else(fault)?;
                for (pixel, byte) in row.iter_mut().zip(text.bytes()) {
                    let level = GREYS.iter().position(|&grey| grey == byte).ok_or_else(fault)?;
                    *pixel = (level * 255 / (GREYS.len() - 1)) as u8;
                }
            }
            digits.push(Self { label, style, pixels });
        }
        Ok(digits)
    }
}

fn heading(line: &str) -> Option<(u8, char)> {
    let (label, style) = line.strip_prefix("digit ")?.split_once(' ')?;
    let label = label.parse().ok().filter(|&label| label <= 9)?;
    let mut letters = style.chars();
    match (letters.next(), letters.next()) {
        (Some(style), None) => Some((label, style)),
        _ => None,
    }
}

/// The digit as [`Digit::parse`] reads it, each pixel in the nearest of the ten greys.
impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "digit {} {}", self.label, self.style)?;
        for row in self.pixels.chunks_exact(SIDE) {
            let line = row.iter().map(|&pixel| {
                let level = (usize::from(pixel) * (GREYS.len() - 1) + 127) / 255;
                char::from(GREYS[level])
            });
            writeln!(f, "{}", line.collect::<String>())?;
        }
        Ok(())
    }
}

/// A text of digits that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What should stand there.
    pub expected: &'static str,
}
