//! Segments, writes, frames and headers from hostile bytes: no panic, no memory by a length that
//! lies, and what is found right is right to a second look.
#![no_main]

use bytes::Bytes;
use event_log::verify_bytes;
use facts::EntryHeader;
use libfuzzer_sys::fuzz_target;

const HEADER_BYTES: usize = 92;

fuzz_target!(|data: &[u8]| {
    if let Ok(header) = EntryHeader::decode(data) {
        let encoded = header.encode();
        assert_eq!(encoded, data[..encoded.len()], "a header has one encoding");
    }
    look(Bytes::copy_from_slice(data));
    look(writes(data));
});

fn look(segment: Bytes) {
    let length = segment.len() as u64;
    let report = verify_bytes(segment.clone());
    assert!(report.torn_tail_bytes <= length);
    assert!(report.fault.as_ref().is_none_or(|fault| fault.offset <= length));
    assert_eq!(report, verify_bytes(segment));
}

/// Takes the input for the bodies of writes, each after a byte that gives its length, and puts
/// headers and checksums around them that hold.
fn writes(mut data: &[u8]) -> Bytes {
    let mut out = Vec::new();
    let (mut sequence, mut first) = (0_u64, 0_u64);
    while let Some((&[count, length, flags], rest)) = data.split_first_chunk::<3>() {
        let (body, rest) = rest.split_at((usize::from(length) * 4).min(rest.len()));
        data = rest;
        let start = out.len();
        out.extend_from_slice(b"CHWRITE\0\0\x01\0");
        out.push(flags & 3);
        out.extend_from_slice(&[7; 16]);
        out.extend_from_slice(&1_u32.to_be_bytes());
        out.extend_from_slice(&sequence.to_be_bytes());
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&u32::from(count).to_be_bytes());
        out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&[0; 32]);
        checksum(&mut out, start);
        debug_assert_eq!(out.len() - start, HEADER_BYTES);
        out.extend_from_slice(body);
        checksum(&mut out, start);
        sequence += 1;
        first += u64::from(count);
    }
    Bytes::from(out)
}

fn checksum(out: &mut Vec<u8>, start: usize) {
    let crc = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&crc.to_be_bytes());
}
