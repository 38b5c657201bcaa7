//! Packs the built dashboard into the crate. Without one, a release fails and other builds have none.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    // Asked for when it runs: what was compiled may have been copied from another clone.
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let built = Path::new(&here).join("../../dashboard/dist");
    println!("cargo::rerun-if-changed={}", built.display());
    let mut packed = Vec::new();
    collect(&built, &mut packed);
    packed.sort();
    // Fuzzers are built as releases are, and show it to nobody.
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release")
        && env::var_os("CARGO_CFG_FUZZING").is_none();
    if release && packed.is_empty() {
        println!("cargo::error=the dashboard is not built: make dashboard builds it");
    }
    let mut code = format!("static ASSETS: [Asset; {}] = [\n", packed.len());
    for file in &packed {
        let path = file.strip_prefix(&built).unwrap_or(file).with_extension("");
        let tag = fs::metadata(file).map_or(0, |found| found.len());
        let bytes = fs::read(file).unwrap_or_default();
        let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        code += &format!(
            "    Asset {{ path: {:?}, packed: include_bytes!({:?}), tag: \"\\\"{tag:x}-{sum:016x}\\\"\" }},\n",
            path.display().to_string(),
            file.display().to_string(),
        );
    }
    code += "];\n";
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("assets.rs");
    if let Err(error) = fs::write(&out, code) {
        println!("cargo::error={}: {error}", out.display());
    }
}

/// The compressed files below a folder.
fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "gz") {
            into.push(path);
        }
    }
}
