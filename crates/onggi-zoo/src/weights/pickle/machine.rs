//! The stack machine that a pickle is a program for, with data in place of Python's objects.

use super::globals::Global;
use super::{Id, Node, Pickle, Storage, WeightsError};
use std::collections::HashMap;

/// Most operations: a state dict takes 40 a tensor, an optimiser's state a few times that.
pub(super) const MAX_OPERATIONS: usize = 4 << 20;

/// Longest name of Python, number in decimal digits and key of a storage, in bytes.
const MAX_LINE: usize = 512;

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
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            left: MAX_OPERATIONS,
        }
    }

    /// What is on top of the stack is what the pickle builds.
    pub(super) fn finish(mut self) -> Result<Pickle<'a>, WeightsError> {
        Ok(Pickle {
            root: self.pop()?,
            nodes: self.nodes,
            len: self.at,
        })
    }

    /// Runs one operation; whether it was the last.
    pub(super) fn step(&mut self) -> Result<bool, WeightsError> {
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
