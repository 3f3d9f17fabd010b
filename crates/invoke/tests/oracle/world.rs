//! What a call works on: memory below 4 GiB at the same place each time, and sockets made anew.

use std::fs;
use std::io::Error;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use abi::{Call, Errno};

pub const PAGE: usize = 4096;
/// The memory that a case uses; behind it a page that can't be read.
const LEN: usize = 64 * PAGE;
/// Two layouts of one process can be compared only at one address; nothing else lies there.
const BASE: usize = 0x2000_0000;
/// The array of the call is the last thing before the page that can't be read.
const END: u32 = (BASE + LEN) as u32;

pub struct World {
    used: usize,
    held: Vec<OwnedFd>,
    before: Vec<String>,
    /// What differs from run to run: times, ports.
    volatile: Vec<std::ops::Range<usize>>,
}

impl World {
    pub fn new() -> Self {
        let before = descriptors();
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: a new mapping where there is none, of which a page is made unreadable.
        unsafe {
            let at = std::ptr::without_provenance_mut(BASE);
            let memory = libc::mmap(at, LEN + PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_eq!(memory.expose_provenance(), BASE, "{}", Error::last_os_error());
            assert_eq!(libc::mprotect(memory.byte_add(LEN), PAGE, libc::PROT_NONE), 0);
        }
        Self { used: 0, held: vec![], before, volatile: vec![] }
    }

    fn memory(&mut self) -> &mut [u8] {
        // SAFETY: our mapping, as long as the world.
        unsafe { std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut(BASE), LEN) }
    }

    /// An address that can't be read.
    pub fn unreadable(&self) -> u32 {
        END + 64
    }

    /// Puts bytes into memory.
    pub fn put(&mut self, bytes: &[u8]) -> u32 {
        let at = self.used;
        self.memory()[at..at + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len().next_multiple_of(16);
        assert!(self.used < LEN - PAGE);
        (BASE + at) as u32
    }

    pub fn put_words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.put(&bytes)
    }

    /// Room that is not 0.
    pub fn room(&mut self, len: usize) -> u32 {
        self.put(&vec![0xaa; len])
    }

    /// Bytes that end where nothing can be read.
    pub fn put_at_end(&mut self, bytes: &[u8]) -> u32 {
        let at = LEN - bytes.len();
        self.memory()[at..].copy_from_slice(bytes);
        (BASE + at) as u32
    }

    /// What is there differs from run to run.
    pub fn volatile(&mut self, address: u32, len: usize) {
        let at = address as usize - BASE;
        self.volatile.push(at..at + len);
    }

    /// The array of a call.
    pub fn array(&mut self, words: &[u32]) -> u32 {
        let at = LEN - PAGE;
        let address = (BASE + at) as u32;
        for (n, word) in words.iter().enumerate() {
            self.memory()[at + 4 * n..][..4].copy_from_slice(&word.to_ne_bytes());
        }
        address
    }

    pub fn hold(&mut self, fd: impl Into<OwnedFd>) -> u32 {
        self.held.push(fd.into());
        self.held.last().unwrap().as_raw_fd() as u32
    }

