//! Keys, specs, models and messages from files; failures name the file.

use std::fmt;

use tacita::Fingerprint;
use tacita::inference::{Message, MessageReader};
use tacita::model::{PrivateModel, PublicSpec};
use tacita::paillier::{SecretKey, UnverifiedPublicKey, is_encrypted};

use crate::console::Console;
use crate::exit::{Exit, Failure, Of};
use crate::files::{KEY_LIMIT, Source};
use crate::kind::Kind;
use crate::passphrase::PassphraseArguments;

/// Either key.
pub(crate) enum Key {
    Public(UnverifiedPublicKey),
    Secret(SecretKey),
}

pub(crate) fn key(source: &Source, passphrase: &PassphraseArguments) -> Result<Key, Failure> {
    let bytes = source.read("key", KEY_LIMIT)?;
    match Kind::of(&bytes) {
        Some(Kind::PublicKey) => public_key_from(&bytes).map(Key::Public),
        Some(Kind::SecretKey) => secret_key_from(&bytes, passphrase).map(Key::Secret),
        _ => Err(Failure::new(Exit::Malformed, "it is neither a public nor a secret key")),
    }
    .of(source)
}

pub(crate) fn public_key(source: &Source) -> Result<UnverifiedPublicKey, Failure> {
    public_key_from(&source.read("public key", KEY_LIMIT)?).of(source)
}

pub(crate) fn secret_key(source: &Source, passphrase: &PassphraseArguments) -> Result<SecretKey, Failure> {
    secret_key_from(&source.read("secret key", KEY_LIMIT)?, passphrase).of(source)
}

pub(crate) fn public_key_from(bytes: &[u8]) -> Result<UnverifiedPublicKey, Failure> {
    Ok(UnverifiedPublicKey::from_json(utf8("public key", bytes)?)?)
}

fn secret_key_from(bytes: &[u8], passphrase: &PassphraseArguments) -> Result<SecretKey, Failure> {
    if is_encrypted(bytes) {
        return Ok(SecretKey::from_encrypted(bytes, &passphrase.ask()?)?);
    }
    plain_secret_key_from(bytes)
}

pub(crate) fn plain_secret_key_from(bytes: &[u8]) -> Result<SecretKey, Failure> {
    Ok(SecretKey::from_json(utf8("secret key", bytes)?)?)
}

fn utf8<'a>(what: &'static str, bytes: &'a [u8]) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes)
        .map_err(|_| Failure::new(Exit::Malformed, format!("{what} cannot be read: it is not UTF-8")))
}

pub(crate) fn model(source: &Source) -> Result<PrivateModel, Failure> {
    PrivateModel::from_bytes(&source.read("private model", PrivateModel::MAX_BYTES as u64)?).of(source)
}

/// The messages of a file, one by one; failures name the file and, behind the first message, its number.
pub(crate) fn messages<T: Message>(
    source: &Source,
    max_bytes: u64,
) -> Result<impl Iterator<Item = Result<T, Failure>>, Failure> {
    let messages = MessageReader::new(source.open()?, max_bytes);
    Ok(messages.enumerate().map(move |(index, message)| message.of(Nth(source, index))))
}

/// A message of a file, for messages to people.
pub(crate) struct Nth<'a>(pub(crate) &'a Source, pub(crate) usize);

impl fmt::Display for Nth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(source, 0) => source.fmt(f),
            Self(source, index) => write!(f, "{source}, message {}", index + 1),
        }
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A public spec, and the fingerprint it must have.
#[derive(Debug, clap::Args)]
pub(crate) struct SpecArguments {
    /// The model's public spec
    #[arg(long, value_name = "FILE")]
    spec: Source,
    /// The spec's fingerprint, as the model's owner published it; without it the file is trusted
    #[arg(long, value_name = "FINGERPRINT")]
    pin: Option<Fingerprint>,
}

impl SpecArguments {
    /// The spec and its pin.
    pub(crate) fn load(&self, console: &Console) -> Result<(PublicSpec, Fingerprint), Failure> {
        let bytes = self.spec.read("spec", PublicSpec::MAX_BYTES as u64)?;
        let spec = PublicSpec::from_json(&bytes).of(&self.spec)?;
        let found = spec.fingerprint();
        let pin = self.pin.unwrap_or_else(|| {
            console.note(&format!(
                "The spec is taken as it is: {found}\nCompare that with what the model's owner published, or give it as --pin."
            ));
            found
        });
        if pin != found {
            return Err(tacita::Error::SpecMismatch { expected: pin, found }).of(&self.spec);
        }
        Ok((spec, pin))
    }
}
