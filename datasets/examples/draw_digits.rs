//! Draws the digits of `assets/digits.txt`, which were made up for this project: `cargo run -p tacita-datasets --example
//! draw_digits > assets/digits.txt`.
//!
//! Each is a few strokes of a broad pen, given by points that a smooth curve passes through. They are fitted as MNIST's
//! are: into a box of 20 pixels, with the centre of mass in the middle of 28. Nothing but + - * / and square roots is
//! used, so that every machine draws the same pixels.

use tacita_datasets::{Digit, PIXELS, SIDE};

/// Points from the start of a stroke to its end; x to the right, y downwards, 20 units high.
type Stroke = &'static [(f64, f64)];

/// One digit: what it shows, the style, the pen's width at the start and the end of a stroke, the strokes.
struct Drawing(u8, char, (f64, f64), &'static [Stroke]);

#[rustfmt::skip]
const DRAWINGS: [Drawing; 20] = [
    Drawing(0, 'a', (2.6, 2.0), &[
        &[(10.5, 1.0), (6.5, 1.8), (3.0, 6.0), (2.0, 12.0), (4.0, 17.8), (8.2, 19.0), (12.4, 16.4), (14.6, 10.5), (13.6, 4.0), (9.6, 0.9)],
    ]),
    Drawing(0, 'b', (2.1, 2.7), &[
        &[(9.0, 2.6), (5.2, 4.2), (2.2, 9.0), (1.8, 14.0), (4.4, 18.0), (9.0, 18.2), (14.2, 14.6), (16.8, 9.2), (15.2, 3.8), (11.0, 1.4), (7.4, 2.8)],
    ]),
    Drawing(1, 'a', (2.4, 2.0), &[&[(9.6, 0.6), (8.6, 6.0), (7.2, 13.0), (6.2, 19.6)]]),
    Drawing(1, 'b', (2.0, 2.5), &[
        &[(5.4, 4.4), (7.4, 3.0), (9.0, 0.8)],
        &[(9.0, 0.8), (8.8, 7.0), (8.4, 13.0), (8.3, 19.4)],
    ]),
    Drawing(2, 'a', (2.2, 2.4), &[
        &[(3.0, 4.8), (5.0, 1.8), (9.2, 0.8), (12.4, 3.0), (12.2, 7.0), (9.0, 11.6), (5.0, 15.6), (2.0, 18.6)],
        &[(2.0, 18.6), (7.0, 18.0), (11.0, 18.4), (15.4, 17.8)],
    ]),
    Drawing(2, 'b', (2.5, 2.0), &[
        &[(3.6, 3.4), (7.0, 0.9), (11.4, 1.6), (12.8, 5.2), (10.8, 10.0), (7.2, 14.8), (3.8, 18.0), (2.0, 16.6), (3.6, 14.8), (7.4, 16.6), (11.0, 18.9), (15.0, 17.4)],
    ]),
    Drawing(3, 'a', (2.2, 2.4), &[
        &[(3.4, 2.8), (7.0, 0.9), (11.2, 1.8), (12.0, 5.2), (9.6, 8.4), (6.4, 9.4)],
        &[(6.4, 9.4), (10.6, 9.8), (13.2, 12.6), (12.4, 16.6), (8.6, 19.0), (4.6, 18.6), (2.4, 16.6)],
    ]),
    Drawing(3, 'b', (2.6, 2.0), &[
        &[(2.8, 1.6), (7.0, 1.2), (12.4, 1.0)],
        &[(12.4, 1.0), (10.0, 4.6), (6.8, 8.4)],
        &[(6.8, 8.4), (11.0, 8.8), (13.8, 12.0), (12.8, 16.4), (9.0, 18.9), (5.0, 18.6), (2.2, 16.8)],
    ]),
    Drawing(4, 'a', (2.3, 2.1), &[
        &[(4.4, 1.6), (3.6, 5.6), (2.6, 10.2), (6.6, 10.8), (13.6, 9.6)],
        &[(13.4, 1.0), (12.4, 7.0), (11.0, 13.4), (10.2, 19.4)],
    ]),
    Drawing(4, 'b', (2.0, 2.5), &[
        &[(10.8, 0.8), (6.8, 6.0), (2.0, 12.4)],
        &[(2.0, 12.4), (8.0, 12.2), (15.2, 11.8)],
        &[(10.8, 0.8), (10.8, 7.4), (10.4, 13.4), (10.2, 19.4)],
    ]),
    Drawing(5, 'a', (2.4, 2.2), &[
        &[(13.4, 1.2), (9.4, 1.4), (5.2, 1.6)],
        &[(5.2, 1.6), (4.6, 5.0), (3.8, 8.6)],
        &[(3.8, 8.6), (7.4, 7.6), (11.2, 9.2), (12.4, 13.2), (10.2, 17.4), (6.0, 19.0), (2.4, 17.4)],
    ]),
    Drawing(5, 'b', (2.0, 2.6), &[
        &[(14.8, 0.9), (10.8, 1.7), (6.6, 1.5), (5.4, 5.0), (4.8, 8.2), (8.4, 8.6), (11.6, 11.2), (11.8, 15.4), (8.4, 18.6), (4.4, 18.8), (1.8, 16.8)],
    ]),
    Drawing(6, 'a', (2.1, 2.5), &[
        &[(11.6, 0.8), (7.8, 4.0), (4.2, 9.0), (2.6, 14.0), (4.4, 18.2), (8.8, 18.9), (12.0, 15.8), (11.4, 12.2), (8.0, 10.9), (4.6, 12.6), (2.9, 15.4)],
    ]),
    Drawing(6, 'b', (2.6, 2.0), &[
        &[(8.4, 0.8), (5.4, 5.2), (3.6, 10.6), (3.4, 15.4), (5.6, 18.8), (9.8, 18.6), (13.0, 15.4), (12.2, 11.8), (8.8, 11.2), (5.2, 13.6), (4.2, 16.4)],
    ]),
    Drawing(7, 'a', (2.3, 2.3), &[
        &[(2.4, 2.2), (7.0, 1.8), (13.4, 1.4)],
        &[(13.4, 1.4), (11.4, 6.6), (8.6, 12.6), (6.6, 19.4)],
    ]),
    Drawing(7, 'b', (2.5, 2.0), &[
        &[(2.0, 3.4), (2.6, 1.5), (7.6, 1.8), (13.8, 1.2)],
        &[(13.8, 1.2), (11.8, 5.8), (9.0, 12.0), (7.6, 19.4)],
        &[(6.2, 10.2), (9.6, 9.8), (13.2, 9.2)],
    ]),
    Drawing(8, 'a', (2.1, 2.3), &[
        &[(12.2, 3.0), (8.8, 0.9), (5.0, 2.2), (4.8, 5.8), (8.2, 9.0), (11.4, 12.4), (11.4, 16.6), (7.8, 19.0), (4.0, 17.6), (3.8, 13.8), (7.2, 10.0), (11.2, 6.4), (12.4, 3.2)],
    ]),
    Drawing(8, 'b', (2.4, 2.0), &[
        &[(9.4, 0.9), (5.8, 2.4), (5.0, 5.8), (7.8, 8.8), (11.4, 7.0), (12.6, 3.4), (9.4, 0.9)],
        &[(7.8, 8.8), (4.0, 11.6), (2.8, 15.8), (5.6, 18.9), (9.8, 17.8), (11.6, 14.0), (10.4, 10.6), (7.8, 8.8)],
    ]),
    Drawing(9, 'a', (2.2, 2.2), &[
        &[(12.6, 3.4), (9.4, 1.0), (5.2, 2.6), (3.6, 6.4), (5.8, 9.4), (9.8, 8.2), (12.6, 3.4)],
        &[(12.6, 3.4), (12.0, 8.8), (11.0, 14.0), (10.2, 19.4)],
    ]),
    Drawing(9, 'b', (2.5, 2.0), &[
        &[(11.8, 4.2), (9.2, 1.0), (5.0, 2.0), (3.4, 5.8), (5.2, 9.0), (9.2, 8.6), (11.8, 4.6), (11.9, 8.6), (10.6, 14.0), (7.6, 18.2), (4.0, 19.0)],
    ]),
];

/// The text of `assets/digits.txt`.
pub(crate) fn text() -> String {
    let mut text = String::from(
        "# Digits made up for this project: drawn by datasets/examples/draw_digits.rs, not taken from MNIST.\n\
         # A line `digit <label> <style>`, then 28 lines of 28 pixels from \".\" (black, 0) to \"@\" (white, 255): .,:-=+*#%@\n",
    );
    for Drawing(label, style, pen, strokes) in DRAWINGS {
        let discs = discs(pen, strokes);
        let (x, y) = centre_of_mass(&render(&discs));
        let middle = SIDE as f64 / 2.0;
        let moved: Vec<_> =
            discs.iter().map(|disc| Disc { x: disc.x + middle - x, y: disc.y + middle - y, ..*disc }).collect();
        text += &Digit { label, style, pixels: render(&moved) }.to_string();
    }
    text
}

fn main() {
    print!("{}", text());
}

/// A round of the pen.
struct Disc {
    x: f64,
    y: f64,
    radius: f64,
}

/// The rounds of the pen that make up the strokes, near enough to each other that their union has a smooth edge, scaled
/// into a box of 20 pixels.
fn discs((start, end): (f64, f64), strokes: &[Stroke]) -> Vec<Disc> {
    const STEPS: usize = 24;
    let mut discs = Vec::new();
    for stroke in strokes {
        let last = stroke.len() - 1;
        for segment in 0..last {
            // Catmull-Rom: through the points, with the direction at each that of the line between its neighbours.
            let point = |i: usize| stroke[i.saturating_sub(1).min(last)];
            let [p, q, r, s] = [point(segment), point(segment + 1), point(segment + 2), point(segment + 3)];
            for step in 0..=STEPS {
                let t = step as f64 / STEPS as f64;
                let curve = |p: f64, q: f64, r: f64, s: f64| {
                    q + t * ((r - p) + t * ((2.0 * p - 5.0 * q + 4.0 * r - s) + t * (3.0 * (q - r) + s - p))) / 2.0
                };
                let along = (segment as f64 + t) / last as f64;
                let radius = (start + (end - start) * along) / 2.0;
                discs.push(Disc { x: curve(p.0, q.0, r.0, s.0), y: curve(p.1, q.1, r.1, s.1), radius });
            }
        }
    }
    let span = |centre: fn(&Disc) -> f64| {
        let least = discs.iter().map(|disc| centre(disc) - disc.radius).fold(f64::INFINITY, f64::min);
        let most = discs.iter().map(|disc| centre(disc) + disc.radius).fold(f64::NEG_INFINITY, f64::max);
        most - least
    };
    let scale = 20.0 / span(|disc| disc.x).max(span(|disc| disc.y));
    discs.iter().map(|disc| Disc { x: disc.x * scale, y: disc.y * scale, radius: disc.radius * scale }).collect()
}

/// Grey falls off over 1.5 pixels at the edge of the stroke, about as soft as MNIST's.
fn render(discs: &[Disc]) -> [u8; PIXELS] {
    const SOFT: f64 = 1.5;
    let mut pixels = [0; PIXELS];
    for (index, pixel) in pixels.iter_mut().enumerate() {
        let (x, y) = ((index % SIDE) as f64 + 0.5, (index / SIDE) as f64 + 0.5);
        let inside = |disc: &Disc| disc.radius - ((disc.x - x) * (disc.x - x) + (disc.y - y) * (disc.y - y)).sqrt();
        let deepest = discs.iter().map(inside).fold(f64::NEG_INFINITY, f64::max);
        *pixel = (255.0 * (deepest / SOFT + 0.5).clamp(0.0, 1.0)).round() as u8;
    }
    pixels
}

fn centre_of_mass(pixels: &[u8; PIXELS]) -> (f64, f64) {
    let (mut x, mut y, mut mass) = (0.0, 0.0, 0.0);
    for (index, &pixel) in pixels.iter().enumerate() {
        let pixel = f64::from(pixel);
        x += pixel * ((index % SIDE) as f64 + 0.5);
        y += pixel * ((index / SIDE) as f64 + 0.5);
        mass += pixel;
    }
    (x / mass, y / mass)
}
