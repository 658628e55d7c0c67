//! What the tests share: comparisons that say where two tensors differ most, and golden files.
//!
//! Not part of the library: compiled for this crate's tests and, by the feature `testing`, for
//! those of the crates above it.

use burn::tensor::{DType, Device, Tensor, TensorData};
use safetensors::SafeTensors;
use std::cell::Cell;

thread_local! {
    static ON_CPU: Cell<bool> = const { Cell::new(false) };
}

/// What a tolerance is at least on another device than the CPU.
///
/// Of a `tanh` WebGPU asks for 1e-5 and no more, of an `exp` for 3 + 2|x| units in the last place,
/// 2e-6 at |x| = 8; multiplications and additions may be fused or not. The tests' own tolerances
/// are those of the CPU's kernels, which are held to a few units in the last place.
const OTHER_DEVICE: f32 = 2e-5;

/// The name of the device that tests run on: `cpu`, or what `ONGGI_TEST_DEVICE` says.
fn device_name() -> String {
    match std::env::var("ONGGI_TEST_DEVICE") {
        Ok(name) if !name.is_empty() && !ON_CPU.get() => name,
        _ => "cpu".into(),
    }
}

/// The device that tests run on: the CPU, or what `ONGGI_TEST_DEVICE` names (`wgpu`, `cuda`), if
/// the feature of that name is on.
///
/// # Panics
/// A device that is not built in.
pub fn device() -> Device {
    match device_name().as_str() {
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::wgpu(burn::tensor::DeviceKind::default()),
        #[cfg(feature = "cuda")]
        "cuda" => Device::cuda(0),
        "cpu" => Device::flex(),
        other => panic!("ONGGI_TEST_DEVICE={other}: built without the feature of that name"),
    }
}

/// Calls `f`, within which [`device`] is the CPU: what another device computes is compared with
/// what the CPU does, not with itself.
pub fn on_cpu<T>(f: impl FnOnce() -> T) -> T {
    let before = ON_CPU.replace(true);
    let result = f();
    ON_CPU.set(before);
    result
}

/// Whether a test has nothing to say on the device that tests run on, as it is about the CPU alone;
/// it then says so, and why.
pub fn skipped(about: &str) -> bool {
    let name = device_name();
    let skipped = name != "cpu";
    if skipped {
        println!("skipped on {name}: {about}");
    }
    skipped
}

/// [`skipped`] where the device has no `f64`, as WebGPU has none.
pub fn skipped_without_double() -> bool {
    !device().supports_dtype(DType::F64) && skipped("double precision, which it lacks")
}

/// [`skipped`] where the device need not know infinities and NaN: the specification of WebGPU's
/// shaders lets a driver take them for absent.
pub fn skipped_without_nan() -> bool {
    device_name() == "wgpu" && skipped("infinities and NaN, which it may take for absent")
}

/// [`skipped`] where Burn's back end refuses tensors without elements, as all but the CPU's do in
/// some of their operations.
pub fn skipped_without_empty() -> bool {
    skipped("tensors without elements, which Burn refuses there")
}

/// A test's tolerance on the device that it runs on.
pub fn tolerance(on_cpu: f32) -> f32 {
    tolerance_or(on_cpu, OTHER_DEVICE)
}

/// A test's tolerance: `on_cpu` there, and `elsewhere` on another device, where that is larger and
/// the test says why.
pub fn tolerance_or(on_cpu: f32, elsewhere: f32) -> f32 {
    match device_name().as_str() {
        "cpu" => on_cpu,
        _ => on_cpu.max(elsewhere),
    }
}

/// The values of a tensor.
///
/// # Panics
/// A tensor that is not `f32`.
pub fn values<const D: usize>(x: &Tensor<D>) -> Vec<f32> {
    x.clone().into_data().try_to_vec().expect("an f32 tensor")
}

/// A tensor on the device that is now [`device`].
pub fn here<const D: usize>(x: &Tensor<D>) -> Tensor<D> {
    let device = device();
    if x.device() == device {
        return x.clone();
    }
    Tensor::from_data(x.to_data(), (&device, x.dtype()))
}

/// Standard normal values, the same for the same shape and seed. Burn's own `Tensor::random` draws
/// from one generator a process, which tests that run side by side would take from each other.
pub fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let mut state = seed;
    // SplitMix64 (Steele, Lea and Flood, 2014), uniform in (0, 1).
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    // Box and Muller's transform.
    let normal = || (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    let values: Vec<f32> = std::iter::repeat_with(normal)
        .map(|v| v as f32)
        .take(shape.iter().product())
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &device())
}

