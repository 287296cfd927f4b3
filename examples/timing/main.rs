//! Looks for times that depend on secrets, in the way of Reparaz, Balasch and Verbauwhede ("Dude, is my code constant time?",
//! 2017): each job is measured with a fixed secret and with random ones, in random order, and Welch's t tells whether the two
//! sorts of times differ. |t| above 4.5 is a dependence.
//!
//! ```text
//! make timing ARGS="--measurements 1000000 --bits 3072"
//! ```
//!
//! The jobs run as they ship, on every engine of this machine, on one thread; `--only power` takes those whose name begins so,
//! and the planted ones, `--backend ifma` one engine. The key of `portable` has 512 bits, so that 100,000 measurements take a
//! minute and a half: its products are GMP's basecase for all lengths. Lanes of vectors take Karatsuba's method for longer
//! numbers, so the key of `ifma` has 2048 bits, and it takes half an hour; with 3072 bits, from which on squares take it too, an
//! hour. Of one job, whose two classes differ in what is public, the finding is told and is no failure. In the end come jobs
//! that do depend on their secrets, and these must be found, or the test could not fail.

mod welch;

use std::fmt::Write;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use rand::rngs::{SmallRng, SysRng};
use rand::{RngExt, SeedableRng};
use rug::Integer;
use rug::integer::Order;
use tacita::paillier::{Ciphertext, KeySize, Plaintext, SecretKey};
use tacita::{Backend, Error, Result};
use welch::Times;

/// Above this, two classes of times differ.
const LIMIT: f64 = 4.5;
/// Numbers that go into the wide lanes of every engine together.
const WIDE: usize = 8;
/// Ciphertexts and plaintexts of a key; the first `WIDE` of them are fixed.
const NUMBERS: usize = 1 << 10;

struct Options {
    measurements: usize,
    /// Length of the keys; each engine's own if it is not given.
    bits: Option<u32>,
    /// All there are if it is not given.
    engine: Option<Backend>,
    json: bool,
    /// How the names of the wanted jobs begin.
    only: String,
}

/// One measurement: prepares the same for either class, and gives the time of the job in nanoseconds.
type Measure<'a> = Box<dyn FnMut(&mut SmallRng, bool) -> Result<f64> + 'a>;

/// What the two classes of a job differ in.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Secrets: no dependence may be found.
    Secret,
    /// Secrets that it depends on on purpose: this must be found.
    Planted,
    /// What everybody may know: either is right.
    Public,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Secret => "secret",
            Kind::Planted => "planted",
            Kind::Public => "public",
        }
    }
}

struct Subject<'a> {
    name: String,
    kind: Kind,
    measure: Measure<'a>,
}

struct Outcome {
    engine: Backend,
    bits: u32,
    name: String,
    kind: Kind,
    t: f64,
}

impl Outcome {
    fn is_found(&self) -> bool {
        self.t.abs() > LIMIT
    }

    fn is_right(&self) -> bool {
        match self.kind {
            Kind::Secret => !self.is_found(),
            Kind::Planted => self.is_found(),
            Kind::Public => true,
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.kind, self.is_found()) {
            (Kind::Planted, true) => "found, as it should be",
            (Kind::Planted, false) => "NOT FOUND",
            (Kind::Secret, true) => "DEPENDS ON ITS SECRET",
            (Kind::Public, true) => "depends on what is public",
            (_, false) => "no dependence found",
        }
    }
}

/// Runs a job between two looks at the clock.
fn timed<T>(job: impl FnOnce() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    let result = black_box(job()?);
    let time = start.elapsed();
    drop(result);
    Ok(time.as_nanos() as f64)
}

/// One of two numbers, without a branch.
fn choose(is_fixed: bool, fixed: u64, random: u64) -> u64 {
    let mask = black_box(u64::from(is_fixed)).wrapping_neg();
    (fixed & mask) | (random & !mask)
}

/// One of two places in `all`. Memory is taken and read in the same way for both, since it matters where a secret lies as well
/// as what it is.
fn take<T: Clone>(all: &[T], is_fixed: bool, fixed: usize, random: usize) -> T {
    let (_, _) = (black_box(all[fixed].clone()), black_box(all[random].clone()));
    all[choose(is_fixed, fixed as u64, random as u64) as usize].clone()
}

/// Secrets for one measurement, of either sort: the first ones of `all`, or any of the others.
fn choose_from<T: Clone>(all: &[T], random: &mut SmallRng, is_fixed: bool, count: usize) -> Vec<T> {
    (0..count).map(|i| take(all, is_fixed, i, random.random_range(WIDE..all.len()))).collect()
}

/// Exponents below every p - 1, which has its top two bits set.
struct Exponents {
    limbs: usize,
}

impl Exponents {
    /// Random ones, or the one that is as long as the others and nearly all zeros.
    fn choose(&self, random: &mut SmallRng, is_fixed: bool, count: usize) -> Vec<Vec<u64>> {
        let top = self.limbs - 1;
        let mut limb = |i| choose(is_fixed, u64::from(i == top) << 62, random.random::<u64>() >> u64::from(i == top));
        (0..count).map(|_| (0..self.limbs).map(&mut limb).collect()).collect()
    }
}

