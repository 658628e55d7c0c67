//! Pickle, as far as `torch.save` writes it: what the program would have built, without running it.
//!
//! A pickle is a program for a stack machine. This machine has data only: nodes in one flat list that
//! name one another by index. A list that holds itself is then two equal numbers, a nesting of any
//! depth costs no stack, and dropping it all is dropping one list. Names of Python are looked up in
//! [`super::globals`]; any other is an error at the place where it is named, called or not.
//!
//! Every operation allocates a bounded amount beyond the file's own bytes, which are borrowed, so that
//! one bound on their number bounds nodes, stack, marks, memo and memory together.
//!
//! # Reference
//! <https://peps.python.org/pep-3154/>, the module `pickletools` of Python

use super::WeightsError;
use super::dtype::Dtype;
use super::globals::Global;
use super::strided::View;
use std::collections::HashMap;

/// Most operations: a state dict takes 40 a tensor, an optimiser's state a few times that.
const MAX_OPERATIONS: usize = 4 << 20;

/// Longest name of Python, number in decimal digits and key of a storage, in bytes.
const MAX_LINE: usize = 512;

/// Index of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Id(u32);

/// A storage: values of one type, kept outside the pickle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) dtype: Dtype,
    /// Number of values.
    pub(super) len: u64,
    /// First value, where this is a window on another storage.
    pub(super) offset: u64,
}

/// A Python object.
#[derive(Debug)]
pub(super) enum Node<'a> {
    None,
    Int(i128),
    Bool(bool),
    Str(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// A key may come twice: the last one counts.
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage<'a>),
    Tensor {
        storage: Storage<'a>,
        view: View,
    },
    /// What no state dict needs the content of: floats, bytes, sets, devices.
    Other,
}

/// What a pickle builds.
pub(super) struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
    /// Bytes that it took.
    pub(super) len: usize,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle at the start of the bytes.
    ///
    /// # Errors
    /// An operation that is cut short or out of place, a name that is not on the list, too many
    /// operations.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, WeightsError> {
        let mut machine = Machine {
            bytes,
            at: 0,
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            left: MAX_OPERATIONS,
        };
        while !machine.step()? {}
        Ok(Self {
            root: machine.pop()?,
            nodes: machine.nodes,
            len: machine.at,
        })
    }

    pub(super) fn root(&self) -> &Node<'a> {
        self.get(self.root)
    }

    pub(super) fn get(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    /// Everything that was built, reachable or not.
    pub(super) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }
}

/// The state of the stack machine.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack, each to be returned to.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    left: usize,
}

