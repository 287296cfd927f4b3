//! Files by name, with `-` for the standard streams; output that is complete or absent.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::kind::Kind;

/// Longest key file that the library reads.
pub(crate) const KEY_LIMIT: u64 = 64 << 10;
/// Longest of the hospital's own messages that is read back.
pub(crate) const MESSAGE_LIMIT: u64 = 4 << 30;

/// Where input comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

impl From<OsString> for Source {
    fn from(name: OsString) -> Self {
        if name == "-" { Self::Stdin } else { Self::File(name.into()) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Source {
    /// Opens it. Standard input can be opened once.
    pub(crate) fn open(&self) -> Result<Box<dyn Read>, Failure> {
        static STDIN_TAKEN: AtomicBool = AtomicBool::new(false);
        match self {
            Self::Stdin if STDIN_TAKEN.swap(true, Ordering::Relaxed) => {
                Err(Failure::new(Exit::Argument, "only one input can be `-`, standard input"))
            }
            Self::Stdin => Ok(Box::new(io::stdin().lock())),
            Self::File(path) => Ok(Box::new(File::open(path).map_err(|error| failed(path.display(), &error))?)),
        }
    }

    /// Reads all of it, wiped when dropped. What is not longer than a key file stays in one place in memory.
    pub(crate) fn read(&self, what: &'static str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.read_opened(self.open()?, what, limit)
    }

    /// The same where it is open already.
    pub(crate) fn read_opened(
        &self,
        input: impl Read,
        what: &'static str,
        limit: u64,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let too_large = |found| Failure::from(tacita::Error::TooLarge { what, found, limit }).of(self);
        let length = match self {
            Self::File(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
            Self::Stdin => 0,
        };
        if length > limit {
            return Err(too_large(length));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.max(KEY_LIMIT) as usize + 1));
        input.take(limit + 1).read_to_end(&mut bytes).map_err(|error| failed(self, &error))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(bytes)
    }
}

/// Where output goes.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    Stdout,
    File(PathBuf),
}

impl From<OsString> for Sink {
    fn from(name: OsString) -> Self {
        if name == "-" { Self::Stdout } else { Self::File(name.into()) }
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The output files of a command.
///
/// They are [planned](Self::plan) before the work, so that it is not done in vain, and [written](Self::write) after it:
/// each to a temporary file in the folder where it belongs, and only when all are complete under their own names. What is
/// too long to be held is written [piece by piece](Self::pieces).
#[derive(Debug)]
pub(crate) struct Outputs(Vec<(Sink, Kind)>);

impl Outputs {
    /// Checks that everything can be written.
    pub(crate) fn plan<const N: usize>(outputs: [(&Sink, Kind); N], json: bool) -> Result<Self, Failure> {
        let outputs = outputs.map(|(sink, kind)| (sink.clone(), kind)).to_vec();
        let refuse = |why: String| Err(Failure::new(Exit::Argument, why));
        let mut places = Vec::new();
        for (sink, kind) in &outputs {
            let place = match sink {
                Sink::Stdout if json => return refuse(format!("standard output cannot take {kind} and JSON")),
                Sink::Stdout if io::stdout().is_terminal() && !kind.is_printable() => {
                    return refuse(format!("a {kind} does not belong on a terminal"));
                }
                Sink::Stdout => None,
                Sink::File(path) => Some(check(path, *kind)?),
            };
            if places.contains(&place) {
                return refuse(format!("two outputs are to go to {sink}"));
            }
            places.push(place);
        }
        Ok(Self(outputs))
    }

    /// Whether standard output is one of them.
    pub(crate) fn take_stdout(&self) -> bool {
        self.0.iter().any(|(sink, _)| matches!(sink, Sink::Stdout))
    }

    /// Writes one content for each output. A secret key stands first in the list, so that no file is replaced without it.
    pub(crate) fn write<const N: usize>(self, contents: [&[u8]; N]) -> Result<(), Failure> {
        let mut staged = Vec::new();
        for ((sink, kind), content) in self.0.iter().zip(contents) {
            if let Sink::File(path) = sink {
                // Checked once more: the work took its time.
                let path = check(path, *kind)?;
                if is_special(&path) {
                    fs::write(&path, content).map_err(|error| failed(path.display(), &error))?;
                } else {
                    let write = || {
                        let mut file = stage(&path, *kind)?;
                        file.write_all(content)?;
                        file.as_file().sync_all()?;
                        Ok(file)
                    };
                    let file = write().map_err(|error| failed(path.display(), &error))?;
                    staged.push((file, path, *kind));
                }
            }
        }
        for ((sink, _), content) in self.0.iter().zip(contents) {
            if matches!(sink, Sink::Stdout) {
                print(content)?;
            }
        }
        for (file, path, kind) in staged {
            persist(file, &path, kind)?;
        }
        Ok(())
    }

    /// The only output, to be written piece by piece.
    pub(crate) fn pieces(self) -> Pieces {
        let [(sink, kind)] = <[_; 1]>::try_from(self.0).expect("one output was planned");
        Pieces { sink, kind, place: None }
    }
}

/// An output that is written piece by piece. A file is opened with the first piece, and stands under its own name when it
/// is [finished](Self::finish).
pub(crate) struct Pieces {
    sink: Sink,
    kind: Kind,
    place: Option<Place>,
}

enum Place {
    Staged(BufWriter<NamedTempFile>),
    Special(BufWriter<File>),
    Stdout,
}

impl Pieces {
    /// Writes the next piece. Where others read along, it is sent at once.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let place = match &mut self.place {
            Some(place) => place,
            none => none.insert(Place::open(&self.sink, self.kind)?),
        };
        let written = match place {
            Place::Staged(file) => file.write_all(piece),
            Place::Special(file) => file.write_all(piece).and_then(|()| file.flush()),
            Place::Stdout => return print(piece),
        };
        written.map_err(|error| failed(&self.sink, &error))
    }

    /// Puts a complete file where it belongs.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let (Sink::File(path), Some(Place::Staged(file))) = (&self.sink, self.place) else { return Ok(()) };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error);
        let file = file.and_then(|file| file.as_file().sync_all().map(|()| file));
        // Checked once more: the work took its time.
        persist(file.map_err(|error| failed(path.display(), &error))?, &check(path, self.kind)?, self.kind)
    }

    /// Says with a failure what has gone out before it and cannot be taken back.
    pub(crate) fn failed(&self, failure: Failure, written: impl fmt::Display) -> Failure {
        match self.place {
            None | Some(Place::Staged(_)) => failure,
            Some(Place::Special(_) | Place::Stdout) => {
                let message = format!("{}; {} has {written} and is not complete", failure.message, self.sink);
                Failure { message, ..failure }
            }
        }
    }
}

impl Place {
    fn open(sink: &Sink, kind: Kind) -> Result<Self, Failure> {
        let Sink::File(path) = sink else { return Ok(Self::Stdout) };
        let path = check(path, kind)?;
        let place = if is_special(&path) {
            File::options().write(true).open(&path).map(|file| Self::Special(BufWriter::new(file)))
        } else {
            stage(&path, kind).map(|file| Self::Staged(BufWriter::new(file)))
        };
        place.map_err(|error| failed(path.display(), &error))
    }
}

/// Where a file will stand, links followed; or why nothing may be written there.
fn check(path: &Path, kind: Kind) -> Result<PathBuf, Failure> {
    let Ok(place) = fs::canonicalize(path) else {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let folder = fs::canonicalize(folder).map_err(|error| failed(path.display(), &error))?;
        return Ok(folder.join(path.file_name().unwrap_or_default()));
    };
    let would_overwrite =
        || Failure::new(Exit::WouldOverwrite, format!("{} exists; remove it or take another name", path.display()));
    if place.is_dir() {
        return Err(failed(path.display(), &io::ErrorKind::IsADirectory.into()));
    }
    if kind == Kind::SecretKey && !is_special(&place) {
        return Err(would_overwrite());
    }
    if place.is_file() && holds_secret_key(&place) {
        return Err(would_overwrite().of("a secret key is never overwritten"));
    }
    Ok(place)
}

/// A pipe or a device, which is written to and not replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn holds_secret_key(path: &Path) -> bool {
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_LIMIT as usize));
    let read = File::open(path).and_then(|file| file.take(KEY_LIMIT).read_to_end(&mut bytes));
    read.is_ok() && Kind::of(&bytes) == Some(Kind::SecretKey)
}

/// A temporary file beside its place.
fn stage(path: &Path, kind: Kind) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tacita-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(if kind.is_private() { 0o600 } else { 0o666 }));
    }
    builder.tempfile_in(path.parent().unwrap_or(Path::new(".")))
}

/// Puts a complete temporary file into its place.
fn persist(file: NamedTempFile, path: &Path, kind: Kind) -> Result<(), Failure> {
    let persisted = match kind {
        Kind::SecretKey => file.persist_noclobber(path),
        _ => file.persist(path),
    };
    persisted.map(drop).map_err(|error| failed(path.display(), &error.error))
}

/// Writes to standard output.
pub(crate) fn print(content: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(content).and_then(|()| stdout.flush()).map_err(|error| failed("standard output", &error))
}

pub(crate) fn failed(what: impl fmt::Display, error: &io::Error) -> Failure {
    Failure::new(Exit::Io, format!("{what}: {error}"))
}
