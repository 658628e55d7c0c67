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
