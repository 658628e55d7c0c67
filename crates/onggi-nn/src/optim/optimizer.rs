//! The optimiser: a rule, groups of parameters, and what is remembered of each.

use super::walk::{self, Found, Terms};
use super::{Gradients, Group, Rule};
use crate::NnError;
use crate::check::Finding;
use crate::error::check_range;
use crate::regularize::{Effect, Penalty};
use burn::module::Module;
use onggi_ops::optim::{Memory, Slot, add_penalty, max_norm, soft_threshold};
use std::collections::BTreeMap;

/// Moves a model's parameters by a [`Rule`], in the [`Group`]s that they belong to.
///
/// One step, for each parameter that has a gradient and is not frozen:
///
/// 1. the gradient, clipped as [`Gradients`] was, takes up the penalties' gradients;
/// 2. decoupled penalties shrink the parameter;
/// 3. the rule moves all parameters in one call, in place on the CPU;
/// 4. proximal penalties pull towards 0, and max-norm holds the rows of weights.
#[derive(Debug)]
pub struct Optimizer {
    rule: Box<dyn Rule>,
    penalties: Vec<Penalty>,
    groups: Vec<Group>,
    pub(super) memory: BTreeMap<String, Memory>,
}

impl Optimizer {
    /// An optimiser without history, groups and penalties.
    ///
    /// # Errors
    /// The rule's, for a setting out of its range.
    pub fn new(rule: impl Rule + 'static) -> Result<Self, NnError> {
        rule.check()?;
        Ok(Self {
            rule: Box::new(rule),
            penalties: Vec::new(),
            groups: Vec::new(),
            memory: BTreeMap::new(),
        })
    }

    /// With groups, of which a parameter belongs to the first that its name matches.
    ///
    /// # Errors
    /// A group with a setting out of its range. That a pattern matches no parameter is an error of
    /// the step.
    pub fn with_groups(mut self, groups: Vec<Group>) -> Result<Self, NnError> {
        groups.iter().try_for_each(Group::check)?;
        self.groups = groups;
        Ok(self)
    }

    /// With penalties on all weights but those of groups with penalties of their own.
    ///
    /// # Errors
    /// A penalty out of its range.
    pub fn with_penalties(mut self, penalties: Vec<Penalty>) -> Result<Self, NnError> {
        penalties.iter().try_for_each(Penalty::check)?;
        self.penalties = penalties;
        Ok(self)
    }

    /// The model with the parameters of frozen groups marked as not to be trained, so that the
    /// backward pass leaves their gradients out: of the norm that clipping goes by, too.
    pub fn freeze<M: Module>(&self, model: M) -> M {
        walk::freeze(model, |name| {
            let group = self.groups.iter().find(|group| group.matches(name));
            group.is_some_and(|group| group.frozen)
        })
    }

    /// Parameters of norms that its weight decay or penalties act on, for a report of
    /// [`check`](crate::check).
    pub fn decay_on_norms<M: Module>(&self, model: &M) -> Vec<Finding> {
        let found = walk::survey(model);
        let decayed = found.iter().filter(|(name, found)| {
            let plan = self.plan(name, found, 0.0).filter(|_| found.of_norm);
            plan.is_some_and(|plan| plan.weight_decay != 0.0 || plan.effect.is_some())
        });
        let finding = |(name, _): (&String, &Found)| Finding::DecayOnNorm {
            parameter: name.clone(),
        };
        decayed.map(finding).collect()
    }

    /// The rule.
    pub fn rule(&self) -> &dyn Rule {
        self.rule.as_ref()
    }