    /// A socket that doesn't block.
    pub fn socket(&mut self, family: i32, ty: i32) -> u32 {
        // SAFETY: a new descriptor.
        let fd = unsafe { libc::socket(family, ty | libc::SOCK_NONBLOCK, 0) };
        assert!(fd >= 0, "{}", Error::last_os_error());
        // SAFETY: as above.
        self.hold(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Two sockets that don't block.
    pub fn pair(&mut self, ty: i32) -> [u32; 2] {
        let mut pair = [0; 2];
        // SAFETY: two new descriptors.
        unsafe {
            let made = libc::socketpair(libc::AF_UNIX, ty | libc::SOCK_NONBLOCK, 0, pair.as_mut_ptr());
            assert_eq!(made, 0, "{}", Error::last_os_error());
            pair.map(|fd| self.hold(OwnedFd::from_raw_fd(fd)))
        }
    }

    /// Two UDP sockets that are connected to each other.
    pub fn udp(&mut self, family: i32) -> [u32; 2] {
        let pair = [self.socket(family, libc::SOCK_DGRAM), self.socket(family, libc::SOCK_DGRAM)];
        let addresses = pair.map(|fd| bound(fd, family));
        for (fd, address) in [(pair[0], &addresses[1]), (pair[1], &addresses[0])] {
            // SAFETY: an address and its length.
            let connected =
                unsafe { libc::connect(fd as i32, address.as_ptr().cast(), address.len() as u32) };
            assert_eq!(connected, 0, "{}", Error::last_os_error());
        }
        pair
    }

    /// Both ends of a TCP connection.
    pub fn tcp(&mut self, family: i32, prepare: impl Fn(u32)) -> [u32; 2] {
        let listener = self.socket(family, libc::SOCK_STREAM);
        prepare(listener);
        let address = bound(listener, family);
        let client = self.socket(family, libc::SOCK_STREAM);
        // SAFETY: plain calls; the address is as long as it says.
        unsafe {
            assert_eq!(libc::listen(listener as i32, 1), 0);
            libc::connect(client as i32, address.as_ptr().cast(), address.len() as u32);
            let mut ready = libc::pollfd { fd: listener as i32, events: libc::POLLIN, revents: 0 };
            assert_eq!(libc::poll(&raw mut ready, 1, 5000), 1);
            let server = libc::accept4(
                listener as i32,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                libc::SOCK_NONBLOCK,
            );
            assert!(server >= 0, "{}", Error::last_os_error());
            [client, self.hold(OwnedFd::from_raw_fd(server))]
        }
    }

    /// Sets an option, by the 64-bit call.
    pub fn set(&self, fd: u32, level: i32, name: i32, value: i32) {
        // SAFETY: an int.
        let set = unsafe { libc::setsockopt(fd as i32, level, name, (&raw const value).cast(), 4) };
        assert_eq!(set, 0, "{level}, {name}: {}", Error::last_os_error());
    }

    /// Sets SO_RCVTIMEO to three and a half seconds, by the 64-bit call.
    pub fn set_timeout(&self, fd: u32) {
        let time = [3i64, 500_000];
        // SAFETY: a timeval.
        let set = unsafe { libc::setsockopt(fd as i32, libc::SOL_SOCKET, 20, (&raw const time).cast(), 16) };
        assert_eq!(set, 0, "{}", Error::last_os_error());
    }

    /// Sends by the 64-bit call.
    pub fn send(&self, fd: u32, bytes: &[u8]) {
        // SAFETY: sends `bytes`.
        let sent = unsafe { libc::send(fd as i32, bytes.as_ptr().cast(), bytes.len(), 0) };
        assert_eq!(sent, bytes.len() as isize, "{}", Error::last_os_error());
    }

    /// Sends a byte and descriptors by the 64-bit call.
    pub fn send_descriptors(&self, fd: u32, descriptors: &[u32]) {
        let mut control = [0u64; 32];
        let len = 16 + 4 * descriptors.len();
        control[0] = len as u64;
        control[1] = 1 | 1 << 32;
        for (n, descriptor) in descriptors.iter().enumerate() {
            control[2 + n / 2] |= u64::from(*descriptor) << (32 * (n % 2));
        }
        let mut byte = libc::iovec { iov_base: c"r".as_ptr().cast_mut().cast(), iov_len: 1 };
        // SAFETY: all parts of the message are here and as long as they say.
        let sent = unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_iov = &raw mut byte;
            message.msg_iovlen = 1;
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = len.next_multiple_of(8);
            libc::sendmsg(fd as i32, &raw const message, 0)
        };
        assert_eq!(sent, 1, "{}", Error::last_os_error());
    }

    /// A `struct msghdr` of the 32-bit layout with one buffer.
    pub fn message(&mut self, buffer: u32, len: u32) -> [u32; 7] {
        [0, 0, self.put_words(&[buffer, len]), 1, 0, 0, 0]
    }

    /// What the call has left.
    pub fn outcome(mut self, call: Call, result: Result<u32, Errno>) -> Outcome {
        let mut memory = self.memory().to_vec();
        for range in self.volatile.drain(..) {
            memory[range].fill(0);
        }
        let all = descriptors();
        let made = all.iter().filter(|fd| !self.before.contains(fd)).cloned().collect();
        let sockets = self.held.iter().map(|fd| look(fd.as_raw_fd())).collect();
        // Whatever is open now and was not before is ours.
        self.held.drain(..).for_each(drop);
        for fd in descriptors() {
            if !self.before.contains(&fd) {
                let number = fd.split(' ').next().unwrap().parse().unwrap();
                // SAFETY: made by the call; nobody else knows it.
                drop(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
        Outcome { call, result, memory, made, sockets }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: our mapping, to which no reference is left.
        unsafe { libc::munmap(std::ptr::with_exposed_provenance_mut(BASE), LEN + PAGE) };
    }
}

/// Binds a socket to a free port of loopback; the address.
fn bound(fd: u32, family: i32) -> Vec<u8> {
    let mut address = vec![0u8; if family == libc::AF_INET { 16 } else { 28 }];
    address[0] = family as u8;
    match family {
        libc::AF_INET => address[4..8].copy_from_slice(&[127, 0, 0, 1]),
        _ => address[23] = 1,
    }
    let mut len = address.len() as u32;
    // SAFETY: the address is as long as it says.
    unsafe {
        assert_eq!(libc::bind(fd as i32, address.as_ptr().cast(), len), 0, "{}", Error::last_os_error());
        assert_eq!(libc::getsockname(fd as i32, address.as_mut_ptr().cast(), &raw mut len), 0);
    }
    address
}

/// The open descriptors: number, close-on-exec, and kind.
fn descriptors() -> Vec<String> {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    let mut all: Vec<(i32, String)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let fd: i32 = entry.file_name().to_str()?.parse().ok()?;
            let kind = fs::read_link(entry.path()).ok()?;
            let kind = kind.to_str()?.split(':').next()?.to_owned();
            // The directory itself is being read.
            if kind.ends_with("/fd") {
                return None;
            }
            // SAFETY: asks for flags.
            let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
            Some((fd, format!("{fd} {flags} {kind}")))
        })
        .collect();
    all.sort();
    all.into_iter().map(|(_, text)| text).collect()
}

/// What a socket has waiting, and what its options are.
fn look(fd: i32) -> Vec<u8> {
    let mut all = vec![];
    // SO_RCVTIMEO, SO_SNDTIMEO, SO_GET_FILTER, SO_REUSEADDR; MCAST_MSFILTER is read by a case.
    for name in [20, 21, 26, 2] {
        let mut value = [0u8; 64];
        let mut len = if name == 26 { 8 } else { value.len() as u32 };
        // SAFETY: room as it says; SO_GET_FILTER counts instructions of 8 bytes.
        let got =
            unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, value.as_mut_ptr().cast(), &raw mut len) };
        all.extend([name as u8, got as u8, len as u8]);
        all.extend(value);
    }
    // An error that the kernel keeps for the next call, of a vector that failed in the middle, can't be made by
    // 64-bit calls: a difference that the module names. Reading it clears it.
    let (mut error, mut len) = (0, 4);
    // SAFETY: an int.
    unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut error).cast(), &raw mut len) };
    loop {
        let mut part = [0; 2048];
        // SAFETY: receives into `part`.
        let len = unsafe { libc::recv(fd, part.as_mut_ptr().cast(), part.len(), libc::MSG_DONTWAIT) };
        let Ok(len @ 1..) = usize::try_from(len) else { return all };
        all.extend_from_slice(&part[..len]);
        all.push(b'|');
    }
}

/// All that a call may change.
pub struct Outcome {
    call: Call,
    pub result: Result<u32, Errno>,
    memory: Vec<u8>,
    made: Vec<String>,
    sockets: Vec<Vec<u8>>,
}

impl Outcome {
    pub fn compare(&self, ours: &Outcome, title: &str) {
        assert_eq!(self.call, ours.call);
        assert_eq!(ours.result, self.result, "{title}: results (emulated, kernel)");
        if let Some(at) = (0..LEN).find(|at| self.memory[*at] != ours.memory[*at]) {
            let around = at.saturating_sub(16) & !15..(at + 64).min(LEN);
            panic!(
                "{title}: memory at {:#x}\nkernel   {:02x?}\nemulated {:02x?}",
                BASE + around.start,
                &self.memory[around.clone()],
                &ours.memory[around]
            );
        }
        assert_eq!(ours.made, self.made, "{title}: descriptors (emulated, kernel)");
        for (n, (ours, kernels)) in ours.sockets.iter().zip(&self.sockets).enumerate() {
            let [ours, kernels] = [ours, kernels].map(|bytes| bytes.escape_ascii().to_string());
            assert_eq!(ours, kernels, "{title}: socket {n} (emulated, kernel)");
        }
    }
}
