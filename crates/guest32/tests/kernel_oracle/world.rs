//! What a call works on: pages below 4 GiB, and sockets made anew.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::ptr;

pub const PAGE: usize = 4096;

/// Pages below 4 GiB: data, array, one that can't be read, array, a hole.
pub struct Pages(u32);

impl Pages {
    pub fn new() -> Self {
        // SAFETY: a new mapping, of which one page is made unreadable and the last one is given back.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
            let start =
                libc::mmap(ptr::null_mut(), 5 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
            assert_eq!(libc::mprotect(start.byte_add(2 * PAGE), PAGE, libc::PROT_NONE), 0);
            assert_eq!(libc::munmap(start.byte_add(4 * PAGE), PAGE), 0);
            Self(u32::try_from(start.addr()).unwrap())
        }
    }

    pub fn page(&self, page: usize) -> u32 {
        self.0 + (page * PAGE) as u32
    }

    /// The ends of both array pages: behind the first is a page that can't be read, behind the
    /// second there is none.
    pub fn array_ends(&self) -> [u32; 2] {
        [self.page(2), self.page(4)]
    }

    pub fn write(&self, address: u32, bytes: &[u8]) {
        let writable = [self.page(0)..self.page(2), self.page(3)..self.page(4)];
        let end = address + bytes.len() as u32;
        assert!(writable.iter().any(|range| range.start <= address && end <= range.end));
        // SAFETY: within our writable pages, to which no reference exists.
        unsafe { ptr::copy(bytes.as_ptr(), ptr::with_exposed_provenance_mut(address as usize), bytes.len()) }
    }

    pub fn data(&self) -> Vec<u8> {
        let mut data = vec![0; PAGE];
        // SAFETY: the first page is readable, and no reference to it exists.
        unsafe {
            ptr::copy(ptr::with_exposed_provenance(self.page(0) as usize), data.as_mut_ptr(), PAGE);
        }
        data
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: our own pages; no reference to them is left.
        unsafe { libc::munmap(ptr::with_exposed_provenance_mut(self.0 as usize), 4 * PAGE) };
    }
}

pub fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// What a case makes anew before each of its two calls.
pub struct World<'a> {
    pub pages: &'a Pages,
    pub used: u32,
    pub held: Vec<OwnedFd>,
}

impl World<'_> {
    /// Puts bytes into the data page.
    pub fn put(&mut self, bytes: &[u8]) -> u32 {
        let address = self.pages.page(0) + self.used;
        self.pages.write(address, bytes);
        self.used += (bytes.len() as u32).next_multiple_of(16);
        address
    }

    pub fn put_words(&mut self, words: &[u32]) -> u32 {
        self.put(&bytes(words))
    }

    /// Room in the data page that is not 0.
    pub fn room(&mut self, len: usize) -> u32 {
        self.put(&vec![0xaa; len])
    }

    pub fn hold(&mut self, fd: impl Into<OwnedFd>) -> u32 {
        self.held.push(fd.into());
        self.held.last().unwrap().as_raw_fd() as u32
    }

    /// A connected datagram socket that doesn't block, and what waits at it.
    pub fn pair(&mut self, waiting: &[&[u8]]) -> u32 {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        for message in waiting {
            theirs.send(message).unwrap();
        }
        self.hold(theirs);
        self.hold(ours)
    }

    /// A datagram socket that isn't connected.
    pub fn unbound(&mut self) -> u32 {
        let socket = UnixDatagram::unbound().unwrap();
        socket.set_nonblocking(true).unwrap();
        self.hold(socket)
    }

    /// The address, and its length, of a socket that can be connected to.
    pub fn peer(&mut self) -> (u32, u32) {
        let name = format!("oracle-peer-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        self.hold(UnixDatagram::bind_addr(&address).unwrap());
        let address = [b"\x01\0\0", name.as_bytes()].concat();
        (self.put(&address), address.len() as u32)
    }

    /// A listener that doesn't block, with or without a connection that waits.
    pub fn listener(&mut self, connection: bool) -> u32 {
        let name = SocketAddr::from_abstract_name(format!("oracle-{}", std::process::id())).unwrap();
        let listener = UnixListener::bind_addr(&name).unwrap();
        listener.set_nonblocking(true).unwrap();
        if connection {
            self.hold(UnixStream::connect_addr(&name).unwrap());
        }
        self.hold(listener)
    }

    /// A 32-bit `struct msghdr` of one buffer: name, namelen, iov, iovlen, control, controllen, flags.
    pub fn message(&mut self, buffer: u32, len: u32) -> [u32; 7] {
        [0, 0, self.put_words(&[buffer, len]), 1, 0, 0, 0]
    }
}
