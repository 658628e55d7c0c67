//! Data sets, splits, decoding and the parallel loader.
