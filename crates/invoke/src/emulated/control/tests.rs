use std::vec;
use std::vec::Vec;

use abi::Errno;

use super::{Narrowed, Sink, measure, narrow, room64, widen};

/// A message of the 32-bit layout, with the padding behind it.
fn message32(level: u32, ty: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = [12 + data.len() as u32, level, ty].map(u32::to_ne_bytes).concat();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A message of the 64-bit layout, with the padding behind it.
fn message64(level: u32, ty: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = (16 + data.len() as u64).to_ne_bytes().to_vec();
    bytes.extend([level, ty].map(u32::to_ne_bytes).concat());
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn wide(bytes: &[u8]) -> Result<Vec<u8>, Errno> {
    let word = |at: usize| bytes.get(at..at + 4).map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
    let read = |at| match (word(at), word(at + 4), word(at + 8)) {
        (Some(len), Some(level), Some(ty)) => Ok([len, level, ty]),
        _ => Err(Errno::EFAULT),
    };
    let mut out = vec![0; measure(bytes.len(), read)?];
    let copy = |at: usize, to: &mut [u8]| {
        to.copy_from_slice(&bytes[at..at + to.len()]);
        Ok(())
    };
    widen(bytes.len(), read, copy, &mut out)?;
    Ok(out)
}

/// A buffer, of which some may not be writable, and the descriptors that were closed.
struct Buffer {
    bytes: Vec<u8>,
    writable: usize,
    closed: Vec<u32>,
}

impl Sink for Buffer {
    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), Errno> {
        if at + bytes.len() > self.writable {
            return Err(Errno::EFAULT);
        }
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn close(&mut self, descriptor: u32) {
        self.closed.push(descriptor);
    }
}

fn narrowed(messages: &[u8], room: usize) -> (Vec<u8>, bool, Vec<u32>) {
    let mut buffer = Buffer { bytes: vec![0; room], writable: room, closed: vec![] };
    let Narrowed { used, truncated } = narrow(messages, room, &mut buffer);
    buffer.bytes.truncate(used);
    (buffer.bytes, truncated, buffer.closed)
}

fn descriptors(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
}

#[test]
fn headers_grow_and_data_is_aligned_anew() {
    let rights = descriptors(&[3, 4, 5]);
    let two = [message32(1, 1, &rights), message32(0, 7, b"x")].concat();
    assert_eq!(wide(&two).unwrap(), [message64(1, 1, &rights), message64(0, 7, b"x")].concat());
    assert_eq!(wide(&message32(0, 7, &[])).unwrap(), message64(0, 7, &[]));
}

#[test]
fn the_last_message_needs_no_padding() {
    let mut bytes = message32(0, 7, b"x");
    bytes.truncate(13);
    assert_eq!(wide(&bytes).unwrap(), message64(0, 7, b"x"));
}

#[test]
fn messages_that_the_kernel_refuses() {
    let whole = message32(1, 1, &descriptors(&[3]));
    // No header; a length below the header's; one beyond the end; a second header that is cut.
    let short = [&11u32.to_ne_bytes()[..], &whole[4..]].concat();
    let long = [&17u32.to_ne_bytes()[..], &whole[4..]].concat();
    for bytes in [&whole[..11], &short, &long] {
        assert_eq!(wide(bytes), Err(Errno::EINVAL));
    }
    let cut = [&whole[..], &[0; 5]].concat();
    assert_eq!(wide(&cut), Err(Errno::EFAULT));
    assert_eq!(wide(&[&whole[..], &[0; 12]].concat()), Err(Errno::EINVAL));
}

#[test]
fn a_call_id_of_rxrpc_is_a_long() {
    let wide_id = 0x1_2345u64.to_ne_bytes();
    assert_eq!(wide(&message32(272, 1, &wide_id[..4])).unwrap(), message64(272, 1, &wide_id));
    assert_eq!(
        narrowed(&message64(272, 1, &wide_id), 100),
        (message32(272, 1, &wide_id[..4]), false, vec![])
    );
}

#[test]
fn times_shrink() {
    let longs: Vec<u8> = [1u64, 2, 3, 4, 5, 6].iter().flat_map(|long| long.to_ne_bytes()).collect();
    let words = descriptors(&[1, 2, 3, 4, 5, 6]);
    for (ty, count) in [(29, 2), (35, 2), (37, 6)] {
        let received = message64(1, ty, &longs[..8 * count]);
        assert_eq!(narrowed(&received, 100), (message32(1, ty, &words[..4 * count]), false, vec![]));
    }
    // The new ones, and a TTL, which has the level and type of Bluetooth's time, stay.
    for (level, ty, len) in [(1, 63, 16), (1, 64, 16), (1, 65, 48), (0, 2, 4)] {
        let received = message64(level, ty, &longs[..len]);
        assert_eq!(narrowed(&received, 100), (message32(level, ty, &longs[..len]), false, vec![]));
    }
    assert_eq!(narrowed(&message64(0, 2, &longs[..16]), 100), (message32(0, 2, &words[..8]), false, vec![]));
}

#[test]
fn descriptors_without_room_are_closed() {
    let received = message64(1, 1, &descriptors(&[7, 8, 9]));
    for (room, passed) in [(11, 0), (12, 0), (15, 0), (16, 1), (19, 1), (20, 2), (24, 3), (100, 3)] {
        let (bytes, truncated, closed) = narrowed(&received, room);
        let expected = if passed == 0 { vec![] } else { message32(1, 1, &descriptors(&[7, 8, 9][..passed])) };
        assert_eq!((bytes, truncated), (expected, passed < 3), "{room}");
        assert_eq!(closed, [7, 8, 9][passed..]);
    }
}

#[test]
fn other_messages_are_cut() {
    let received = [message64(0, 8, &[1; 12]), message64(0, 2, &[2; 4])].concat();
    let whole = [message32(0, 8, &[1; 12]), message32(0, 2, &[2; 4])].concat();
    assert_eq!(narrowed(&received, 40), (whole.clone(), false, vec![]));
    // The header tells how much there is.
    let mut cut = whole[..38].to_vec();
    cut[24] = 14;
    assert_eq!(narrowed(&received, 38), (cut, true, vec![]));
    assert_eq!(narrowed(&received, 30), (whole[..24].to_vec(), true, vec![]));
    assert_eq!(narrowed(&received, 11), (vec![], true, vec![]));
}

#[test]
fn what_can_not_be_written_is_left_out() {
    let received = [message64(1, 1, &descriptors(&[7])), message64(0, 2, &[2; 4])].concat();
    let mut buffer = Buffer { bytes: vec![0; 100], writable: 12, closed: vec![] };
    assert_eq!(narrow(&received, 100, &mut buffer), Narrowed { used: 0, truncated: true });
    assert_eq!(buffer.closed, [7]);
}

/// Whatever fits the 32-bit room fits the 64-bit one.
#[test]
fn the_wide_room_is_enough() {
    for room in 12..2000 {
        // As many of one kind as fit: the smallest data, one byte, and the kind that grows most.
        for (narrow, wide) in [(12, 16), (16, 24), (36, 64)] {
            assert!(room / narrow * wide <= room64(room), "{room} of {narrow}");
        }
    }
    assert_eq!(room64(11), 11);
}
