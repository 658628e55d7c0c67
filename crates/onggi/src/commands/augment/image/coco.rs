//! Boxes and keypoints as COCO has them: one JSON file for all images.

use crate::failure::Failure;
use anyhow::anyhow;
use onggi_augment::image::{BoundingBox, BoxFormat, Keypoint, Sample};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;

/// Largest file that is read.
const MOST_BYTES: u64 = 1 << 30;

/// Most keypoints of one annotation.
const MOST_KEYPOINTS: usize = 1_000;

/// An annotation file.
pub(super) struct Coco {
    all: Map<String, Value>,
    /// Annotations by image: their objects.
    by_image: HashMap<String, Vec<Map<String, Value>>>,
    /// The images' objects by file name.
    images: HashMap<String, Map<String, Value>>,
    /// Annotations with a segmentation, which is not carried along.
    pub(super) segmented: usize,
}

impl Coco {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let mut bytes = Vec::new();
        fs::File::open(path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|e| anyhow!("--coco {shown}: {e}"))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(anyhow!("--coco {shown}: larger than 1 GiB").into());
        }
        let mut all: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|e| anyhow!("--coco {shown}: {e}"))?;
        let mut list = |name: &str| -> Result<Vec<Map<String, Value>>, Failure> {
            let rows = all.remove(name);
            let rows = rows.and_then(|rows| serde_json::from_value(rows).ok());
            Ok(rows.ok_or_else(|| anyhow!("--coco {shown}: no list `{name}` of objects"))?)
        };
        let (images, annotations) = (list("images")?, list("annotations")?);
        let mut names = HashMap::new();
        let mut found = HashMap::new();
        for image in images {
            let name = image.get("file_name").and_then(Value::as_str);
            let id = image.get("id").and_then(Value::as_u64);
            let (Some(name), Some(id)) = (name, id) else {
                return Err(anyhow!("--coco {shown}: an image without `id` or `file_name`").into());
            };
            names.insert(id, name.to_owned());
            found.insert(name.to_owned(), image);
        }
        let mut by_image: HashMap<String, Vec<Map<String, Value>>> = HashMap::new();
        let mut segmented = 0;
        for annotation in annotations {
            let id = annotation.get("image_id").and_then(Value::as_u64);
            let Some(name) = id.and_then(|id| names.get(&id)) else {
                return Err(anyhow!("--coco {shown}: an annotation of no image there is").into());
            };
            segmented += usize::from(annotation.contains_key("segmentation"));
            by_image.entry(name.clone()).or_default().push(annotation);
        }
        Ok(Self {
            all,
            by_image,
            images: found,
            segmented,
        })
    }

    /// The annotations of the image `name`, which is its path below the folder or its file name.
    fn of(&self, name: &str) -> &[Map<String, Value>] {
        let short = name.rsplit('/').next().unwrap_or(name);
        let rows = self.by_image.get(name).or_else(|| self.by_image.get(short));
        rows.map_or(&[], Vec::as_slice)
    }

    /// Gives `sample` the boxes and keypoints of its image; their labels are positions in its list.
    pub(super) fn give(&self, name: &str, sample: &mut Sample) -> Result<(), Failure> {
        for (at, annotation) in self.of(name).iter().enumerate() {
            let numbers = |key: &str| {
                let list = annotation.get(key)?.as_array()?;
                list.iter().map(Value::as_f64).collect::<Option<Vec<_>>>()
            };
            let Some([x, y, w, h]) = numbers("bbox").and_then(|b| <[f64; 4]>::try_from(b).ok())
            else {
                return Err(anyhow!(
                    "--coco: an annotation of {name} has no `bbox` of four numbers"
                )
                .into());
            };
            let boxed = BoundingBox::new([x, y, w, h], BoxFormat::Xywh, at);
            sample.boxes.push(boxed);
            let points = numbers("keypoints").unwrap_or_default();
            if points.len() > 3 * MOST_KEYPOINTS {
                return Err(anyhow!("--coco: {name} has more than 1,000 keypoints a box").into());
            }
            for (number, point) in points.chunks_exact(3).enumerate() {
                if point[2] > 0.0 {
                    let label = at * MOST_KEYPOINTS + number;
                    let (x, y) = (point[0], point[1]);
                    sample.keypoints.push(Keypoint { x, y, label });
                }
            }
        }
        Ok(())
    }

    /// The annotations of `sample`, a copy of the image `name`: as in the file, but for what was moved.
    pub(super) fn take(&self, name: &str, sample: &Sample) -> Vec<Map<String, Value>> {
        let old = self.of(name);
        let mut rows = Vec::new();
        for moved in &sample.boxes {
            let Some(before) = old.get(moved.label) else {
                continue;
            };
            let mut row = before.clone();
            row.remove("segmentation");
            let numbers = moved.to_format(BoxFormat::Xywh);
            row.insert("area".into(), json!(numbers[2] * numbers[3]));
            row.insert("bbox".into(), json!(numbers));
            if let Some(Value::Array(points)) = row.get_mut("keypoints") {
                let mut kept = vec![0.0; points.len() / 3 * 3];
                let mut count = 0;
                for (number, three) in kept.chunks_exact_mut(3).enumerate() {
                    let label = moved.label * MOST_KEYPOINTS + number;
                    if let Some(found) = sample.keypoints.iter().find(|k| k.label == label) {
                        let seen = points[3 * number + 2].as_f64().unwrap_or(2.0);
                        three.copy_from_slice(&[found.x, found.y, seen]);
                        count += 1;
                    }
                }
                *points = kept.into_iter().map(|v| json!(v)).collect();
                row.insert("num_keypoints".into(), json!(count));
            }
            rows.push(row);
        }
        rows
    }

    /// The file for the images written: name, `[height, width]`, the name of what it is a copy of, and
    /// annotations.
    pub(super) fn file(&self, written: Vec<Written>) -> Value {
        let (mut images, mut annotations) = (Vec::new(), Vec::new());
        for (id, image) in written.into_iter().enumerate() {
            let short = image.of.rsplit('/').next().unwrap_or(&image.of);
            let row = self
                .images
                .get(&image.of)
                .or_else(|| self.images.get(short));
            let mut row = row.cloned().unwrap_or_default();
            row.insert("id".into(), json!(id + 1));
            row.insert("file_name".into(), json!(image.name));
            row.insert("height".into(), json!(image.size[0]));
            row.insert("width".into(), json!(image.size[1]));
            images.push(row);
            for mut annotation in image.annotations {
                annotation.insert("id".into(), json!(annotations.len() + 1));
                annotation.insert("image_id".into(), json!(id + 1));
                annotations.push(annotation);
            }
        }
        let mut all = self.all.clone();
        all.insert("images".into(), json!(images));
        all.insert("annotations".into(), json!(annotations));
        Value::Object(all)
    }
}

