//! Runs every job of tacita and its rivals, interleaved, and says how many times quicker tacita is.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Parser;
use tacita::Backend;
use tacita_peers::{Clock, Foreign, Inputs, Job, Pace, Report, ZEROS, contenders, measure};

/// Compares tacita with its rivals in one thread.
#[derive(Parser)]
struct Arguments {
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
    /// Few repetitions, for a look.
    #[arg(long)]
    quick: bool,
    /// Count processor time instead of time on the clock, for a look on a busy machine.
    #[arg(long)]
    cpu_time: bool,
    /// Length of the modulus: 2048, 3072 or 4096.
    #[arg(long, default_value_t = 3072)]
    bits: u32,
    /// Share of the linear layer's weights that are zero, from 0 to 1, before they are rounded.
    #[arg(long, value_name = "SHARE", default_value_t = ZEROS, value_parser = share)]
    zeros: f64,
    /// Only jobs whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Files of what rivals in other languages measured, to set beside the rest.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    with: Vec<PathBuf>,
    /// Write the key, the matrix and the records to a file for those rivals, and do nothing else.
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "not a number from 0 to 1".to_owned())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    tacita::set_threads(1)?;
    let inputs = Inputs::new(arguments.bits, arguments.zeros)?;
    if let Some(file) = arguments.inputs {
        return Ok(std::fs::write(file, inputs.to_json())?);
    }
    let read = |file: &PathBuf| -> Result<Foreign, Box<dyn Error>> {
        serde_json::from_reader(BufReader::new(File::open(file)?))
            .map_err(|error| format!("{}: {error}", file.display()).into())
    };
    let foreign: Vec<_> = arguments.with.iter().map(read).collect::<Result<_, _>>()?;
    if !Backend::available().any(|engine| engine == Backend::Ifma) {
        eprintln!("*** SKIPPED: tacita/ifma, for whose instructions this processor is not made");
    }
    let contenders = contenders(&inputs)?;
    let clock = if arguments.cpu_time { Clock::Processor } else { Clock::Wall };
    let mut report = Report::new(inputs.bits(), tacita::threads()?, clock);
    for contender in &contenders {
        report.add_version(contender.name(), contender.version());
    }
    let pace = if arguments.quick { Pace::QUICK } else { Pace::FULL };
    for job in Job::ALL.into_iter().filter(|job| job.name().contains(&arguments.only)) {
        eprintln!("{job}");
        let (who, mut works): (Vec<_>, Vec<_>) =
            contenders.iter().flat_map(|who| who.works(job).into_iter().map(move |work| (who, work))).unzip();
        for ((who, time), work) in who.into_iter().zip(measure(&mut works, pace, clock)).zip(&works) {
            report.add(job, who.as_ref(), work, time);
        }
    }
    foreign.into_iter().for_each(|foreign| report.add_foreign(foreign));
    report.compare();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
