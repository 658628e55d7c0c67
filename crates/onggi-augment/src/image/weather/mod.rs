//! Weather, light and dirt between the object and the camera.

mod corruption;
mod random_fog;
mod random_rain;
mod random_shadow;
mod random_snow;
mod random_sun_flare;
mod spatter;

pub use corruption::{Corruption, CorruptionKind};
pub use random_fog::RandomFog;
pub use random_rain::RandomRain;
pub use random_shadow::RandomShadow;
pub use random_snow::RandomSnow;
pub use random_sun_flare::RandomSunFlare;
pub use spatter::Spatter;

use super::base::noise::uniforms;
use super::base::raster::Image;

/// A cloud of `h × w` values in `[0, 1]` by midpoint displacement: each halving of the distance
/// divides the roughness by `decay`.
fn plasma([h, w]: [usize; 2], decay: f32, seed: u64) -> Vec<f32> {
    let side = h.max(w).next_power_of_two();
    let noise = uniforms(seed, 0, side * side);
    let mut map = vec![0f32; side * side];
    map[0] = noise[0];
    let (mut step, mut rough) = (side, 1f32);
    let at = |i: usize, j: usize| (i % side) * side + j % side;
    while step >= 2 {
        let half = step / 2;
        let shake = |p: usize| rough * (noise[p] - 0.5);
        for i in (0..side).step_by(step) {
            for j in (0..side).step_by(step) {
                let sum = map[at(i, j)] + map[at(i + step, j)];
                let sum = sum + map[at(i, j + step)] + map[at(i + step, j + step)];
                let p = at(i + half, j + half);
                map[p] = sum / 4.0 + shake(p);
            }
        }
        for i in (0..side).step_by(half) {
            let first = if i / half % 2 == 0 { half } else { 0 };
            for j in (first..side).step_by(step) {
                let sum = map[at(i + half, j)] + map[at(i + side - half, j)];
                let sum = sum + map[at(i, j + half)] + map[at(i, j + side - half)];
                let p = at(i, j);
                map[p] = sum / 4.0 + shake(p);
            }
        }
        step = half;
        rough /= decay;
    }
    let low = map.iter().copied().fold(f32::MAX, f32::min);
    let high = map.iter().copied().fold(f32::MIN, f32::max);
    let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
    let cut = (0..h).flat_map(|i| &map[i * side..][..w]);
    cut.map(|v| (v - low) * scale).collect()
}

/// Fog of density `c` over an image: cloud added, the whole kept in its range.
fn fog(image: &Image, density: f32, decay: f32, seed: u64) -> Image {
    let cloud = plasma(image.size(), decay, seed);
    let mut out = image.fractions();
    let most = out.iter().copied().fold(0f32, f32::max).max(1e-3);
    let scale = most / (most + density);
    for (pixel, c) in out.chunks_exact_mut(image.channels()).zip(cloud) {
        pixel
            .iter_mut()
            .for_each(|v| *v = (*v + density * c) * scale);
    }
    image.with_fractions(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clouds_fill_their_range_and_are_smooth() {
        for size in [[1, 1], [1, 7], [33, 20]] {
            let cloud = plasma(size, 2.0, 5);
            assert_eq!(cloud.len(), size[0] * size[1]);
            assert!(cloud.iter().all(|v| (0.0..=1.0).contains(v)));
        }
        let (smooth, rough) = (plasma([64, 64], 3.0, 5), plasma([64, 64], 1.1, 5));
        let steps = |c: &[f32]| c.windows(2).map(|w| (w[0] - w[1]).abs()).sum::<f32>();
        assert!(steps(&smooth) < steps(&rough));
    }
}