impl<'a> Machine<'a> {
    /// Runs one operation; whether it was the last.
    fn step(&mut self) -> Result<bool, WeightsError> {
        self.spend(1)?;
        match self.u8()? {
            // PROTO, FRAME: nothing depends on them.
            0x80 => {
                let version = self.u8()?;
                if version > 5 {
                    return Err(self.wrong(&format!("protocol {version}; 1 to 5 are read")));
                }
            }
            0x95 => {
                self.u64()?;
            }
            b'.' => return Ok(true),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                // POP takes the mark where there is nothing above it.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            b'1' => {
                self.pop_to_mark()?;
            }
            b'2' => {
                let top = self.pop()?;
                self.stack.extend([top, top]);
            }

            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Node::Int(value.into()))?;
            }
            b'K' => {
                let value = self.u8()?;
                self.push(Node::Int(value.into()))?;
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Node::Int(value.into()))?;
            }
            0x8a => {
                let len = self.u8()?;
                self.long(len.into())?;
            }
            0x8b => {
                let len = self.u32()?;
                self.long(len.into())?;
            }
            b'I' | b'L' => self.decimal()?,
            b'G' => {
                self.take(8)?;
                self.push(Node::Other)?;
            }

            // Text: of Python 3, then of Python 2, where it may be any bytes.
            0x8c => {
                let len = self.u8()?;
                self.text(len.into())?;
            }
            b'X' => {
                let len = self.u32()?;
                self.text(len.into())?;
            }
            0x8d => {
                let len = self.u64()?;
                self.text(len)?;
            }
            b'U' => {
                let len = self.u8()?;
                self.text_or_bytes(len.into())?;
            }
            b'T' => {
                let len = self.u32()?;
                self.text_or_bytes(len.into())?;
            }
            b'C' => {
                let len = self.u8()?;
                self.skip(len.into())?;
            }
            b'B' => {
                let len = self.u32()?;
                self.skip(len.into())?;
            }
            0x8e | 0x96 => {
                let len = self.u64()?;
                self.skip(len)?;
            }

            b')' => self.push(Node::Tuple(Vec::new()))?,
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Node::Tuple(items))?;
            }
            b']' => self.push(Node::List(Vec::new()))?,
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(&items)?;
            }
            // Sets: EMPTY_SET, ADDITEMS, FROZENSET.
            0x8f => self.push(Node::Other)?,
            0x90 => {
                self.pop_to_mark()?;
            }
            0x91 => {
                self.pop_to_mark()?;
                self.push(Node::Other)?;
            }

            b'q' => {
                let slot = self.u8()?;
                self.memoise(slot.into())?;
            }
            b'r' => {
                let slot = self.u32()?;
                self.memoise(slot)?;
            }
            0x94 => self.memoise(self.memo.len() as u32)?,
            b'h' => {
                let slot = self.u8()?;
                self.recall(slot.into())?;
            }
            b'j' => {
                let slot = self.u32()?;
                self.recall(slot)?;
            }

            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Node::Global(Global::find(module, name)?))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (&Node::Str(module), &Node::Str(name)) = (self.get(module), self.get(name))
                else {
                    return Err(self.wrong("a name of Python is two texts"));
                };
                self.push(Node::Global(Global::find(module, name)?))?;
            }
            // INST: a class of Python 2 by name. None of the list is one.
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                Global::find(module, name)?;
                return Err(self.wrong(&format!("{module}.{name} as a class of Python 2")));
            }
            code @ 0x82..=0x84 => {
                let name = format!("an extension of copyreg (EXT{})", 1 << (code - 0x82));
                return Err(WeightsError::Global { name });
            }
            // REDUCE and NEWOBJ: a function or a class, and its arguments.
            b'R' | 0x81 => {
                let (args, function) = (self.pop()?, self.pop()?);
                let (Node::Tuple(args), &Node::Global(global)) =
                    (self.get(args), self.get(function))
                else {
                    return Err(self.wrong("a call takes a name and a tuple"));
                };
                let args = args.clone();
                self.spend(args.len())?;
                let made = global.call(&args, self)?;
                self.stack.push(made);
            }
            // BUILD: a state dict's versions, which it keeps as an attribute.
            b'b' => {
                self.pop()?;
                if !matches!(self.top()?, Node::Dict(_)) {
                    return Err(self.wrong("attributes of what is no dict"));
                }
            }
            b'Q' => self.storage()?,
            b'P' | b'F' | b'V' | b'S' | b'g' | b'p' | b'd' | b'l' => {
                return Err(WeightsError::unsupported(
                    "a pickle of protocol 0, in which torch.save cannot write tensors; save it with the \
                     default protocol",
                ));
            }
            code => {
                let code = format!("operation {code:#04x}, which torch.save does not write");
                return Err(self.wrong(&code));
            }
        }
        Ok(false)
    }

    /// The persistent object `("storage", type, key, device, len[, window])`.
    fn storage(&mut self) -> Result<(), WeightsError> {
        let id = self.pop()?;
        let wrong = "a storage is (\"storage\", type, key, device, length)";
        let Node::Tuple(parts) = self.get(id) else {
            return Err(self.wrong(wrong));
        };
        let Some((&[tag, kind, key, _, len], window)) = parts.split_first_chunk() else {
            return Err(self.wrong(wrong));
        };
        let (
            &Node::Str("storage"),
            &Node::Global(Global::Storage(dtype)),
            &Node::Str(key),
            &Node::Int(len),
        ) = (self.get(tag), self.get(kind), self.get(key), self.get(len))
        else {
            return Err(self.wrong(wrong));
        };
        if key.len() > MAX_LINE {
            return Err(self.wrong("a storage's key is short"));
        }
        // Legacy files only: the window's key, first value and length, or None.
        let offset = match window.first().map(|&window| self.get(window)) {
            None | Some(Node::None) => 0,
            Some(Node::Tuple(window)) if window.len() == 3 => match *self.get(window[1]) {
                Node::Int(offset) => offset,
                _ => return Err(self.wrong(wrong)),
            },
            Some(_) => return Err(self.wrong(wrong)),
        };
        let (Ok(len), Ok(offset)) = (u64::try_from(len), u64::try_from(offset)) else {
            return Err(self.wrong(wrong));
        };
        self.push(Node::Storage(Storage {
            key,
            dtype,
            len,
            offset,
        }))
    }

    /// An error at this place.
    pub(super) fn wrong(&self, what: &str) -> WeightsError {
        WeightsError::damaged(format!("pickle, byte {}: {what}", self.at))
    }

    pub(super) fn get(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    /// Adds a node that is not on the stack.
    pub(super) fn node(&mut self, node: Node<'a>) -> Result<Id, WeightsError> {
        // Under MAX_OPERATIONS, as each operation makes two at most.
        let id = Id(self.nodes.len() as u32);
        self.nodes.push(node);
        Ok(id)
    }

    /// Counts operations, or work that is as much.
    pub(super) fn spend(&mut self, operations: usize) -> Result<(), WeightsError> {
        self.left = self.left.checked_sub(operations).ok_or_else(|| {
            WeightsError::unsupported(format!(
                "the pickle has more than {MAX_OPERATIONS} operations; save the state dict alone, \
                 without the optimiser's"
            ))
        })?;
        Ok(())
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), WeightsError> {
        let id = self.node(node)?;
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, WeightsError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.wrong("nothing on the stack"));
        }
        self.stack
            .pop()
            .ok_or_else(|| self.wrong("nothing on the stack"))
    }

    fn top(&mut self) -> Result<&mut Node<'a>, WeightsError> {
        let id = self.pop()?;
        self.stack.push(id);
        Ok(&mut self.nodes[id.0 as usize])
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, WeightsError> {
        let mark = self
            .marks
            .pop()
            .ok_or_else(|| self.wrong("no mark on the stack"))?;
        Ok(self.stack.split_off(mark))
    }

    fn tuple(&mut self, len: usize) -> Result<(), WeightsError> {
        let mut items = (0..len)
            .map(|_| self.pop())
            .collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        self.push(Node::Tuple(items))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), WeightsError> {
        match self.top()? {
            Node::List(list) => list.extend_from_slice(items),
            _ => return Err(self.wrong("items of what is no list")),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), WeightsError> {
        let (pairs, rest) = items.as_chunks::<2>();
        match self.top()? {
            Node::Dict(dict) if rest.is_empty() => {
                dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
            }
            _ => return Err(self.wrong("keys and values of what is no dict")),
        }
        Ok(())
    }

    fn memoise(&mut self, slot: u32) -> Result<(), WeightsError> {
        let id = self.pop()?;
        self.stack.push(id);
        self.memo.insert(slot, id);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<(), WeightsError> {
        let Some(&id) = self.memo.get(&slot) else {
            return Err(self.wrong(&format!("slot {slot} of the memo, which is empty")));
        };
        self.stack.push(id);
        Ok(())
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], WeightsError> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(len).ok().and_then(|len| rest.get(..len));
        let Some(taken) = taken else {
            return Err(self.wrong(&format!("{len} bytes wanted, {} left", rest.len())));
        };
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, WeightsError> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, WeightsError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn skip(&mut self, len: u64) -> Result<(), WeightsError> {
        self.take(len)?;
        self.push(Node::Other)
    }

    fn text(&mut self, len: u64) -> Result<(), WeightsError> {
        let Ok(text) = std::str::from_utf8(self.take(len)?) else {
            return Err(self.wrong("text that is not UTF-8"));
        };
        self.push(Node::Str(text))
    }

    fn text_or_bytes(&mut self, len: u64) -> Result<(), WeightsError> {
        let text = std::str::from_utf8(self.take(len)?);
        self.push(text.map_or(Node::Other, Node::Str))
    }

    /// Two's complement, any length; past 16 bytes it is no size of anything.
    fn long(&mut self, len: u64) -> Result<(), WeightsError> {
        let bytes = self.take(len)?;
        let sign = bytes
            .last()
            .map_or(0, |&last| if last < 0x80 { 0 } else { 0xff });
        let mut value = [sign; 16];
        let Some(low) = value.get_mut(..bytes.len()) else {
            return self.push(Node::Other);
        };
        low.copy_from_slice(bytes);
        self.push(Node::Int(i128::from_le_bytes(value)))
    }

    /// A number in decimal digits, as protocol 1 writes some; `I00` and `I01` are booleans.
    fn decimal(&mut self) -> Result<(), WeightsError> {
        let node = match self.line()? {
            "00" => Node::Bool(false),
            "01" => Node::Bool(true),
            digits => match digits.strip_suffix('L').unwrap_or(digits).parse() {
                Ok(value) => Node::Int(value),
                Err(_) => Node::Other,
            },
        };
        self.push(node)
    }

    fn line(&mut self) -> Result<&'a str, WeightsError> {
        let rest = &self.bytes[self.at..];
        let rest = &rest[..rest.len().min(MAX_LINE)];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = end.and_then(|end| std::str::from_utf8(&rest[..end]).ok());
        let Some(line) = line else {
            return Err(self.wrong("a line of text without an end"));
        };
        self.at += line.len() + 1;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> WeightsError {
        match Pickle::read(bytes) {
            Ok(pickle) => panic!("{:?} was read", pickle.root()),
            Err(error) => error,
        }
    }

    #[test]
    fn numbers_of_every_encoding() {
        for (bytes, value) in [
            (&b"K\xff."[..], 255),
            (b"M\x01\x02.", 0x201),
            (b"J\xfe\xff\xff\xff.", -2),
            (b"\x8a\x00.", 0),
            (b"\x8a\x02\x00\xff.", -256),
            (b"\x8b\x01\x00\x00\x00\x7f.", 127),
            (b"L119547037146038801333356L\n.", 0x1950_a86a_20f9_469c_fc6c),
            (
                b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
                0x1950_a86a_20f9_469c_fc6c,
            ),
            (b"I-7\n.", -7),
        ] {
            let pickle = Pickle::read(bytes).unwrap();
            assert!(
                matches!(pickle.root(), Node::Int(v) if *v == value),
                "{bytes:?}"
            );
            assert_eq!(pickle.len, bytes.len());
        }
        assert!(matches!(
            Pickle::read(b"I01\n.").unwrap().root(),
            Node::Bool(true)
        ));
        let long = [&[0x8a, 17][..], &[1; 17], b"."].concat();
        assert!(matches!(Pickle::read(&long).unwrap().root(), Node::Other));
    }

    /// Each way of naming a function, and none of them called: the name is enough.
    #[test]
    fn names_off_the_list_are_refused_wherever_they_are_named() {
        for bytes in [
            &b"cos\nsystem\n."[..],
            b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00trueR.",
            b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
            b"\x80\x02cos\nsystem\n)\x81.",
            b"(ios\nsystem\n.",
            b"(X\x04\x00\x00\x00trueios\nsystem\n.",
        ] {
            let error = error(bytes);
            assert!(
                matches!(&error, WeightsError::Global { name } if name == "os.system"),
                "{error}"
            );
            assert!(
                error.to_string().contains("convert it in Python"),
                "{error}"
            );
        }
        assert!(matches!(error(b"\x82\x01."), WeightsError::Global { .. }));
        // A way round: attributes of what is on the list.
        let attribute = b"\x80\x04\x8c\x0bcollections\x8c\x1aOrderedDict.__init__.x.y.z\x93.";
        assert!(matches!(error(attribute), WeightsError::Global { .. }));
    }

    #[test]
    fn a_name_cannot_write_to_the_terminal() {
        let error = error(b"c\x1b[31m\nx\n.").to_string();
        assert!(
            !error.contains('\x1b') && error.contains("\\u{1b}[31m.x"),
            "{error}"
        );
    }

    #[test]
    fn operations_out_of_place_are_errors() {
        for bytes in [
            &b"."[..],
            b"0.",
            b"1.",
            b"t.",
            b"(0.",
            b"K\x01(\x85.",
            b"h\x00.",
            b"K\x01K\x02a.",
            b"}(K\x01u.",
            b"K\x01}b.",
            b"K\x01)R.",
            b"ccollections\nOrderedDict\nK\x01R.",
            b"ccollections\nOrderedDict\n]K\x01a\x85R.",
            b"ctorch\nFloatStorage\n)R.",
            b"K\x01Q.",
            b"(X\x07\x00\x00\x00storagetQ.",
            b"X\xff\xff\xff\xffab.",
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.",
            b"X\x01\x00\x00\x00\xff.",
            b"\x80\x06.",
            b"\xff.",
        ] {
            assert!(
                matches!(error(bytes), WeightsError::Damaged { .. }),
                "{bytes:?}"
            );
        }
        assert!(error(b"Pid\n.").to_string().contains("protocol 0"));
    }

    #[test]
    fn what_holds_itself_and_what_is_nested_deeply_is_read() {
        let pickle = Pickle::read(b"]q\x00h\x00a.").unwrap();
        let Node::List(items) = pickle.root() else {
            panic!("a list");
        };
        assert_eq!(items[0], pickle.root);
        let deep = [vec![b')'], vec![0x85; 1 << 20], vec![b'.']].concat();
        assert!(Pickle::read(&deep).is_ok());
    }

    #[test]
    fn operations_are_bounded() {
        let many = vec![b'N'; MAX_OPERATIONS + 1];
        assert!(
            error(&many)
                .to_string()
                .contains("more than 4194304 operations")
        );
        // One list of 3,000 pairs, made a dict 3,000 times: 9 million pairs from 30 kB.
        let mut bytes = b"](".to_vec();
        bytes.extend(b"NN\x86".repeat(3000));
        bytes.extend(b"eq\x000ccollections\nOrderedDict\nq\x010");
        bytes.extend(b"h\x01h\x00\x85R".repeat(3000));
        assert!(error(&bytes).to_string().contains("operations"));
    }
}
