//! The learning rate's course.

/// The learning rate's course over the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Schedule {
    /// The same all along.
    #[default]
    Constant,
    /// [`onggi_nn::schedule::OneCycle`].
    OneCycle {
        /// Share of the steps in which it rises.
        warmup: f64,
    },
}
