//! Little-endian numbers in bytes that were read; zero where there are too few.

fn at<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// 16 bits.
pub(crate) fn u16(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(at(bytes, offset))
}

/// 32 bits.
pub(crate) fn u32(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(at(bytes, offset))
}

/// 32 bits with sign.
pub(crate) fn i32(bytes: &[u8], offset: usize) -> i32 {
    i32::from_le_bytes(at(bytes, offset))
}

/// 64 bits.
pub(crate) fn u64(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(at(bytes, offset))
}

/// 64 bits with sign.
pub(crate) fn i64(bytes: &[u8], offset: usize) -> i64 {
    i64::from_le_bytes(at(bytes, offset))
}

/// A word of 4 or 8 bytes.
pub(crate) fn word(bytes: &[u8], offset: usize, size: usize) -> u64 {
    if size == 4 { u32(bytes, offset).into() } else { u64(bytes, offset) }
}
