//! Named pipelines.

use super::{
    CharAction, Coda, CodaAction, Contraction, Homoglyph, Jamo, JamoAction, JamoSubstitute, Josa,
    Keyboard, KoreanPhonetic, KoreanSpacing, Layout, LayoutSlip, LetterCase, Ocr, OneOf,
    PipelineConfig, PlaceAction, Punctuation, RandomChar, RandomWord, SpacingAction, Spelling,
    Split, Stopwords, Synonym, TextTransform, Whitespace, WhitespaceAction, WordAction, WordSwap,
    ZeroWidth,
};
use crate::AugmentError;
use crate::nearest::nearest;

/// A named pipeline, and how many copies of a row it is meant for.
///
/// # Example
/// ```
/// use onggi_augment::text::Recipe;
///
/// let eda = Recipe::by_name("eda", 2_000)?;
/// assert_eq!(eda.copies, 8);
/// let refusal = Recipe::by_name("ead", 2_000).unwrap_err();
/// assert!(refusal.to_string().contains("did you mean `eda`"));
/// # Ok::<(), onggi_augment::AugmentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The name.
    pub name: &'static str,
    /// The pipeline.
    pub config: PipelineConfig,
    /// Copies of a row.
    pub copies: usize,
}

/// Steps and copies for a number of training rows.
type Build = fn(usize) -> (Vec<TextTransform>, usize);

/// Every recipe: name, what it does, the pipeline and copies for a number of training rows.
const RECIPES: [(&str, &str, Build); 8] = [
    (
        "eda",
        "synonyms, insertions, swaps, deletions (Wei and Zou 2019)",
        eda,
    ),
    (
        "aeda",
        "punctuation between words (Karimi et al. 2021)",
        aeda,
    ),
    ("typo", "slips of fingers and of spelling", typo),
    ("ocr", "errors of scanned text", ocr),
    (
        "adversarial",
        "homoglyphs, zero-width characters, spaces: what hides words from a filter",
        adversarial,
    ),
    (
        "mild",
        "changes that keep the meaning: synonyms, contractions, punctuation",
        mild,
    ),
    (
        "korean-typo",
        "slips of the two-set keyboard, spelling by sound, spaces, particles",
        korean_typo,
    ),
    (
        "korean",
        "the safest for Korean: punctuation, spaces, words swapped",
        korean,
    ),
];

impl Recipe {
    /// The recipe of a name, for a data set with `rows` training rows.
    ///
    /// # Errors
    /// [`AugmentError::UnknownName`] with the nearest name there is.
    pub fn by_name(name: &str, rows: usize) -> Result<Self, AugmentError> {
        match RECIPES.iter().find(|recipe| recipe.0 == name) {
            Some(&(name, _, build)) => {
                let (steps, copies) = build(rows);
                let config = PipelineConfig::new(steps);
                Ok(Self {
                    name,
                    config,
                    copies,
                })
            }
            None => Err(AugmentError::UnknownName {
                what: "recipe",
                got: name.to_owned(),
                nearest: nearest(name, RECIPES.iter().map(|recipe| recipe.0)).to_owned(),
            }),
        }
    }

    /// (name, what it does) of every recipe.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        RECIPES.iter().map(|recipe| (recipe.0, recipe.1))
    }
}

fn one_of(steps: Vec<TextTransform>) -> Vec<TextTransform> {
    vec![
        OneOf {
            steps,
            weights: Vec::new(),
        }
        .into(),
    ]
}

/// The sizes of the paper: α and copies for 500, 2,000, 5,000 rows and more.
///
/// Wei and Zou, "EDA: easy data augmentation techniques for boosting performance on text
/// classification tasks", EMNLP 2019.
fn eda(rows: usize) -> (Vec<TextTransform>, usize) {
    let (alpha, copies) = match rows {
        0..=500 => (0.05, 16),
        501..=2_000 => (0.05, 8),
        _ => (0.1, 4),
    };
    // The paper's counts have no upper bound, and stop words have no synonyms.
    let synonym = |action| Synonym {
        action,
        aug_p: alpha,
        aug_max: 0,
        stopwords: Stopwords::english(),
        ..Synonym::default()
    };
    let word = |action| RandomWord {
        action,
        aug_p: alpha,
        aug_max: 0,
        ..RandomWord::default()
    };
    let steps = one_of(vec![
        synonym(PlaceAction::Substitute).into(),
        synonym(PlaceAction::Insert).into(),
        RandomWord {
            swap_mode: WordSwap::Random,
            ..word(WordAction::Swap)
        }
        .into(),
        RandomWord {
            each: true,
            ..word(WordAction::Delete)
        }
        .into(),
    ]);
    (steps, copies)
}

fn aeda(_: usize) -> (Vec<TextTransform>, usize) {
    (vec![Punctuation::default().into()], 4)
}

fn typo(_: usize) -> (Vec<TextTransform>, usize) {
    let char = |action| RandomChar {
        action,
        aug_word_p: 0.1,
        aug_char_max: 1,
        min_char: 4,
        ..RandomChar::default()
    };
    let steps = one_of(vec![
        Keyboard {
            aug_word_p: 0.1,
            aug_char_max: 1,
            include_numeric: false,
            include_special_char: false,
            include_upper_case: false,
            ..Keyboard::default()
        }
        .into(),
        char(CharAction::Swap).into(),
        char(CharAction::Delete).into(),
        char(CharAction::Insert).into(),
        Spelling {
            aug_p: 0.1,
            ..Spelling::default()
        }
        .into(),
        Split {
            aug_p: 0.05,
            ..Split::default()
        }
        .into(),
    ]);
    (steps, 4)
}

