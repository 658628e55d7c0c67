//! Learning-rate schedules against PyTorch's (`fixtures/optim.py`).

use onggi_nn::schedule::{
    Cosine, CosineRestarts, Exponential, LinearWarmUp, MultiStep, OneCycle, Polynomial,
    ReduceOnPlateau, Schedule, Sequence, StepDecay,
};
use serde_json::Value;

fn golden(case: &str) -> Vec<f64> {
    let path = format!(
        "{}/tests/fixtures/schedule.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let values = file[case].as_array().unwrap();
    values.iter().map(|x| x.as_f64().unwrap()).collect()
}

fn cases() -> Vec<(&'static str, Schedule)> {
    let cosine = |total_steps| {
        Schedule::Cosine(Cosine {
            total_steps,
            min_factor: 0.01,
        })
    };
    let warm_up = Schedule::LinearWarmUp(LinearWarmUp {
        steps: 5,
        start_factor: 0.1,
    });
    vec![
        ("constant", Schedule::Constant),
        (
            "step",
            Schedule::StepDecay(StepDecay {
                step_size: 4,
                gamma: 0.3,
            }),
        ),
        (
            "multi_step",
            Schedule::MultiStep(MultiStep {
                milestones: vec![3, 5, 11],
                gamma: 0.2,
            }),
        ),
        (
            "exponential",
            Schedule::Exponential(Exponential { gamma: 0.9 }),
        ),
        (
            "polynomial",
            Schedule::Polynomial(Polynomial {
                total_steps: 12,
                power: 2.0,
            }),
        ),
        ("cosine", cosine(19)),
        (
            "restarts",
            Schedule::CosineRestarts(CosineRestarts {
                first_period: 3,
                period_factor: 2,
                min_factor: 0.01,
            }),
        ),
        ("linear", warm_up.clone()),
        (
            "warm_cosine",
            Schedule::Sequence(Sequence {
                milestones: vec![5],
                schedules: vec![warm_up, cosine(15)],
            }),
        ),
        (
            "one_cycle",
            Schedule::OneCycle(OneCycle {
                total_steps: 21,
                warm_up: 0.3,
            }),
        ),
    ]
}

#[test]
fn equal_pytorch() {
    for (case, schedule) in cases() {
        schedule.check().unwrap();
        for (step, expected) in golden(case).into_iter().enumerate() {
            let got = 0.1 * schedule.factor(step as u64);
            assert!(
                (got - expected).abs() < 1e-12,
                "{case}, step {step}: {got} instead of {expected}"
            );
        }
    }
}

#[test]
fn from_toml_and_back_and_at_any_step() {
    for (case, schedule) in cases() {
        let text = toml::to_string(&schedule).unwrap();
        assert_eq!(
            toml::from_str::<Schedule>(&text).unwrap(),
            schedule,
            "{case}"
        );
        for step in [0, 1, 1 << 20, u64::MAX] {
            assert!((0.0..=1.0).contains(&schedule.factor(step)), "{case}");
        }
    }
    let wrong = "name = \"cosine\"\ntotal_step = 5";
    assert!(toml::from_str::<Schedule>(wrong).is_err());
}

#[test]
fn a_plateau_reduces_as_pytorch_does_and_resumes() {
    let mut plateau = ReduceOnPlateau {
        factor: 0.5,
        patience: 2,
        cooldown: 1,
        min_factor: 0.2,
        ..ReduceOnPlateau::default()
    };
    plateau.check().unwrap();
    let (figures, expected) = (golden("plateau_metrics"), golden("plateau"));
    for (step, (figure, expected)) in figures.into_iter().zip(expected).enumerate() {
        let got = 0.1 * plateau.current();
        assert!(
            (got - expected).abs() < 1e-12,
            "step {step}: {got} instead of {expected}"
        );
        plateau.observe(figure);
        let stored = toml::to_string(&plateau).unwrap();
        assert_eq!(toml::from_str::<ReduceOnPlateau>(&stored).unwrap(), plateau);
    }
    let mut plateau = ReduceOnPlateau {
        patience: 0,
        ..ReduceOnPlateau::default()
    };
    assert_eq!(plateau.observe(1.0), 1.0);
    assert_eq!(plateau.observe(f64::NAN), 0.1);
}

#[test]
fn settings_out_of_range_are_refused() {
    let message = |schedule: Schedule| schedule.check().unwrap_err().to_string();
    let decay = |step_size, gamma| Schedule::StepDecay(StepDecay { step_size, gamma });
    assert_eq!(
        message(decay(0, 0.1)),
        "StepDecay: `step_size` must be at least 1, but is 0"
    );
    assert!(message(decay(1, f64::NAN)).contains("`gamma`"));
    let sequence = |milestones: Vec<u64>, schedules| {
        Schedule::Sequence(Sequence {
            milestones,
            schedules,
        })
    };
    assert_eq!(
        message(sequence(vec![1], vec![Schedule::Constant])),
        "Sequence: `milestones` must be one fewer than the 1 schedules, but is 1"
    );
    let three = vec![Schedule::Constant; 3];
    assert!(message(sequence(vec![5, 5], three)).contains("rising"));
    assert!(message(sequence(vec![], vec![decay(0, 0.1)])).contains("step_size"));
    let plateau = ReduceOnPlateau {
        factor: 1.0,
        ..ReduceOnPlateau::default()
    };
    assert!(plateau.check().is_err());
}
