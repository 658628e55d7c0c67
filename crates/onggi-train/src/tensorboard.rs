//! Event files for TensorBoard: the log's figures as scalars.
//!
//! An event file is a sequence of records, each `length: u64`, a checksum of the length, the bytes of
//! a protocol buffer, and a checksum of these (TFRecord; little endian, CRC-32C masked). Of the
//! `Event` message four fields are written, by hand: the crates that there are draw in a compiler of
//! protocol buffers for them.

use crate::run::EpochRecord;
use crate::trainer::{Callback, Start};
use crate::{TrainError, run};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Name of the one event file: TensorBoard looks for `tfevents`.
const FILE: &str = "events.out.tfevents.0.onggi";

/// Writes the figures of each epoch to an event file, at the epoch's optimiser step.
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    /// Unix time at which the run would have begun, had it never paused.
    began: f64,
}

impl TensorBoard {
    /// An event file in `folder`, which is made if it is not there.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            path: folder.into().join(FILE),
            began: 0.0,
        }
    }

    fn records(&self, record: &EpochRecord) -> Vec<u8> {
        let time = self.began + record.seconds;
        let scalars = [
            ("loss/train", record.train_loss),
            ("loss/validation", record.val_loss),
            ("accuracy/train", record.train_accuracy),
            ("accuracy/validation", record.val_accuracy),
            ("learning_rate", record.lr),
            ("gradient_norm", record.grad_norm),
        ];
        let event = |(tag, value)| framed(&scalar(time, record.step, tag, value));
        scalars.into_iter().flat_map(event).collect()
    }
}

impl Callback for TensorBoard {
    /// Writes the file anew, with the epochs that are done.
    fn on_start(&mut self, start: &Start<'_>) -> Result<(), TrainError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let spent = start.records.last().map_or(0.0, |record| record.seconds);
        self.began = now.map_or(0.0, |now| now.as_secs_f64()) - spent;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
        }
        let mut bytes = framed(&version(self.began));
        for record in start.records {
            bytes.extend(self.records(record));
        }
        run::write_whole(&self.path, &bytes)
    }

    fn on_epoch(
        &mut self,
        record: &EpochRecord,
        _: Option<&onggi_nn::state::StateDict>,
    ) -> Result<(), TrainError> {
        let file = OpenOptions::new().append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(&self.records(record)))
            .map_err(TrainError::io(&self.path))
    }
}

/// The first event of a file: `wall_time = 1`, `file_version = 3`.
fn version(time: f64) -> Vec<u8> {
    let mut event = fixed64(1, time);
    event.extend(bytes(3, b"brain.Event:2"));
    event
}

/// An event with one scalar: `wall_time = 1`, `step = 2`, `summary = 5` of `value = 1` with
/// `tag = 1` and `simple_value = 2`.
fn scalar(time: f64, step: u64, tag: &str, value: f64) -> Vec<u8> {
    let mut one = bytes(1, tag.as_bytes());
    one.push(2 << 3 | 5);
    one.extend((value as f32).to_le_bytes());
    let mut event = fixed64(1, time);
    event.push(2 << 3);
    event.extend(varint(step));
    event.extend(bytes(5, &bytes(1, &one)));
    event
}

fn fixed64(field: u8, value: f64) -> Vec<u8> {
    let mut out = vec![field << 3 | 1];
    out.extend(value.to_le_bytes());
    out
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    out.extend(varint(content.len() as u64));
    out.extend(content);
    out
}

/// Seven bits a byte, lowest first; the high bit says that more follow.
fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn framed(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let mut out = length.to_vec();
    out.extend(masked(crc32c(&length)).to_le_bytes());
    out.extend(content);
    out.extend(masked(crc32c(content)).to_le_bytes());
    out
}

/// TFRecord's disguise of a checksum that is itself checksummed.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: an epoch writes some hundred bytes.
fn crc32c(content: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for &byte in content {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the CRC catalogue.
    #[test]
    fn checksum() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    /// Written by tensorboard 2.21.0: `Event(wall_time=1.5, step=300, summary=Summary(value=[
    /// Summary.Value(tag="loss/train", simple_value=0.25)]))`, framed by its `RecordWriter`
    /// (tests/fixtures/make_tensorboard.py).
    #[test]
    fn equals_tensorboard() {
        let golden = include_bytes!("../tests/fixtures/event.tfrecord");
        let mut ours = framed(&version(1.5));
        ours.extend(framed(&scalar(1.5, 300, "loss/train", 0.25)));
        assert_eq!(ours, golden);
    }

    #[test]
    fn a_resumed_run_writes_what_one_without_a_pause_does() {
        let record = |epoch: usize| EpochRecord {
            epoch,
            step: epoch as u64 * 200,
            lr: 0.1,
            train_loss: 1.0 / epoch as f64,
            train_accuracy: 0.5,
            val_loss: 2.0,
            val_accuracy: 0.4,
            grad_norm: 3.0,
            skipped: 0,
            seconds: epoch as f64,
        };
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, before: &[EpochRecord], after: &[EpochRecord]| {
            let folder = dir.path().join(name);
            let mut board = TensorBoard::new(&folder);
            let start = Start {
                records: before,
                best: None,
                step: 0,
            };
            board.on_start(&start).unwrap();
            for record in after {
                board.on_epoch(record, None).unwrap();
            }
            fs::read(folder.join(FILE)).unwrap().len()
        };
        let all = [record(1), record(2), record(3)];
        let whole = write("whole", &[], &all);
        assert_eq!(whole, write("resumed", &all[..1], &all[1..]));
        assert!(whole > 500);
    }
}
