//! Boxes as YOLO has them: one text file an image, one line a box, `class cx cy width height` in shares
//! of the image's sides.

use crate::failure::Failure;
use anyhow::anyhow;
use onggi_augment::image::{BoundingBox, BoxFormat};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file of boxes that is read.
const MOST_BYTES: u64 = 4 << 20;

/// Where the boxes of the image `name` lie below a folder: beside it, or in `labels/` where it lies in
/// `images/`.
pub(super) fn place(name: &str) -> PathBuf {
    let mut parts: Vec<&str> = name.split('/').collect();
    let folders = parts.len() - 1;
    if let Some(folder) = parts[..folders].iter_mut().rev().find(|p| **p == "images") {
        *folder = "labels";
    }
    PathBuf::from(parts.join("/")).with_extension("txt")
}

/// The boxes of an image of `[height, width]`; none where the file is missing, as YOLO has it.
pub(super) fn read(path: &Path, [height, width]: [usize; 2]) -> Result<Vec<BoundingBox>, Failure> {
    let shown = path.display();
    let mut text = String::new();
    match fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(anyhow!("{shown}: {error}").into()),
        Ok(file) => {
            let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
            read.map_err(|e| anyhow!("{shown}: {e}"))?;
        }
    }
    if text.len() as u64 > MOST_BYTES {
        return Err(anyhow!("{shown}: more than {MOST_BYTES} bytes, no file of boxes").into());
    }
    let mut boxes = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
    {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let wrong = || {
            anyhow!(
                "{shown}, line {}: a box is `class cx cy width height` with shares of the image's \
                 sides, but this is `{}`",
                number + 1,
                line.chars().take(80).collect::<String>()
            )
        };
        let [class, cx, cy, w, h] = fields[..] else {
            return Err(wrong().into());
        };
        let label = class.parse::<usize>().map_err(|_| wrong())?;
        let mut numbers = [0.0; 4];
        for (number, field) in numbers.iter_mut().zip([cx, cy, w, h]) {
            let value = field.parse::<f64>().ok();
            *number = value
                .filter(|v| (-1.0..=2.0).contains(v))
                .ok_or_else(wrong)?;
        }
        let [cx, cy, w, h] = numbers;
        let (x, y) = (width as f64, height as f64);
        let pixels = [cx * x, cy * y, w * x, h * y];
        boxes.push(BoundingBox::new(pixels, BoxFormat::Cxcywh, label));
    }
    Ok(boxes)
}

/// The file's text for boxes on an image of `[height, width]`.
pub(super) fn write(boxes: &[BoundingBox], [height, width]: [usize; 2]) -> String {
    let (x, y) = (width as f64, height as f64);
    let line = |b: &BoundingBox| {
        let [cx, cy, w, h] = b.to_format(BoxFormat::Cxcywh);
        format!(
            "{} {:.6} {:.6} {:.6} {:.6}\n",
            b.label,
            cx / x,
            cy / y,
            w / x,
            h / y
        )
    };
    boxes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_come_back_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let text = "2 0.500000 0.250000 0.100000 0.500000\n0 0.100000 0.900000 0.200000 0.200000\n";
        fs::write(&path, text).unwrap();
        let boxes = read(&path, [200, 100]).unwrap();
        assert_eq!(boxes[0].xyxy, [45.0, 0.0, 55.0, 100.0]);
        assert_eq!(write(&boxes, [200, 100]), text);
        assert!(
            read(&dir.path().join("none.txt"), [1, 1])
                .unwrap()
                .is_empty()
        );
        for bad in [
            "1 2 3",
            "x 0 0 0 0",
            "1 0.5 0.5 nan 0.1",
            "1 0 0 0 0 0 0",
            "1 50 50 10 10",
        ] {
            fs::write(&path, bad).unwrap();
            assert!(read(&path, [9, 9]).is_err(), "{bad}");
        }
    }

    #[test]
    fn labels_lie_beside_or_in_the_folder_of_that_name() {
        assert_eq!(place("a/b.jpg"), Path::new("a/b.txt"));
        assert_eq!(place("images/train/b.jpg"), Path::new("labels/train/b.txt"));
        assert_eq!(place("images"), Path::new("images.txt"));
    }
}
