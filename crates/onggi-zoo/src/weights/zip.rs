//! Zip archives, as far as `torch.save` writes them: entries by name out of a file in memory.
//!
//! A reader of our own: torch stores its entries uncompressed, so that they can be lent out of the file
//! without a copy, which the crates for zip do not do; and what is left is two tables. Compressed
//! entries, as of an archive that was packed again, are inflated against a bound.
//!
//! # Reference
//! <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>

use super::{MAX_BYTES, WeightsError};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::borrow::Cow;
use std::collections::HashMap;

/// An archive's table of contents.
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    entries: HashMap<&'a str, Entry>,
    /// Bytes that may still be read: entries can lie over one another.
    left: u64,
}

struct Entry {
    /// Of its local header.
    at: u64,
    compressed: u64,
    len: u64,
    method: u16,
    encrypted: bool,
    crc: u32,
}

impl<'a> Archive<'a> {
    /// # Errors
    /// No table of contents, or one that is not whole.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, WeightsError> {
        // The last record, before a comment of up to 65,535 bytes.
        let first = bytes.len().saturating_sub(22 + 0xffff);
        let end = bytes[first..]
            .windows(22)
            .rposition(|w| w.starts_with(b"PK\x05\x06"));
        let end = first + end.ok_or_else(|| cut("no table of contents at its end"))?;
        let mut count = u64::from(u16_at(bytes, end + 10)?);
        let mut len = u64::from(u32_at(bytes, end + 12)?);
        let mut at = u64::from(u32_at(bytes, end + 16)?);
        // Zip64: a locator before the last record points to one with wide numbers.
        if count == 0xffff || len == 0xffff_ffff || at == 0xffff_ffff {
            let locator = end.checked_sub(20).ok_or_else(|| cut("no zip64 locator"))?;
            let wide = usize::try_from(u64_at(bytes, locator + 8)?).map_err(|_| cut("zip64"))?;
            if !bytes[locator..].starts_with(b"PK\x06\x07")
                || slice(bytes, wide, 4)? != b"PK\x06\x06"
            {
                return Err(cut("no zip64 record where one is announced"));
            }
            count = u64_at(bytes, wide.saturating_add(32))?;
            len = u64_at(bytes, wide.saturating_add(40))?;
            at = u64_at(bytes, wide.saturating_add(48))?;
        }
        let (at, len) = (usize::try_from(at), usize::try_from(len));
        let (Ok(at), Ok(len)) = (at, len) else {
            return Err(cut("a table of contents outside the file"));
        };
        let mut table = slice(bytes, at, len)?;
        let mut entries = HashMap::new();
        while !table.is_empty() {
            let (name, entry, rest) = Entry::read(table)?;
            // Of two, one reader takes the first and another the last.
            if entries.insert(name, entry).is_some() {
                return Err(cut(&format!("two entries named `{}`", name.escape_debug())));
            }
            table = rest;
        }
        if entries.len() as u64 != count {
            return Err(cut(&format!("{} entries of {count}", entries.len())));
        }
        Ok(Self {
            bytes,
            entries,
            left: (16 * bytes.len() as u64 + (1 << 20)).min(MAX_BYTES),
        })
    }

    /// Names of the entries, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().copied()
    }

    /// An entry's bytes, or nothing where there is no such entry.
    ///
    /// # Errors
    /// An entry that is encrypted, damaged or packed in another way than deflate; more than 16 times the
    /// file's bytes in all.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Cow<'a, [u8]>>, WeightsError> {
        let Some(entry) = self.entries.get(name) else {
            return Ok(None);
        };
        let shown = name.escape_debug();
        if entry.encrypted {
            return Err(WeightsError::unsupported(format!(
                "`{shown}` is encrypted; unpack and pack it again"
            )));
        }
        let at = usize::try_from(entry.at).map_err(|_| cut("an entry outside the file"))?;
        if slice(self.bytes, at, 4)? != b"PK\x03\x04" {
            return Err(cut(&format!("`{shown}` is not where the table says")));
        }
        // The local header's name and extra field may differ in length from the table's.
        let skip = 30
            + usize::from(u16_at(self.bytes, at + 26)?)
            + usize::from(u16_at(self.bytes, at + 28)?);
        let compressed =
            usize::try_from(entry.compressed).map_err(|_| cut("an entry outside the file"))?;
        let packed = slice(self.bytes, at + skip, compressed)?;
        let Some(left) = self.left.checked_sub(entry.len.max(entry.compressed)) else {
            return Err(WeightsError::unsupported(format!(
                "`{shown}` has {} bytes, with those before it more than 16 times the file: a zip bomb, or \
                 weights of zeros; save it with torch.save, which does not compress",
                entry.len
            )));
        };
        self.left = left;
        let data = match entry.method {
            0 if entry.compressed == entry.len => Cow::Borrowed(packed),
            0 => return Err(cut(&format!("`{shown}` has two lengths"))),
            8 => inflate(packed, entry.len)
                .map(Cow::Owned)
                .ok_or_else(|| cut(&format!("`{shown}`, compressed")))?,
            other => {
                return Err(WeightsError::unsupported(format!(
                    "`{shown}` is packed with method {other}; save it with torch.save, which does not compress"
                )));
            }
        };
        let mut crc = Crc::new();
        crc.update(&data);
        if crc.sum() != entry.crc {
            return Err(cut(&format!("the checksum of `{shown}` differs")));
        }
        Ok(Some(data))
    }
}