/// Panics unless `|got − expected| ≤ tolerance · (1 + |expected|)` everywhere, naming the worst
/// place. The tolerance is the CPU's; see [`tolerance`].
///
/// # Panics
/// As said: this is a test's assertion.
#[track_caller]
pub fn assert_close(what: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    let tolerance = self::tolerance(tolerance);
    assert_eq!(
        got.len(),
        expected.len(),
        "{what}: {} values instead of {}",
        got.len(),
        expected.len()
    );
    let error = |(got, expected): (&f32, &f32)| {
        let error = (got - expected).abs() / (1.0 + expected.abs());
        if error.is_nan() { f32::INFINITY } else { error }
    };
    let errors = got.iter().zip(expected).map(error).enumerate();
    if let Some((at, worst)) = errors.max_by(|a, b| a.1.total_cmp(&b.1)) {
        assert!(
            worst <= tolerance,
            "{what}: {} instead of {} at {at}: error {worst:e}, tolerance {tolerance:e}",
            got[at],
            expected[at],
        );
    }
}

/// Panics unless two computations of the same things gave the same bits: on the CPU. Elsewhere they
/// are [`assert_close`]: a device may choose other kernels for the second.
///
/// # Panics
/// As said: this is a test's assertion.
#[track_caller]
pub fn assert_repeats(what: &str, got: &[f32], expected: &[f32]) {
    if device_name() == "cpu" {
        assert_eq!(got, expected, "{what}");
    }
    assert_close(what, got, expected, 0.0);
}

/// The values of `forward` and the gradient of each leaf, through an upstream gradient of fixed
/// random values. Leaves are flat; `forward` gives them their shapes.
///
/// # Panics
/// A leaf that gets no gradient.
pub fn outcome(leaves: &[Tensor<1>], forward: impl Fn(&[Tensor<1>]) -> Tensor<1>) -> Vec<Vec<f32>> {
    let tracked = |leaf: &Tensor<1>| Tensor::from_inner(leaf.clone()).require_grad();
    let leaves: Vec<Tensor<1>> = leaves.iter().map(tracked).collect();
    let y = forward(&leaves);
    let dy = random(y.dims(), 0x5eed);
    let gradients = (y.clone() * Tensor::from_inner(dy)).sum().backward();
    let gradient = |leaf: &Tensor<1>| values(&leaf.grad(&gradients).expect("a gradient"));
    std::iter::once(values(&y))
        .chain(leaves.iter().map(gradient))
        .collect()
}

/// Panics unless two functions of the same leaves have the same values and gradients, within
/// `tolerance` times the largest of each tensor: rounding errors are in proportion to the summands,
/// not to their sum. What is `expected` is computed on the CPU.
///
/// # Panics
/// As said: this is a test's assertion.
#[track_caller]
pub fn assert_same_outcome(
    what: &str,
    leaves: &[Tensor<1>],
    got: impl Fn(&[Tensor<1>]) -> Tensor<1>,
    expected: impl Fn(&[Tensor<1>]) -> Tensor<1>,
    tolerance: f32,
) {
    let got = outcome(leaves, got);
    let expected = on_cpu(|| {
        let leaves: Vec<_> = leaves.iter().map(here).collect();
        outcome(&leaves, expected)
    });
    for (i, (got, expected)) in got.into_iter().zip(expected).enumerate() {
        let largest = expected
            .iter()
            .fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let scaled = |v: &[f32]| v.iter().map(|v| v / largest).collect::<Vec<_>>();
        let part = match i {
            0 => "the value".to_string(),
            leaf => format!("the gradient of leaf {}", leaf - 1),
        };
        let what = format!("{what}: {part}");
        assert_close(&what, &scaled(&got), &scaled(&expected), tolerance);
    }
}

/// Panics unless the gradients of `forward` agree with central differences along one random
/// direction a leaf, within `tolerance` of the derivative or of 1.
///
/// # Panics
/// As said: this is a test's assertion.
#[track_caller]
pub fn assert_gradients(
    what: &str,
    leaves: &[Tensor<1>],
    forward: impl Fn(&[Tensor<1>]) -> Tensor<1>,
    step: f64,
    tolerance: f64,
) {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        products.sum()
    };
    let outcome = outcome(leaves, &forward);
    let dy = values(&random([outcome[0].len()], 0x5eed));
    for (i, leaf) in leaves.iter().enumerate() {
        let direction = random(leaf.dims(), 0xd1 + i as u64);
        let moved = |step: f64| {
            let mut leaves = leaves.to_vec();
            leaves[i] = leaf.clone() + direction.clone() * step;
            dot(&values(&forward(&leaves)), &dy)
        };
        let difference = (moved(step) - moved(-step)) / (2.0 * step);
        let derivative = dot(&outcome[i + 1], &values(&direction));
        let error = (difference - derivative).abs() / derivative.abs().max(1.0);
        assert!(
            error <= tolerance,
            "{what}: along leaf {i} the gradient says {derivative}, differences {difference}"
        );
    }
}

