//! What `tacita bench` reports. How long anything takes is nobody's business here.

#[path = "support/command.rs"]
mod command;

use std::collections::BTreeSet;

use command::Folder;
use serde_json::Value;
use tacita::Backend;

const JOBS: [&str; 9] = [
    "encrypt_secret",
    "encrypt_public",
    "decrypt_batch",
    "decrypt_one",
    "nth_power",
    "linear_layer",
    "keygen",
    "verify_key",
    "load_key",
];

fn list<'a>(report: &'a Value, name: &str) -> &'a [Value] {
    report[name].as_array().unwrap_or_else(|| panic!("{name} is a list"))
}

#[track_caller]
fn has(object: &Value, texts: &[&str], numbers: &[&str]) {
    assert!(texts.iter().all(|name| object[name].is_string()), "{object}");
    assert!(numbers.iter().all(|name| object[name].as_f64().is_some_and(|number| number > 0.0)), "{object}");
}

/// What the members of these names say in the list, each combination once.
fn combinations(list: &[Value], names: &[&str]) -> BTreeSet<String> {
    list.iter().map(|one| names.iter().map(|name| format!("{} ", one[name])).collect()).collect()
}

#[test]
fn a_quick_bench_reports_both_engines_with_one_thread_and_with_all() {
    let report = Folder::new().tacita("bench --quick --bits 2048 --records 2 --json").success().json();
    has(&report["machine"], &["cpu", "backend"], &["cores"]);
    let cores = report["machine"]["cores"].as_u64().unwrap();
    let threads = BTreeSet::from([1, cores]);
    let engines: Vec<_> = Backend::available().map(Backend::name).collect();
    let has_limit = engines.contains(&"ifma");
    assert_eq!(report["limit"]["madd52_ns"].as_f64().is_some(), has_limit);
    assert_eq!(list(&report, "skipped").is_empty(), has_limit, "what is missing has a line");

    let kernels = list(&report, "kernels");
    assert_eq!(combinations(kernels, &["op", "modulus", "bits", "backend"]).len(), 4 * engines.len());
    assert_eq!(kernels.len(), 4 * engines.len());
    for kernel in kernels {
        has(kernel, &["op", "modulus", "backend"], &["bits", "ns_per_lane"]);
        assert_eq!(kernel["share_of_schoolbook_limit"].as_f64().is_some(), has_limit);
    }

    let jobs = list(&report, "jobs");
    assert_eq!(jobs.len(), JOBS.len() * engines.len() * threads.len());
    for job in jobs {
        has(job, &["job", "backend"], &["bits", "threads", "us"]);
        assert!(JOBS.contains(&job["job"].as_str().unwrap()), "{job}");
        assert!(threads.contains(&job["threads"].as_u64().unwrap()), "{job}");
    }
    assert_eq!(combinations(jobs, &["job", "backend", "threads"]).len(), jobs.len());

    let plans = list(&report, "plans");
    assert_eq!(combinations(plans, &["matrix", "weight_bits"]).len(), 8);
    for plan in plans {
        has(plan, &["matrix"], &["rows", "columns", "weight_bits", "multiplications"]);
        assert!(plan["multiplications"].as_u64() < Some(7840), "{plan}: fewer than weights");
    }

    let whole = list(&report, "whole");
    for row in whole {
        has(row, &["layout", "backend"], &["records", "bits", "threads"]);
        has(&row["ms"], &[], &["encrypt", "evaluate", "decrypt"]);
        has(&row["bytes"], &[], &["request", "response"]);
        assert!(row["pool"].is_boolean() && (row["peak_memory_mb"].is_null() || row["peak_memory_mb"].is_f64()));
    }
    let each = combinations(whole, &["backend", "threads"]).len();
    assert_eq!(each, engines.len() * threads.len());
    for records in [1, 2] {
        let found = whole.iter().filter(|row| row["layout"] == "records" && row["records"] == records);
        assert!(found.count() >= each, "{records} records");
    }
    for pool in [false, true] {
        let best = whole.iter().filter(|row| row["layout"] != "records" && row["records"] == 1 && row["pool"] == pool);
        assert!(best.count() >= each, "one record in the best layout");
        let full = whole.iter().filter(|row| row["records"].as_u64() > Some(50) && row["pool"] == pool);
        assert!(full.count() == each, "a full batch");
    }
}

#[test]
fn parts_can_be_left_out_and_engines_chosen() {
    let folder = Folder::new();
    let report = folder.tacita("bench --quick --bits 3072 --only kernels --backends portable --json").success().json();
    for empty in ["jobs", "plans", "whole"] {
        assert!(list(&report, empty).is_empty());
    }
    assert_eq!(combinations(list(&report, "kernels"), &["backend", "bits"]), ["\"portable\" 3072 ".into()].into());
    let table = folder.tacita("bench --quick --bits 2048 --only kernels --backends portable").success();
    assert!(table.text().contains("schoolbook"), "{}", table.text());
    let run = folder.tacita("bench --backends abacus");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("portable"), "{}", run.stderr);
}
