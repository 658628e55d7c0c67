//! Features of texts.

use super::{Embed, Found, Pool};
use crate::encoder::{Encoder, Ids};
use crate::failure::{Failure, usage};
use crate::output::{thousands, warn};
use crate::zoo::bert::{Pooling, TextClassifier, TextFeatures};
use onggi_data::text::{Texts, TokenDataset};
use onggi_data::{Dataset, View};
use onggi_nn::init;
use onggi_train::linear::DenseRows;
use onggi_train::rows;
use std::sync::Arc;

/// The column that names the rows of a file.
const ROW: &str = "row";

impl Embed {
    pub(super) fn texts(&self, encoder: &Encoder) -> Result<Found, Failure> {
        if self.weights.is_some() {
            return usage("--weights is for models of images; a model of texts is a folder");
        }
        let class = self.target.as_deref().unwrap_or("class");
        let feature = |rest: &str| rest.parse::<usize>().is_ok();
        if class == ROW || class.strip_prefix('f').is_some_and(feature) {
            return usage(format!(
                "--target: a column `{class}` is written anyway; rename the one of the classes"
            ));
        }
        let threads = self.threads.start()?;
        let (texts, classes) = self.read()?;
        if texts.empty() > 0 {
            warn(format!("{} texts are empty", thousands(texts.empty())));
        }
        let published = encoder.read(self.max_tokens)?;
        let (width, max_tokens) = (published.config.hidden_size, published.max_tokens);
        let pooling = match self.pooling {
            Pool::Mean => Pooling::Mean,
            Pool::Cls => Pooling::Cls,
            Pool::Pooler => Pooling::Pooler,
        };
        // Its classifier answers nothing.
        let rng = &mut init::generator(0);
        let model = TextClassifier::new(published.encoder, 2, pooling, rng)
            .or_else(|e| usage(format!("--pooling: {e}")))?;
        let (ids, names) = (Ids(published.tokenizer), texts.ids().to_vec());
        let data = TokenDataset::new(ids, texts.texts(), Vec::new(), 2, names, max_tokens)?;
        let data: Arc<dyn Dataset> = Arc::new(data);
        let features = rows(&TextFeatures { model }, &data, threads, View::Eval, |_| {})?;
        Ok(Found {
            what: "texts",
            features: DenseRows::new(features, width)?,
            key: if self.data.is_dir() { "path" } else { ROW },
            ids: texts.ids().to_vec(),
            class: class.to_owned(),
            classes,
        })
    }

    /// The texts, and the class of each where there are classes.
    fn read(&self) -> Result<(Texts, Option<Vec<String>>), Failure> {
        let texts = match (&self.target, self.data.is_dir()) {
            (None, true) => Texts::find(&self.data)?,
            (Some(_), true) => {
                return usage(
                    "--target is a column of a file; the classes of a folder are its folders",
                );
            }
            (Some(target), false) => Texts::read(&self.data, &self.text_column, target)?,
            (None, false) => Texts::read_for(&self.data, &self.text_column, None)?,
        };
        let name = |&label: &usize| texts.classes()[label].clone();
        let names: Vec<String> = texts.labels().iter().map(name).collect();
        let classes = (!names.is_empty()).then_some(names);
        Ok((texts, classes))
    }
}
