//! What `tacita plan` says. How long anything takes is nobody's business here.

#[path = "support/clinic.rs"]
mod clinic;
#[path = "support/command.rs"]
mod command;

use serde_json::{Value, json};

fn plan(folder: &command::Folder, line: &str) -> Value {
    folder.tacita(&format!("plan --bits 2048 --json {line}")).success().json()
}

fn total(row: &Value, times: &str) -> f64 {
    ["encrypt", "evaluate", "decrypt"].iter().filter_map(|step| row[times][step].as_f64()).sum()
}

fn totals(report: &Value) -> Vec<f64> {
    report["layouts"].as_array().unwrap().iter().map(|row| total(row, "ms")).collect()
}

#[test]
fn the_quickest_layout_comes_first_and_is_said_to_be_the_best() {
    let folder = clinic::open();
    for line in ["--model model.safetensors --records 3", "--spec spec.json", "--spec spec.json --public"] {
        let report = plan(&folder, line);
        assert_eq!(report["best"], report["layouts"][0]["layout"]);
        assert_eq!(report["layouts"][0]["estimated"], line.contains("--spec"), "the best is planned");
        assert!(totals(&report).is_sorted() && totals(&report)[0] > 0.0);
        let records = report["layouts"].as_array().unwrap().iter().find(|row| row["layout"] == "records").unwrap();
        assert_eq!(records["ciphertexts"], json!({"request": 4, "response": 1}));
        assert_eq!(records["bytes"], json!({"request": 4 * 512, "response": 512}));
        assert!(records["multiplications"].as_u64() > Some(0));
        assert_eq!(report["costs"]["bits"], 2048);
    }
    let text = folder.tacita("plan --bits 2048 --model model.safetensors").success();
    assert!(text.text().contains("* ") && text.text().contains("is the best"), "{}", text.text());
}

#[test]
fn predictions_are_checked_in_every_layout() {
    let folder = clinic::open();
    for pool in ["", "--pool"] {
        let report = plan(&folder, &format!("--model model.safetensors --check --rounds 2 {pool}"));
        assert_eq!(report["pool"], !pool.is_empty());
        for row in report["layouts"].as_array().unwrap() {
            assert!(row["measured_ms"]["evaluate"].as_f64() > Some(0.0), "{row}");
            let [predicted, measured] = [total(row, "ms"), total(row, "measured_ms")];
            assert!((row["deviation"].as_f64().unwrap() - (predicted / measured - 1.0)).abs() < 1e-9, "{row}");
        }
        let deviations = report["layouts"].as_array().unwrap().iter().filter_map(|row| row["deviation"].as_f64());
        assert_eq!(report["largest_deviation"].as_f64(), deviations.map(f64::abs).max_by(f64::total_cmp));
        let largest = report["largest_deviations"].as_array().unwrap();
        assert!(largest.len() == 2 && largest[0] == report["largest_deviation"]);
    }
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let folder = clinic::open();
    for (line, code) in [
        ("--records 0", 10),
        ("--spec model.safetensors", 20),
        ("--model spec.json", 20),
        ("--model nowhere", 60),
        ("--spec spec.json --model model.safetensors", 2),
        ("--spec spec.json --check", 2),
        ("--check --rounds 0", 2),
        ("--rounds 2", 2),
    ] {
        assert_eq!(folder.tacita(&format!("plan --bits 2048 {line}")).code, code, "{line}");
    }
}
