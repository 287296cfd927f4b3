//! `tacita train`: hands over to `tacita-train`, whose learning library is too heavy for this command.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{self, ExitCode};

use clap::Args;

use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::files;

const PROGRAM: &str = "tacita-train";

/// Train a network; all arguments go to `tacita-train`
#[derive(Debug, Args)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(crate) struct Train {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

impl Train {
    pub(crate) fn run(&self, console: &Console) -> Result<ExitCode, Failure> {
        let json = console.json.then(|| "--json".into());
        let arguments = self.arguments.iter().cloned().chain(json);
        match process::Command::new(program()).args(arguments).status() {
            Ok(status) => Ok(ExitCode::from(code(status))),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::new(
                Exit::NoProgram,
                format!("there is no {PROGRAM} beside this command nor in PATH; `make build` builds it"),
            )),
            Err(error) => Err(files::failed(PROGRAM, &error)),
        }
    }
}

/// The program's own exit code, or what shells make of a signal.
fn code(status: process::ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal as u8;
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The program beside this one, otherwise the one that PATH finds.
fn program() -> PathBuf {
    let name = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().map(|command| command.with_file_name(&name));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| name.into())
}
