//! Published encoders by name.

use crate::registry::{ZooError, unknown};

/// A published encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderRow {
    /// Name, as `--model` takes it.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Its repository on the Hugging Face hub, `owner/name`.
    pub repo: &'static str,
    /// Values of the encoder.
    pub parameters: usize,
    /// Numbers for each text.
    pub width: usize,
    /// Licence of the weights.
    pub licence: &'static str,
}

/// The published encoders that have a name here. Any other of the families can be given as a folder.
pub const TEXT_ENCODERS: [EncoderRow; 4] = [
    EncoderRow {
        name: "all-MiniLM-L6-v2",
        summary: "MiniLM of 6 layers, tuned so that texts of like meaning lie together; English",
        repo: "sentence-transformers/all-MiniLM-L6-v2",
        parameters: 22_713_216,
        width: 384,
        licence: "Apache-2.0",
    },
    EncoderRow {
        name: "bert-base-uncased",
        summary: "BERT of 12 layers, lower case; English",
        repo: "google-bert/bert-base-uncased",
        parameters: 109_482_240,
        width: 768,
        licence: "Apache-2.0",
    },
    EncoderRow {
        name: "distilbert-base-uncased",
        summary: "DistilBERT of 6 layers, lower case; English",
        repo: "distilbert/distilbert-base-uncased",
        parameters: 66_362_880,
        width: 768,
        licence: "Apache-2.0",
    },
    EncoderRow {
        name: "roberta-base",
        summary: "RoBERTa of 12 layers; English",
        repo: "FacebookAI/roberta-base",
        parameters: 124_645_632,
        width: 768,
        licence: "MIT",
    },
];

impl EncoderRow {
    /// The encoder of that name, or of that repository.
    ///
    /// # Errors
    /// Names those there are.
    pub fn find(name: &str) -> Result<&'static Self, ZooError> {
        let mut rows = TEXT_ENCODERS.iter();
        let found = rows.find(|row| row.name == name || row.repo == name);
        found.ok_or_else(|| unknown("text", name, TEXT_ENCODERS.iter().map(|row| row.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_and_by_repository() {
        let row = EncoderRow::find("sentence-transformers/all-MiniLM-L6-v2").unwrap();
        assert_eq!(EncoderRow::find("all-MiniLM-L6-v2").unwrap(), row);
        let error = EncoderRow::find("bert").unwrap_err().to_string();
        assert!(error.contains("there is no text model `bert`; there is: all-MiniLM-L6-v2, "));
    }
}
