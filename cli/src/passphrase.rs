//! Passphrases of secret key files: from a file, or from whoever sits at the terminal.

use std::io::{self, IsTerminal};

use clap::Args;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::files::{KEY_LIMIT, Source};

/// Where a passphrase comes from.
#[derive(Debug, Args)]
pub(crate) struct PassphraseArguments {
    /// The secret key's passphrase is the first line of this file, instead of being asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<Source>,
}

impl PassphraseArguments {
    /// The passphrase of a key that exists.
    pub(crate) fn ask(&self) -> Result<Zeroizing<String>, Failure> {
        match &self.passphrase_file {
            Some(source) => from_file(source),
            None => prompt("Passphrase of the secret key: "),
        }
    }

    /// The passphrase of a key that is being made, typed twice.
    pub(crate) fn choose(&self) -> Result<Zeroizing<String>, Failure> {
        let chosen = self.ask()?;
        if chosen.is_empty() {
            return Err(Failure::new(Exit::Argument, "the passphrase is empty"));
        }
        if self.passphrase_file.is_none() && *prompt("The same again: ")? != *chosen {
            return Err(Failure::new(Exit::Argument, "the two passphrases differ"));
        }
        Ok(chosen)
    }
}

fn from_file(source: &Source) -> Result<Zeroizing<String>, Failure> {
    let bytes = source.read("passphrase", KEY_LIMIT)?;
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let not_text = |_| Failure::new(Exit::Malformed, "the passphrase is not UTF-8").of(source);
    std::str::from_utf8(line).map(|line| Zeroizing::new(line.to_owned())).map_err(not_text)
}

fn prompt(words: &str) -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        let why = "the secret key has a passphrase and there is no terminal to ask for it; give --passphrase-file";
        return Err(Failure::new(Exit::Argument, why));
    }
    let typed = rpassword::prompt_password(words);
    typed.map(Zeroizing::new).map_err(|error| Failure::new(Exit::Io, format!("the terminal cannot be read: {error}")))
}
