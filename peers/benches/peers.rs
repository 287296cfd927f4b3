//! Each job as a criterion group, tacita and its rivals in it: `job/who`. tacita is there with each engine that the machine
//! has, or the one that `TACITA_BACKEND` asks for.
#![allow(missing_docs)]

use std::process::exit;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use tacita::Backend;
use tacita_peers::{Clock, Inputs, Job, ZEROS, contenders};

fn peers(c: &mut Criterion) {
    if let Err(error) = Backend::selected() {
        eprintln!("error: {error}");
        exit(1);
    }
    if !Backend::available().any(|engine| engine == Backend::Ifma) {
        eprintln!("*** SKIPPED: tacita/ifma, for whose instructions this processor is not made");
    }
    tacita::set_threads(1).expect("nothing ran yet");
    let inputs = Inputs::new(3072, ZEROS).expect("a model");
    let contenders = contenders(&inputs).expect("the variable names an engine");
    for job in Job::ALL {
        let mut group = c.benchmark_group(job.name());
        group.sample_size(10).sampling_mode(SamplingMode::Flat).measurement_time(Duration::from_secs(5));
        for contender in &contenders {
            for mut work in contender.works(job) {
                let parts = [Some(contender.name()), contender.engine(), work.way()];
                let name: Vec<_> = parts.into_iter().flatten().collect();
                group.bench_function(name.join("/"), |b| {
                    b.iter_custom(|iterations| {
                        let ns: f64 = (0..iterations).map(|_| work.call(Clock::Wall)).sum();
                        Duration::from_secs_f64(ns / 1e9)
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, peers);
criterion_main!(benches);
