//! Messages of random words: whatever they mean, both ways must take them for the same.

use abi::Call;

use super::world::World;
use super::{Case, ONE_AT_A_TIME, any, by_emulation, by_the_kernel, outcome};

/// xorshift64: the same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next() as usize % all.len()]
    }
}

/// A message with a vector, a name and control messages that are right more often than not.
fn message(w: &mut World, random: &mut Random, fd: u32) -> [u32; 7] {
    let bad = w.unreadable();
    let buffer = w.room(64);
    let mut vector = vec![];
    for _ in 0..3 {
        vector.extend([
            random.of(&[buffer, buffer, buffer, buffer, buffer, buffer, 0, bad]),
            random.of(&[0, 1, 8, 20, 64, 1, 8, 20, 64, 1 << 31]),
        ]);
    }
    let vector = if random.next().is_multiple_of(8) {
        w.put_at_end(&vector.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect::<Vec<_>>())
    } else {
        w.put_words(&vector)
    };
    let mut control = match random.next() % 2 {
        0 => vec![16, 1, 1, fd],
        _ => vec![],
    };
    for _ in 0..3 {
        let len = random.of(&[0u32, 11, 12, 13, 15, 16, 16, 20, 28, 200]);
        control.extend([len, random.of(&[0, 1, 1, 41]), random.of(&[1, 1, 2, 8])]);
        control.extend((0..random.next() % 5).map(|_| random.of(&[fd, fd, u32::MAX, 0])));
    }
    let name = w.put(&[1, 0, 0, b'n', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    [
        random.of(&[0, 0, 0, 0, 0, 0, name, bad]),
        random.of(&[0, 2, 4, 16, 128, 200, u32::MAX]),
        random.of(&[vector, vector, vector, vector, vector, 0, bad]),
        random.of(&[0, 1, 1, 2, 2, 3, 3, 3, 4, 1024, 1025]),
        w.put_words(&control),
        random.of(&[0, 0, 0, 16, 16, 16, 5, 11, 12, 20, 24, 28, 32, 36, 40, 100]),
        random.next() as u32,
    ]
}

fn prepare(w: &mut World, call: Call, seed: u64) -> Vec<u32> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..4 {
        random.next();
    }
    let [one, other] = w.pair(libc::SOCK_DGRAM);
    w.set(one, libc::SOL_SOCKET, libc::SO_PASSCRED, (random.next() & 1) as i32);
    w.send(other, b"a first one");
    w.send_descriptors(other, &[one, other][..1 + (random.next() & 1) as usize]);
    w.send(other, b"a last one, and one that is longer than most of the buffers are");
    let fd = if random.next().is_multiple_of(10) { random.of(&[u32::MAX, 0]) } else { one };
    let flags = random.of(&[0, 0, 0, 2, 0x20, 0x40, 0x4000, 1 << 31, 0x4000_0000]);
    match call {
        Call::Sendmsg | Call::Recvmsg => {
            let message = message(w, &mut random, one);
            vec![fd, w.put_words(&message), flags]
        }
        _ => {
            let mut all = vec![];
            for _ in 0..3 {
                all.extend(message(w, &mut random, one));
                all.push(0x5555_5555);
            }
            let mut words = vec![fd, w.put_words(&all), random.of(&[0, 1, 2, 3]), flags];
            if call == Call::Recvmmsg {
                words.push(0);
            }
            words
        }
    }
}

#[test]
fn random_messages() {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for call in [Call::Sendmsg, Call::Recvmsg, Call::Sendmmsg, Call::Recvmmsg] {
        let mut succeeded = 0;
        for seed in 0..120 {
            let case: Case = any(call, format!("seed {seed}"), move |w| prepare(w, call, seed));
            let kernels = outcome(&case, by_the_kernel);
            let ours = outcome(&case, by_emulation);
            kernels.compare(&ours, &format!("{}, seed {seed}", call.name()));
            succeeded += usize::from(kernels.result.is_ok());
        }
        assert!((5..115).contains(&succeeded), "{}: {succeeded} of 120 succeeded", call.name());
    }
}
