use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: TrainFlags,
}

fn resolve(line: &str) -> Result<(Settings, Task), String> {
    let flags = Line::try_parse_from(format!("train {line}").split_whitespace())
        .map_err(|e| e.to_string())?
        .flags;
    Settings::resolve(flags).map_err(|e| match e {
        Failure::Usage(message) => message,
        Failure::Failed(error) => error.to_string(),
    })
}

#[test]
fn flags_override_the_file_overrides_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run.toml");
    std::fs::write(
        &file,
        format!("data = {:?}\nepochs = 7\nlr = 0.5\n", dir.path()),
    )
    .unwrap();
    let (settings, task) = resolve(&format!(
        "--config {} --lr 0.25 --label-smoothing 0",
        file.display()
    ))
    .unwrap();
    assert_eq!(task, Task::Image);
    assert_eq!(
        (settings.epochs, settings.lr, settings.batch),
        (7, 0.25, 32)
    );
    assert_eq!(settings.label_smoothing, 0.0);
    let config = settings.to_config().unwrap();
    std::fs::write(&file, &config).unwrap();
    let (again, _) = resolve(&format!("--config {} --threads 3", file.display())).unwrap();
    assert_eq!(again.to_config().unwrap(), config);
    assert_eq!(again.threads(), 3);
}

#[test]
fn optimizers_have_their_own_defaults() {
    for (line, lr, weight_decay) in [
        (".", 0.003, 0.05),
        (". --optimizer sgd", 0.05, 5e-4),
        (". --optimizer lion", 0.0005, 0.3),
        (". --optimizer adagrad", 0.02, 0.0),
    ] {
        let (settings, _) = resolve(line).unwrap();
        assert_eq!(
            (settings.lr, settings.weight_decay),
            (lr, weight_decay),
            "{line}"
        );
    }
}

#[test]
fn a_run_is_gone_on_with_by_its_own_settings() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("r");
    std::fs::create_dir(&run).unwrap();
    let resume = format!("--resume {}", run.display());
    assert!(resolve(&resume).unwrap_err().contains("before it began"));
    let (settings, _) = resolve(". --lr 0.5 --l1 0.25 --freeze fc.*,conv1.*").unwrap();
    std::fs::write(run.join("config.toml"), settings.to_config().unwrap()).unwrap();
    let (again, _) = resolve(&format!("{resume} --time 1m --threads 2")).unwrap();
    assert_eq!((again.lr, again.l1), (0.5, 0.25));
    assert_eq!(again.freeze, ["fc.*", "conv1.*"]);
    assert_eq!(again.resume, Some(run));
    assert_eq!(
        again.fingerprint().unwrap(),
        settings.fingerprint().unwrap()
    );
    let error = resolve(&format!("{resume} --lr 1")).unwrap_err();
    assert!(
        error.contains("--lr cannot be given with --resume"),
        "{error}"
    );
    assert!(
        resolve("--resume nowhere")
            .unwrap_err()
            .contains("no such run")
    );
}

#[test]
fn mistakes_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("t.csv");
    std::fs::write(&table, "a,b\n1,x\n").unwrap();
    let bad = dir.path().join("bad.toml");
    std::fs::write(&bad, "epoch = 3\n").unwrap();
    let kind = dir.path().join("kind.toml");
    std::fs::write(&kind, "lr = 1\nepochs = \"x\"\n").unwrap();
    let cut = dir.path().join("cut.toml");
    std::fs::write(&cut, "lr = 0.1\nepochs = [\n").unwrap();
    let number = dir.path().join("number.toml");
    std::fs::write(&number, "data = 5\n").unwrap();
    let (table, bad) = (table.display(), bad.display());
    let (kind, cut, number) = (kind.display(), cut.display(), number.display());
    for (line, expected) in [
        (String::new(), "no data given"),
        (
            ". --lr -1".into(),
            "--lr must be between 0.000000000001 and 100, but is -1",
        ),
        (". --epochs 0".into(), "--epochs must be between 1"),
        (". --dropout NaN".into(), "--dropout must be"),
        (". --time soon".into(), "--time must be a time"),
        (". --max-memory much".into(), "--max-memory must be a size"),
        (". --lr-factor x".into(), "--lr-factor must be PATTERN=X"),
        (". --lr-factor x=-1".into(), "--lr-factor must be PATTERN=X"),
        (format!("{table}"), "--target COLUMN"),
        (". --target x".into(), "--target is for tables"),
        (format!(". --config {bad}"), "unknown field `epoch`"),
        (
            format!(". --config {kind}"),
            "setting `epochs`: invalid type: string",
        ),
        (format!(". --config {cut}"), "cut.toml: not TOML: line "),
        (
            format!("--config {number}"),
            "`data` must be a path in quotes, but is 5",
        ),
        (". --config .".into(), "--config .: "),
        (
            ". --seed 9223372036854775808".into(),
            "9223372036854775808 is not in 0..=",
        ),
        ("nowhere/at/all".into(), "nowhere/at/all does not exist"),
    ] {
        let message = resolve(&line).unwrap_err();
        assert!(message.contains(expected), "{line}: {message}");
    }
}
