//! The tables, as Markdown.

use std::collections::BTreeMap;

use tacita_peers::{duration, figures};

use crate::facts::{Command, Entry, Facts, Whole};
use crate::kernel;

/// The table of that name, if there are figures for it.
///
/// # Errors
/// If there is no table of that name.
pub fn table(name: &str, facts: &Facts) -> Result<Option<String>, String> {
    Ok(match name {
        "machine" => Some(machine(facts)),
        "kernels" => Some(kernels(facts)),
        "jobs" => Some(jobs(facts)),
        "threads" => Some(threads(facts)),
        "peers" => Some(peers(facts)),
        "verdicts" => Some(verdicts(facts)),
        "ckks" => Some(ckks(facts)),
        "plans" => Some(plans(facts)),
        "whole" => Some(whole(facts)),
        "scaling" => facts.scaling.as_ref().map(|scaling| {
            [("records", &scaling.records), ("features", &scaling.features), ("rows", &scaling.rows)]
                .map(|(what, counts)| growth(what, scaling.bits, counts))
                .join("\n")
        }),
        _ => return Err(format!("there is no table {name}")),
    })
}

/// Rows of cells under their heads.
fn markdown<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    lines(&heads, rows)
}

fn lines<S: AsRef<str>>(heads: &[S], rows: impl IntoIterator<Item = impl AsRef<[String]>>) -> String {
    let line = |cells: Vec<&str>| format!("|{}\n", cells.iter().map(|cell| format!(" {cell} |")).collect::<String>());
    let mut out = line(heads.iter().map(AsRef::as_ref).collect());
    out += &format!("|{}\n", "---|".repeat(heads.len()));
    rows.into_iter().for_each(|row| out += &line(row.as_ref().iter().map(String::as_str).collect()));
    out
}

/// The cells that somebody has, in the order in which they came up first.
fn distinct<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut out = Vec::new();
    all.into_iter().for_each(|one| {
        if !out.contains(&one) {
            out.push(one);
        }
    });
    out
}

fn us(us: f64) -> String {
    duration(us * 1e3)
}

fn ms(ms: f64) -> String {
    duration(ms * 1e6)
}

fn kb(bytes: f64) -> String {
    figures(bytes / 1e3)
}

fn machine(facts: &Facts) -> String {
    let machine = &facts.bench.machine;
    let clock = if facts.peers.clock == "wall" { "time on the clock" } else { "processor time" };
    let limit = facts.bench.limit.madd52_ns.map_or("none (no AVX-512 IFMA)".into(), |ns| format!("every {ns:.3} ns"));
    let versions = facts.peers.versions.iter().map(|of| format!("{} {}", of.name, of.version)).collect::<Vec<_>>();
    markdown(
        ["", ""],
        [
            ["processor".into(), format!("{}, {} cores", machine.cpu, machine.cores)],
            ["engine that is chosen".into(), format!("`{}`", machine.backend)],
            ["512-bit multiply-add".into(), limit],
            ["compared at".into(), format!("{} bits, one thread, {clock}", facts.peers.bits)],
            ["versions".into(), versions.join(", ")],
        ],
    )
}

fn kernels(facts: &Facts) -> String {
    let kernels = &facts.bench.kernels;
    let rows = kernels.iter().filter(|kernel| kernel.backend == "ifma").map(|kernel| {
        let portable = kernels.iter().find(|other| {
            other.backend == "portable"
                && (&other.op, &other.modulus, other.bits) == (&kernel.op, &kernel.modulus, kernel.bits)
        });
        let limbs = kernel::limbs(if kernel.modulus == "p2" { kernel.bits / 2 } else { kernel.bits });
        let counts = [kernel::schoolbook(&kernel.op, limbs), kernel::karatsuba(&kernel.op, limbs)];
        let share = |count: u64| {
            let share = kernel.share_of_schoolbook_limit?;
            Some(format!("{:.2}", share * counts[0] as f64 / count as f64))
        };
        // Of the cycles in which a multiply-add could have begun, those in which one did.
        let busy = kernel.share_of_schoolbook_limit.map(|share| counts[1] as f64 / counts[0] as f64 / share);
        [
            format!("`{}` modulo {}^2", kernel.op, &kernel.modulus[..1]),
            kernel.bits.to_string(),
            limbs.to_string(),
            counts[0].to_string(),
            counts[1].to_string(),
            duration(kernel.ns_per_lane),
            share(counts[0]).unwrap_or_default(),
            busy.map_or(String::new(), |busy| format!("{:.0} %", 100.0 * busy)),
            portable.map_or(String::new(), |portable| duration(portable.ns_per_lane)),
        ]
    });
    markdown(
        [
            "kernel",
            "key",
            "L",
            "schoolbook",
            "with Karatsuba",
            "`ifma`, a lane",
            "of the schoolbook limit",
            "issue slots used",
            "`portable`",
        ],
        rows,
    )
}

