//! Blocks of RGB as three planes and back: plain loops over planes become vector code, loops over
//! interleaved pixels do not. Call these inside of a `multiversion` function.

/// Pixels of a block.
pub(crate) const BLOCK: usize = 64;

/// Red, green and blue of a block.
pub(crate) type Planes = [[u8; BLOCK]; 3];

/// Interleaved to planes.
#[inline(always)]
pub(crate) fn split(block: &[u8; 3 * BLOCK], planes: &mut Planes) {
    let [r, g, b] = planes;
    for i in 0..BLOCK {
        r[i] = block[3 * i];
        g[i] = block[3 * i + 1];
        b[i] = block[3 * i + 2];
    }
}

/// Planes to interleaved.
#[inline(always)]
pub(crate) fn join(planes: &Planes, block: &mut [u8; 3 * BLOCK]) {
    let [r, g, b] = planes;
    for i in 0..BLOCK {
        block[3 * i] = r[i];
        block[3 * i + 1] = g[i];
        block[3 * i + 2] = b[i];
    }
}

/// Runs a body on the planes of every block of `p`, and writes them back; the last block is filled
/// up with 0.
macro_rules! each_block {
    ($p:expr, $planes:ident => $body:block) => {{
        use $crate::image::base::rgb::{BLOCK, join, split};
        let (blocks, rest) = $p.as_chunks_mut::<{ 3 * BLOCK }>();
        let mut $planes = [[0; BLOCK]; 3];
        for block in blocks {
            split(block, &mut $planes);
            $body
            join(&$planes, block);
        }
        if !rest.is_empty() {
            let mut block = [0; 3 * BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            split(&block, &mut $planes);
            $body
            join(&$planes, &mut block);
            rest.copy_from_slice(&block[..rest.len()]);
        }
    }};
}
pub(crate) use each_block;

/// The nearest whole number to one in `0..=255`: added to 2²³ it stands in the lowest bits, with no
/// conversion that vector code would do value by value.
#[inline(always)]
pub(crate) fn level(v: f32) -> u8 {
    (v + 8_388_608.0).to_bits() as u8
}
