//! How training images are varied: a name, or a pipeline's file.

use crate::failure::Failure;
use crate::pipeline;
use onggi_augment::image::{Compose, Preset};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// `none`, `shift`, `light`, `standard`, `strong`, or a TOML or JSON file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Augment {
    /// By its name.
    Preset(Preset),
    /// A list `steps` of transforms.
    File(PathBuf),
}

/// What a file of a pipeline holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PipelineFile {
    pub(crate) steps: Compose,
}

impl Augment {
    /// The pipeline for images of `height` and `width`.
    pub(crate) fn pipeline(&self, height: usize, width: usize) -> Result<Compose, Failure> {
        match self {
            Self::Preset(preset) => Ok(preset.pipeline(height, width)?),
            Self::File(path) => read_pipeline(path),
        }
    }
}

/// The pipeline in a file.
fn read_pipeline(path: &Path) -> Result<Compose, Failure> {
    Ok(pipeline::read::<PipelineFile>(path)?.steps)
}

impl FromStr for Augment {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if let Some(preset) = Preset::ALL.into_iter().find(|p| p.name() == word) {
            return Ok(Self::Preset(preset));
        }
        let path = PathBuf::from(word);
        let end = path.extension().and_then(|end| end.to_str());
        if end.is_some_and(|end| ["toml", "json"].contains(&end)) {
            return Ok(Self::File(path));
        }
        let names = Preset::ALL.map(Preset::name).join(", ");
        Err(format!(
            "`{word}` is none of {names}, and no .toml or .json file"
        ))
    }
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset(preset) => f.write_str(preset.name()),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Serialize for Augment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Augment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files() {
        let light: Augment = "light".parse().unwrap();
        assert_eq!(light, Augment::Preset(Preset::Light));
        let file: Augment = "a/p.toml".parse().unwrap();
        assert_eq!(
            (file.to_string(), file),
            ("a/p.toml".into(), Augment::File("a/p.toml".into()))
        );
        let error = "lite".parse::<Augment>().unwrap_err();
        assert!(
            error.contains("none, shift, light, standard, strong"),
            "{error}"
        );
    }

    #[test]
    fn pipelines_in_either_form() {
        let dir = tempfile::tempdir().unwrap();
        let (toml, json) = (dir.path().join("p.toml"), dir.path().join("p.json"));
        std::fs::write(&toml, "[[steps]]\ntransform = \"posterize\"\nbits = 3\n").unwrap();
        std::fs::write(
            &json,
            r#"{"steps": [{"transform": "posterize", "bits": 3}]}"#,
        )
        .unwrap();
        assert_eq!(read_pipeline(&toml).unwrap(), read_pipeline(&json).unwrap());
        for (text, words) in [
            ("[[steps]]\ntransform = \"posterise\"\n", "posterize"),
            ("[[step]]\ntransform = \"posterize\"\n", "unknown field"),
        ] {
            std::fs::write(&toml, text).unwrap();
            let Err(Failure::Usage(error)) = read_pipeline(&toml) else {
                panic!("{text}")
            };
            assert!(error.contains(words), "{error}");
        }
    }
}
