//! Pictures and bars for a terminal.

use std::env;
use std::fmt::Write;
use std::io::IsTerminal;

/// Darkness to brightness in ASCII.
const RAMP: &[u8; 10] = b" .:-=+*#%@";

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Half blocks in greys.
    Colour,
    /// Half blocks, black and white.
    Blocks,
    /// Letters.
    Ascii,
}

impl Style {
    /// The best that standard output and the locale promise.
    pub(crate) fn of_terminal(ascii: bool) -> Self {
        // The first of these that is set decides (POSIX, section 8.2).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env::var_os).find(|value| !value.is_empty());
        let locale = locale.unwrap_or_default().to_string_lossy().to_uppercase();
        let unicode = cfg!(windows) || locale.contains("UTF-8") || locale.contains("UTF8");
        if ascii || !unicode {
            return Self::Ascii;
        }
        // NO_COLOR: see no-color.org.
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
        if std::io::stdout().is_terminal() && !plain && !dumb { Self::Colour } else { Self::Blocks }
    }

    /// A grey picture, two rows of pixels a line.
    pub(crate) fn picture(self, pixels: &[u8], width: usize) -> Vec<String> {
        pixels.chunks(2 * width).map(|rows| self.line(rows, width)).collect()
    }

    fn line(self, rows: &[u8], width: usize) -> String {
        let (upper, lower) = rows.split_at(width);
        let mut line = String::new();
        for (&above, &below) in upper.iter().zip(lower) {
            match self {
                // Greys 232 to 255 of the 256-colour palette.
                Self::Colour => {
                    let grey = |pixel: u8| 232 + u32::from(pixel) * 23 / 255;
                    let _ = write!(line, "\x1b[38;5;{};48;5;{}m▀", grey(above), grey(below));
                }
                Self::Blocks => line.push(match (above > 127, below > 127) {
                    (false, false) => ' ',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (true, true) => '█',
                }),
                Self::Ascii => {
                    let brightness = (usize::from(above) + usize::from(below)) / 2;
                    line.push(RAMP[brightness * (RAMP.len() - 1) / 255].into());
                }
            }
        }
        if self == Self::Colour {
            line.push_str("\x1b[0m");
        }
        line
    }

    /// A bar of at most `width` letters for a share from 0 to 1.
    pub(crate) fn bar(self, share: f64, width: usize) -> String {
        let eighths = (share.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize;
        if self == Self::Ascii {
            return "#".repeat((eighths + 4) / 8);
        }
        let mut bar = "█".repeat(eighths / 8);
        bar.extend(['▏', '▎', '▍', '▌', '▋', '▊', '▉'].get((eighths % 8).wrapping_sub(1)));
        bar
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_half_as_many_lines_as_rows() {
        let pixels = [0, 255, 255, 0, 0, 255, 0, 255];
        assert_eq!(Style::Blocks.picture(&pixels, 2), ["▄▀", " █"]);
        assert_eq!(Style::Ascii.picture(&pixels, 2), ["==", " @"]);
        let coloured = Style::Colour.picture(&pixels, 2);
        assert_eq!(coloured[1], "\x1b[38;5;232;48;5;232m▀\x1b[38;5;255;48;5;255m▀\x1b[0m");
    }

    #[test]
    fn bars_are_as_long_as_their_share() {
        assert_eq!([0.0, 0.5, 1.0, 2.0].map(|share| Style::Ascii.bar(share, 4)), ["", "##", "####", "####"]);
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|share| Style::Blocks.bar(share, 2)), ["", "▌", "█", "██"]);
        assert_eq!(Style::Blocks.bar(0.01, 2), "");
        assert_eq!(Style::Blocks.bar(1.0 / 16.0, 2), "▏");
    }
}
