#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| thalweg_parsers::check("spark", bytes));
