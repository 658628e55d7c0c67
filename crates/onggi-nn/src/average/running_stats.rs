//! Running statistics measured anew.

use crate::NnError;
use crate::state::{self, StateDict};
use burn::module::Module;
use std::collections::BTreeMap;

/// The model with the running statistics of its norms replaced by their plain means over `batches`,
/// on which `forward` runs the model in train mode; PyTorch's `update_bn`.
///
/// The first batch is run twice: what a norm keeps of two different beginnings tells its momentum. A
/// norm with a momentum of 0 keeps its statistics, and so does the model without batches.
///
/// # Errors
/// Those of `forward`.
pub fn recompute_running_stats<M: Module, B>(
    mut model: M,
    batches: impl IntoIterator<Item = B>,
    mut forward: impl FnMut(&M, &B) -> Result<(), NnError>,
) -> Result<M, NnError> {
    let original = state::collect(&model);
    let tracked = |name: &str| {
        ["running_mean", "running_var", "num_batches_tracked"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let mut blank = original.clone();
    for (name, tensor) in &mut blank {
        if tracked(name) {
            tensor.values.fill(0.0);
        }
    }
    let mut sums: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut momenta: BTreeMap<String, f64> = BTreeMap::new();
    let mut count = 0u32;
    for batch in batches {
        model = state::load(model, blank.clone())?;
        forward(&model, &batch)?;
        // momentum · batch
        let seen = state::collect(&model);
        if count == 0 {
            let (offset, sizes) = offset(&blank, &seen);
            model = state::load(model, offset)?;
            forward(&model, &batch)?;
            momenta = momentum(&seen, &state::collect(&model), &sizes);
        }
        for (name, tensor) in seen.iter().filter(|(name, _)| tracked(name)) {
            let sum = (sums.entry(name.clone())).or_insert_with(|| vec![0.0; tensor.values.len()]);
            for (sum, value) in sum.iter_mut().zip(&tensor.values) {
                *sum += f64::from(*value);
            }
        }
        count += 1;
    }
    let mut result = original;
    for (name, sum) in sums {
        let norm = name.rsplit_once('.').map_or("", |(norm, _)| norm);
        let momentum = momenta.get(norm).copied().unwrap_or(0.0);
        let Some(tensor) = result.get_mut(&name).filter(|_| momentum > 0.0) else {
            continue;
        };
        let is_count = name.ends_with("num_batches_tracked");
        let by = if is_count {
            1.0
        } else {
            momentum * f64::from(count)
        };
        tensor.values = sum.iter().map(|sum| (sum / by) as f32).collect();
    }
    state::load(model, result)
}

/// Beginnings of the running means away from 0, as far as the means are large; and how far.
fn offset(blank: &StateDict, seen: &StateDict) -> (StateDict, BTreeMap<String, f32>) {
    let (mut offset, mut sizes) = (blank.clone(), BTreeMap::new());
    for (name, tensor) in &mut offset {
        let Some(norm) = name.strip_suffix("running_mean") else {
            continue;
        };
        let means = seen.get(name).map_or(&[][..], |seen| &seen.values);
        let size = means.iter().fold(1f32, |most, mean| most.max(mean.abs()));
        tensor.values.fill(size);
        sizes.insert(norm.trim_end_matches('.').to_string(), size);
    }
    (offset, sizes)
}

/// Each norm's momentum: what is left of a beginning is `1 − momentum` of it.
fn momentum(
    from_zero: &StateDict,
    from_offset: &StateDict,
    sizes: &BTreeMap<String, f32>,
) -> BTreeMap<String, f64> {
    let of = |(norm, size): (&String, &f32)| {
        let name = if norm.is_empty() {
            "running_mean".to_string()
        } else {
            format!("{norm}.running_mean")
        };
        let (a, b) = (
            &from_zero.get(&name)?.values,
            &from_offset.get(&name)?.values,
        );
        let left: f64 = (a.iter().zip(b))
            .map(|(a, b)| f64::from(*b) - f64::from(*a))
            .sum();
        let kept = left / a.len().max(1) as f64 / f64::from(*size);
        // Below what rounding leaves of a momentum of 0.
        let momentum = 1.0 - kept;
        Some((norm.clone(), if momentum < 1e-6 { 0.0 } else { momentum }))
    };
    sizes.iter().filter_map(of).collect()
}
