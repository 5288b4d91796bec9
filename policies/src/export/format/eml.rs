//! Mails with transcripts: one for each room and day.
//!
//! Owns the mail: a text for search, and media as attachments, under names that are safe. It is made by no person and to be
//! answered by none, which its headers say. Matrix ids are in display names; addresses end in
//! `.invalid` (RFC 2606), so that nothing is ever sent to anybody.

use super::{
    FormError, MediaFile, Source,
    mail::{Base64Lines, header, parameter, text_part},
    present::{Present, everybody},
    safe::inline,
    slices::{Slice, each_slice},
    transcript::transcript,
};
use crate::export::{calendar::mail_date, output::Output};

/// Recipients in one mail; the transcript names everybody.
const RECIPIENTS_MAX: usize = 500;

pub(super) fn write(source: &mut Source<'_>, out: &mut dyn Output) -> Result<(), FormError> {
    let rooms = Present::new(source.index);
    each_slice(source, |source, slice| {
        let present = rooms.of(slice);
        out.begin(&format!("eml/{}/{}.eml", slice.folder, slice.name))?;
        let (text, media) = transcript(source, slice, &present)?;
        let boundary = format!("chancery-{}-{}", slice.first(), slice.last());
        headers(source, (slice, &present), &boundary, out)?;
        text_part(out, &boundary, "text/plain", &text)?;
        for file in media.iter().filter(|file| file.bytes.is_some()) {
            attachment(source, &boundary, file, out)?;
        }
        write!(out, "--{boundary}--\r\n")?;
        Ok(out.end()?)
    })
}

fn headers(
    source: &Source<'_>,
    (slice, present): (&Slice, &[String]),
    boundary: &str,
    out: &mut dyn Output,
) -> std::io::Result<()> {
    let mut people = everybody(slice, present);
    people.truncate(RECIPIENTS_MAX);
    let room = inline(slice.title(source.index));
    let server = source.index.server.split(':').next().unwrap_or_default();
    let mailbox = |number: usize| format!("participant-{}@chancery.invalid", number + 1);
    header(out, "From", &mailbox(0))?;
    for (number, name) in people.iter().enumerate() {
        header(out, "X-Chancery-Participant", &format!("{} {name}", mailbox(number)))?;
    }
    let to: Vec<String> = (0..people.len().max(1)).map(mailbox).collect();
    write!(out, "To: {}\r\n", to.join(",\r\n "))?;
    header(out, "Subject", &format!("{room}, {}", slice.name))?;
    header(out, "Date", &mail_date(slice.times().1))?;
    let id = format!("<{}.{}@{server}.chancery.invalid>", slice.first(), slice.last());
    header(out, "Message-ID", &id)?;
    header(out, "Auto-Submitted", "auto-generated")?;
    header(out, "Precedence", "bulk")?;
    header(out, "X-Chancery-Room-ID", slice.room_id())?;
    header(out, "X-Chancery-Positions", &format!("{}-{}", slice.first(), slice.last()))?;
    header(out, "MIME-Version", "1.0")?;
    write!(out, "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n")
}

fn attachment(
    source: &Source<'_>,
    boundary: &str,
    file: &MediaFile,
    out: &mut dyn Output,
) -> std::io::Result<()> {
    let name = parameter("filename", &file.safe_name());
    write!(out, "--{boundary}\r\nContent-Type: application/octet-stream\r\n")?;
    write!(out, "Content-ID: <{}@media.chancery.invalid>\r\n", file.id)?;
    write!(out, "Content-Disposition: attachment;\r\n {name}\r\n")?;
    write!(out, "Content-Transfer-Encoding: base64\r\n\r\n")?;
    let mut lines = Base64Lines::new(out);
    source.copy_media(file, &mut lines)?;
    lines.finish()
}
