//! Gives files to a parser: `cargo run -p thalweg-parsers --example replay TARGET FILE...`, as after a finding.

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().unwrap_or_default();
    for file in arguments {
        println!("{file}");
        thalweg_parsers::check(&target, &std::fs::read(file)?);
    }
    Ok(())
}
