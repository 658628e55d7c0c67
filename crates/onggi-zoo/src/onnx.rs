//! Models as ONNX files: what evaluation computes, with what a sample needs before it, in one graph.
//!
//! Operators of opset 17, so that every runtime since 2022 reads the file. A batch normalisation is
//! folded into the convolution or linear layer before it; dropout and stochastic depth, which
//! evaluation does without, are left out. Constants have the names of the state dict. The batch axis is
//! open (`N`), the size of images is not: padding depends on it.
//!
//! The graph takes what a sample is and not what the model is fed: standardisation is part of it, so
//! that nobody can leave it out or do it twice. Its outputs are `logits` and `probabilities`.
//!
//! # Reference
//! ONNX, *Open Neural Network Exchange: intermediate representation and operators*, version 1.12.

pub(crate) mod graph;
mod message;

use crate::pass::Pass;
use crate::pass::graph::{Record, Value};
use crate::{Backbone, TableModel, ZooError};
use graph::Element;
use onggi_nn::NnError;

/// What a model for images is fed.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// Subtracted from values in `[0, 1]`, one a channel.
    pub mean: &'a [f32],
    /// What is then divided by, one a channel.
    pub std: &'a [f32],
}

/// What a model for tables is fed.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// What takes the place of a missing value, one a column.
    pub medians: &'a [f64],
    /// What is subtracted, one a column.
    pub means: &'a [f64],
    /// What is then divided by, one a column.
    pub stds: &'a [f64],
}

/// The ONNX file of a model for images, called `name`, with entries of metadata by key.
///
/// # Shapes
/// Input `images`: float32 `(N, C, H, W)`, values in `[0, 1]`, colours in the order of the training
/// (red, green, blue). Outputs `logits` and `probabilities`: float32 `(N, classes)`.
///
/// # Errors
/// Images that do not fit the model; other numbers of means than channels; a layer that ONNX does not
/// have; more than 2 GiB.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use onggi_nn::init;
/// use onggi_zoo::onnx::{self, Images};
/// use onggi_zoo::{ImageModel, ModelOptions};
///
/// let (device, mut rng) = (Device::flex(), init::generator(1));
/// let options = ModelOptions::new(10);
/// let model = ImageModel::build("small_resnet", 1, &options, &mut rng, &device)?;
/// let input = Images { shape: [1, 28, 28], mean: &[0.5], std: &[0.25] };
/// let labels = ("labels", "[\"shirt\", …]".to_owned());
/// let file = onnx::image_model(&model, &input, "small_resnet", &[labels])?;
/// assert!(file.len() > 100_000);
/// # Ok::<(), onggi_zoo::ZooError>(())
/// ```
pub fn image_model(
    model: &impl Backbone,
    input: &Images,
    name: &str,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>, ZooError> {
    let shape @ [channels, ..] = input.shape;
    let each = [channels, 1, 1];
    check("images", "mean", channels, input.mean.len())?;
    check("images", "std", channels, input.std.len())?;
    let mut record = Record::default();
    let graph = &mut record.graph;
    let words = "pixels divided by 255; colours red, green, blue";
    graph.input("images", Element::F32, &shape, words);
    let mut x = "images".to_owned();
    for (op, name, values) in [("Sub", "/mean", input.mean), ("Div", "/std", input.std)] {
        let constant = graph.floats(name, &each, values);
        let named = format!("images/{op}");
        x = graph.node(
            (op, &named),
            vec![x, constant],
            vec![],
            (Element::F32, &shape),
        );
    }
    let features = model.features(&mut record, Value { name: x, shape })?;
    let logits = model.head(&mut record, features)?;
    finish(record, logits, name, metadata)
}

/// The ONNX file of a model for tables, called `name`, with entries of metadata by key.
///
/// # Shapes
/// Input `rows`: float64 `(N, columns)`, values as the table has them, NaN for a missing one; of 64 bits
/// as large numbers with small differences lose those in 32. Outputs `logits` and `probabilities`:
/// float32 `(N, classes)`.
///
/// # Errors
/// Unlike numbers of medians, means and standard deviations, or of columns and those; more than 2 GiB.
pub fn table_model(
    model: &TableModel,
    input: &Columns,
    name: &str,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>, ZooError> {
    let columns = input.medians.len();
    check("rows", "means", columns, input.means.len())?;
    check("rows", "stds", columns, input.stds.len())?;
    let mut record = Record::default();
    let graph = &mut record.graph;
    let words = "values as the table has them; NaN for a missing one";
    let (shape, wide) = ([columns], Element::F64);
    graph.input("rows", wide, &shape, words);
    let rows = || "rows".to_owned();
    let missing = ("IsNaN", "rows/IsNaN");
    let missing = graph.node(missing, vec![rows()], vec![], (Element::Bool, &shape));
    let medians = graph.doubles("/medians", &shape, input.medians);
    let inputs = vec![missing, medians, rows()];
    let mut x = graph.node(("Where", "rows/Where"), inputs, vec![], (wide, &shape));
    for (op, name, values) in [("Sub", "/means", input.means), ("Div", "/stds", input.stds)] {
        let constant = graph.doubles(name, &shape, values);
        let named = format!("rows/{op}");
        x = graph.node((op, &named), vec![x, constant], vec![], (wide, &shape));
    }
    let narrow = vec![("to", graph::Attribute::Int(Element::F32 as i64))];
    let cast = ("Cast", "rows/Cast");
    let name_of_x = graph.node(cast, vec![x], narrow, (Element::F32, &shape));
    let x = Value {
        name: name_of_x,
        shape,
    };
    let logits = model.apply(&mut record, x)?;
    finish(record, logits, name, metadata)
}

/// Declares the outputs: the logits, and the probabilities of them.
fn finish(
    mut record: Record,
    logits: <Record as Pass>::Rows,
    name: &str,
    metadata: &[(&str, String)],
) -> Result<Vec<u8>, ZooError> {
    let graph = &mut record.graph;
    graph.output(
        &logits.name,
        "logits",
        "one a class, in the order of `labels`",
    );
    let axis = vec![("axis", graph::Attribute::Int(1))];
    let of = (Element::F32, logits.shape.as_slice());
    let softmax = ("Softmax", "Softmax");
    let probabilities = graph.node(softmax, vec!["logits".into()], axis, of);
    graph.output(&probabilities, "probabilities", "softmax of the logits");
    graph.to_bytes(name, metadata)
}

fn check(
    layer: &'static str,
    argument: &'static str,
    expected: usize,
    got: usize,
) -> Result<(), NnError> {
    if expected == got {
        return Ok(());
    }
    Err(NnError::Config {
        layer,
        argument,
        expected: format!("{expected} numbers"),
        got: format!("{got} numbers"),
    })
}
