//! Augmenters of Korean: letters inside syllables, spelling by sound, spaces, particles.

mod coda;
pub(crate) mod hangul;
mod jamo;
mod josa;
mod layout_slip;
pub(crate) mod particle;
mod phonetic;
mod spacing;
mod yamin;

pub use coda::{Coda, CodaAction};
pub use jamo::{Jamo, JamoAction, JamoSubstitute};
pub use josa::Josa;
pub use layout_slip::{LayoutSlip, SlipDirection};
pub use phonetic::{KoreanPhonetic, PhoneticRule};
pub use spacing::{KoreanSpacing, SpacingAction};
pub use yamin::YaminJeongeum;