impl Entry {
    /// The entry at the start of the table, and the table after it.
    fn read(table: &[u8]) -> Result<(&str, Self, &[u8]), WeightsError> {
        if slice(table, 0, 4)? != b"PK\x01\x02" {
            return Err(cut("a table of contents with something else in it"));
        }
        let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(table, at).map(usize::from));
        let (name_len, extra_len, comment_len) = (name?, extra?, comment?);
        let name = std::str::from_utf8(slice(table, 46, name_len)?)
            .map_err(|_| cut("a name that is not UTF-8"))?;
        let mut extra = slice(table, 46 + name_len, extra_len)?;
        let mut entry = Self {
            at: u32_at(table, 42)?.into(),
            compressed: u32_at(table, 20)?.into(),
            len: u32_at(table, 24)?.into(),
            method: u16_at(table, 10)?,
            encrypted: u16_at(table, 8)? & 1 != 0,
            crc: u32_at(table, 16)?,
        };
        // Zip64: the numbers that did not fit, in this order.
        while extra.len() >= 4 {
            let (kind, len) = (u16_at(extra, 0)?, u16_at(extra, 2)?.into());
            if kind == 1 {
                let mut wide = slice(extra, 4, len)?;
                for number in [&mut entry.len, &mut entry.compressed, &mut entry.at] {
                    if *number == 0xffff_ffff {
                        *number = u64_at(wide, 0)?;
                        wide = &wide[8..];
                    }
                }
            }
            slice(extra, 4, len)?;
            extra = &extra[4 + len..];
        }
        let next = 46 + name_len + extra_len + comment_len;
        slice(table, 0, next)?;
        Ok((name, entry, &table[next..]))
    }
}

/// Exactly `len` bytes, or nothing.
fn inflate(packed: &[u8], len: u64) -> Option<Vec<u8>> {
    // One more, so that a stream that goes on is told from one that ends.
    let mut out = Vec::with_capacity(usize::try_from(len).ok()? + 1);
    let status = Decompress::new(false).decompress_vec(packed, &mut out, FlushDecompress::Finish);
    (matches!(status, Ok(Status::StreamEnd)) && out.len() as u64 == len).then_some(out)
}

fn cut(reason: &str) -> WeightsError {
    WeightsError::damaged(format!("zip archive: {reason}"))
}