/// An image that was written.
pub(super) struct Written {
    pub(super) name: String,
    /// The image that it is a copy of.
    pub(super) of: String,
    pub(super) size: [usize; 2],
    pub(super) annotations: Vec<Map<String, Value>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use onggi_augment::Draw;
    use onggi_augment::image::{HorizontalFlip, Image, Pixels, Transform};

    #[test]
    fn boxes_and_keypoints_follow_a_mirror() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.json");
        let file = json!({
            "info": {"year": 2026},
            "categories": [{"id": 3, "name": "cup"}],
            "images": [{"id": 7, "file_name": "a.png", "width": 10, "height": 4}],
            "annotations": [{
                "id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 1, 2, 2], "area": 4,
                "keypoints": [1.5, 2, 2, 0, 0, 0], "segmentation": [[1, 1, 3, 1, 3, 3]],
            }],
        });
        fs::write(&path, file.to_string()).unwrap();
        let coco = Coco::read(&path).unwrap();
        let image = Image::new(4, 10, 1, Pixels::U8(vec![0; 40])).unwrap();
        let mut sample = Sample::from(image);
        coco.give("photos/a.png", &mut sample).unwrap();
        let flip = HorizontalFlip::default().p(1.0).unwrap();
        let sample = flip.apply(sample, &mut Draw::new(0, 0, 0)).unwrap();
        let written = Written {
            name: "photos/a-1.png".into(),
            of: "photos/a.png".into(),
            size: sample.size(),
            annotations: coco.take("photos/a.png", &sample),
        };
        let out = coco.file(vec![written]);
        assert_eq!(out["info"]["year"], 2026);
        assert_eq!(out["images"][0]["file_name"], "photos/a-1.png");
        let found = &out["annotations"][0];
        assert_eq!(found["bbox"], json!([7.0, 1.0, 2.0, 2.0]));
        assert_eq!(found["keypoints"], json!([8.5, 2.0, 2.0, 0.0, 0.0, 0.0]));
        assert_eq!(
            (&found["category_id"], &found["num_keypoints"]),
            (&json!(3), &json!(1))
        );
        assert!(found.get("segmentation").is_none());
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"images": [], "annotations": [{"image_id": 1}]}"#,
        ] {
            fs::write(&path, bad).unwrap();
            assert!(Coco::read(&path).is_err(), "{bad}");
        }
    }
}
