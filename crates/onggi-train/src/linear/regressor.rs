//! Linear regression with a penalty: ridge, lasso, elastic net.

use onggi_data::text::SparseRows;
use serde::{Deserialize, Serialize};

use super::objective::{Objective, Wanted};
use super::{Fitted, LinearConfig, MOST_WEIGHTS};
use crate::TrainError;
use crate::metrics::{check_lengths, refuse};

/// Linear regression over sparse rows, with a penalty.
///
/// Minimises `c/2 Σ (w·x + b − y)² + (1 − l1_ratio)/2 ‖w‖² + l1_ratio ‖w‖₁`, the bias without penalty.
///
/// # Example
/// ```
/// use onggi_data::text::SparseRows;
/// use onggi_train::linear::{LinearConfig, LinearRegressor};
///
/// let mut x = SparseRows::new(1);
/// for value in [1.0, 2.0, 3.0] {
///     x.push(&[(0, value)])?;
/// }
/// let config = LinearConfig { c: 1e6, tolerance: 1e-9, ..LinearConfig::default() };
/// let model = LinearRegressor::fit(&x, &[3.0, 5.0, 7.0], &config)?;
/// assert!((model.predict(&x)?[2] - 7.0).abs() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Differences from scikit-learn
/// `Ridge(alpha=1/c)` where `l1_ratio` is 0, `ElasticNet(alpha=1/(c·n), l1_ratio=l1_ratio)` otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct LinearRegressor {
    fitted: Fitted,
}

/// [`LinearRegressor`] as a file may hold it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    fitted: Fitted,
}

impl TryFrom<Saved> for LinearRegressor {
    type Error = TrainError;

    fn try_from(saved: Saved) -> Result<Self, TrainError> {
        saved.fitted.check(1)?;
        let fitted = saved.fitted;
        Ok(Self { fitted })
    }
}

impl LinearRegressor {
    /// Fits to the rows of `x` and one quantity a row.
    ///
    /// # Errors
    /// [`TrainError::Measure`] for quantities that do not fit the rows or are not finite;
    /// [`TrainError::Setting`] for settings out of range, `balanced` among them.
    pub fn fit(
        x: &SparseRows,
        quantities: &[f64],
        config: &LinearConfig,
    ) -> Result<Self, TrainError> {
        config.check()?;
        if config.balanced {
            return Err(TrainError::setting(
                "balanced",
                "false for quantities",
                true,
            ));
        }
        check_lengths("linear regressor", x.rows(), quantities.len())?;
        if x.columns() >= MOST_WEIGHTS {
            let expected = format!("fewer than {MOST_WEIGHTS} features");
            return refuse("linear regressor", expected, x.columns());
        }
        // As large as squares of which a sum stays finite.
        if let Some(bad) = quantities.iter().find(|y| !(-1e100..=1e100).contains(*y)) {
            return refuse("linear regressor", "finite quantities of up to 1e100", bad);
        }
        let shares = vec![1.0; quantities.len()];
        let objective = Objective::new(x, Wanted::Quantities(quantities), shares, 1);
        let fitted = Fitted::path(&objective, config, &[config.c])?.remove(0);
        Ok(Self { fitted })
    }

    /// The quantity of each row.
    ///
    /// # Errors
    /// [`TrainError::Measure`] where `x` has other columns than were fitted to.
    pub fn predict(&self, x: &SparseRows) -> Result<Vec<f64>, TrainError> {
        self.fitted.outputs(x, <[f64]>::to_vec)
    }

    /// What a feature adds to the quantity, a unit of it; 0 for a feature that is not there.
    pub fn weight(&self, feature: usize) -> f64 {
        self.fitted.weights.get(feature).copied().unwrap_or(0.0)
    }
}
