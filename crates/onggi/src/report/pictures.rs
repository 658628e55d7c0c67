//! Pictures of the run folder as `data:` URIs, with a limit on each and on all.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::ReportError;
use super::run::files;

/// Largest PNG file embedded, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Most bytes of PNG files in one report: beyond some 50 MB browsers grow slow to open a page.
const MOST_BYTES_IN_ALL: u64 = 40 << 20;
/// Pictures no larger than this on either side are enlarged as squares, not blurred.
const TINY: u32 = 96;
/// Signature, and length and name of the first chunk: how every PNG file begins.
const PNG_START: &[u8; 16] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// The folder of `samples.json` and how much of it may still be embedded.
pub(super) struct Album {
    listing: PathBuf,
    bytes_left: u64,
}

/// A picture to show, or the reason it is not shown.
pub(super) enum Picture {
    Png { uri: String, tiny: bool },
    LeftOut(&'static str),
}

impl Album {
    pub(super) fn new(run_dir: &Path) -> Self {
        Self {
            listing: run_dir.join(files::SAMPLES),
            bytes_left: MOST_BYTES_IN_ALL,
        }
    }

    /// Reads the picture `name` as `samples.json` gives it.
    ///
    /// # Errors
    /// The name leads out of the folder, by its parts or through a link. A report is made to be
    /// passed on; it must not carry off other files of the machine.
    pub(super) fn load(&mut self, name: &str) -> Result<Picture, ReportError> {
        let outside = || ReportError::PictureOutside {
            file: self.listing.clone(),
            picture: name.to_owned(),
        };
        if !stays_inside(name) {
            return Err(outside());
        }
        let Some(folder) = self.listing.parent() else {
            return Err(outside());
        };
        let (Ok(folder), Ok(file)) = (folder.canonicalize(), folder.join(name).canonicalize())
        else {
            return Ok(Picture::LeftOut("not found"));
        };
        if !file.starts_with(&folder) {
            return Err(outside());
        }
        Ok(self.read(&file))
    }

    fn read(&mut self, file: &Path) -> Picture {
        // Before opening: to open a pipe would wait for its other end.
        if !fs::metadata(file).is_ok_and(|metadata| metadata.is_file()) {
            return Picture::LeftOut("not a file");
        }
        let mut bytes = vec![];
        // One byte past the limit tells a larger file from one that just fits.
        let read = File::open(file).and_then(|f| f.take(MOST_BYTES + 1).read_to_end(&mut bytes));
        if read.is_err() {
            return Picture::LeftOut("cannot be read");
        }
        let size = bytes.len() as u64;
        if size > MOST_BYTES {
            return Picture::LeftOut("larger than 1 MiB");
        }
        let Some((width, height)) = png_size(&bytes) else {
            return Picture::LeftOut("not a PNG file");
        };
        if size > self.bytes_left {
            return Picture::LeftOut("the report is full");
        }
        self.bytes_left -= size;
        let uri = format!("data:image/png;base64,{}", STANDARD.encode(&bytes));
        Picture::Png {
            uri,
            tiny: width.max(height) <= TINY,
        }
    }
}

impl Picture {
    /// The picture in its square, or the reason in its place.
    pub(super) fn render(&self, alt: &str) -> Markup {
        html! {
            @match self {
                Picture::Png { uri, tiny } => img.tiny[*tiny] src=(uri) alt=(alt);,
                Picture::LeftOut(why) => span.missing { "Picture left out: " (why) },
            }
        }
    }
}

/// Whether a name is a plain relative path on every system: no root, drive, `..` or backslash.
fn stays_inside(name: &str) -> bool {
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    plain && !name.is_empty() && !name.contains(['\\', ':', '\0'])
}

/// Width and height from the header of a PNG file.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(PNG_START)?;
    let (width, rest) = header.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn load(album: &mut Album, name: &str) -> Result<String, ReportError> {
        Ok(match album.load(name)? {
            Picture::Png { uri, tiny } => format!("{}, tiny: {tiny}", &uri[..26]),
            Picture::LeftOut(why) => why.to_owned(),
        })
    }

    #[test]
    fn pictures_are_embedded_or_left_out_with_the_reason() {
        let folder = fixture::folder();
        let samples = folder.path().join("samples");
        fs::create_dir(&samples).unwrap();
        fs::write(samples.join("good.png"), fixture::PNG).unwrap();
        fs::write(samples.join("text.png"), "no picture").unwrap();
        fs::write(samples.join("cut.png"), &fixture::PNG[..20]).unwrap();
        fs::write(
            samples.join("large.png"),
            vec![0; (MOST_BYTES + 1) as usize],
        )
        .unwrap();
        fs::create_dir(samples.join("folder.png")).unwrap();
        let mut album = Album::new(folder.path());
        for (name, expected) in [
            ("good.png", "data:image/png;base64,iVBO, tiny: true"),
            ("text.png", "not a PNG file"),
            ("cut.png", "not a PNG file"),
            ("large.png", "larger than 1 MiB"),
            ("folder.png", "not a file"),
            ("absent.png", "not found"),
        ] {
            assert_eq!(load(&mut album, name).unwrap(), expected, "{name}");
        }
        album.bytes_left = 1;
        assert_eq!(load(&mut album, "good.png").unwrap(), "the report is full");
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        let folder = fixture::folder();
        let mut album = Album::new(folder.path());
        for name in [
            "../run.json",
            "/etc/passwd",
            "a/../../b",
            "",
            ".",
            "..\\run.json",
            "C:\\a.png",
            "a\0b",
        ] {
            let error = load(&mut album, name).unwrap_err().to_string();
            assert!(
                error.contains("samples.json") && error.contains("refused"),
                "{error}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_out_are_refused() {
        let folder = fixture::folder();
        fs::create_dir(folder.path().join("samples")).unwrap();
        fs::write(folder.path().join("secret.png"), fixture::PNG).unwrap();
        std::os::unix::fs::symlink("../secret.png", folder.path().join("samples/link.png"))
            .unwrap();
        assert!(load(&mut Album::new(folder.path()), "link.png").is_err());
    }
}
