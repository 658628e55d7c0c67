//! Recurrent layers: long short-term memory, gated recurrent unit and the plain recurrent network.

mod cell;
mod config;
mod stack;

pub use cell::{GruCell, LstmCell, RecurrentCell, RecurrentCellConfig, RnnCell};
pub use config::RecurrentConfig;
pub use onggi_ops::recurrent::Nonlinearity;
pub use stack::{Gru, Lstm, Output, Recurrent, Rnn};
