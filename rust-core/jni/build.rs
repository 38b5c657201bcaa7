//! How the library is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // It is never unmapped, whoever unloads it: threads that were in it have something to tidy up there as they end, which
    // nothing waits for. A class loader that comes later takes it over.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
