//! `--preview`: originals beside what becomes of them, with their boxes, masks and keypoints.

use crate::commands::picture::{COLOURS, Canvas};
use crate::failure::Failure;
use onggi_augment::image::{Image, Pixels, Sample};
use onggi_data::image::resize;

/// Side of a cell in pixels, and the space between two.
const CELL: usize = 160;
const GAP: usize = 6;

/// Rows of samples as one RGB picture on white; each row's first is the original.
pub(super) fn grid(rows: &[Vec<Sample>]) -> Result<Image, Failure> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let side = |n: usize| n * CELL + (n + 1) * GAP;
    let (height, width) = (side(rows.len()), side(columns));
    let mut canvas = vec![255; height * width * 3];
    for (r, row) in rows.iter().enumerate() {
        for (c, sample) in row.iter().enumerate() {
            let cell = cell(sample)?;
            let [h, w] = cell.size();
            let (top, left) = (
                GAP + r * (CELL + GAP) + (CELL - h) / 2,
                GAP + c * (CELL + GAP) + (CELL - w) / 2,
            );
            let Pixels::U8(pixels) = cell.pixels() else {
                continue;
            };
            for (y, line) in pixels.chunks_exact(w * 3).enumerate() {
                let at = ((top + y) * width + left) * 3;
                canvas[at..at + w * 3].copy_from_slice(line);
            }
        }
    }
    Ok(Image::new(height, width, 3, Pixels::U8(canvas))?)
}

/// A sample fitted into a cell, targets drawn.
fn cell(sample: &Sample) -> Result<Image, Failure> {
    let [height, width] = sample.size();
    let scale = (CELL as f64 / height as f64).min(CELL as f64 / width as f64);
    let fit = |n: usize| ((n as f64 * scale).round() as usize).clamp(1, CELL);
    let (h, w) = (fit(height), fit(width));
    let mut pixels = rgb(&resize(&eight_bits(&sample.image)?, h, w)?);
    for mask in &sample.masks {
        let mask = eight_bits(mask)?;
        let Pixels::U8(classes) = mask.pixels() else {
            continue;
        };
        for (i, pixel) in pixels.chunks_exact_mut(3).enumerate() {
            // Nearest neighbour: classes are not to be mixed.
            let (y, x) = ((i / w) * height / h, (i % w) * width / w);
            let class = classes[(y * width + x) * mask.channels()];
            if class > 0 {
                let colour = COLOURS[usize::from(class) % COLOURS.len()];
                for (value, tint) in pixel.iter_mut().zip(colour) {
                    *value = ((u16::from(*value) + u16::from(tint)) / 2) as u8;
                }
            }
        }
    }
    let (sy, sx) = (h as f64 / height as f64, w as f64 / width as f64);
    let mut canvas = Canvas {
        pixels: &mut pixels,
        height: h,
        width: w,
    };
    for b in &sample.boxes {
        let [l, t, r, bottom] = b.xyxy;
        let edges = [l * sx, t * sy, r * sx, bottom * sy].map(|edge| edge as i64);
        let [l, t, r, bottom] = edges;
        canvas.frame([l, t, r - 1, bottom - 1], COLOURS[b.label % COLOURS.len()]);
    }
    for k in &sample.keypoints {
        let (x, y) = ((k.x * sx) as i64, (k.y * sy) as i64);
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)] {
            canvas.dot(x + dx, y + dy, COLOURS[k.label % COLOURS.len()]);
        }
    }
    Ok(Image::new(h, w, 3, Pixels::U8(pixels))?)
}

/// The image with 8 bits a value.
fn eight_bits(image: &Image) -> Result<Image, Failure> {
    let values = match image.pixels() {
        Pixels::U8(_) => return Ok(image.clone()),
        _ => image.fractions(),
    };
    let values = values.iter().map(|v| (v * 255.0).round() as u8).collect();
    let [height, width] = image.size();
    Ok(Image::new(
        height,
        width,
        image.channels(),
        Pixels::U8(values),
    )?)
}

/// Grey repeated, or the first three channels.
fn rgb(image: &Image) -> Vec<u8> {
    let Pixels::U8(pixels) = image.pixels() else {
        return vec![0; image.height() * image.width() * 3];
    };
    let channels = image.channels();
    let pixel = |p: &[u8]| std::array::from_fn::<u8, 3, _>(|c| p[c.min(channels - 1)]);
    pixels.chunks_exact(channels).flat_map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use onggi_augment::image::{BoundingBox, BoxFormat};

    #[test]
    fn samples_of_any_shape_stand_in_cells_with_their_boxes() {
        let image = Image::new(10, 20, 1, Pixels::U8(vec![0; 200])).unwrap();
        let mut boxed = Sample::from(image.clone());
        let whole = BoundingBox::new([0.0, 0.0, 20.0, 10.0], BoxFormat::Xyxy, 0);
        boxed.boxes.push(whole);
        let drawn = grid(&[vec![image.clone().into(), boxed], vec![image.into()]]).unwrap();
        assert_eq!(drawn.size(), [338, 338]);
        let Pixels::U8(pixels) = drawn.pixels() else {
            panic!()
        };
        let at = |y: usize, x: usize| &pixels[(y * 338 + x) * 3..(y * 338 + x) * 3 + 3];
        assert_eq!(at(6, 6), [255; 3], "beside a wide image is white");
        assert_eq!(at(80, 80), [0; 3]);
        assert_eq!(at(46, 172), COLOURS[0], "the box's corner");
    }
}
