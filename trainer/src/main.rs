//! `tacita-train`: trains a network on MNIST and writes it as safetensors.

#![deny(missing_docs)]

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::process::ExitCode;
use tacita_datasets::Mnist;
use tacita_trainer::{Settings, correct, train};

/// Train a network without activations between its layers on MNIST.
#[derive(Parser)]
#[command(name = "tacita-train", version)]
struct Options {
    /// Folder with the four MNIST files, plain or gzipped.
    #[arg(long, value_name = "DIR")]
    mnist: PathBuf,
    /// Where to write the network.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How often every training image is seen.
    #[arg(long, value_name = "N", default_value_t = Settings::default().epochs, value_parser = at_least_one)]
    epochs: usize,
    /// Widths of the hidden layers, from the input to the output; empty for none.
    #[arg(long, value_name = "N,N,...", default_value = "128,64", value_parser = widths)]
    hidden: Widths,
    /// Seed of everything random.
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed)]
    seed: u64,
    /// Fail, and write nothing, if a smaller share of the test images is classified correctly.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    require: Option<f64>,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Widths of hidden layers; a type of its own because clap takes a bare list as an option given several times.
#[derive(Clone)]
struct Widths(Vec<usize>);

fn widths(text: &str) -> Result<Widths, String> {
    text.split(',').filter(|_| !text.is_empty()).map(at_least_one).collect::<Result<_, _>>().map(Widths)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&number| number > 0).ok_or_else(|| format!("{text:?} is not a number above 0"))
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("{text:?} is not between 0 and 1"))
}

/// What ends the program: 1 for a failure, 3 for bad data; clap ends it with 2 for bad usage.
struct Failure(u8, String);

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(code, message)) => {
            eprintln!("tacita-train: {message}");
            ExitCode::from(code)
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure(1, error.to_string());
    let mnist = Mnist::load(&options.mnist).map_err(|error| Failure(3, error.to_string()))?;
    let settings = Settings {
        hidden: options.hidden.0.clone(),
        epochs: options.epochs,
        seed: options.seed,
        ..Settings::default()
    };

    let style = ProgressStyle::with_template("{bar:40} epoch {prefix}, loss {msg}, {eta} left").expect("a template");
    let bar = ProgressBar::new(0).with_style(style);
    let mut sum = 0.0;
    let network = train(&mnist.train, &settings, |progress| {
        let steps = progress.steps / settings.epochs;
        let (epoch, step) = ((progress.step - 1) / steps + 1, (progress.step - 1) % steps + 1);
        sum = if step == 1 { 0.0 } else { sum } + progress.loss;
        let loss = sum / step as f32;
        if progress.step % 20 == 0 {
            bar.set_length(progress.steps as u64);
            bar.set_prefix(format!("{epoch} of {}", settings.epochs));
            bar.set_message(format!("{loss:.3}"));
            bar.set_position(progress.step as u64);
        }
        // A log gets a line an epoch instead of a bar.
        if bar.is_hidden() && step == steps {
            eprintln!("epoch {epoch} of {}, loss {loss:.3}", settings.epochs);
        }
    });
    bar.finish_and_clear();
    let network = network.map_err(|error| failed(&error))?;

    let images = mnist.test.len();
    let correct = correct(&network, &mnist.test).map_err(|error| failed(&error))?;
    let accuracy = correct as f64 / images as f64;
    if let Some(required) = options.require.filter(|&required| accuracy < required) {
        let message =
            format!("test accuracy {:.2} % is below the required {:.2} %", 100.0 * accuracy, 100.0 * required);
        return Err(Failure(1, message));
    }
    let bytes = network.to_safetensors().map_err(|error| failed(&error))?;
    let file = options.out.display();
    std::fs::write(&options.out, &bytes).map_err(|error| Failure(1, format!("{file}: {error}")))?;
    if options.json {
        let result = serde_json::json!({
            "accuracy": accuracy, "correct": correct, "images": images,
            "epochs": settings.epochs, "hidden": settings.hidden, "seed": settings.seed,
            "file": options.out, "bytes": bytes.len(),
        });
        println!("{result}");
    } else {
        println!("test accuracy {:.2} % ({correct} of {images})", 100.0 * accuracy);
        println!("{file}: {} bytes", bytes.len());
    }
    Ok(())
}
