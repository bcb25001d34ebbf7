//! The bytes that have come and were not dealt with: a buffer with a window.
//!
//! Buffers are taken from a pool when there is something to read, and go back when a connection
//! idles. Their memory is set to zero once, when they are made, and used again as it is.

use std::cell::RefCell;
use std::io;
use std::mem;

/// The size of a buffer that a connection begins with; holds nearly every head, and a good piece
/// of a body. A larger head makes it grow.
const FIRST_SIZE: usize = 16 * 1024;

/// The most buffers a pool keeps.
const MAX_POOLED: usize = 256;

/// A buffer: of the memory, the bytes from `start` to `end` are waiting.
#[derive(Debug, Default)]
pub(crate) struct Input {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// What waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether it is a buffer already, which it is not before there is something to read.
    pub(super) fn has_memory(&self) -> bool {
        !self.memory.is_empty()
    }

    /// Drops the first bytes of what waits.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Lets `read` fill free room, of which there is always some; says how much it read.
    pub(crate) fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if self.end == self.memory.len() {
            self.make_room();
        }
        let count = read(&mut self.memory[self.end..])?;
        self.end += count;
        Ok(count)
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.memory.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.memory.len() {
            let larger = (self.memory.len() * 2).max(FIRST_SIZE);
            self.memory.resize(larger, 0);
        }
    }
}

/// Buffers that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    inputs: RefCell<Vec<Vec<u8>>>,
    outputs: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Gives an empty buffer memory, if there is some to be had; else it makes its own.
    pub(super) fn lend_input(&self, input: &mut Input) {
        debug_assert!(input.is_empty());
        if let Some(memory) = self.inputs.borrow_mut().pop() {
            input.memory = memory;
        }
    }

    /// Takes the memory of an empty buffer back.
    pub(super) fn return_input(&self, input: &mut Input) {
        debug_assert!(input.is_empty());
        let memory = mem::take(&mut input.memory);
        let mut inputs = self.inputs.borrow_mut();
        if inputs.len() < MAX_POOLED && memory.len() == FIRST_SIZE {
            inputs.push(memory);
        }
    }

    pub(super) fn output(&self) -> Vec<u8> {
        self.outputs.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes an empty buffer back.
    pub(super) fn return_output(&self, output: Vec<u8>) {
        debug_assert!(output.is_empty());
        let mut outputs = self.outputs.borrow_mut();
        let has_memory = output.capacity() > 0 && output.capacity() <= 4 * FIRST_SIZE;
        if outputs.len() < MAX_POOLED && has_memory {
            outputs.push(output);
        }
    }
}
