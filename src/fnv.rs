//! FNV-1a with 64 bits (Fowler, Noll, Vo): stable across versions and platforms, which `std`'s hashers do
//! not promise.

/// The offset basis of the 64-bit hash.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
/// The prime of the 64-bit hash.
const PRIME: u64 = 0x0100_0000_01b3;

/// A hash that begins with a seed.
#[derive(Debug, Clone, Copy)]
pub struct Fnv(u64);

impl Fnv {
    /// The hash of the standard.
    #[must_use]
    pub const fn new() -> Self {
        Self(BASIS)
    }

    /// A hash that differs for each `seed`.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(BASIS ^ seed)
    }

    /// The hash of these bytes.
    #[must_use]
    pub fn hash(self, bytes: impl IntoIterator<Item = u8>) -> u64 {
        bytes.into_iter().fold(self.0, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        })
    }
}

impl Default for Fnv {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The test vectors of the authors (www.isthe.com/chongo/tech/comp/fnv).
    #[test]
    fn it_gives_the_published_values() {
        assert_eq!(Fnv::new().hash(*b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(Fnv::new().hash(*b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(Fnv::new().hash(*b"foobar"), 0x8594_4171_f739_67e8);
    }
}
