//! `onggi_fuzz_cases::image_pipeline` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| onggi_fuzz_cases::image_pipeline(data));