    /// One step at learning rate `lr`.
    ///
    /// # Errors
    /// A negative or non-finite `lr`; gradients of another model; a model whose parameters changed
    /// their names or sizes since the last step, or do not fit a loaded state; a group that matches
    /// no parameter. All of this is found out before anything moves, and the optimiser is as before.
    /// **The model is dropped with the error**: keep a checkpoint or a clone to go on with (a clone
    /// held over the step costs a copy of the parameters).
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: Gradients,
        lr: f64,
    ) -> Result<M, NnError> {
        check_range("Optimizer", "lr", lr, 0.0..=f64::MAX)?;
        let found = walk::survey(&model);
        self.check(&found, &gradients)?;
        let plans: BTreeMap<&str, Plan> = (found.iter())
            .filter_map(|(name, found)| Some((name.as_str(), self.plan(name, found, lr)?)))
            .collect();
        let terms = |name: &str| {
            let plan = plans.get(name)?;
            Some(Terms {
                lr: plan.lr,
                weight_decay: plan.weight_decay,
            })
        };
        let (model, places, mut slots) = walk::take(model, gradients, terms, &mut self.memory);
        let effects: Vec<_> = (places.iter())
            .map(|place| plans.get(place.name.as_str()).and_then(|plan| plan.effect))
            .collect();
        if effects.iter().any(Option::is_some) {
            add_penalty(&mut slots, |i| {
                let effect = effects[i]?;
                let gradient = [effect.l1_gradient, effect.l2_gradient];
                (gradient != [0.0; 2]).then_some(gradient)
            });
            slots = (slots.into_iter().zip(&effects))
                .map(|(slot, effect)| match effect {
                    Some(effect) if effect.decay != 0.0 => Slot {
                        parameter: slot.parameter * (1.0 - slot.lr * effect.decay),
                        ..slot
                    },
                    _ => slot,
                })
                .collect();
        }
        let slots = self.rule.step(slots)?;
        let mut values = Vec::with_capacity(slots.len());
        for ((place, mut slot), effect) in places.into_iter().zip(slots).zip(effects) {
            if let Some(effect) = effect {
                if effect.l1_proximal != 0.0 {
                    slot.parameter = soft_threshold(slot.parameter, slot.lr * effect.l1_proximal);
                }
                if let Some(norm) = effect.max_norm {
                    slot.parameter = max_norm(slot.parameter, place.rows(), norm);
                }
            }
            if !slot.memory.tensors.is_empty() {
                self.memory.insert(place.name.clone(), slot.memory);
            }
            values.push((place, slot.parameter));
        }
        Ok(walk::put(model, values.into_iter()))
    }

    /// What the step does with a parameter; `None` if it is frozen.
    fn plan(&self, name: &str, found: &Found, lr: f64) -> Option<Plan> {
        let group = self.groups.iter().find(|group| group.matches(name));
        if group.is_some_and(|group| group.frozen) {
            return None;
        }
        let lr = lr * group.map_or(1.0, |group| group.lr_factor);
        if (found.one_axis || found.of_norm) && !group.is_some_and(|group| group.bias_and_norm) {
            return Some(Plan {
                lr,
                weight_decay: 0.0,
                effect: None,
            });
        }
        let weight_decay = group.and_then(|group| group.weight_decay);
        let penalties = group.and_then(|group| group.penalties.as_ref());
        let effect = Effect::of(penalties.unwrap_or(&self.penalties));
        Some(Plan {
            lr,
            weight_decay: weight_decay.unwrap_or_else(|| self.rule.weight_decay()),
            effect: (effect != Effect::default()).then_some(effect),
        })
    }

    /// An error unless gradients, memory and groups fit the model.
    fn check(&self, found: &BTreeMap<String, Found>, gradients: &Gradients) -> Result<(), NnError> {
        walk::check_gradients(found, gradients)?;
        let mut problems = Vec::new();
        for (name, memory) in &self.memory {
            let lengths = memory.tensors.iter().map(|tensor| tensor.dims()[0]);
            problems.extend(lengths.filter_map(|len| walk::problem(found, name, "a memory", len)));
        }
        for group in &self.groups {
            if !found.keys().any(|name| group.matches(name)) {
                problems.push(format!("group `{}` matches no parameter", group.pattern));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(NnError::Optimizer { problems })
        }
    }
}

/// What a step does with one parameter.
struct Plan {
    lr: f64,
    weight_decay: f64,
    effect: Option<Effect>,
}
