//! The name that was meant by one that does not exist.

/// The name of `known` with the fewest edits from `got`.
pub(crate) fn nearest<'a>(got: &str, known: impl IntoIterator<Item = &'a str>) -> &'a str {
    let got: Vec<char> = got.chars().take(64).collect();
    let distance = |name: &str| {
        let mut row: Vec<usize> = (0..=got.len()).collect();
        for (i, c) in name.chars().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, &g) in got.iter().enumerate() {
                let substituted = diagonal + usize::from(g != c);
                diagonal = row[j + 1];
                row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
            }
        }
        row[got.len()]
    };
    known
        .into_iter()
        .min_by_key(|name| distance(name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name() {
        assert_eq!(
            nearest("aug_ward_p", ["aug_word_p", "aug_char_p", "min_char"]),
            "aug_word_p"
        );
        assert_eq!(nearest("keybord", ["ocr", "keyboard"]), "keyboard");
    }
}
