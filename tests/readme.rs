//! What the README shows is what is there. Its Rust example is a documentation test of the library.

#[path = "support/c.rs"]
#[allow(dead_code)]
mod c;
#[path = "support/fixtures.rs"]
mod fixtures;

use std::fs;
use std::process::Command;

use tacita::encoding::Grid;

#[test]
fn the_c_example_is_the_checked_in_one_and_predicts() {
    let readme = fs::read_to_string(c::root().join("README.md")).unwrap();
    let program = fs::read_to_string(c::root().join("c-examples/quickstart.c")).unwrap();
    assert!(readme.contains(&format!("```c\n{program}```\n")), "the README shows another quickstart.c");
    if !c::have(&c::cc()) {
        return;
    }
    let model = fixtures::random_model(3, 4, Grid::new(0.0, 1.0, 0, 9).unwrap(), 1);
    let record = [3, 0, 9, 5];
    let logits = model.spec().logits(&model.evaluate(&record).unwrap());
    let expected = model.spec().labels().nth(model.spec().activation().class(&logits)).unwrap().to_owned();
    let path = c::folder("readme").join("model.safetensors");
    c::write(&path, model.to_bytes());
    let quickstart = c::compile("quickstart.c", &c::libraries(c::Build::Plain), c::Linkage::Shared);
    let output = c::succeeds(Command::new(quickstart).arg(&path).args(record.map(|value| value.to_string())));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{expected}\n"));
}
