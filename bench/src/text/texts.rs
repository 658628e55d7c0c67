//! The texts: made-up reviews, the same on every machine.

/// Parts of a review.
const PARTS: [&str; 24] = [
    "a quietly moving film about a potter who refuses to sell her kiln",
    "the second half loses its way, but the acting never does",
    "you have seen this plot before, and told better",
    "beautifully shot and utterly hollow at its centre",
    "it's the kind of comedy that is funnier the next morning",
    "the director doesn't trust the audience with a single silence",
    "an honest, unhurried story with a cast to match",
    "more explosions than ideas, and not enough of either",
    "her performance carries every scene she is given",
    "i laughed twice, once at the right moment",
    "warm, strange and a little too long",
    "the script was written by someone who listens to people",
    "nothing here will surprise anyone over the age of ten",
    "one of the few sequels that deserves its number",
    "the music does all the feeling so that we need not",
    "slow to start, it ends as a small marvel",
    "a waste of three fine actors and of my evening",
    "every joke arrives with a map and a guide",
    "it looks expensive and feels cheap",
    "the children steal it from everyone else",
    "there are worse ways to spend an afternoon",
    "clever without being cold, sad without being grim",
    "the camera can't keep still for as long as a sentence",
    "a debut that promises much and keeps half of it",
];

/// 1,000 reviews of two or three parts, about 134 characters each.
pub(crate) fn reviews() -> Vec<String> {
    let n = PARTS.len();
    let review = |i: usize| {
        let parts = [i % n, (i * 7 + i / n + 3) % n, (i * 11 + i / n * 5 + 8) % n];
        let parts: Vec<&str> = parts.iter().map(|&part| PARTS[part]).collect();
        let few = if i.is_multiple_of(3) { 3 } else { 2 };
        format!("{}.", parts[..few].join(" ; "))
    };
    (0..1_000).map(review).collect()
}