/// The first ciphertexts and plaintexts are the fixed ones.
fn subjects<'a>(key: &'a SecretKey, ciphertexts: &'a [Ciphertext], plaintexts: &'a [Plaintext]) -> Vec<Subject<'a>> {
    let public = key.public_key();
    let mut subjects = Vec::new();
    let mut add = |name: String, kind, measure| subjects.push(Subject { name, kind, measure });
    let exponents = || Exponents { limbs: key.exponent_limbs() };
    for count in [1, WIDE] {
        let measure: Measure = Box::new(move |random, is_fixed| {
            let chosen = choose_from(ciphertexts, random, is_fixed, count);
            timed(|| key.decrypt_batch(&chosen))
        });
        add(format!("decrypt/{count}"), Kind::Secret, measure);

        let all = exponents();
        let measure: Measure = Box::new(move |random, is_fixed| {
            let chosen = all.choose(random, is_fixed, count);
            timed(|| key.powers_by_secrets(&ciphertexts[..count], &chosen))
        });
        add(format!("power/{count}"), Kind::Secret, measure);

        let all = exponents();
        let measure: Measure = Box::new(move |random, is_fixed| {
            let [a, b] = [(); 2].map(|()| all.choose(random, is_fixed, count));
            timed(|| key.nonces_from_limbs(&a, &b))
        });
        add(format!("fixed-base/{count}"), Kind::Secret, measure);

        let all = exponents();
        let measure: Measure = Box::new(move |random, is_fixed| {
            let nonces = all.choose(random, false, count);
            let nonces = key.nonces_from_limbs(&nonces, &nonces)?;
            let plaintexts = choose_from(plaintexts, random, is_fixed, count);
            timed(|| public.encrypt_batch_with(&plaintexts, nonces))
        });
        add(format!("plaintext/{count}"), Kind::Secret, measure);

        // Fresh nonces, with which the message goes through the tables.
        let measure: Measure = Box::new(move |random, is_fixed| {
            let plaintexts = choose_from(plaintexts, random, is_fixed, count);
            timed(|| key.encrypt_batch(&plaintexts))
        });
        add(format!("encrypt/{count}"), Kind::Secret, measure);
    }

    if public.backend().lanes() > 1 {
        // Lanes that do the same switch less than others, for whatever plaintext: so these are compared with each other, and ...
        let measure: Measure = Box::new(move |random, is_fixed| {
            let chosen = choose_from(ciphertexts, random, is_fixed, 1);
            let chosen = vec![chosen[0].clone(); WIDE];
            timed(|| key.decrypt_batch(&chosen))
        });
        add(format!("decrypt-equal/{WIDE}"), Kind::Secret, measure);

        // ... here, whether all ciphertexts are one, which who sends them knows, with any plaintext.
        let measure: Measure = Box::new(move |random, are_equal| {
            let one = random.random_range(WIDE..ciphertexts.len());
            let mut any = || take(ciphertexts, are_equal, one, random.random_range(WIDE..ciphertexts.len()));
            let chosen: Vec<_> = (0..WIDE).map(|_| any()).collect();
            timed(|| key.decrypt_batch(&chosen))
        });
        add(format!("decrypt-equality/{WIDE}"), Kind::Public, measure);
    }

    // The power for exponents that everybody may know, by secret ones: fewer products where there are fewer ones.
    let all = exponents();
    let measure: Measure = Box::new(move |random, is_fixed| {
        let chosen = all.choose(random, is_fixed, 1).remove(0);
        timed(|| key.power_by_public_exponent(&chosen))
    });
    add("planted/products".into(), Kind::Planted, measure);

    // One more nonce if the first exponent is odd.
    let all = exponents();
    let measure: Measure = Box::new(move |random, is_fixed| {
        let a = all.choose(random, is_fixed, WIDE + 1);
        let count = WIDE + (a[0][0] & 1) as usize;
        timed(|| key.nonces_from_limbs(&a[..count], &a[..count]))
    });
    add("planted/exit".into(), Kind::Planted, measure);

    // Four looks into a table, one for each 16 bits of the lowest limb: at the same place if these are zeros.
    let all = exponents();
    let table = vec![[1_u64; 8]; 1 << 16];
    let measure: Measure = Box::new(move |random, is_fixed| {
        let chosen = all.choose(random, is_fixed, 1).remove(0);
        timed(|| {
            let digits = [0, 16, 32, 48].map(|shift| (chosen[0] >> shift) as u16);
            let found = digits.iter().fold(0, |place, digit| table[usize::from(*digit) ^ place][0] as usize >> 1);
            Ok((found, key.powers_by_secrets(&ciphertexts[..1], &[chosen])?))
        })
    });
    add("planted/lookups".into(), Kind::Planted, measure);
    subjects
}

