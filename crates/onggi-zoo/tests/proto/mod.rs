//! A reader of protocol buffers for tests: messages as lists of fields, without a schema.

/// A field's value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<'a> {
    Int(u64),
    Word,
    Bytes(&'a [u8]),
}

/// The fields of a message, in order.
pub(crate) struct Message<'a>(Vec<(u64, Field<'a>)>);

/// Reads a message; panics where it is none.
pub(crate) fn fields(mut bytes: &[u8]) -> Message<'_> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Int(varint(&mut bytes)),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(value)
            }
            5 => {
                bytes = &bytes[4..];
                Field::Word
            }
            other => panic!("wire type {other}"),
        };
        found.push((key >> 3, field));
    }
    Message(found)
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = bytes.split_first().expect("a number goes on");
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first < 0x80 {
            return value;
        }
    }
    panic!("a number of more than ten bytes");
}

impl<'a> Message<'a> {
    pub(crate) fn all(&self, number: u64) -> impl Iterator<Item = Field<'a>> {
        let fields = self.0.iter().filter(move |(found, _)| *found == number);
        fields.map(|(_, field)| *field)
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.all(number).next().is_some()
    }

    pub(crate) fn ints(&self, number: u64) -> impl Iterator<Item = u64> {
        self.all(number).map(move |field| match field {
            Field::Int(value) => value,
            other => panic!("field {number} holds {other:?}"),
        })
    }

    pub(crate) fn every(&self, number: u64) -> impl Iterator<Item = &'a [u8]> {
        self.all(number).map(move |field| match field {
            Field::Bytes(value) => value,
            other => panic!("field {number} holds {other:?}"),
        })
    }

    pub(crate) fn texts(&self, number: u64) -> impl Iterator<Item = String> {
        let texts = self.every(number);
        texts.map(|text| String::from_utf8(text.to_vec()).expect("UTF-8"))
    }

    pub(crate) fn messages(&self, number: u64) -> impl Iterator<Item = Message<'a>> {
        self.every(number).map(fields)
    }

    /// The one value of a field.
    pub(crate) fn int(&self, number: u64) -> u64 {
        one(self.ints(number), number)
    }

    pub(crate) fn bytes(&self, number: u64) -> &'a [u8] {
        one(self.every(number), number)
    }

    pub(crate) fn text(&self, number: u64) -> String {
        one(self.texts(number), number)
    }

    pub(crate) fn message(&self, number: u64) -> Message<'a> {
        fields(self.bytes(number))
    }
}

fn one<T>(mut values: impl Iterator<Item = T>, number: u64) -> T {
    let first = values.next();
    assert!(values.next().is_none(), "field {number} is there twice");
    first.unwrap_or_else(|| panic!("no field {number}"))
}
