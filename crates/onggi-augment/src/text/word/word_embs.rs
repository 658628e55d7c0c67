//! The neighbours of a word vector.

use std::sync::Arc;

use super::{Loaded, PlaceAction, Vectors, put};
use crate::text::draw::{below, one};
use crate::text::english::in_case_of;
use crate::text::korean::particle;
use crate::text::settings::augmenter;
use crate::text::{Document, Edits, Resources, TextAugmenter};
use crate::{AugmentError, Draw};

augmenter! {
    /// Replaces words by one of their nearest by cosine, or puts random words of the file in.
    ///
    /// A Korean word that is not in the file is looked up without its particle, which is put right.
    ///
    /// # Differences from nlpaug
    /// `top_k` is 10, not 100: the hundredth neighbour of a word is seldom one. The kind of file is
    /// told from its bytes.
    words(min_char = 1) WordEmbs = "word_embs" {
        /// Whether the new word takes a word's place or stands before it; `substitute`.
        action: PlaceAction = PlaceAction::Substitute,
        /// A file of word2vec (text or binary), GloVe or fastText (`.vec`).
        model_path: String = String::new(),
        /// Words read, the first of the file; 4 bytes a number in memory; 200,000.
        max_words: usize = 200_000,
        /// Among how many nearest one is drawn; 10.
        top_k: usize = 10,
        /// Read by the pipeline.
        #[serde(skip)]
        vectors: Loaded<Vectors> = Loaded::default(),
    }
}

impl TextAugmenter for WordEmbs {
    fn edits(
        &self,
        doc: &Document<'_>,
        rng: &mut Draw,
        edits: &mut Edits,
    ) -> Result<(), AugmentError> {
        let Some(vectors) = &self.vectors.0 else {
            return Err(missing());
        };
        self.words().each(doc, rng, |place, rng| {
            let token = doc.tokens()[place];
            if self.action == PlaceAction::Insert {
                if let Some(new) = vectors.word(below(rng, vectors.len())) {
                    edits.build(token.start..token.start, |out| out.extend([new, " "]));
                }
                return true;
            }
            let word = doc.slice(&token);
            let mut stem = word;
            let mut near = vectors.nearest(word, self.top_k);
            if near.is_empty()
                && let Some((noun, _)) = particle::split(word)
            {
                stem = noun;
                near = vectors.nearest(noun, self.top_k);
            }
            let new = one(rng, &near);
            if let Some(new) = new {
                let span = token.start..token.start + stem.len();
                put(doc, place, span, &in_case_of(stem, new), edits);
            }
            new.is_some()
        });
        Ok(())
    }

    fn load(&mut self, _: &Resources) -> Result<(), AugmentError> {
        if self.model_path.is_empty() {
            return Err(missing());
        }
        self.vectors = Loaded(Some(Arc::new(Vectors::read(
            &self.model_path,
            self.max_words,
        )?)));
        Ok(())
    }
}

fn missing() -> AugmentError {
    AugmentError::Model {
        transform: "word_embs",
        reason: "needs word vectors: set model_path to a word2vec, GloVe or fastText .vec file"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::step;

    #[test]
    fn neighbours_in_case_with_their_particle() {
        let path = std::env::temp_dir().join(format!("onggi-vectors-{}", std::process::id()));
        std::fs::write(&path, "jar 1 0\npot 1 0.1\n물 0 1\n커피 0.1 1\n").unwrap();
        let mut embs = WordEmbs {
            model_path: path.to_str().unwrap().to_owned(),
            top_k: 1,
            ..WordEmbs::default()
        };
        embs.load(&Resources::default()).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(step(&embs, "Jar", 0), "Pot");
        assert_eq!(step(&embs, "물을", 0), "커피를");
        assert_eq!(step(&embs, "unknown", 0), "unknown");
        let insert = WordEmbs {
            action: PlaceAction::Insert,
            ..embs
        };
        assert_eq!(step(&insert, "xx", 0).split(' ').count(), 2);
        assert!(WordEmbs::default().load(&Resources::default()).is_err());
    }
}
