//! `tacita keygen`: a new key pair.

use std::ops::ControlFlow;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use zeroize::Zeroizing;

use tacita::paillier::{KeySize, KeygenProgress, SecretKey};

use crate::console::{Console, Report, ms, time};
use crate::exit::Failure;
use crate::files::{Outputs, Sink};
use crate::kind::Kind;
use crate::passphrase::PassphraseArguments;

/// Make a new key pair
///
/// The secret key stays with the hospital: its file can be read by its owner only, and no command ever overwrites one.
/// The public key comes with the proof that services ask for.
#[derive(Debug, Args)]
pub(crate) struct Keygen {
    #[command(flatten)]
    size: KeyBits,
    /// Where the secret key goes; it must not exist
    #[arg(long, value_name = "FILE")]
    secret: Sink,
    /// Encrypt the secret key file under a passphrase, in the age format
    #[arg(long)]
    passphrase: bool,
    #[command(flatten)]
    source: PassphraseArguments,
    /// Where the public key goes
    #[arg(long, value_name = "FILE")]
    public: Sink,
}

/// The length of new keys.
#[derive(Debug, Args)]
pub(crate) struct KeyBits {
    /// Length of the key in bits: 2048, 3072 or 4096
    #[arg(long, default_value = "3072", value_parser = key_size)]
    bits: KeySize,
}

/// Reads a key length.
pub(crate) fn key_size(text: &str) -> Result<KeySize, String> {
    let size = text.parse::<u32>().ok().and_then(|bits| KeySize::try_from(bits).ok());
    size.ok_or_else(|| "a key has 2048, 3072 or 4096 bits".into())
}

#[derive(Serialize)]
struct Facts {
    fingerprint: String,
    bits: u32,
    ms: f64,
}

impl Keygen {
    pub(crate) fn run(&self, console: &Console) -> Result<Report, Failure> {
        let outputs = Outputs::plan([(&self.secret, Kind::SecretKey), (&self.public, Kind::PublicKey)], console.json)?;
        // Asked for first, so that nobody searches for a key in vain.
        let passphrase = self.passphrase.then(|| self.source.choose()).transpose()?;
        let start = Instant::now();
        let key = self.size.generate(console)?;
        let took = start.elapsed();
        let secret = match passphrase {
            Some(passphrase) => Zeroizing::new(key.to_encrypted(&passphrase)?),
            None => Zeroizing::new(key.to_json()?.as_bytes().to_vec()),
        };
        let public = key.public_key();
        outputs.write([&secret, public.to_json().as_bytes()])?;
        let facts = Facts { fingerprint: public.fingerprint().to_string(), bits: public.bits(), ms: ms(took) };
        let text = format!(
            "A key of {} bits in {}.\n  secret key   {}   keep it: nobody can make it again\n  public key   {}\n  \
             fingerprint  {}",
            facts.bits,
            time(took),
            self.secret,
            self.public,
            facts.fingerprint
        );
        Ok(Report::note(&facts, text))
    }
}

impl KeyBits {
    /// A new key, with the search on a bar.
    pub(crate) fn generate(&self, console: &Console) -> Result<SecretKey, Failure> {
        let bar = console.progress("prime search", 1);
        let key = SecretKey::generate_with_progress(self.bits, &|progress: KeygenProgress| {
            // The search may take longer than expected.
            bar.set_length(progress.expected_candidates.max(progress.candidates));
            bar.set_position(progress.candidates);
            ControlFlow::Continue(())
        });
        bar.finish_and_clear();
        Ok(key?)
    }
}