fn ocr(_: usize) -> (Vec<TextTransform>, usize) {
    let steps = one_of(vec![
        Ocr {
            aug_word_p: 0.15,
            aug_char_max: 1,
            ..Ocr::default()
        }
        .into(),
        Whitespace {
            aug_p: 0.05,
            action: WhitespaceAction::Delete,
            ..Whitespace::default()
        }
        .into(),
        Split {
            aug_p: 0.05,
            ..Split::default()
        }
        .into(),
    ]);
    (steps, 4)
}

fn adversarial(_: usize) -> (Vec<TextTransform>, usize) {
    let steps = one_of(vec![
        Homoglyph {
            aug_word_p: 0.2,
            ..Homoglyph::default()
        }
        .into(),
        ZeroWidth {
            aug_word_p: 0.2,
            aug_char_max: 1,
            ..ZeroWidth::default()
        }
        .into(),
        LetterCase {
            aug_p: 0.2,
            ..LetterCase::default()
        }
        .into(),
        Whitespace {
            aug_p: 0.1,
            action: WhitespaceAction::Insert,
            ..Whitespace::default()
        }
        .into(),
    ]);
    (steps, 4)
}

fn mild(_: usize) -> (Vec<TextTransform>, usize) {
    let steps = one_of(vec![
        Synonym {
            aug_p: 0.1,
            senses: 1,
            stopwords: Stopwords::english(),
            ..Synonym::default()
        }
        .into(),
        Contraction::default().into(),
        Punctuation {
            p: 0.1,
            ..Punctuation::default()
        }
        .into(),
    ]);
    (steps, 4)
}

fn korean_typo(_: usize) -> (Vec<TextTransform>, usize) {
    let jamo = |action, substitute| Jamo {
        action,
        substitute,
        aug_word_p: 0.1,
        aug_char_max: 1,
        ..Jamo::default()
    };
    let steps = one_of(vec![
        Keyboard {
            lang: Layout::Ko,
            aug_word_p: 0.1,
            aug_char_max: 1,
            min_char: 2,
            ..Keyboard::default()
        }
        .into(),
        jamo(JamoAction::Substitute, JamoSubstitute::Shift).into(),
        jamo(JamoAction::Substitute, JamoSubstitute::Sound).into(),
        jamo(JamoAction::Swap, JamoSubstitute::Neighbour).into(),
        jamo(JamoAction::Delete, JamoSubstitute::Neighbour).into(),
        KoreanPhonetic {
            aug_p: 0.1,
            ..KoreanPhonetic::default()
        }
        .into(),
        KoreanSpacing {
            aug_p: 0.2,
            ..KoreanSpacing::default()
        }
        .into(),
        Josa {
            aug_p: 0.1,
            ..Josa::default()
        }
        .into(),
        Coda {
            action: CodaAction::Drop,
            aug_word_p: 0.05,
            aug_char_max: 1,
            ..Coda::default()
        }
        .into(),
        LayoutSlip {
            aug_p: 0.05,
            ..LayoutSlip::default()
        }
        .into(),
    ]);
    (steps, 4)
}

/// Additions and moves only: published KLUE-STS scores fall least under them.
fn korean(_: usize) -> (Vec<TextTransform>, usize) {
    let steps = one_of(vec![
        Punctuation::default().into(),
        KoreanSpacing {
            action: SpacingAction::Delete,
            aug_p: 0.2,
            ..KoreanSpacing::default()
        }
        .into(),
        RandomWord {
            action: WordAction::Swap,
            aug_p: 0.1,
            ..RandomWord::default()
        }
        .into(),
    ]);
    (steps, 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Pipeline, Resources};

    #[test]
    fn sizes_of_the_eda_paper() {
        for (rows, p, copies) in [
            (500, 0.05, 16),
            (2_000, 0.05, 8),
            (5_000, 0.1, 4),
            (100_000, 0.1, 4),
        ] {
            let recipe = Recipe::by_name("eda", rows).unwrap();
            assert_eq!(recipe.copies, copies);
            let json = serde_json::to_string(&recipe.config).unwrap();
            assert_eq!(json.matches(&format!("\"aug_p\":{p}")).count(), 4, "{json}");
        }
    }

    #[test]
    fn every_recipe_runs_and_is_read_back() {
        for (name, about) in Recipe::all() {
            assert!(!about.is_empty());
            let recipe = Recipe::by_name(name, 1_000).unwrap();
            let text = toml::to_string(&recipe.config).unwrap();
            assert_eq!(
                toml::from_str::<PipelineConfig>(&text).unwrap(),
                recipe.config
            );
            let pipeline = Pipeline::new(recipe.config, &Resources::default()).unwrap();
            let rows = [
                "The old potter did not sell her largest jars at the market in Seoul.",
                "늙은 도공은 시장에서 가장 큰 항아리를 팔지 않았다고 같이 말했다.",
            ];
            let row = rows[usize::from(name.starts_with("korean"))];
            let outputs = pipeline.augment(row, recipe.copies, 1, 0).unwrap();
            assert_eq!(
                outputs.texts.len(),
                recipe.copies,
                "{name}: {:?}",
                outputs.shortfall
            );
            assert!(outputs.texts.iter().all(|copy| !copy.label_changed));
        }
    }
}
