//! Making a thumbnail.
//!
//! Owns the sizes (client-server API, "Thumbnails"), the bounds on what is decoded, and the
//! output: PNG where the image has transparency, JPEG otherwise. Pure; runs on the blocking pool.
//! An image is never made larger than it is, and never animated.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, imageops::FilterType};

/// Pixels of the largest image that is decoded.
const PIXELS_MAX: u64 = 32_000_000;
/// Memory that decoding may take.
const DECODER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Sizes that thumbnails are made in, smallest first.
const CROPPED: [(u32, u32); 2] = [(32, 32), (96, 96)];
const SCALED: [(u32, u32); 3] = [(320, 240), (640, 480), (800, 600)];
const LARGEST: (u32, u32) = (800, 600);

/// How an image comes to its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Fills the size; what sticks out is cut off.
    Crop,
    /// Fits into the size with its own shape.
    Scale,
}

/// A size to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    width: u32,
    height: u32,
    fit: Fit,
}

/// A thumbnail.
pub(super) struct Thumbnail {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: &'static str,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoThumbnail {
    /// No image, or of a format that is not read here.
    NoImage,
    /// More pixels than are decoded.
    TooLarge,
}

impl Size {
    /// The smallest of the usual sizes that is at least as large as asked for, or the largest;
    /// `None` for an empty one.
    pub(super) fn at_least(width: u32, height: u32, fit: Fit) -> Option<Self> {
        if width == 0 || height == 0 {
            return None;
        }
        let large_enough = |size: &&(u32, u32)| size.0 >= width && size.1 >= height;
        let (width, height) = match fit {
            Fit::Scale => SCALED.iter().find(large_enough).copied().unwrap_or(LARGEST),
            // A crop larger than the usual ones keeps the shape that was asked for.
            Fit::Crop => CROPPED
                .iter()
                .find(large_enough)
                .copied()
                .unwrap_or((width.min(LARGEST.0), height.min(LARGEST.1))),
        };
        Some(Self { width, height, fit })
    }
}

/// Makes a thumbnail of an image.
pub(super) fn thumbnail(source: &[u8], size: Size) -> Result<Thumbnail, NoThumbnail> {
    let image = shrink(decode(source)?, size);
    let (image, format, content_type) = if image.color().has_alpha() {
        (DynamicImage::ImageRgba8(image.into_rgba8()), ImageFormat::Png, "image/png")
    } else {
        // JPEG has eight bits a channel.
        (DynamicImage::ImageRgb8(image.into_rgb8()), ImageFormat::Jpeg, "image/jpeg")
    };
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).map_err(|_| NoThumbnail::NoImage)?;
    Ok(Thumbnail { bytes: bytes.into_inner(), content_type })
}

/// The first frame, turned as its metadata says.
fn decode(source: &[u8]) -> Result<DynamicImage, NoThumbnail> {
    let mut reader = ImageReader::new(Cursor::new(source))
        .with_guessed_format()
        .map_err(|_| NoThumbnail::NoImage)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| NoThumbnail::NoImage)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(NoThumbnail::TooLarge);
    }
    let orientation = decoder.orientation().map_err(|_| NoThumbnail::NoImage)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|_| NoThumbnail::NoImage)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn shrink(image: DynamicImage, size: Size) -> DynamicImage {
    let (width, height) = (size.width.min(image.width()), size.height.min(image.height()));
    match size.fit {
        Fit::Crop => image.resize_to_fill(width, height, FilterType::Triangle),
        Fit::Scale if image.width() <= size.width && image.height() <= size.height => image,
        Fit::Scale => image.resize(size.width, size.height, FilterType::Triangle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height)
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("an image");
        bytes.into_inner()
    }

    fn made(source: &[u8], width: u32, height: u32, fit: Fit) -> (u32, u32) {
        let size = Size::at_least(width, height, fit).expect("a size");
        let Ok(made) = thumbnail(source, size) else { panic!("no thumbnail") };
        let image = image::load_from_memory(&made.bytes).expect("an image");
        (image.width(), image.height())
    }

    #[test]
    fn sizes_are_the_usual_ones_and_never_larger_than_the_image() {
        let wide = png(1600, 400);
        assert_eq!(made(&wide, 20, 20, Fit::Crop), (32, 32));
        assert_eq!(made(&wide, 64, 64, Fit::Crop), (96, 96));
        assert_eq!(made(&wide, 300, 200, Fit::Crop), (300, 200));
        assert_eq!(made(&wide, 300, 200, Fit::Scale), (320, 80));
        assert_eq!(made(&wide, 5000, 5000, Fit::Scale), (800, 200));
        let small = png(10, 20);
        assert_eq!(made(&small, 300, 200, Fit::Scale), (10, 20));
        assert_eq!(made(&small, 32, 32, Fit::Crop), (10, 20));
        assert_eq!(Size::at_least(0, 5, Fit::Crop), None);
    }

    #[test]
    fn what_is_no_image_or_too_large_is_refused() {
        let size = Size::at_least(32, 32, Fit::Crop).expect("a size");
        let refused = |source: &[u8]| thumbnail(source, size).err();
        assert_eq!(refused(b"<svg/>"), Some(NoThumbnail::NoImage));
        assert_eq!(refused(&png(10, 10)[..40]), Some(NoThumbnail::NoImage));
        assert_eq!(refused(&png(8000, 4001)), Some(NoThumbnail::TooLarge));
    }
}
