//! The `tacita` command: from key generation to the decrypted answer, each step a process of its own.

mod cloud;
mod commands;
mod console;
mod exit;
mod files;
mod kind;
mod layout;
mod load;
mod passphrase;
mod picture;
mod records;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{bench, compile, decrypt, demo, encrypt, evaluate, inspect, keygen, plan, train};
use crate::console::{Console, Report};
use crate::exit::{Exit, Failure};

/// Predictions on encrypted records: a hospital encrypts, a service evaluates its private model, the hospital decrypts.
#[derive(Debug, Parser)]
#[command(name = "tacita", version, propagate_version = true, after_long_help = Exit::help())]
struct Arguments {
    /// One JSON object on standard output, also for errors, and nothing else anywhere
    #[arg(long, global = true, help_heading = "For every command")]
    json: bool,
    /// Neither notes nor progress on standard error
    #[arg(long, short, global = true, help_heading = "For every command")]
    quiet: bool,
    /// Threads to compute with [default: one a processor]
    #[arg(long, global = true, value_name = "N", help_heading = "For every command")]
    threads: Option<usize>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Keygen(keygen::Keygen),
    Train(train::Train),
    Compile(compile::Compile),
    Encrypt(encrypt::Encrypt),
    Evaluate(evaluate::Evaluate),
    Decrypt(decrypt::Decrypt),
    Inspect(inspect::Inspect),
    Plan(plan::Plan),
    Bench(bench::Bench),
    Demo(demo::Demo),
}

fn main() -> ExitCode {
    // A panic says where, and not with which values.
    std::panic::set_hook(Box::new(|info| {
        if let Some(place) = info.location() {
            eprintln!("tacita: panic at {place}");
        }
    }));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misunderstood(&error),
    };
    let console = Console { json: arguments.json, quiet: arguments.quiet };
    let run = std::panic::AssertUnwindSafe(|| run(&arguments, &console));
    let result = std::panic::catch_unwind(run);
    match result.unwrap_or_else(|_| Err(Failure::new(Exit::Bug, "a panic, see above"))) {
        Ok(code) => code,
        Err(failure) => {
            console.fail(&failure);
            ExitCode::from(failure.exit.code())
        }
    }
}

fn run(arguments: &Arguments, console: &Console) -> Result<ExitCode, Failure> {
    if let Some(threads) = arguments.threads {
        tacita::set_threads(threads)?;
    }
    let report: Report = match &arguments.command {
        Command::Keygen(keygen) => keygen.run(console)?,
        Command::Train(train) => return train.run(console),
        Command::Compile(compile) => compile.run(console)?,
        Command::Encrypt(encrypt) => encrypt.run(console)?,
        Command::Evaluate(evaluate) => evaluate.run(console)?,
        Command::Decrypt(decrypt) => decrypt.run(console)?,
        Command::Inspect(inspect) => inspect.run()?,
        Command::Plan(plan) => plan.run(console)?,
        Command::Bench(bench) => bench.run(console, arguments.threads)?,
        Command::Demo(demo) => demo.run(console)?,
    };
    console.report(&report)?;
    Ok(ExitCode::SUCCESS)
}

/// Help and version, or a command line that makes no sense.
fn misunderstood(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        let message = error.to_string();
        let message = message.trim_start_matches("error: ").trim_end();
        Console { json: true, quiet: true }.fail(&Failure::new(Exit::Usage, message));
    } else if error.print().is_err() {
        return ExitCode::from(Exit::Io.code());
    }
    ExitCode::from(if error.use_stderr() { Exit::Usage.code() } else { 0 })
}
