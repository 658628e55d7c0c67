//! The crate's one error type.

use std::io;
use std::path::PathBuf;

use onggi_augment::AugmentError;

use crate::Split;

/// What can go wrong between a file and a batch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder the operating system would not read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A JSON file that does not hold what it should.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where reading stopped and why.
        source: serde_json::Error,
    },
    /// A path with nothing there.
    #[error("{}: no such file or folder; check the path", path.display())]
    PathMissing {
        /// The path.
        path: PathBuf,
    },
    /// A file where a folder with class folders was expected.
    #[error(
        "{}: not a folder; {what} are read from a folder with one folder a class",
        path.display()
    )]
    NotAFolder {
        /// The path.
        path: PathBuf,
        /// What is looked for: `images`, `texts`.
        what: &'static str,
    },
    /// A name that cannot be written down as text.
    #[error("{}: the name is not UTF-8; rename it", path.display())]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// Folders nested too deep.
    #[error(
        "{}: more than {most} folders deep inside its class; move the {what} up",
        path.display()
    )]
    FolderTooDeep {
        /// The folder that was not entered.
        path: PathBuf,
        /// What is looked for: `images`, `texts`.
        what: &'static str,
        /// The deepest level entered.
        most: usize,
    },
    /// A folder without a single file to read in it.
    #[error(
        "{}: no {what} found ({ignored} other files); expected one folder a class with {kinds} \
         files",
        path.display()
    )]
    NoFiles {
        /// The folder.
        path: PathBuf,
        /// What is looked for: `images`, `texts`.
        what: &'static str,
        /// Files that are something else by their extension, or hidden.
        ignored: usize,
        /// The extensions taken.
        kinds: String,
    },
    /// Files beside the class folders, or in place of them.
    #[error(
        "{}: {count} {what} lie outside of class folders (first: {first}); expected a folder for \
         each class: <class>/<file>",
        path.display()
    )]
    LooseFiles {
        /// The folder that should hold class folders only.
        path: PathBuf,
        /// What is looked for: `images`, `texts`.
        what: &'static str,
        /// Files directly in it.
        count: usize,
        /// Name of the first.
        first: String,
    },
    /// One class only.
    #[error(
        "{}: found one class only, `{class}` ({count} {what}); a classifier needs at least 2 \
         class folders (if they lie inside `{class}`, give that folder)",
        path.display()
    )]
    OneClassFolder {
        /// The folder searched.
        path: PathBuf,
        /// What is looked for: `images`, `texts`.
        what: &'static str,
        /// The class found.
        class: String,
        /// Its files.
        count: usize,
    },
    /// A class with too few samples to be trained on and validated.
    #[error(
        "{}: class `{class}` has {count} of at least {least} training samples; add samples or \
         remove the class",
        path.display()
    )]
    SmallClass {
        /// The data set's folder or file.
        path: PathBuf,
        /// The class.
        class: String,
        /// Its samples outside of validation and test.
        count: usize,
        /// 2, as one is cut off for validation; 1 where validation is given.
        least: usize,
    },
    /// A class of the validation or test folder that cannot be learned.
    #[error(
        "{}: class `{class}` is in {split} but not in train; add it to train or remove it from \
         {split}",
        path.display()
    )]
    ClassNotInTrain {
        /// The data set's folder.
        path: PathBuf,
        /// The class.
        class: String,
        /// The part that has it.
        split: Split,
    },
    /// Validation or test folders without a train folder.
    #[error("{}: found {found} but no train/; expected train/<class>/ with {what} beside them", path.display())]
    NoTrainFolder {
        /// The data set's folder.
        path: PathBuf,
        /// What is looked for: `images`, `texts`.
        what: &'static str,
        /// The folders found.
        found: String,
    },
    /// Split folders and other folders with files side by side.
    #[error(
        "{}: train/, val/ or test/ lie beside other folders with {what} ({other}); keep either \
         class folders or split folders there",
        path.display()
    )]
    MixedFolders {
        /// The data set's folder.
        path: PathBuf,
        /// What is looked for: `images`, `texts`.
        what: &'static str,
        /// The first folder that names no split.
        other: String,
    },
    /// Two folders that name the same split.
    #[error("{}: {first}/ and {second}/ both name the {split} split; keep one", path.display())]
    TwoSplitFolders {
        /// The data set's folder.
        path: PathBuf,
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// The split.
        split: Split,
    },
    /// An image file that cannot be used.
    #[error("{}: {reason}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Why, in words.
        reason: String,
    },
    /// Not one usable image in a list.
    #[error("none of the {count} images can be read; the first: {first}")]
    NoReadableImage {
        /// Images tried.
        count: usize,
        /// Path and reason of the first.
        first: String,
    },
    /// Not one usable image in a split folder that others were found in.
    #[error(
        "none of the {count} images of the {split} folder can be read; the first: {first}; replace \
         them, or remove the folder"
    )]
    NoReadableSplit {
        /// The part.
        split: Split,
        /// Its images.
        count: usize,
        /// Path and reason of the first.
        first: String,
    },
    /// An image of more channels than can be resized.
    #[error("images of 1 to 4 channels are resized here, got {got}")]
    ResizeChannels {
        /// Channels of the image.
        got: usize,
    },
    /// An image of another depth than 8 bits.
    #[error("8-bit pixels are expected here, as decode gives them, got another depth")]
    PixelDepth,
    /// An image shape with a zero or too long side.
    #[error("image height and width must lie in 1..={most} pixels, got {height}×{width}")]
    ImageShape {
        /// Longest side taken.
        most: usize,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// A channel count that is neither grey nor RGB.
    #[error("images have 1 (grey) or 3 (RGB) channels here, got {got}")]
    ChannelCount {
        /// The count given.
        got: usize,
    },
    /// Mean and standard deviation for other channels than the image has.
    #[error("mean and std have {got} values, the images {expected} channels; give one a channel")]
    StatisticsChannels {
        /// Channels of the images.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A store of another shape than the preprocessing asks for.
    #[error("the preprocessing asks for images of {expected} (C, H, W), the store holds {got}")]
    StoreShape {
        /// Shape of the preprocessing.
        expected: String,
        /// Shape of the store.
        got: String,
    },
    /// An augmentation that changes the shape models are fed with.
    #[error(
        "the augmentation makes {got} (height, width, channels) of {expected}; its last crop \
         must have the image size"
    )]
    AugmentedShape {
        /// Shape before.
        expected: String,
        /// Shape after.
        got: String,
    },
    /// A normalisation inside the augmentation, on top of the data set's own.
    #[error("the augmentation holds `normalize`, which the data set does itself; remove it")]
    NormalizedTwice,
    /// A transform that refused its image.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// A tokenizer that cannot be trained, read or used.
    #[error("tokenizer: {reason}")]
    Tokenizer {
        /// Why.
        reason: String,
    },
    /// A label outside the classes.
    #[error("{source_name}: label {label} is not below the class count {classes}")]
    Label {
        /// Where the sample came from.
        source_name: String,
        /// Its label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A sample that is not in the data set.
    #[error("sample {index} is outside of the data set of {len}")]
    Index {
        /// The position asked for.
        index: usize,
        /// Number of samples.
        len: usize,
    },
    /// An output buffer of the wrong length.
    #[error("a sample needs a buffer of {expected} values, got {got}")]
    Buffer {
        /// Product of the sample shape.
        expected: usize,
        /// Length of the buffer.
        got: usize,
    },
    /// A data set without samples.
    #[error("the data set is empty; at least one sample is needed")]
    EmptyDataset,
    /// A loader setting of zero.
    #[error("{setting} must be at least 1, got 0")]
    LoaderSetting {
        /// The setting.
        setting: &'static str,
    },
    /// A loader that would give nothing.
    #[error(
        "drop_last leaves no batch: {samples} samples do not fill a batch of {batch_size}; lower \
         batch_size"
    )]
    NoBatch {
        /// Samples of the data set.
        samples: usize,
        /// Samples a batch.
        batch_size: usize,
    },
    /// A batch that cannot be mixed.
    #[error("mixing: {problem}")]
    Mixing {
        /// What is wrong, with what came.
        problem: String,
    },
    /// No worker thread could be started.
    #[error("no loader thread could be started: {source}")]
    Worker {
        /// The system's answer.
        source: io::Error,
    },
    /// A panic in a data set, caught by the loader.
    #[error("the data set panicked at sample {index:?}: {message}")]
    WorkerPanic {
        /// The sample at hand.
        index: Option<usize>,
        /// The panic's message.
        message: String,
    },
    /// A split map that names a sample the data does not have.
    #[error(
        "the {split} split names `{id}`, which the data does not have; was it moved or renamed?"
    )]
    SplitUnknown {
        /// The part.
        split: Split,
        /// The sample's name.
        id: String,
    },
    /// A folder or device where a table was expected.
    #[error("{}: not a file; expected a CSV or TSV file", path.display())]
    NotATable {
        /// The path.
        path: PathBuf,
    },
    /// A target that is also left out.
    #[error("the target `{target}` is among the ignored columns; take it out of them")]
    TargetIgnored {
        /// The target column.
        target: String,
    },
    /// A table too large to be held.
    #[error("{}: {what} is {got}, more than the {most} taken", path.display())]
    TableTooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large: the file in bytes or the number of columns.
        what: &'static str,
        /// Its size.
        got: u64,
        /// The bound.
        most: u64,
    },
    /// A table without header or rows.
    #[error("{}: {what}; expected a header line and at least one row", path.display())]
    EmptyTable {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// A row with more or fewer fields than the header.
    #[error(
        "{}: line {line} has {got} fields, the header {expected}; check its delimiters and quotes",
        path.display()
    )]
    RaggedRow {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// Fields of the header.
        expected: u64,
        /// Fields of the row.
        got: u64,
    },
    /// Text in another encoding.
    #[error("{}: line {line} is not UTF-8; save the file as UTF-8", path.display())]
    TableNotUtf8 {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
    },
    /// A line of JSON that is no row.
    #[error("{}: line {line}: {reason}", path.display())]
    JsonRow {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// What is wrong, and what there is instead.
        reason: String,
    },
    /// A target that is the text itself.
    #[error("`{column}` is both the text and the target; name two columns")]
    TargetIsText {
        /// The column.
        column: String,
    },
    /// Two columns of one name.
    #[error("{}: two columns are named `{name}`; rename one", path.display())]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A column without a name that was not ignored.
    #[error(
        "{}: {name} has no name in the header and may be a row index; name it, or ignore `{name}`",
        path.display()
    )]
    UnnamedColumn {
        /// The file.
        path: PathBuf,
        /// What it can be called: `column 1`.
        name: String,
    },
    /// A column that is asked for and not there.
    #[error("{}: no column `{name}`{hint}; columns: {columns}", path.display())]
    NoSuchColumn {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// ``, did you mean `x`?`` or nothing.
        hint: String,
        /// The columns there are.
        columns: String,
    },
    /// A table with nothing to learn from.
    #[error("{}: no feature columns are left beside the target and the ignored ones", path.display())]
    NoFeatures {
        /// The file.
        path: PathBuf,
    },
    /// A feature value that is no number.
    #[error(
        "{}: column `{column}`, line {line}: `{value}` is not a number; only numeric columns are \
         learned from: encode it or ignore the column",
        path.display()
    )]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Line in the file, from 1.
        line: u64,
        /// What stands there.
        value: String,
    },
    /// A feature value that is infinite.
    #[error(
        "{}: column `{column}`, line {line}: `{value}` is infinite; a finite number or an empty \
         field is expected",
        path.display()
    )]
    Infinite {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Line in the file, from 1.
        line: u64,
        /// What stands there.
        value: String,
    },
    /// Missing feature values where none are allowed.
    #[error(
        "{}: column `{column}` has {count} missing values, the first in line {line}; fill them, \
         ignore the column, or allow imputation",
        path.display()
    )]
    MissingValues {
        /// The file.
        path: PathBuf,
        /// The first column with missing values.
        column: String,
        /// How many it has.
        count: usize,
        /// Line of the first, from 1.
        line: u64,
    },
    /// A column without a single value in the training rows.
    #[error("column `{column}` has no value in the training rows; ignore it")]
    NoValues {
        /// The column.
        column: String,
    },
    /// A row without a label.
    #[error("{}: line {line}: the target `{target}` is missing; fill it or remove the row", path.display())]
    MissingTarget {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// The target column.
        target: String,
    },
    /// A target that is a quantity rather than a class.
    #[error(
        "{}: the target `{target}` has {distinct} distinct values in {rows} rows and looks \
         continuous; classes are learned here, regression is not there yet",
        path.display()
    )]
    ContinuousTarget {
        /// The file.
        path: PathBuf,
        /// The target column.
        target: String,
        /// Distinct values.
        distinct: usize,
        /// Rows.
        rows: usize,
    },
    /// A target with one class only.
    #[error(
        "{}: the target `{target}` is `{class}` in every row; a classifier needs at least 2 \
         classes",
        path.display()
    )]
    OneClassTarget {
        /// The file.
        path: PathBuf,
        /// The target column.
        target: String,
        /// The one class.
        class: String,
    },
    /// A label the model does not know.
    #[error(
        "{}: line {line}: the target `{target}` is `{value}`, not one of the classes {classes}",
        path.display()
    )]
    UnknownClass {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// The target column.
        target: String,
        /// What stands there.
        value: String,
        /// The classes.
        classes: String,
    },
    /// Preprocessing whose lists do not fit together or with the table.
    #[error("table preprocessing does not fit: {reason}")]
    Preprocess {
        /// What differs.
        reason: String,
    },
    /// Texts without a single n-gram to learn from.
    #[error(
        "not one n-gram is in enough of the {texts} texts: are they empty? Otherwise lower min_df"
    )]
    NoNgrams {
        /// Number of texts.
        texts: usize,
    },
    /// Lists that do not fit together.
    #[error("{got} {what}, expected {expected}")]
    Lengths {
        /// What the list holds.
        what: &'static str,
        /// The length that fits.
        expected: usize,
        /// Its length.
        got: usize,
    },
    /// A setting outside of its range.
    #[error("`{what}` must be {expected}, got {got}")]
    Range {
        /// The setting.
        what: &'static str,
        /// Its range.
        expected: &'static str,
        /// What came.
        got: String,
    },
}