/// A golden file: tensors that a reference implementation wrote, by name.
#[derive(Debug)]
pub struct Golden {
    bytes: Vec<u8>,
}

impl Golden {
    /// Opens a safetensors file.
    ///
    /// # Panics
    /// An unreadable file.
    pub fn open(path: &str) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}"));
        Self { bytes }
    }

    /// Shape and values of a tensor.
    ///
    /// # Panics
    /// An unknown name, or values that are not `f32`.
    pub fn raw(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let file = SafeTensors::deserialize(&self.bytes).expect("a safetensors file");
        let view = file.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(view.dtype(), safetensors::Dtype::F32, "{name}");
        let (words, rest) = view.data().as_chunks::<4>();
        assert!(rest.is_empty(), "{name}");
        (
            view.shape().to_vec(),
            words.iter().map(|&word| f32::from_le_bytes(word)).collect(),
        )
    }

    /// Whether there is a tensor of this name.
    ///
    /// # Panics
    /// A file that is not safetensors.
    pub fn has(&self, name: &str) -> bool {
        SafeTensors::deserialize(&self.bytes)
            .expect("a safetensors file")
            .tensor(name)
            .is_ok()
    }

    /// A tensor.
    ///
    /// # Panics
    /// As [`raw`](Self::raw); or another number of axes than `D`.
    pub fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        let (shape, values) = self.raw(name);
        assert_eq!(shape.len(), D, "{name} has shape {shape:?}");
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// The values of a tensor.
    ///
    /// # Panics
    /// As [`raw`](Self::raw).
    pub fn values(&self, name: &str) -> Vec<f32> {
        self.raw(name).1
    }
}

/// Panics unless `forward` has the golden `<case>.y` of `<case>.x`, and its gradient `<case>.dx`
/// through `<case>.dy`.
///
/// # Panics
/// As said: this is a test's assertion.
#[track_caller]
pub fn assert_golden<const D: usize>(
    golden: &Golden,
    case: &str,
    forward: impl Fn(Tensor<D>) -> Tensor<D>,
    tolerance: f32,
) {
    let name = |part: &str| format!("{case}.{part}");
    let device = device().autodiff();
    let x = golden.tensor::<D>(&name("x"), &device).require_grad();
    let y = forward(x.clone());
    assert_eq!(y.dims().to_vec(), golden.raw(&name("y")).0, "{case}");
    let dy = golden.tensor::<D>(&name("dy"), &device);
    let gradients = (y.clone() * dy).sum().backward();
    let dx = values(&x.grad(&gradients).expect("a gradient"));
    assert_close(
        &name("y"),
        &values(&y),
        &golden.values(&name("y")),
        tolerance,
    );
    assert_close(&name("dx"), &dx, &golden.values(&name("dx")), tolerance);
}

/// [`assert_golden`] of a function of `x`, `weight` and, where the case has one, `bias`.
///
/// # Panics
/// As said: this is a test's assertion.
#[track_caller]
pub fn assert_golden_weighted<const D: usize>(
    golden: &Golden,
    case: &str,
    forward: impl Fn(Tensor<D>, Tensor<D>, Option<Tensor<1>>) -> Tensor<D>,
    tolerance: f32,
) {
    let name = |part: &str| format!("{case}.{part}");
    let device = device().autodiff();
    let weight = golden.tensor::<D>(&name("weight"), &device).require_grad();
    let bias = (golden.has(&name("bias")))
        .then(|| golden.tensor::<1>(&name("bias"), &device).require_grad());
    let x = golden.tensor::<D>(&name("x"), &device).require_grad();
    let y = forward(x.clone(), weight.clone(), bias.clone());
    assert_eq!(y.dims().to_vec(), golden.raw(&name("y")).0, "{case}");
    let dy = golden.tensor::<D>(&name("dy"), &device);
    let gradients = (y.clone() * dy).sum().backward();
    let check = |part: &str, got: Vec<f32>| {
        assert_close(&name(part), &got, &golden.values(&name(part)), tolerance);
    };
    check("y", values(&y));
    check("dx", values(&x.grad(&gradients).expect("a gradient")));
    check(
        "dweight",
        values(&weight.grad(&gradients).expect("a gradient")),
    );
    if let Some(bias) = bias {
        check("dbias", values(&bias.grad(&gradients).expect("a gradient")));
    }
}
