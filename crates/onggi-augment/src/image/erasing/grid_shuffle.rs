//! The image cut into tiles, the tiles mixed up.

use crate::image::Window;
use crate::image::base::prelude::*;

settings! {
    /// Exchanges tiles of the same size, those of masks alike. Keypoints move with their tile; a box
    /// moves with the tile that holds all of it, others are dropped. `p` is 0.5.
    pub struct GridShuffle {
        /// Rows and columns of tiles; no more than there are pixels are used.
        grid: [usize; 2] = [3, 3],
    }
}

impl Transform for GridShuffle {
    /// For each tile, row by row, the tile whose pixels it gets.
    type Params = Vec<usize>;

    const P: f64 = 0.5;

    fn check(&self) -> Result<(), AugmentError> {
        let holds = self.grid.iter().all(|n| (1..=100).contains(n));
        require::<Self>(
            holds,
            "grid",
            "is [rows, columns] of 1 to 100 each",
            self.grid,
        )
    }

    fn draw(&self, sample: &Sample, rng: &mut Draw) -> Result<Vec<usize>, AugmentError> {
        let tiles = tiles(sample.size(), self.grid);
        let mut order: Vec<usize> = (0..tiles.len()).collect();
        let mut sizes: Vec<_> = tiles.iter().map(|t| t.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        for size in sizes {
            let same: Vec<_> = (0..tiles.len())
                .filter(|i| tiles[*i].size == size)
                .collect();
            for (to, from) in same.iter().zip(rng.order(same.len())) {
                order[*to] = same[from];
            }
        }
        Ok(order)
    }

    fn apply(&self, order: &Vec<usize>, sample: Sample) -> Result<Sample, AugmentError> {
        let size = sample.size();
        let tiles = tiles(size, self.grid);
        let mut goes: Vec<Option<usize>> = vec![None; tiles.len()];
        for (to, &from) in order.iter().enumerate() {
            let fits = to < tiles.len() && from < tiles.len();
            if !fits || tiles[to].size != tiles[from].size || goes[from].is_some() {
                return Err(AugmentError::Replay {
                    transform: Self::NAME,
                });
            }
            goes[from] = Some(to);
        }
        let mut sample = sample.each_image(|image| {
            let c = image.channels();
            image.with(each_depth!(image.pixels(), p => {
                let mut out = p.clone();
                for (to, from) in order.iter().map(|i| tiles[*i]).enumerate() {
                    let (to, n) = (tiles[to], from.size[1] * c);
                    for i in 0..from.size[0] {
                        let at = |t: Window| ((t.top as usize + i) * size[1] + t.left as usize) * c;
                        out[at(to)..at(to) + n].copy_from_slice(&p[at(from)..at(from) + n]);
                    }
                }
                out
            }))
        });
        let moved = |x: f64, y: f64, r: f64, b: f64| {
            tiles.iter().enumerate().find_map(|(i, t)| {
                let (l, top) = (t.left as f64, t.top as f64);
                let (right, bottom) = (l + t.size[1] as f64, top + t.size[0] as f64);
                let to = tiles[goes[i]?];
                let holds = l <= x && r <= right && top <= y && b <= bottom;
                holds.then_some((to.left as f64 - l, to.top as f64 - top))
            })
        };
        sample.boxes.retain_mut(|b| {
            let [l, t, r, bottom] = b.xyxy;
            let by = moved(l, t, r, bottom);
            if let Some((dx, dy)) = by {
                b.xyxy = [l + dx, t + dy, r + dx, bottom + dy];
            }
            by.is_some()
        });
        for k in &mut sample.keypoints {
            if let Some((dx, dy)) = moved(k.x, k.y, k.x, k.y) {
                (k.x, k.y) = (k.x + dx, k.y + dy);
            }
        }
        Ok(sample)
    }

    #[cfg(test)]
    fn refusals() -> Vec<(&'static str, &'static str)> {
        vec![(
            r#"{"grid": [0, 3]}"#,
            "grid_shuffle: grid is [rows, columns]",
        )]
    }
}

/// The tiles, row by row.
fn tiles([h, w]: [usize; 2], grid: [usize; 2]) -> Vec<Window> {
    let ends = |n: usize, parts: usize| {
        let parts = parts.min(n);
        (0..=parts).map(|k| k * n / parts).collect::<Vec<_>>()
    };
    let (rows, columns) = (ends(h, grid[0]), ends(w, grid[1]));
    let mut all = Vec::new();
    for r in rows.windows(2) {
        for c in columns.windows(2) {
            all.push(Window {
                top: r[0] as i64,
                left: c[0] as i64,
                size: [r[1] - r[0], c[1] - c[0]],
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Border;
    use crate::image::base::conformance::picture;
    use crate::image::base::window::cut;

    #[test]
    fn every_pixel_stays_somewhere() {
        let x = Sample::from(picture(17, 31, 3));
        let order = GridShuffle::default()
            .draw(&x, &mut Draw::new(0, 0, 3))
            .unwrap();
        let y = GridShuffle::default().apply(&order, x.clone()).unwrap();
        let sorted = |s: &Sample| {
            let mut p = s.image.to_u8();
            p.sort_unstable();
            p
        };
        assert_ne!(x, y);
        assert_eq!(sorted(&x), sorted(&y));
        let first = tiles([17, 31], [3, 3])[order[0]];
        let tile = cut(&x.image, first, Border::Edge, &Fill::All(0.0));
        let zero = Window {
            top: 0,
            left: 0,
            ..first
        };
        assert_eq!(cut(&y.image, zero, Border::Edge, &Fill::All(0.0)), tile);
    }
}
