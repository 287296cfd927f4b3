//! Writes the tables and plots of docs/performance.md from what `tacita bench --json`, `tacita-peers --json` and, if it was
//! run, `scripts/scaling --json` measured.
//!
//! A table stands between `<!-- table: NAME -->` and `<!-- end -->`. What stands there is replaced; a table for whose
//! figures no file was given stays as it is.

mod chart;
mod facts;
mod kernel;
mod pictures;
mod tables;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::Parser;

use facts::Facts;

/// Renews the tables and plots of a document on performance.
#[derive(Parser)]
struct Arguments {
    /// What `tacita bench --json` printed.
    #[arg(long, value_name = "FILE")]
    bench: PathBuf,
    /// What `tacita-peers --json` printed.
    #[arg(long, value_name = "FILE")]
    peers: PathBuf,
    /// What `scripts/scaling --json` printed.
    #[arg(long, value_name = "FILE")]
    scaling: Option<PathBuf>,
    /// The document.
    #[arg(long, value_name = "FILE", default_value = "docs/performance.md")]
    document: PathBuf,
    /// Where the plots go.
    #[arg(long, value_name = "FOLDER", default_value = "docs/plots")]
    plots: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let facts = Facts::read(&arguments.bench, &arguments.peers, arguments.scaling.as_deref())?;
    let document = fs::read_to_string(&arguments.document)
        .map_err(|error| format!("{}: {error}", arguments.document.display()))?;
    let document = renewed(&document, &facts)?;
    fs::create_dir_all(&arguments.plots)?;
    for (name, picture) in pictures::all(&facts)? {
        fs::write(arguments.plots.join(name), picture)?;
    }
    fs::write(&arguments.document, document)?;
    Ok(())
}

const END: &str = "<!-- end -->";

/// The document with new tables.
fn renewed(document: &str, facts: &Facts) -> Result<String, Box<dyn Error>> {
    let mut out = String::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        out += line;
        out.push('\n');
        let Some(name) = line.strip_prefix("<!-- table: ").and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let old: Vec<_> = lines.by_ref().take_while(|&line| line != END).collect();
        match tables::table(name, facts)? {
            Some(table) => out += &table,
            None => old.iter().for_each(|line| out += &format!("{line}\n")),
        }
        out += END;
        out.push('\n');
    }
    if document.matches("<!-- table: ").count() != document.matches(END).count() {
        return Err("a table of the document has no end".into());
    }
    Ok(out)
}
