use onggi_nn::optim::*;
use onggi_nn::NnError;
#[derive(Clone, Debug, Default)]
pub enum Schedule { #[default] Constant }
#[derive(Clone, Debug)]
pub enum RuleConfig { AdamW(AdamW), Sgd(Sgd) }
impl RuleConfig { pub fn optimizer(&self) -> Result<Optimizer, NnError> { match self { Self::AdamW(r) => Optimizer::new(*r), Self::Sgd(r) => Optimizer::new(*r) } } }
#[derive(Clone, Debug)]
pub struct Sam;