fn jobs(facts: &Facts) -> String {
    let jobs = &facts.bench.jobs;
    let columns = distinct(jobs.iter().map(|job| (job.bits, job.backend.as_str(), job.threads)));
    let mut heads = vec!["job".to_string()];
    heads.extend(columns.iter().map(|(bits, backend, threads)| format!("{bits} bits, `{backend}`, {threads} thr.")));
    let rows = distinct(jobs.iter().map(|job| &job.job)).into_iter().map(|name| {
        let mut row = vec![format!("`{name}`")];
        row.extend(columns.iter().map(|column| {
            let job = jobs.iter().find(|job| &job.job == name && (job.bits, &*job.backend, job.threads) == *column);
            job.map_or(String::new(), |job| us(job.us))
        }));
        row
    });
    lines(&heads, rows)
}

/// All threads against one.
fn threads(facts: &Facts) -> String {
    let (bench, bits) = (&facts.bench, facts.peers.bits);
    let mut rows = Vec::new();
    let mut add = |what: String, one: f64, many: f64, threads: usize| {
        rows.push([what, threads.to_string(), us(one), us(many), format!("{:.2}", one / many)]);
    };
    let here = |of_bits: u32, backend: &str| of_bits == bits && backend == bench.machine.backend;
    for one in bench.jobs.iter().filter(|job| job.threads == 1 && here(job.bits, &job.backend)) {
        let many = bench.jobs.iter().filter(|job| job.threads > 1 && here(job.bits, &job.backend));
        for many in many.filter(|many| many.job == one.job) {
            add(format!("`{}`", one.job), one.us, many.us, many.threads);
        }
    }
    for one in facts.wholes() {
        let same = |many: &&Whole| {
            many.threads > 1
                && here(many.bits, &many.backend)
                && (&many.layout, many.records, many.pool) == (&one.layout, one.records, one.pool)
        };
        for many in bench.whole.iter().filter(same) {
            if one.layout == "records" && !one.pool {
                let of = |part: &str| format!("{part}, {} in `records`", records(one.records));
                add(of("encryption"), one.ms.encrypt * 1e3, many.ms.encrypt * 1e3, many.threads);
                add(of("evaluation"), one.ms.evaluate * 1e3, many.ms.evaluate * 1e3, many.threads);
            }
            let pool = if one.pool { ", pool" } else { "" };
            let what = format!("whole job, {} in `{}`{pool}", records(one.records), one.layout);
            add(what, one.ms.sum() * 1e3, many.ms.sum() * 1e3, many.threads);
        }
    }
    markdown(["job", "threads", "one thread", "so many threads", "times quicker"], rows)
}

fn records(count: usize) -> String {
    if count == 1 { "1 record".into() } else { format!("{count} records") }
}

fn is_ckks(name: &str) -> bool {
    ["openfhe", "tenseal"].contains(&name)
}

/// Those who compute with Paillier's cryptosystem, and plain GMP.
fn peers(facts: &Facts) -> String {
    let races = &facts.peers.jobs;
    let names = distinct(races.iter().flat_map(|race| race.quickest()).map(|entry| entry.name.as_str()));
    let names: Vec<_> = names.into_iter().filter(|name| !is_ckks(name)).collect();
    let mut heads = vec!["job".to_string(), "for a".to_string()];
    heads.extend(names.iter().map(ToString::to_string));
    let rows = races.iter().filter_map(|race| {
        let (best, quickest) = (race.best()?, race.quickest());
        let mut row = vec![format!("`{}`", race.job), race.unit.clone()];
        row.extend(names.iter().map(|name| match quickest.iter().find(|entry| entry.name == *name) {
            Some(entry) if entry.engine.is_some() => duration(entry.ns),
            _ => {
                // A rival in all of its ways.
                let cell = |entry: &Entry| {
                    let way = entry.way.as_ref().map_or(String::new(), |way| format!(" {way}"));
                    format!("{} ({} x){way}", duration(entry.ns), figures(entry.ns / best.ns))
                };
                race.rivals.iter().filter(|entry| entry.name == *name).map(cell).collect::<Vec<_>>().join(", ")
            }
        }));
        Some(row)
    });
    lines(&heads, rows)
}

