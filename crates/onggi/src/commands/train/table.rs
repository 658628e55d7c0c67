//! Training on a table of numbers.

use super::{Job, Prepared, Watch, describe, parts};
use crate::description::Input;
use crate::failure::Failure;
use crate::output::warn;
use crate::settings::{MissingValues, Settings};
use crate::zoo::TableModel;
use burn::tensor::Tensor;
use onggi_data::Split;
use onggi_data::table::{Missing, Table, TableDataset, TableOptions, TablePreprocess};
use onggi_train::fingerprint;
use std::path::Path;

pub(super) fn train(settings: &Settings, watch: Watch, job: Job) -> Result<(), Failure> {
    let options = TableOptions {
        ignore: settings.ignore.clone(),
        missing: match settings.missing {
            MissingValues::Impute => Missing::Impute,
            MissingValues::Refuse => Missing::Refuse,
        },
    };
    let target = settings.target.clone().unwrap_or_default();
    let table = Table::read(Path::new(&settings.data), &target, &options)?;
    let split = settings.split(&table.split_samples());
    let train_rows = split.indices(Split::Train, table.ids())?;
    let preprocess = TablePreprocess::fit(&table, &train_rows)?;
    for (column, missing) in table.columns().iter().zip(table.missing()) {
        if missing > 0 {
            let values = if missing == 1 { "value" } else { "values" };
            warn(format!(
                "column `{column}`: {missing} missing {values} filled with the training median"
            ));
        }
    }
    for column in table.constant_columns(&train_rows)? {
        warn(format!(
            "column `{column}` is the same in all training rows and tells nothing"
        ));
    }
    let dataset = |part| -> Result<TableDataset, Failure> {
        let rows = split.indices(part, table.ids())?;
        Ok(TableDataset::new(&table, &rows, &preprocess)?)
    };
    let (train_data, val, test) = parts(dataset, &split)?;
    let columns = preprocess.columns().len();
    let input = Input::Table { target, preprocess };
    let description = describe(settings, table.classes().to_vec(), input);
    let prepared = Prepared {
        samples: "rows",
        train: train_data,
        val,
        test,
        split,
        skipped: Vec::new(),
        description,
        content: fingerprint(&std::fs::read(&settings.data)?),
        baseline: None,
        beside: None,
    };
    let options = prepared.description.options();
    super::train::<Tensor<2>, TableModel>(
        settings,
        &prepared,
        |rng, device| {
            TableModel::build(&settings.model, columns, &options, rng, device)
                .map_err(|e| Failure::Usage(format!("--model: {e}")))
        },
        |_, _| Ok(()),
        watch,
        job,
    )
}
