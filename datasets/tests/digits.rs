//! The hand-made digits and the trained network of `assets/`.

use tacita::network::Network;
use tacita_datasets::{Digit, NETWORK, ParseError, SIDE};

#[path = "../examples/draw_digits.rs"]
#[allow(dead_code)]
mod draw_digits;

fn record(digit: &Digit) -> Vec<f64> {
    digit.pixels.iter().map(|&pixel| pixel.into()).collect()
}

#[test]
fn the_digits_are_those_that_the_program_draws() {
    assert_eq!(include_str!("../../assets/digits.txt"), draw_digits::text(), "run the example draw_digits again");
}

#[test]
fn each_class_is_there_in_two_styles() {
    let mut found: Vec<_> = Digit::embedded().iter().map(|digit| (digit.label, digit.style)).collect();
    found.sort_unstable();
    found.dedup();
    for label in 0..10 {
        assert!(found.iter().filter(|(other, _)| *other == label).count() >= 2, "too few of {label}");
    }
}

#[test]
fn the_digits_lie_as_those_of_mnist_do() {
    for digit in Digit::embedded() {
        let inked = |row: usize, column: usize| digit.pixels[row * SIDE + column] > 127;
        let rows: Vec<_> = (0..SIDE).filter(|&row| (0..SIDE).any(|column| inked(row, column))).collect();
        let columns: Vec<_> = (0..SIDE).filter(|&column| (0..SIDE).any(|row| inked(row, column))).collect();
        let size = rows.len().max(columns.len());
        assert!((18..=20).contains(&size), "{digit}is {size} pixels large");
        let mass: f64 = record(&digit).iter().sum();
        let across: f64 = record(&digit).iter().enumerate().map(|(i, pixel)| pixel * (i % SIDE) as f64).sum();
        let down: f64 = record(&digit).iter().enumerate().map(|(i, pixel)| pixel * (i / SIDE) as f64).sum();
        assert!((across / mass - 13.5).abs() < 0.5 && (down / mass - 13.5).abs() < 0.5, "{digit}is off the centre");
    }
}

#[test]
fn the_trained_network_and_its_collapse_read_every_digit_rightly() {
    let network = Network::from_safetensors(NETWORK, None).unwrap();
    assert_eq!(
        network.layers().iter().map(|layer| (layer.columns(), layer.rows())).collect::<Vec<_>>(),
        [(784, 128), (128, 64), (64, 10)]
    );
    let collapsed = network.collapse().unwrap();
    for digit in Digit::embedded() {
        let layered = network.logits(&record(&digit)).unwrap();
        let at_once = collapsed.apply(&record(&digit)).unwrap();
        for (a, b) in layered.iter().zip(&at_once) {
            assert!((a - b).abs() < 1e-9, "{a} and {b} differ");
        }
        assert_eq!(network.activation().class(&layered), usize::from(digit.label), "{digit}{layered:?}");
        assert_eq!(network.activation().class(&at_once), usize::from(digit.label));
    }
}

#[test]
fn a_digit_is_read_back_as_it_was_written() {
    let digits = Digit::embedded();
    let text: String = digits.iter().map(|digit| format!("# a remark\n{digit}\n")).collect();
    assert_eq!(Digit::parse(&text).unwrap(), digits);
}

#[test]
fn text_that_is_no_digit_is_refused_with_its_line() {
    let good = Digit::embedded()[0].to_string();
    let refused = |text: &str| Digit::parse(text).unwrap_err();
    for heading in ["7 b", "digit 7", "digit 10 a", "digit x a", "digit 7 ab", "digit 7 ", " digit 7 a"] {
        assert_eq!(refused(&format!("\n{heading}\n")), ParseError { line: 2, expected: "digit <label> <style>" });
    }
    let expected = "28 characters out of .,:-=+*#%@";
    let cut: String = good.split_inclusive('\n').take(20).collect();
    assert_eq!(refused(&cut), ParseError { line: 21, expected });
    assert_eq!(refused(&good.replacen("\n.", "\n", 1)), ParseError { line: 2, expected });
    assert_eq!(refused(&good.replacen("\n.", "\n?", 1)), ParseError { line: 2, expected });
    assert_eq!(refused(&good.replacen("\n..", "\né", 1)), ParseError { line: 2, expected });
    assert_eq!(refused(&(good.clone() + "more")).line, 30);
}
