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

/// The steps of a recipe, of which one is drawn for a copy; the fraction of the words they change is
/// given to EDA's.
type Steps = fn(f64) -> Vec<TextTransform>;

/// Every recipe: name, what it does, its steps.
const RECIPES: [(&str, &str, Steps); 8] = [
    (
        EDA,
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

const EDA: &str = "eda";

/// Copies of a row, EDA aside.
const COPIES: usize = 4;

/// The sizes of the paper: α and copies for 500, 2,000, 5,000 rows and more.
fn eda_sizes(rows: usize) -> (f64, usize) {
    match rows {
        0..=500 => (0.05, 16),
        501..=2_000 => (0.05, 8),
        _ => (0.1, 4),
    }
}

impl Recipe {
    /// The recipe of a name, for a data set with `rows` training rows.
    ///
    /// # Errors
    /// [`AugmentError::UnknownName`] with the nearest name there is.
    pub fn by_name(name: &str, rows: usize) -> Result<Self, AugmentError> {
        let Some(&(name, _, build)) = RECIPES.iter().find(|recipe| recipe.0 == name) else {
            return Err(AugmentError::UnknownName {
                what: "recipe",
                got: name.to_owned(),
                nearest: nearest(name, RECIPES.iter().map(|recipe| recipe.0)).to_owned(),
            });
        };
        let (alpha, eda_copies) = eda_sizes(rows);
        let weights = Vec::new();
        let steps = OneOf {
            steps: build(alpha),
            weights,
        };
        Ok(Self {
            name,
            config: PipelineConfig::new(vec![steps.into()]),
            copies: if name == EDA { eda_copies } else { COPIES },
        })
    }

    /// (name, what it does) of every recipe.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        RECIPES.iter().map(|recipe| (recipe.0, recipe.1))
    }
}

/// Wei and Zou, "EDA: easy data augmentation techniques for boosting performance on text
/// classification tasks", EMNLP 2019. The paper's counts have no upper bound, and stop words have no
/// synonyms.
fn eda(alpha: f64) -> Vec<TextTransform> {
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
        swap_mode: WordSwap::Random,
        each: action == WordAction::Delete,
        ..RandomWord::default()
    };
    vec![
        synonym(PlaceAction::Substitute).into(),
        synonym(PlaceAction::Insert).into(),
        word(WordAction::Swap).into(),
        word(WordAction::Delete).into(),
    ]
}

fn aeda(_: f64) -> Vec<TextTransform> {
    vec![Punctuation::default().into()]
}

fn typo(_: f64) -> Vec<TextTransform> {
    let char = |action| RandomChar {
        action,
        aug_word_p: 0.1,
        aug_char_max: 1,
        min_char: 4,
        ..RandomChar::default()
    };
    let keyboard = Keyboard {
        aug_word_p: 0.1,
        aug_char_max: 1,
        include_numeric: false,
        include_special_char: false,
        include_upper_case: false,
        ..Keyboard::default()
    };
    let spelling = Spelling {
        aug_p: 0.1,
        ..Spelling::default()
    };
    vec![
        keyboard.into(),
        char(CharAction::Swap).into(),
        char(CharAction::Delete).into(),
        char(CharAction::Insert).into(),
        spelling.into(),
        split(),
    ]
}

fn ocr(_: f64) -> Vec<TextTransform> {
    let ocr = Ocr {
        aug_word_p: 0.15,
        aug_char_max: 1,
        ..Ocr::default()
    };
    vec![ocr.into(), spaces(WhitespaceAction::Delete, 0.05), split()]
}

fn adversarial(_: f64) -> Vec<TextTransform> {
    let homoglyph = Homoglyph {
        aug_word_p: 0.2,
        ..Homoglyph::default()
    };
    let zero_width = ZeroWidth {
        aug_word_p: 0.2,
        aug_char_max: 1,
        ..ZeroWidth::default()
    };
    let case = LetterCase {
        aug_p: 0.2,
        ..LetterCase::default()
    };
    vec![
        homoglyph.into(),
        zero_width.into(),
        case.into(),
        spaces(WhitespaceAction::Insert, 0.1),
    ]
}

fn mild(_: f64) -> Vec<TextTransform> {
    let synonym = Synonym {
        aug_p: 0.1,
        senses: 1,
        stopwords: Stopwords::english(),
        ..Synonym::default()
    };
    let marks = Punctuation {
        p: 0.1,
        ..Punctuation::default()
    };
    vec![synonym.into(), Contraction::default().into(), marks.into()]
}

fn korean_typo(_: f64) -> Vec<TextTransform> {
    let keyboard = Keyboard {
        lang: Layout::Ko,
        aug_word_p: 0.1,
        aug_char_max: 1,
        min_char: 2,
        ..Keyboard::default()
    };
    let jamo = |action, substitute| Jamo {
        action,
        substitute,
        aug_word_p: 0.1,
        aug_char_max: 1,
        ..Jamo::default()
    };
    let phonetic = KoreanPhonetic {
        aug_p: 0.1,
        ..KoreanPhonetic::default()
    };
    let spacing = KoreanSpacing {
        aug_p: 0.2,
        ..KoreanSpacing::default()
    };
    let josa = Josa {
        aug_p: 0.1,
        ..Josa::default()
    };
    let coda = Coda {
        action: CodaAction::Drop,
        aug_word_p: 0.05,
        aug_char_max: 1,
        ..Coda::default()
    };
    let slip = LayoutSlip {
        aug_p: 0.05,
        ..LayoutSlip::default()
    };
    vec![
        keyboard.into(),
        jamo(JamoAction::Substitute, JamoSubstitute::Shift).into(),
        jamo(JamoAction::Substitute, JamoSubstitute::Sound).into(),
        jamo(JamoAction::Swap, JamoSubstitute::Neighbour).into(),
        jamo(JamoAction::Delete, JamoSubstitute::Neighbour).into(),
        phonetic.into(),
        spacing.into(),
        josa.into(),
        coda.into(),
        slip.into(),
    ]
}

/// Additions and moves only: published KLUE-STS scores fall least under them.
fn korean(_: f64) -> Vec<TextTransform> {
    let spacing = KoreanSpacing {
        action: SpacingAction::Delete,
        aug_p: 0.2,
        ..KoreanSpacing::default()
    };
    let swap = RandomWord {
        action: WordAction::Swap,
        aug_p: 0.1,
        ..RandomWord::default()
    };
    vec![Punctuation::default().into(), spacing.into(), swap.into()]
}

fn split() -> TextTransform {
    Split {
        aug_p: 0.05,
        ..Split::default()
    }
    .into()
}

fn spaces(action: WhitespaceAction, aug_p: f64) -> TextTransform {
    Whitespace {
        action,
        aug_p,
        ..Whitespace::default()
    }
    .into()
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
