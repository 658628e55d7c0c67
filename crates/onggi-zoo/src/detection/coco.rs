//! COCO's classes by their numbers.

/// What [`COCO_CLASSES`] has for a number that no class bears.
pub const UNUSED: &str = "N/A";

/// Names of COCO's classes as its annotations number them, which torchvision's detectors keep: 0 is
/// the background, and ten numbers are [`UNUSED`] in the published data.
pub const COCO_CLASSES: [&str; 91] = [
    "__background__",
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "N/A",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "N/A",
    "backpack",
    "umbrella",
    "N/A",
    "N/A",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "N/A",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "N/A",
    "dining table",
    "N/A",
    "N/A",
    "toilet",
    "N/A",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "N/A",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighty_are_used_and_unlike() {
        let mut names: Vec<_> = COCO_CLASSES
            .iter()
            .filter(|name| **name != UNUSED)
            .collect();
        assert_eq!(names.len(), 81, "and the background");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 81);
        assert_eq!(
            [COCO_CLASSES[1], COCO_CLASSES[17], COCO_CLASSES[90]],
            ["person", "cat", "toothbrush"]
        );
    }
}