/// What is asked of tacita, and whether it holds.
fn verdicts(facts: &Facts) -> String {
    let rows = facts.peers.verdicts.iter().map(|verdict| {
        [
            format!("`{}`", verdict.job),
            verdict.rival.clone(),
            verdict.quantity.clone(),
            format!("`{}`", verdict.engine),
            figures(verdict.must),
            verdict.ratio.map_or(String::new(), figures),
            match verdict.holds {
                Some(true) => "holds",
                Some(false) => "**fails**",
                None => "not judged",
            }
            .into(),
        ]
    });
    markdown(["job", "against", "in", "engine", "times, asked", "times, found", ""], rows)
}

/// tacita's quickest way beside CKKS in all of its own.
fn ckks(facts: &Facts) -> String {
    let mut rows = Vec::new();
    for race in &facts.peers.jobs {
        let Some(best) = race.best() else { continue };
        let rivals: Vec<_> = race.rivals.iter().filter(|entry| is_ckks(&entry.name)).collect();
        if rivals.is_empty() {
            continue;
        }
        for entry in [best].into_iter().chain(rivals) {
            let sum = |entry: &Entry| entry.bytes.as_ref().map(|bytes| bytes.request + bytes.response);
            let bytes = |amount: Option<f64>| amount.map_or(String::new(), kb);
            let times =
                |ratio: f64| if std::ptr::eq(entry, best) { "1".into() } else { format!("{} x", figures(ratio)) };
            rows.push([
                format!("`{}`", race.job),
                entry.name.clone(),
                entry.way.clone().unwrap_or_default(),
                duration(entry.ns),
                times(entry.ns / best.ns),
                bytes(entry.bytes.as_ref().map(|bytes| bytes.request)),
                bytes(entry.bytes.as_ref().map(|bytes| bytes.response)),
                sum(entry).zip(sum(best)).map_or(String::new(), |(theirs, ours)| times(theirs / ours)),
            ]);
        }
    }
    markdown(["job", "by", "way", "a record", "time", "kB up", "kB down", "bytes"], rows)
}

fn plans(facts: &Facts) -> String {
    let rows = facts.bench.plans.iter().map(|plan| {
        [
            plan.matrix.clone(),
            format!("{} x {}", plan.rows, plan.columns),
            plan.weight_bits.to_string(),
            plan.multiplications.to_string(),
            ms(plan.planning_ms),
        ]
    });
    markdown(["weights", "rows x columns", "bits a weight", "multiplications", "planned in"], rows)
}

fn whole(facts: &Facts) -> String {
    let rows = facts.wholes().map(|whole| {
        let [encrypt, evaluate, decrypt] = whole.ms.list().map(ms);
        [
            format!("`{}`", whole.layout),
            whole.records.to_string(),
            if whole.pool { "yes" } else { "no" }.into(),
            encrypt,
            evaluate,
            decrypt,
            ms(whole.ms.sum()),
            ms(whole.ms.sum() / whole.records as f64),
            kb(whole.bytes.request),
            kb(whole.bytes.response),
            whole.peak_memory_mb.map_or(String::new(), figures),
        ]
    });
    markdown(
        ["layout", "records", "pool", "encrypt", "evaluate", "decrypt", "sum", "a record", "kB up", "kB down", "MB"],
        rows,
    )
}

/// What the commands take for so many of something.
fn growth(what: &str, bits: u32, counts: &BTreeMap<usize, BTreeMap<String, Command>>) -> String {
    let commands = ["compile", "encrypt", "evaluate", "decrypt"];
    let done = |name: &&&str| counts.values().any(|commands| commands.contains_key(**name));
    let commands: Vec<_> = commands.iter().filter(done).collect();
    let mut heads = vec![format!("{what} ({bits} bits)")];
    heads.extend(commands.iter().map(|name| format!("{name}: time, of one, MB")));
    let rows = counts.iter().map(|(&count, done)| {
        let mut row = vec![count.to_string()];
        row.extend(commands.iter().map(|&&name| {
            done.get(name).map_or(String::new(), |command| {
                let each = duration(command.seconds * 1e9 / count as f64);
                format!("{}, {each}, {}", duration(command.seconds * 1e9), figures(command.peak_mb))
            })
        }));
        row
    });
    lines(&heads, rows)
}
