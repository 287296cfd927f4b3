//! The same for people.

use std::fmt::Write;

use super::facts::{Facts, Kernel, Machine, Whole};
use crate::console::bytes;

impl Facts {
    pub(super) fn text(&self) -> String {
        let Machine { cpu, cores, backend } = &self.machine;
        let mut text = format!("{cpu}, {cores} cores, engine {backend}\n");
        if let Some(ns) = self.limit.madd52_ns {
            let _ = writeln!(text, "a 512-bit multiply-add every {ns:.3} ns");
        }
        self.skipped.iter().for_each(|line| text.push_str(&format!("skipped: {line}\n")));
        self.kernels(&mut text);
        self.jobs(&mut text);
        self.plans(&mut text);
        self.whole(&mut text);
        text.truncate(text.trim_end().len());
        text
    }

    fn kernels(&self, text: &mut String) {
        if !self.kernels.is_empty() {
            let _ = writeln!(text, "\nbits  modulus  kernel  engine    one of a full bundle  schoolbook limit = 1");
        }
        for Kernel { op, modulus, bits, backend, ns_per_lane, share_of_schoolbook_limit } in &self.kernels {
            let share = share_of_schoolbook_limit.map_or("-".into(), |share| format!("{share:.3}"));
            let ns = format!("{ns_per_lane:.1} ns");
            let _ = writeln!(text, "{bits}  {modulus:7}  {op:6}  {backend:8}  {ns:>20}  {share:>20}");
        }
    }

    /// A line a job, a column for each combination of length, engine and threads.
    fn jobs(&self, text: &mut String) {
        let mut columns: Vec<_> = self.jobs.iter().map(|job| (job.bits, &*job.backend, job.threads)).collect();
        columns.dedup();
        let mut names: Vec<&str> = Vec::new();
        for job in &self.jobs {
            if !names.contains(&&*job.job) {
                names.push(&job.job);
            }
        }
        if names.is_empty() {
            return;
        }
        for (name, line) in [("", 0), ("", 1), ("job", 2)] {
            let _ = write!(text, "\n{name:16}");
            for (bits, backend, threads) in &columns {
                let head = [format!("{bits} bits"), backend.to_string(), format!("{threads} threads")];
                let _ = write!(text, "{:>12}", head[line]);
            }
        }
        for name in names {
            let _ = write!(text, "\n{name:16}");
            for column in &columns {
                let job =
                    self.jobs.iter().find(|job| job.job == name && (job.bits, &*job.backend, job.threads) == *column);
                let _ = write!(text, "{:>12}", job.map_or("-".into(), |job| duration(job.us)));
            }
        }
        text.push('\n');
    }

    fn plans(&self, text: &mut String) {
        if !self.plans.is_empty() {
            let _ = writeln!(text, "\nmatrix       size    weights  multiplications  planned in");
        }
        for plan in &self.plans {
            let size = format!("{} x {}", plan.rows, plan.columns);
            let _ = writeln!(
                text,
                "{:10}  {size:8}  {} bits  {:>15}  {:>10}",
                plan.matrix,
                plan.weight_bits,
                plan.multiplications,
                duration(plan.planning_ms * 1e3)
            );
        }
    }

    fn whole(&self, text: &mut String) {
        if !self.whole.is_empty() {
            let _ = writeln!(
                text,
                "\nbits  engine    threads  pool  layout       records    encrypt   evaluate    decrypt      request     \
                 response  peak memory"
            );
        }
        for Whole { layout, records, bits, backend, threads, pool, ms, bytes: lengths, peak_memory_mb } in &self.whole {
            let pool = if *pool { "yes" } else { "no" };
            let [encrypt, evaluate, decrypt] = [ms.encrypt, ms.evaluate, ms.decrypt].map(|ms| duration(ms * 1e3));
            let (request, response) = (bytes(lengths.request), bytes(lengths.response));
            let memory = peak_memory_mb.map_or("-".into(), |mb| format!("{mb:.0} MB"));
            let _ = writeln!(
                text,
                "{bits}  {backend:8}  {threads:>7}  {pool:4}  {layout:11}  {records:>7}  {encrypt:>9}  {evaluate:>9}  \
                 {decrypt:>9}  {request:>11}  {response:>11}  {memory:>11}"
            );
        }
    }
}

/// For people.
pub(in crate::commands) fn duration(us: f64) -> String {
    match us {
        0.0..1e3 => format!("{us:.1} us"),
        1e3..1e5 => format!("{:.2} ms", us / 1e3),
        1e5..1e6 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.2} s", us / 1e6),
    }
}
