//! Runs a kernel compiled for the widest vector unit of this processor.
//!
//! The build targets the baseline of the platform (SSE2 on x86-64). A [`Kernel`] is plain safe Rust that the compiler
//! vectorises; here it is compiled again with AVX2 and AVX-512, and the processor decides at run time which runs.
//! This is the only file of the engine with `unsafe`, and it holds nothing else.
#![allow(unsafe_code)]

/// A loop to be compiled for several instruction sets. Implementations mark `run`, and everything it calls, with
/// `#[inline(always)]`: only what is inlined is compiled anew.
pub trait Kernel {
    /// What the kernel returns.
    type Output;

    /// Run it. `FMA`: the processor has a fused multiply-add, so `mul_add` is one instruction and not a library call.
    /// `ROWS`: rows of a register tile that fit the register file.
    fn run<const FMA: bool, const ROWS: usize>(self) -> Self::Output;
}

/// Run a kernel on the best instruction set there is.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("fma")
        {
            // SAFETY: the features that `avx512` is compiled with were detected just above.
            return unsafe { avx512(kernel) };
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
        {
            // SAFETY: the features that `avx2` is compiled with were detected just above.
            return unsafe { avx2(kernel) };
        }
    }
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
        kernel.run::<true, 4>()
    } else {
        kernel.run::<false, 2>()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true, 8>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true, 4>()
}