fn slice(bytes: &[u8], at: usize, len: usize) -> Result<&[u8], WeightsError> {
    let slice = at.checked_add(len).and_then(|end| bytes.get(at..end));
    slice.ok_or_else(|| cut("a record outside the file"))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], WeightsError> {
    let mut array = [0; N];
    array.copy_from_slice(slice(bytes, at, N)?);
    Ok(array)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, WeightsError> {
    Ok(u16::from_le_bytes(array(bytes, at)?))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, WeightsError> {
    Ok(u32::from_le_bytes(array(bytes, at)?))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, WeightsError> {
    Ok(u64::from_le_bytes(array(bytes, at)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stored entry's local header, data and line in the table.
    fn entry(name: &str, data: &[u8], at: u32) -> (Vec<u8>, Vec<u8>) {
        let mut crc = Crc::new();
        crc.update(data);
        let size = (data.len() as u32).to_le_bytes();
        let sizes = [crc.sum().to_le_bytes(), size, size].concat();
        let name_len = (name.len() as u16).to_le_bytes();
        let local = [
            &b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0"[..],
            &sizes,
            &name_len,
            &[0; 2],
            name.as_bytes(),
            data,
        ];
        let line = [
            &b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0"[..],
            &sizes,
            &name_len,
            &[0; 12],
            &at.to_le_bytes(),
            name.as_bytes(),
        ];
        (local.concat(), line.concat())
    }

    fn end(count: u16, len: u32, at: u32) -> Vec<u8> {
        let count = count.to_le_bytes();
        let places = [len.to_le_bytes(), at.to_le_bytes()].concat();
        [b"PK\x05\x06\0\0\0\0", &count[..], &count, &places, &[0; 2]].concat()
    }

    fn archive(local: &[u8], table: &[u8], count: u16) -> Vec<u8> {
        let end = end(count, table.len() as u32, local.len() as u32);
        [local, table, &end].concat()
    }

    fn error(bytes: &[u8], name: &str) -> String {
        let read = Archive::open(bytes).and_then(|mut archive| archive.read(name).map(drop));
        read.unwrap_err().to_string()
    }

    #[test]
    fn a_stored_entry_is_lent_and_an_absent_one_is_none() {
        let (local, line) = entry("a", b"onggi", 0);
        let bytes = archive(&local, &line, 1);
        let mut archive = Archive::open(&bytes).unwrap();
        assert!(matches!(
            archive.read("a").unwrap(),
            Some(Cow::Borrowed(b"onggi"))
        ));
        assert_eq!(archive.read("b").unwrap(), None);
        assert_eq!(archive.names().collect::<Vec<_>>(), ["a"]);
        // A comment behind the last record.
        let mut commented = bytes.clone();
        commented.extend([b'x'; 300]);
        assert!(Archive::open(&commented).is_ok());
    }

    /// What torch writes past 4 GiB, here with small numbers.
    #[test]
    fn zip64_numbers_are_read_where_they_are_announced() {
        let (local, mut line) = entry("a", b"onggi", 0);
        // The length and the place in the extra field.
        line[24..28].fill(0xff);
        line[42..46].fill(0xff);
        line[30] = 20;
        line.extend([1, 0, 16, 0]);
        line.extend([5u64.to_le_bytes(), 0u64.to_le_bytes()].concat());
        let (at, len) = (local.len() as u64, line.len() as u64);
        let mut wide = b"PK\x06\x06".to_vec();
        wide.extend([0; 20]);
        for number in [1, 1, len, at] {
            wide.extend(u64::to_le_bytes(number));
        }
        let locator = [
            &b"PK\x06\x07\0\0\0\0"[..],
            &(at + len).to_le_bytes(),
            &[1, 0, 0, 0],
        ]
        .concat();
        let bytes = [local, line, wide, locator, end(0xffff, u32::MAX, u32::MAX)].concat();
        let mut archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.read("a").unwrap().as_deref(), Some(&b"onggi"[..]));
    }

    #[test]
    fn entries_that_cannot_be_read_say_why() {
        let (local, line) = entry("a", b"onggi", 0);
        let twice = [&line[..], &line].concat();
        assert!(error(&archive(&local, &twice, 2), "a").contains("two entries named `a`"));
        assert!(error(&archive(&local, &line, 2), "a").contains("1 entries of 2"));
        for (at, value, says) in [
            (8, 1, "encrypted"),
            (10, 12, "method 12"),
            (16, 0, "checksum"),
            (20, 4, "two lengths"),
            (42, 1, "is not where the table says"),
            (42, 255, "outside the file"),
        ] {
            let mut line = line.clone();
            line[at] = value;
            let error = error(&archive(&local, &line, 1), "a");
            assert!(error.contains(says), "{error}");
        }
    }

    /// A hundred entries of one megabyte, all of the same bytes.
    #[test]
    fn entries_over_one_another_are_read_up_to_a_bound() {
        let (local, _) = entry("0000", &vec![7; 1 << 20], 0);
        let lines = (0..100).map(|i| entry(&format!("{i:04}"), &local[34..], 0).1);
        let lines: Vec<u8> = lines.flatten().collect();
        let bytes = archive(&local, &lines, 100);
        let mut archive = Archive::open(&bytes).unwrap();
        let read = (0..100).map(|i| archive.read(&format!("{i:04}")));
        let error = read.filter_map(Result::err).next().unwrap().to_string();
        assert!(error.contains("a zip bomb"), "{error}");
    }
}
