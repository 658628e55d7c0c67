//! Pickle, as far as `torch.save` writes it: what the program would have built, without running it.
//!
//! A pickle is a program for a stack machine. [`machine`] has data only: nodes in one flat list that
//! name one another by index. A list that holds itself is then two equal numbers, a nesting of any
//! depth costs no stack, and dropping it all is dropping one list. Names of Python are looked up in
//! [`globals`]; any other is an error at the place where it is named, called or not.
//!
//! Every operation allocates a bounded amount beyond the file's own bytes, which are borrowed, so that
//! one bound on their number bounds nodes, stack, marks, memo and memory together.
//!
//! # Reference
//! <https://peps.python.org/pep-3154/>, the module `pickletools` of Python

mod globals;
mod machine;

use super::WeightsError;
use super::dtype::Dtype;
use super::strided::View;
use globals::Global;
use machine::Machine;

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
        let mut machine = Machine::new(bytes);
        while !machine.step()? {}
        machine.finish()
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

#[cfg(test)]
mod tests {
    use super::machine::MAX_OPERATIONS;
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
