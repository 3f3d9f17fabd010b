//! The auxiliary vector of a 32-bit process, without a libc.

use core::ffi::c_char;

use abi::Errno;

use super::{Entry as _, Int80};

/// `asm/auxvec.h`: the address of `__kernel_vsyscall`.
const AT_SYSINFO: u32 = 32;
const AT_NULL: u32 = 0;

/// `linux/prctl.h`, since Linux 6.4.
const PR_GET_AUXV: u32 = 0x4155_5856;
const PRCTL: u32 = 172;

/// The kernel's own copy. It has at most 20 + `AT_VECTOR_SIZE_ARCH` + 1 pairs, some 26 today.
pub fn from_kernel() -> Option<u32> {
    let mut pairs = [[0u32; 2]; 64];
    let arguments =
        [PR_GET_AUXV, pairs.as_mut_ptr().expose_provenance() as u32, size_of_val(&pairs) as u32, 0, 0, 0];
    // SAFETY: writes at most as many bytes as it is told, into `pairs`.
    let result = unsafe { Int80.enter(PRCTL, arguments) };
    Errno::from_eax(result).ok()?;
    sysinfo(pairs.into_iter())
}

/// Behind the null pointer that ends the environment (`fs/binfmt_elf.c`, `create_elf_tables`).
///
/// # Safety
/// `environment` is what the kernel has laid out for a new program.
pub unsafe fn behind_environment(mut environment: *const *const c_char) -> Option<u32> {
    // SAFETY: the environment ends with a null pointer, the vector with AT_NULL, and the one follows the other.
    unsafe {
        while !environment.read().is_null() {
            environment = environment.add(1);
        }
        let mut pair = environment.add(1).cast::<[u32; 2]>();
        sysinfo(core::iter::from_fn(|| {
            let [key, value] = pair.read();
            pair = pair.add(1);
            Some([key, value])
        }))
    }
}

fn sysinfo(pairs: impl Iterator<Item = [u32; 2]>) -> Option<u32> {
    let mut pairs = pairs.take_while(|[key, _]| *key != AT_NULL);
    pairs.find(|[key, _]| *key == AT_SYSINFO).map(|[_, value]| value).filter(|value| *value != 0)
}

#[cfg(test)]
mod tests {
    use super::sysinfo;

    #[test]
    fn the_vector_ends_at_null() {
        assert_eq!(sysinfo([[6, 4096], [32, 0x1234], [0, 0]].into_iter()), Some(0x1234));
        assert_eq!(sysinfo([[6, 4096], [0, 0], [32, 0x1234]].into_iter()), None);
        assert_eq!(sysinfo([[32, 0], [0, 0]].into_iter()), None);
    }
}