fn run(options: &Options) -> Result<Vec<Outcome>> {
    // The two primes one after the other, and nobody to wait for.
    tacita::set_threads(1)?;
    let random = &mut SmallRng::try_from_rng(&mut SysRng).map_err(|_| Error::Randomness)?;
    if !Backend::available().any(|engine| engine == Backend::Ifma) {
        eprintln!("*** SKIPPED: ifma, for whose instructions this processor is not made");
    }
    let mut outcomes = Vec::new();
    for engine in Backend::available().filter(|&engine| options.engine.is_none_or(|only| only == engine)) {
        let bits = options.bits.unwrap_or(if engine == Backend::Portable { 512 } else { 2048 });
        let key = match KeySize::try_from(bits) {
            Ok(size) => SecretKey::generate(size)?,
            Err(_) => SecretKey::generate_insecure_for_tests(bits)?,
        };
        let key = key.on(engine)?;
        let modulus = key.public_key().modulus();
        let mut digits = vec![0_u64; modulus.significant_digits::<u64>()];
        let mut number = |i| {
            digits.iter_mut().for_each(|digit| *digit = if i < WIDE { 0 } else { random.random() });
            Plaintext::new(Integer::from_digits(&digits, Order::Lsf) % modulus, key.public_key())
        };
        let plaintexts = (0..NUMBERS).map(&mut number).collect::<Result<Vec<_>>>()?;
        let ciphertexts = key.encrypt_batch(&plaintexts)?;
        let mut subjects = subjects(&key, &ciphertexts, &plaintexts);
        subjects.retain(|subject| subject.kind == Kind::Planted || subject.name.starts_with(&options.only));
        for Subject { name, kind, mut measure } in subjects {
            let mut times = Times::default();
            for i in 0..options.measurements + options.measurements / 100 {
                let is_fixed = random.random();
                let time = measure(random, is_fixed)?;
                // The first ones fill caches.
                if i >= options.measurements / 100 {
                    times.add(is_fixed, time);
                }
            }
            let outcome = Outcome { engine, bits, name, kind, t: times.largest_t() };
            if !options.json {
                let verdict = outcome.verdict();
                println!("{:10} {bits:4} bits {:18} t = {:8.2}   {verdict}", engine.name(), outcome.name, outcome.t);
            }
            outcomes.push(outcome);
        }
    }
    if !outcomes.iter().any(|outcome| outcome.name.starts_with(&options.only)) {
        return Err(Error::Argument(format!("--only {}: no job's name begins so", options.only)));
    }
    Ok(outcomes)
}

fn report(options: &Options, outcomes: &[Outcome]) -> String {
    let mut text = format!(r#"{{"measurements": {}, "limit": {LIMIT}, "jobs": ["#, options.measurements);
    for (i, Outcome { engine, bits, name, kind, t }) in outcomes.iter().enumerate() {
        let (comma, kind) = (if i == 0 { "" } else { ", " }, kind.name());
        let _ = write!(
            text,
            r#"{comma}{{"job": "{name}", "backend": "{engine}", "bits": {bits}, "kind": "{kind}", "t": {t:.3}}}"#
        );
    }
    text + "]}"
}

fn options() -> Result<Options> {
    let mut options = Options { measurements: 100_000, bits: None, engine: None, json: false, only: String::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let wrong = || {
            Error::Argument(format!(
                "{argument}: options are --measurements N, --bits N, --backend NAME, --only JOB and --json"
            ))
        };
        let mut value = || arguments.next().ok_or_else(wrong);
        match argument.as_str() {
            "--json" => options.json = true,
            "--measurements" => options.measurements = value()?.parse().map_err(|_| wrong())?,
            "--bits" => options.bits = Some(value()?.parse().map_err(|_| wrong())?),
            "--backend" => {
                let name = value()?;
                let found = Backend::available().find(|engine| engine.name() == name);
                options.engine =
                    Some(found.ok_or_else(|| Error::Backend(format!("{name} is no engine of this machine")))?);
            }
            "--only" => options.only = value()?,
            _ => return Err(wrong()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let outcomes = options().and_then(|options| {
        let outcomes = run(&options)?;
        if options.json {
            println!("{}", report(&options, &outcomes));
        }
        Ok(outcomes)
    });
    match outcomes {
        Ok(outcomes) if outcomes.iter().all(Outcome::is_right) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("timing: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is planted differs by little in 2,000 measurements on a busy machine, so that more are made where they do not do.
    #[test]
    fn planted_dependences_are_found_on_every_engine() {
        let mut missed = Vec::new();
        for measurements in [2_000, 8_000, 32_000] {
            let options = Options { measurements, bits: Some(256), engine: None, json: true, only: "planted".into() };
            let outcomes = run(&options).unwrap();
            let planted: Vec<_> = outcomes.iter().filter(|outcome| outcome.kind == Kind::Planted).collect();
            assert_eq!(planted.len(), 3 * Backend::available().count());
            let missed_now = planted.into_iter().filter(|outcome| !outcome.is_right());
            missed = missed_now.map(|one| format!("{} on {}: t = {}", one.name, one.engine, one.t)).collect();
            if missed.is_empty() {
                return;
            }
        }
        panic!("{missed:?}");
    }
}
