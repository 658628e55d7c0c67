//! The Python names that a pickle of tensors may hold, and what calling each makes of its arguments.
//!
//! A pickle is a program: it may name any function of any module and have it called. This is the
//! whole list of names that are known. Nothing of Python is behind them, only the data that they
//! would have built, so that no input can make them do more.

use super::machine::Machine;
use super::{Dtype, Id, Node, View, WeightsError};

/// A known name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::weights) enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.Size`.
    Size,
    /// `torch.FloatStorage` and its like, the name of a type of value.
    Storage(Dtype),
    /// `torch.device`, and `_codecs.encode`, which makes bytes: read past.
    Opaque,
    /// `torch.float32` and its like, which nothing here needs.
    Constant,
}

impl Global {
    /// # Errors
    /// A name that is not known.
    pub(super) fn find(module: &str, name: &str) -> Result<Self, WeightsError> {
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", "Size") => Self::Size,
            ("torch", "device") | ("_codecs", "encode") => Self::Opaque,
            ("torch", "DoubleStorage") => Self::Storage(Dtype::F64),
            ("torch", "FloatStorage") => Self::Storage(Dtype::F32),
            ("torch", "HalfStorage") => Self::Storage(Dtype::F16),
            ("torch", "BFloat16Storage") => Self::Storage(Dtype::Bf16),
            ("torch", "LongStorage") => Self::Storage(Dtype::I64),
            ("torch", "IntStorage") => Self::Storage(Dtype::I32),
            ("torch", "ShortStorage") => Self::Storage(Dtype::I16),
            ("torch", "CharStorage") => Self::Storage(Dtype::I8),
            ("torch", "ByteStorage") => Self::Storage(Dtype::U8),
            ("torch", "BoolStorage") => Self::Storage(Dtype::Bool),
            (
                "torch",
                "float64" | "float32" | "float16" | "bfloat16" | "int64" | "int32" | "int16"
                | "int8" | "uint8" | "bool",
            ) => Self::Constant,
            _ => {
                // It is shown on a terminal and may be anything.
                let name: String = format!("{module}.{name}").chars().take(120).collect();
                return Err(WeightsError::Global {
                    name: name.escape_debug().to_string(),
                });
            }
        })
    }

    /// What the call would have built.
    ///
    /// # Errors
    /// Arguments that the function does not take.
    pub(super) fn call(self, args: &[Id], machine: &mut Machine) -> Result<Id, WeightsError> {
        match (self, args) {
            (Self::OrderedDict, []) => machine.node(Node::Dict(Vec::new())),
            (Self::OrderedDict, &[items]) => {
                let (Node::List(items) | Node::Tuple(items)) = machine.get(items) else {
                    return Err(machine.wrong("OrderedDict takes a list of pairs"));
                };
                let pairs = items.iter().map(|&item| match machine.get(item) {
                    Node::List(pair) | Node::Tuple(pair) => match pair[..] {
                        [key, value] => Ok((key, value)),
                        _ => Err(machine.wrong("OrderedDict takes pairs")),
                    },
                    _ => Err(machine.wrong("OrderedDict takes pairs")),
                });
                let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
                machine.spend(pairs.len())?;
                machine.node(Node::Dict(pairs))
            }
            // The storage, the first value, sizes, strides; then whether it takes a gradient, its hooks
            // and its metadata.
            (Self::RebuildTensor, &[storage, offset, shape, stride, ..]) if args.len() <= 7 => {
                let (&Node::Storage(storage), &Node::Int(offset)) =
                    (machine.get(storage), machine.get(offset))
                else {
                    return Err(machine.wrong("a tensor is rebuilt from a storage and a number"));
                };
                let view = View {
                    offset: (u64::try_from(offset).ok())
                        .and_then(|offset| offset.checked_add(storage.offset))
                        .ok_or_else(|| machine.wrong("a tensor begins inside its storage"))?,
                    shape: sizes(shape, machine)?,
                    stride: sizes(stride, machine)?,
                };
                machine.spend(view.shape.len() + view.stride.len())?;
                machine.node(Node::Tensor { storage, view })
            }
            (Self::RebuildParameter, &[tensor, _, _]) => match machine.get(tensor) {
                Node::Tensor { .. } => Ok(tensor),
                _ => Err(machine.wrong("a parameter is rebuilt from a tensor")),
            },
            (Self::Size, &[sizes]) => Ok(sizes),
            (Self::Opaque, _) => machine.node(Node::Other),
            _ => Err(machine.wrong(&format!("{self:?} called with {} arguments", args.len()))),
        }
    }
}

fn sizes(id: Id, machine: &Machine) -> Result<Vec<u64>, WeightsError> {
    let (Node::Tuple(items) | Node::List(items)) = machine.get(id) else {
        return Err(machine.wrong("sizes and strides are tuples"));
    };
    let items = items.iter().map(|&item| match machine.get(item) {
        &Node::Int(size) => u64::try_from(size).ok(),
        _ => None,
    });
    let items: Option<_> = items.collect();
    items.ok_or_else(|| machine.wrong("sizes and strides are whole numbers from 0"))
}
