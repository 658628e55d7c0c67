//! The settings as the trainer takes them.

use super::Settings;
use super::amounts::{bytes, duration};
use super::choices::{Keep, MonitorName, Optimizer, ScheduleName};
use crate::failure::{Failure, usage};
use onggi_data::Mixing;
use onggi_nn::optim::{
    Adagrad, Adam, AdamW, Group, Lamb, Lion, NAdam, RmsProp, RuleConfig, Sam, Sgd,
};
use onggi_nn::regularize::{ElasticNet, L1, L2, MaxNorm, Penalty};
use onggi_train::{
    Averaging, CheckpointEvery, EarlyStoppingConfig, KeptEpoch, Monitor, Objective, Schedule,
    TrainSettings,
};

impl Settings {
    /// The settings as the trainer takes them.
    pub(crate) fn training(&self) -> Result<TrainSettings, Failure> {
        let on = |value: f64| (value > 0.0).then_some(value);
        Ok(TrainSettings {
            objective: Objective::CrossEntropy {
                label_smoothing: self.label_smoothing,
            },
            balanced: self.balanced,
            epochs: self.epochs,
            batch: self.batch,
            accumulate: self.accumulate,
            optimizer: self.rule(),
            lr: self.lr,
            schedule: self.course(),
            averaging: self.averaging()?,
            penalties: self.penalties(),
            groups: self.groups()?,
            clip_norm: on(self.clip_norm),
            clip_value: on(self.clip_value),
            mixing: self.mixing(),
            sam: on(self.sam).map(|rho| Sam::new(rho, false)).transpose()?,
            early_stopping: EarlyStoppingConfig {
                monitor: match self.monitor {
                    MonitorName::ValLoss => Monitor::ValLoss,
                    MonitorName::ValAccuracy => Monitor::ValAccuracy,
                },
                patience: (self.early_stopping > 0).then_some(self.early_stopping),
                keep: match self.keep {
                    Keep::Best => KeptEpoch::Best,
                    Keep::Last => KeptEpoch::Last,
                },
                min_delta: self.min_delta,
                divergence: on(self.divergence),
            },
            time: self.time.as_deref().map(duration).transpose()?,
            max_memory: self.max_memory.as_deref().map(bytes).transpose()?,
            checkpoint: match self.checkpoint_steps {
                0 => CheckpointEvery::Auto,
                steps => CheckpointEvery::Steps(steps),
            },
            seed: self.seed,
            workers: self.threads(),
            ..TrainSettings::default()
        })
    }

    fn rule(&self) -> RuleConfig {
        let (momentum, weight_decay) = (self.momentum, self.weight_decay);
        match self.optimizer {
            Optimizer::Adamw => RuleConfig::AdamW(AdamW {
                weight_decay,
                ..Default::default()
            }),
            Optimizer::Sgd => RuleConfig::Sgd(Sgd {
                momentum,
                nesterov: momentum > 0.0,
                weight_decay,
                ..Default::default()
            }),
            Optimizer::Adam => RuleConfig::Adam(Adam {
                weight_decay,
                ..Default::default()
            }),
            Optimizer::Nadam => RuleConfig::NAdam(NAdam {
                weight_decay,
                ..Default::default()
            }),
            Optimizer::Rmsprop => RuleConfig::RmsProp(RmsProp {
                momentum,
                weight_decay,
                ..Default::default()
            }),
            Optimizer::Adagrad => RuleConfig::Adagrad(Adagrad {
                weight_decay,
                ..Default::default()
            }),
            Optimizer::Lion => RuleConfig::Lion(Lion {
                weight_decay,
                ..Default::default()
            }),
            Optimizer::Lamb => RuleConfig::Lamb(Lamb {
                weight_decay,
                ..Default::default()
            }),
        }
    }

    fn course(&self) -> Schedule {
        let warmup = self.warmup;
        match self.schedule {
            ScheduleName::OneCycle => Schedule::OneCycle { warmup },
            ScheduleName::Constant => Schedule::Constant,
            ScheduleName::Cosine => Schedule::Cosine { warmup },
            ScheduleName::CosineRestarts => Schedule::CosineRestarts { warmup, cycles: 3 },
            ScheduleName::Linear => Schedule::Polynomial { warmup, power: 1.0 },
            ScheduleName::Polynomial => Schedule::Polynomial { warmup, power: 2.0 },
            ScheduleName::Exponential => Schedule::Exponential { warmup },
            ScheduleName::MultiStep => Schedule::MultiStep {
                milestones: vec![0.5, 0.75],
                gamma: 0.1,
            },
            ScheduleName::Plateau => Schedule::Plateau {
                factor: 0.5,
                patience: 3,
            },
        }
    }

    fn averaging(&self) -> Result<Option<Averaging>, Failure> {
        match (self.ema > 0.0, self.swa > 0.0) {
            (true, true) => usage("--ema and --swa are two averages of the weights: give one"),
            (true, false) => Ok(Some(Averaging::Ema { decay: self.ema })),
            (false, true) => Ok(Some(Averaging::Swa { start: self.swa })),
            (false, false) => Ok(None),
        }
    }

    fn mixing(&self) -> Vec<Mixing> {
        let mixup = (self.mixup > 0.0).then_some(Mixing::MixUp { alpha: self.mixup });
        let cutmix = (self.cutmix > 0.0).then_some(Mixing::CutMix { alpha: self.cutmix });
        mixup.into_iter().chain(cutmix).collect()
    }

    fn penalties(&self) -> Vec<Penalty> {
        let mut penalties = Vec::new();
        if self.l1 > 0.0 {
            penalties.push(Penalty::L1(L1::new(self.l1)));
        }
        if self.l2 > 0.0 {
            penalties.push(Penalty::L2(L2 { lambda: self.l2 }));
        }
        if self.elastic_net > 0.0 {
            penalties.push(Penalty::ElasticNet(ElasticNet {
                lambda: self.elastic_net,
                l1_ratio: self.l1_ratio,
                proximal: true,
            }));
        }
        if self.max_norm > 0.0 {
            penalties.push(Penalty::MaxNorm(MaxNorm {
                max_norm: self.max_norm,
            }));
        }
        penalties
    }

    /// Frozen parameters first: a parameter belongs to the first group that it matches.
    fn groups(&self) -> Result<Vec<Group>, Failure> {
        let frozen = self.freeze.iter().map(|pattern| Group {
            frozen: true,
            ..Group::new(pattern)
        });
        let mut groups: Vec<_> = frozen.collect();
        for entry in &self.lr_factor {
            let parts = entry.rsplit_once('=');
            let factor = parts.and_then(|(pattern, factor)| {
                let factor = factor.parse::<f64>().ok()?;
                (factor >= 0.0 && factor.is_finite()).then_some((pattern, factor))
            });
            let Some((pattern, lr_factor)) = factor else {
                return usage(format!(
                    "--lr-factor must be PATTERN=X with X at least 0, such as 'conv1.*=0.1', but is \
                     `{entry}`"
                ));
            };
            groups.push(Group {
                lr_factor,
                ..Group::new(pattern)
            });
        }
        Ok(groups)
    }
}
