//! The report's tables and plots come out of the samples in `tests/sample`. These are good for their shape alone: bench and peers
//! were measured in a hurry on a busy machine, and scaling was made up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sample");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance.md");

/// An empty folder of the test's own.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn report(folder: &Path, more: &[&str]) -> Output {
    let sample = |name: &str| Path::new(SAMPLES).join(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tacita-report"));
    command.arg("--bench").arg(sample("bench.json")).arg("--peers").arg(sample("peers.json"));
    command.arg("--document").arg(folder.join("document.md")).arg("--plots").arg(folder.join("plots"));
    command.args(more).current_dir(SAMPLES).output().unwrap()
}

/// What stands between a table's comments.
fn table<'a>(document: &'a str, name: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("<!-- table: {name} -->\n")).unwrap();
    rest.split_once("<!-- end -->").unwrap().0
}

#[test]
fn every_table_of_the_document_and_every_plot_comes_out() {
    let folder = folder("all");
    fs::copy(DOCUMENT, folder.join("document.md")).unwrap();
    let output = report(&folder, &["--scaling", "scaling.json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let document = fs::read_to_string(folder.join("document.md")).unwrap();
    let names: Vec<_> =
        document.lines().filter_map(|line| line.strip_prefix("<!-- table: ")?.strip_suffix(" -->")).collect();
    assert_eq!(names.len(), 10);
    for name in names {
        for part in table(&document, name).trim().split("\n\n") {
            let cells: Vec<_> = part.lines().map(|line| line.matches('|').count()).collect();
            assert!(cells.len() > 2 && cells.iter().all(|&count| count == cells[0]), "{name}: {part}");
        }
    }
    for plot in ["jobs", "kernels", "whole", "batch", "scaling"] {
        let svg = fs::read_to_string(folder.join(format!("plots/{plot}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{plot}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{plot}");
    }
}

#[test]
fn a_second_report_changes_nothing() {
    let folder = folder("again");
    fs::copy(DOCUMENT, folder.join("document.md")).unwrap();
    let mut documents = Vec::new();
    for _ in 0..2 {
        assert!(report(&folder, &[]).status.success());
        documents.push(fs::read_to_string(folder.join("document.md")).unwrap());
    }
    assert_eq!(documents[0], documents[1]);
}

#[test]
fn tables_hold_what_was_measured() {
    let folder = folder("figures");
    fs::write(folder.join("document.md"), "before\n<!-- table: plans -->\nold\n<!-- end -->\nafter\n").unwrap();
    assert!(report(&folder, &[]).status.success());
    let document = fs::read_to_string(folder.join("document.md")).unwrap();
    assert!(document.starts_with("before\n<!-- table: plans -->\n| weights |"), "{document}");
    assert!(document.ends_with("|\n<!-- end -->\nafter\n"), "{document}");
    assert!(document.contains("| gaussian | 10 x 784 | 8 | 5840 |"), "{document}");
}

#[test]
fn claims_hold_or_fail_or_are_not_judged() {
    let folder = folder("verdicts");
    fs::write(folder.join("document.md"), "<!-- table: verdicts -->\n<!-- end -->\n").unwrap();
    assert!(report(&folder, &[]).status.success());
    let document = fs::read_to_string(folder.join("document.md")).unwrap();
    for row in ["| 7.00 | 8.80 | holds |", "| 9.00 | 8.90 | **fails** |", "| 4.00 |  | not judged |"] {
        assert!(document.contains(row), "{document}");
    }
}

#[test]
fn a_table_without_figures_stays() {
    let folder = folder("stays");
    let document = "<!-- table: scaling -->\nas it was\n<!-- end -->\n";
    fs::write(folder.join("document.md"), document).unwrap();
    assert!(report(&folder, &[]).status.success());
    assert_eq!(fs::read_to_string(folder.join("document.md")).unwrap(), document);
}

#[test]
fn unknown_and_open_tables_are_refused_and_the_document_is_left_alone() {
    let folder = folder("refused");
    for document in ["<!-- table: weather -->\n<!-- end -->\n", "<!-- table: jobs -->\nno end\n"] {
        fs::write(folder.join("document.md"), document).unwrap();
        assert!(!report(&folder, &[]).status.success());
        assert_eq!(fs::read_to_string(folder.join("document.md")).unwrap(), document);
    }
}
