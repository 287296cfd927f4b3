//! Writes the known-answer vectors to `tests/vectors`: `cargo run --features hazmat --example make_vectors`.

mod files;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    std::fs::create_dir_all(&folder)?;
    for (name, content) in files::make()? {
        println!("{name}: {} bytes", content.len());
        std::fs::write(folder.join(name), content)?;
    }
    Ok(())
}
