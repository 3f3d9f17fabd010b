//! A new program's auxiliary vector, where the kernel put it on the stack.

use tracee::Stopped;

const AT_NULL: u32 = 0;
const AT_EXECFN: u32 = 31;
const AT_SYSINFO: u32 = 32;
const AT_SYSINFO_EHDR: u32 = 33;

/// What a 32-bit program's auxiliary vector says (getauxval(3)). A value that is missing is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Auxv {
    /// The address of AT_SYSINFO's value: where the program will read how to make calls.
    pub sysinfo_at: u32,
    /// AT_SYSINFO_EHDR: the vDSO's first byte.
    pub vdso: u32,
    /// The address of that value.
    pub vdso_at: u32,
    /// AT_EXECFN: the address of the path that was executed.
    pub execfn: u32,
}

impl Auxv {
    /// Whether the kernel gave a vDSO (it can be switched off: vdso32=0).
    pub(crate) const fn has_vdso(&self) -> bool {
        self.vdso != 0 && self.sysinfo_at != 0
    }

    /// Reads the stack of a 32-bit program that has not run yet: the count of arguments, their addresses,
    /// 0, those of the environment, 0, and then the vector (fs/binfmt_elf.c, `create_elf_tables`).
    ///
    /// # Errors
    /// The stack can't be read, or holds no such thing.
    pub(crate) fn read(stopped: &Stopped) -> tracee::Result<Auxv> {
        let mut words = Words { stopped, at: stopped.registers()?.sp(), page: Vec::new(), next: 0 };
        let argc = words.next()?;
        words.skip(argc.into());
        while words.next()? != 0 {}
        while words.next()? != 0 {}
        let mut found = Auxv::default();
        loop {
            let key = words.next()?;
            let at = words.address();
            let value = words.next()?;
            match key {
                AT_NULL => return Ok(found),
                AT_SYSINFO => found.sysinfo_at = at,
                AT_SYSINFO_EHDR => (found.vdso, found.vdso_at) = (value, at),
                AT_EXECFN => found.execfn = value,
                _ => {}
            }
        }
    }
}

/// The words of the stack one after the other, read in pieces. Ends with an error where memory does.
struct Words<'a> {
    stopped: &'a Stopped,
    /// The address of the first byte of `page`.
    at: u64,
    page: Vec<u8>,
    /// What comes next in `page`.
    next: usize,
}

impl Words<'_> {
    /// Enough for most programs' whole stack, up to the strings.
    const PIECE: usize = 2048;

    fn address(&self) -> u32 {
        (self.at + self.next as u64) as u32
    }

    fn skip(&mut self, words: u64) {
        self.next += words as usize * 4;
    }

    fn next(&mut self) -> tracee::Result<u32> {
        if self.next + 4 > self.page.len() {
            self.at += self.next as u64;
            self.next = 0;
            self.page.resize(Self::PIECE, 0);
            let read = self.stopped.read(self.at, &mut self.page)?;
            self.page.truncate(read);
            if read < 4 {
                return Err(tracee::Error::Fault(self.at));
            }
        }
        let bytes = self.page[self.next..self.next + 4].try_into().expect("four bytes");
        self.next += 4;
        Ok(u32::from_le_bytes(bytes))
    }
}
