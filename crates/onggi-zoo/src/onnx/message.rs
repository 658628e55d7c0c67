//! Protocol buffers, as far as ONNX files need them: fields of numbers, bytes and messages.
//!
//! # Reference
//! Google, *Protocol Buffers: encoding*.

use std::borrow::Cow;

/// A message: its fields in the order they were added. Large ones are borrowed until the end.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    pieces: Vec<Cow<'a, [u8]>>,
    len: usize,
}

/// How a field's value is laid out.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Bytes = 2,
    Word = 5,
}

impl<'a> Message<'a> {
    /// Bytes that it takes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// A whole number.
    pub(super) fn int(&mut self, field: u32, value: i64) {
        self.key(field, Wire::Varint);
        self.varint(value as u64);
    }

    /// A number of 32 bits.
    pub(super) fn float(&mut self, field: u32, value: f32) {
        self.key(field, Wire::Word);
        self.small(&value.to_le_bytes());
    }

    /// Words.
    pub(super) fn text(&mut self, field: u32, value: &'a str) {
        self.bytes(field, value.as_bytes());
    }

    /// Bytes.
    pub(super) fn bytes(&mut self, field: u32, value: &'a [u8]) {
        self.key(field, Wire::Bytes);
        self.varint(value.len() as u64);
        self.len += value.len();
        self.pieces.push(Cow::Borrowed(value));
    }

    /// A message inside.
    pub(super) fn message(&mut self, field: u32, value: Message<'a>) {
        self.key(field, Wire::Bytes);
        self.varint(value.len as u64);
        self.len += value.len;
        self.pieces.extend(value.pieces);
    }

    fn key(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field << 3 | wire as u32));
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.small(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.small(&[value as u8]);
    }

    fn small(&mut self, bytes: &[u8]) {
        self.len += bytes.len();
        if let Some(Cow::Owned(last)) = self.pieces.last_mut() {
            last.extend_from_slice(bytes);
        } else {
            self.pieces.push(Cow::Owned(bytes.to_vec()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the reference, and numbers at the bounds of their lengths.
    #[test]
    fn fields_are_laid_out_as_the_reference_has_them() {
        let bytes = |fill: &dyn Fn(&mut Message<'static>)| {
            let mut message = Message::default();
            fill(&mut message);
            assert_eq!(message.len(), message.pieces.concat().len());
            message.into_bytes()
        };
        assert_eq!(bytes(&|m| m.int(1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(bytes(&|m| m.int(1, 127)), [0x08, 0x7f]);
        assert_eq!(
            bytes(&|m| m.int(1, -2)),
            [
                0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01
            ]
        );
        assert_eq!(
            bytes(&|m| m.text(2, "testing")),
            b"\x12\x07testing".as_slice()
        );
        assert_eq!(bytes(&|m| m.float(2, 1.0)), [0x15, 0, 0, 0x80, 0x3f]);
        assert_eq!(bytes(&|m| m.int(16, 1)), [0x80, 0x01, 0x01]);
        let nested = |m: &mut Message<'static>| {
            let mut inner = Message::default();
            inner.int(1, 150);
            m.message(3, inner);
        };
        assert_eq!(bytes(&nested), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let long: &'static [u8] = &[7; 300];
        let both = bytes(&|m| {
            m.bytes(1, long);
            m.int(2, 0);
        });
        assert_eq!(both[..3], [0x0a, 0xac, 0x02]);
        assert_eq!(both[303..], [0x10, 0x00]);
    }
}
