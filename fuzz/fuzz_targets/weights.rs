//! `onggi_fuzz_cases::weights` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| onggi_fuzz_cases::weights(data));
