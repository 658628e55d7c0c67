//! Texts with classes in memory.

use std::path::Path;

use super::folder;
use super::rows::{Rows, read_rows};
use crate::table::source::line_at;
use crate::table::target;
use crate::{DataError, Split, SplitSample};

/// Texts, and a class for each.
///
/// A file is CSV or TSV with a header, as a [table](crate::table::Table) is, or JSON Lines (`.jsonl`,
/// `.ndjson`), one object a line; UTF-8, of up to 1 GiB, and packed where its name ends in `.gz`. A folder
/// holds class folders with `.txt` files, or `train`, `val` and `test` with such.
///
/// A text may be empty: it has nothing to learn from, and is counted by [`Texts::empty`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub(super) texts: Vec<String>,
    pub(super) labels: Vec<usize>,
    pub(super) classes: Vec<String>,
    pub(super) ids: Vec<String>,
    pub(super) given: Vec<Split>,
}

impl Texts {
    /// Reads texts to train on from a file: the column `text`, and `target`, the class.
    ///
    /// Classes are the distinct values of the target, sorted as numbers where all are, else as text.
    ///
    /// # Errors
    /// A fault of the file ([`DataError::PathMissing`], [`DataError::NotATable`],
    /// [`DataError::TableTooLarge`], [`DataError::EmptyTable`], [`DataError::RaggedRow`],
    /// [`DataError::JsonRow`], [`DataError::TableNotUtf8`], [`DataError::Io`]), of its columns
    /// ([`DataError::DuplicateColumn`], [`DataError::NoSuchColumn`], [`DataError::TargetIsText`]) or of the
    /// target ([`DataError::MissingTarget`], [`DataError::ContinuousTarget`],
    /// [`DataError::OneClassTarget`], [`DataError::SmallClass`]).
    ///
    /// # Example
    /// ```
    /// use onggi_data::text::Texts;
    ///
    /// let path = std::env::temp_dir().join("onggi-doc-texts.csv");
    /// std::fs::write(&path, "review,stars\nso good,5\n\"bad, bad\",1\ngood,5\nno,1\n")?;
    /// let texts = Texts::read(&path, "review", "stars")?;
    /// assert_eq!((texts.texts()[1].as_str(), texts.classes()), ("bad, bad", &["1", "5"].map(str::to_owned)[..]));
    /// assert_eq!(texts.labels(), [1, 0, 1, 0]);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: &Path, text: &str, target: &str) -> Result<Self, DataError> {
        let rows = read_rows(path, text, Some(target))?;
        let classes = target::classes(path, target, &rows.targets)?;
        let texts = Self::label(path, rows, target, classes)?;
        target::refuse_single(path, &texts.labels, &texts.classes)?;
        Ok(texts)
    }

    /// Reads texts for a trained model. With `target`, the name of a column and the model's classes, they
    /// get their labels; without, [`Texts::labels`] is empty.
    ///
    /// # Errors
    /// Those of [`Texts::read`] that concern the file and the columns wanted, and
    /// [`DataError::UnknownClass`].
    pub fn read_for(
        path: &Path,
        text: &str,
        target: Option<(&str, &[String])>,
    ) -> Result<Self, DataError> {
        let rows = read_rows(path, text, target.map(|(name, _)| name))?;
        match target {
            Some((name, classes)) => Self::label(path, rows, name, classes.to_vec()),
            None => Ok(Self::join(rows, Vec::new(), Vec::new())),
        }
    }

    /// Reads the texts of a folder to train on: `<class>/<text>.txt` or `<split>/<class>/<text>.txt`, of up to
    /// 16 MiB each. Classes are the names of the folders, sorted.
    ///
    /// # Errors
    /// Those of [`ImageFolder::scan`](crate::image::ImageFolder::scan), [`DataError::TableNotUtf8`] and
    /// [`DataError::TableTooLarge`].
    pub fn scan(root: &Path) -> Result<Self, DataError> {
        folder::read(root, true)
    }

    /// Reads the texts of a folder, whether or not they can be trained on: for measuring a model on texts that
    /// need not hold all of its classes.
    ///
    /// # Errors
    /// Those of [`Texts::scan`] that say the folder cannot be understood.
    pub fn find(root: &Path) -> Result<Self, DataError> {
        folder::read(root, false)
    }

    fn label(
        path: &Path,
        rows: Rows,
        target: &str,
        classes: Vec<String>,
    ) -> Result<Self, DataError> {
        let line = |row: usize| line_at(path, rows.offsets[row]);
        let labels = target::labels(path, target, &rows.targets, line, &classes)?;
        Ok(Self::join(rows, labels, classes))
    }

    fn join(rows: Rows, labels: Vec<usize>, classes: Vec<String>) -> Self {
        let n = rows.texts.len();
        Self {
            texts: rows.texts,
            labels,
            classes,
            ids: (1..=n).map(|row| format!("row {row}")).collect(),
            given: vec![Split::Train; n],
        }
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Label of each text: a position in [`Texts::classes`].
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Class names, in label order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Name of each text: `row 17`, or the file's path below the folder.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Number of texts with nothing but white space.
    pub fn empty(&self) -> usize {
        let empty = self.texts.iter().filter(|text| text.trim().is_empty());
        empty.count()
    }

    /// The texts as [`SplitMap::cut`](crate::SplitMap::cut) takes them.
    pub fn split_samples(&self) -> Vec<SplitSample<'_>> {
        let labels = self.labels.iter().copied().chain(std::iter::repeat(0));
        let each = self.ids.iter().zip(labels).zip(&self.given);
        each.map(|((id, label), &given)| SplitSample { id, label, given })
            .collect()
    }

    /// Texts and labels at `indices`; no labels where there are none.
    ///
    /// # Errors
    /// [`DataError::Index`] for a text that is not there.
    pub fn select(&self, indices: &[usize]) -> Result<(Vec<&str>, Vec<usize>), DataError> {
        let len = self.len();
        let texts = indices.iter().map(|&index| {
            let text = self.texts.get(index).map(String::as_str);
            text.ok_or(DataError::Index { index, len })
        });
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        let labels = indices.iter().filter_map(|&i| self.labels.get(i).copied());
        Ok((texts, labels.collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<Texts, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let root = format!("{}/", folder.path().display());
        Texts::read(&path, "text", "y").map_err(|e| e.to_string().replace(&root, ""))
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn every_format_gives_the_same() {
        let csv = "text,y,z\n\"so, good \",u,1\n나쁘다,v,2\n\"two\nlines\",u,3\n,v ,4\n";
        let want = read("x.csv", csv.as_bytes()).unwrap();
        assert_eq!(want.texts(), ["so, good ", "나쁘다", "two\nlines", ""]);
        assert_eq!(
            (want.labels(), want.classes()),
            (&[0, 1, 0, 1][..], &["u", "v"].map(str::to_owned)[..])
        );
        assert_eq!(
            (want.ids()[3].as_str(), want.len(), want.empty()),
            ("row 4", 4, 1)
        );
        let tsv = "y\ttext\nu\tso, good \nv\t나쁘다\nu\t\"two\nlines\"\nv\t\n";
        let json = "\u{feff}{\"text\":\"so, good \",\"y\":\"u\"}\r\n\n{\"y\":\"v\",\"text\":\"나쁘다\",\"z\":[1]}\n\
                    {\"text\":\"two\\nlines\",\"y\":\"u\"}\n{\"text\":\"\",\"y\":\"v\"}";
        for (name, text) in [("x.tsv", tsv), ("X.JSONL", json), ("x.ndjson", json)] {
            assert_eq!(read(name, text.as_bytes()).unwrap(), want, "{name}");
            assert_eq!(
                read(&format!("{name}.gz"), &packed(text.as_bytes())).unwrap(),
                want
            );
        }
        let (texts, labels) = want.select(&[2, 0]).unwrap();
        assert_eq!(
            (texts, labels),
            (vec!["two\nlines", "so, good "], vec![0, 0])
        );
        assert!(want.select(&[4]).is_err());
        let numbers = "{\"text\":\"a\",\"y\":10}\n{\"text\":\"b\",\"y\":9}\n".repeat(2);
        assert_eq!(
            read("x.jsonl", numbers.as_bytes()).unwrap().classes(),
            ["9", "10"]
        );
    }

    #[test]
    fn every_fault_is_one_clear_line() {
        let cases: [(&str, &[u8], &str); 14] = [
            ("x.csv", b"", "x.csv: the file is empty"),
            ("x.jsonl", b"\n", "x.jsonl: there are no rows"),
            (
                "x.csv",
                b"texts,y\na,u\n",
                "x.csv: no column `text`, did you mean `texts`?; columns: texts, y",
            ),
            (
                "x.csv",
                b"text,y\na,u\nb\n",
                "x.csv: line 3 has 1 fields, the header 2",
            ),
            (
                "x.csv",
                b"text,y\n\"a\nb\",u\n\xe9,v\n",
                "x.csv: line 4 is not UTF-8",
            ),
            (
                "x.csv",
                b"text,y\na, \n",
                "x.csv: line 2: the target `y` is missing",
            ),
            (
                "x.csv",
                b"text,y\na,u\nb,u\n",
                "x.csv: the target `y` is `u` in every row",
            ),
            (
                "x.csv",
                b"text,y\na,u\nb,u\nc,v\n",
                "x.csv: class `v` has 1 of at least 2",
            ),
            (
                "x.jsonl",
                b"{\"text\":\"a\",\"y\":1}\n[1]\n",
                "x.jsonl: line 2: not a JSON object",
            ),
            (
                "x.jsonl",
                b"{\"texts\":\"a\"}",
                "x.jsonl: line 1: no string `text`, did you mean `texts`?; there are: texts",
            ),
            (
                "x.jsonl",
                b"{\"text\":\"a\",\"yy\":1}",
                "x.jsonl: line 1: no `y`, did you mean `yy`?",
            ),
            (
                "x.jsonl",
                b"{\"text\":\"a\",\"y\":[]}",
                "x.jsonl: line 1: `y` is a list or an object",
            ),
            (
                "x.jsonl",
                b"{\"text\":\"a\",\"y\":1}\n\n\xff",
                "x.jsonl: line 3 is not UTF-8",
            ),
            ("x.csv.gz", b"text,y\na,u\n", "x.csv.gz: "),
        ];
        for (name, bytes, want) in cases {
            let got = read(name, bytes).unwrap_err();
            assert!(got.starts_with(want), "{got}, not {want}");
        }
        let missing = Path::new("no/such.csv");
        assert!(matches!(
            Texts::read(missing, "t", "y"),
            Err(DataError::PathMissing { .. })
        ));
        assert!(matches!(
            Texts::read(missing, "t", "t"),
            Err(DataError::TargetIsText { .. })
        ));
    }

    #[test]
    fn for_a_trained_model_one_class_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        fs::write(&path, "y,text\nv,a\n").unwrap();
        let classes = ["u".to_owned(), "v".to_owned()];
        let texts = Texts::read_for(&path, "text", Some(("y", &classes))).unwrap();
        assert_eq!((texts.labels(), texts.classes()), (&[1][..], &classes[..]));
        assert!(
            Texts::read_for(&path, "text", None)
                .unwrap()
                .labels()
                .is_empty()
        );
        let other = ["w".to_owned()];
        let refusal = Texts::read_for(&path, "text", Some(("y", &other))).unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("line 2: the target `y` is `v`"),
            "{refusal}"
        );
    }

    #[test]
    fn folders_of_texts() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        put("train/neg/1.txt", b"bad");
        put("train/neg/2.TXT", "\u{feff}나쁨".as_bytes());
        put("train/pos/1.txt", b"good");
        put("train/pos/2.txt", b"fine");
        put("train/pos/x.png", b"");
        put("test/pos/1.txt", b"nice");
        let texts = Texts::scan(folder.path()).unwrap();
        assert_eq!(texts.texts(), ["nice", "bad", "나쁨", "good", "fine"]);
        assert_eq!(texts.labels(), [1, 0, 0, 1, 1]);
        assert_eq!(texts.split_samples()[0].given, Split::Test);
        assert_eq!(texts.ids()[0], "test/pos/1.txt");
        put("train/neg/3.txt", b"a\nb\xff");
        let refusal = Texts::scan(folder.path()).unwrap_err().to_string();
        assert!(refusal.contains("3.txt: line 2 is not UTF-8"), "{refusal}");
        let one = tempfile::tempdir().unwrap();
        fs::create_dir(one.path().join("a")).unwrap();
        let refusal = Texts::scan(one.path()).unwrap_err().to_string();
        assert!(
            refusal.contains("no texts found") && refusal.contains("txt"),
            "{refusal}"
        );
        fs::write(one.path().join("a/1.txt"), "x").unwrap();
        let refusal = Texts::scan(one.path()).unwrap_err().to_string();
        assert!(
            refusal.contains("one class only, `a` (1 texts)"),
            "{refusal}"
        );
        assert_eq!(Texts::find(one.path()).unwrap().len(), 1);
    }
}
