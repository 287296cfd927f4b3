//! What people see: notes and progress on standard error, results on standard output.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::files;

/// How to speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// One JSON object on standard output and nothing else anywhere.
    pub(crate) json: bool,
    /// Neither notes nor progress.
    pub(crate) quiet: bool,
}

/// What a command did, once for programs and once for people.
#[derive(Debug)]
pub(crate) struct Report {
    json: String,
    text: String,
    is_note: bool,
}

impl Report {
    /// A result: text on standard output.
    pub(crate) fn result(facts: &impl Serialize, text: impl Into<String>) -> Self {
        let json = serde_json::to_string(facts).expect("facts are plain data");
        Self { json, text: text.into(), is_note: false }
    }

    /// A note on what was written to files: text on standard error.
    pub(crate) fn note(facts: &impl Serialize, text: impl Into<String>) -> Self {
        Self { is_note: true, ..Self::result(facts, text) }
    }
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    error: ErrorFacts<'a>,
}

#[derive(Serialize)]
struct ErrorFacts<'a> {
    code: u8,
    name: &'a str,
    family: &'a str,
    message: &'a str,
}

impl Console {
    /// Tells a person something, unless it is not wanted.
    pub(crate) fn note(&self, text: &str) {
        if !self.json && !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Prints a part of the result at once.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { files::print(format!("{text}\n").as_bytes()) }
    }

    /// Prints what a command has to say in the end.
    pub(crate) fn report(&self, report: &Report) -> Result<(), Failure> {
        if self.json {
            files::print(format!("{}\n", report.json).as_bytes())
        } else if report.is_note {
            self.note(&report.text);
            Ok(())
        } else if report.text.is_empty() {
            Ok(())
        } else {
            self.print(&report.text)
        }
    }

    /// Says why the command failed.
    pub(crate) fn fail(&self, failure: &Failure) {
        let Failure { exit, message } = failure;
        if self.json {
            let error = ErrorFacts { code: exit.code(), name: exit.name(), family: exit.family(), message };
            let object = serde_json::to_string(&ErrorObject { error }).expect("facts are plain data");
            // Where standard output is broken there is nobody left to tell.
            let _ = files::print(format!("{object}\n").as_bytes());
        } else {
            eprintln!("tacita: {message}");
            if *exit == Exit::Bug {
                eprintln!("tacita: please report this");
            }
        }
    }

    /// A bar for `total` steps; silent where nobody looks.
    pub(crate) fn progress(&self, what: &'static str, total: u64) -> ProgressBar {
        if self.json || self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg:12} {bar:40} {pos}/{len} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Shows how far a long piece of work is on a bar of its own.
    pub(crate) fn steps<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(tacita::OnProgress) -> tacita::Result<T>,
    ) -> tacita::Result<T> {
        let bar = self.progress(what, 1);
        let result = work(&mut |progress: tacita::Progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
            std::ops::ControlFlow::Continue(())
        });
        bar.finish_and_clear();
        result
    }
}

/// A length in bytes for people.
pub(crate) fn bytes(length: usize) -> String {
    match length {
        0..10_000 => format!("{length} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", length as f64 / 1e3),
        _ => format!("{:.1} MB", length as f64 / 1e6),
    }
}

/// Milliseconds.
pub(crate) fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// A duration for people.
pub(crate) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        0.0..1.0 => format!("{:.0} ms", seconds * 1e3),
        1.0..100.0 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.0} s"),
    }
}
