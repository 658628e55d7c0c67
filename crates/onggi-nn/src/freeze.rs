//! Parameters that training leaves as they are.

use crate::state::Path;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

/// The model with the parameters whose state-dict name `frozen` holds for no longer requiring
/// gradients, and their names.
///
/// A frozen parameter gets no gradient, so no optimiser moves it, not even by weight decay. The
/// running statistics of a normalisation are no parameters: they go on as the mode has it.
pub fn freeze<M: Module>(model: M, frozen: impl Fn(&str) -> bool) -> (M, Vec<String>) {
    struct Freeze<F> {
        path: Path,
        frozen: F,
        names: Vec<String>,
    }
    impl<F: Fn(&str) -> bool> ModuleMapper for Freeze<F> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.path.enter(name, container);
        }

        fn exit_module(&mut self, _name: &str, container: &str) {
            self.path.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.name();
            if !param.is_require_grad() || !(self.frozen)(&name) {
                return param;
            }
            self.names.push(name);
            param.set_require_grad(false)
        }
    }
    let mut freeze = Freeze {
        path: Path::default(),
        frozen,
        names: Vec::new(),
    };
    let model = model.map(&mut freeze);
    (model, freeze.names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::LinearConfig;
    use crate::loss::MseLoss;
    use crate::optim::Gradients;
    use crate::{init, state};
    use burn::tensor::Device;

    #[test]
    fn frozen_parameters_get_no_gradient() {
        let device = Device::flex().autodiff();
        let layer = LinearConfig::new(2, 1)
            .init(&mut init::generator(1), &device)
            .unwrap();
        let before = state::collect(&layer);
        let (layer, names) = freeze(layer, |name| name == "weight");
        assert_eq!(names, ["weight"]);
        assert_eq!(state::num_parameters(&layer), 1);
        let y = layer.forward(Tensor::<2>::ones([3, 2], &device)).unwrap();
        let target = Tensor::zeros([3, 1], &device);
        let loss = MseLoss::default().forward(y, target).unwrap();
        let gradients = Gradients::of(&layer, &loss).unwrap();
        assert_eq!(gradients.names().collect::<Vec<_>>(), ["bias"]);
        // What is loaded into a frozen parameter leaves it frozen.
        let layer = state::load(layer, before).unwrap();
        assert_eq!(state::num_parameters(&layer), 1);
    }
}
