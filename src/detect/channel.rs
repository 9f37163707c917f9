//! Channels: the residuals of a stream, each with a name.

use std::{
    marker::PhantomData,
    ops::{Index, IndexMut},
};

use serde::{Deserialize, Serialize};

/// A residual of a stream. A stream has a table of its channels in its file `channels.rs`.
pub(super) trait Channel: Copy + PartialEq + 'static {
    /// All channels of the stream, in the order of their indices.
    const ALL: &'static [Self];

    /// Place in [`Self::ALL`].
    fn index(self) -> usize;

    /// The field of the row that is at fault where the residual is off.
    fn field(self) -> usize;
}

/// One value for each channel of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct PerChannel<C, T> {
    values: Vec<T>,
    #[serde(skip)]
    channels: PhantomData<C>,
}

impl<C: Channel, T: Clone> PerChannel<C, T> {
    /// The same value for all.
    pub(super) fn filled(value: T) -> Self {
        Self {
            values: vec![value; C::ALL.len()],
            channels: PhantomData,
        }
    }
}

impl<C, T> PerChannel<C, T> {
    /// The values in the order of the channels.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.values.iter()
    }

    /// The values in the order of the channels, to be changed.
    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.values.iter_mut()
    }
}

impl<C: Channel, T> Index<C> for PerChannel<C, T> {
    type Output = T;

    fn index(&self, channel: C) -> &T {
        &self.values[channel.index()]
    }
}

impl<C: Channel, T> IndexMut<C> for PerChannel<C, T> {
    fn index_mut(&mut self, channel: C) -> &mut T {
        &mut self.values[channel.index()]
    }
}
