// Which two votes of one validator prove that it is not honest.
//
// - Two first votes of different choices: one first vote a view (C10).
// - Two Finalize of different blocks or roots: a Finalize is sent once, byte for byte, root included.
// - A Finalize and a first vote for something else, and a Finalize and any fallback: C5 asks for a first vote for the block
//   and nothing else before, C10 forbids everything after.
//
// An honest validator has made each vote durable before it is sent, re-sends the stored bytes after a restart, and casts
// nothing at or below its floor after amnesia, so it signs none of these pairs. Nothing else is one: fallbacks for
// different choices are allowed (C9), a fallback that repeats the first vote changes nothing, and an Attest may leave
// before it is durable, so that it says nothing about its sender's memory.

import Primitives

extension Vote {
  /// Order does not matter. Signatures are not looked at.
  public func contradicts(_ other: Vote) -> Bool {
    guard voter == other.voter, view == other.view, epoch == other.epoch else { return false }
    switch (kind, other.kind) {
    case (.first, .first), (.finalize, .first), (.first, .finalize): return block != other.block
    case (.finalize, .finalize): return block != other.block || stateRoot != other.stateRoot
    case (.finalize, .fallback), (.fallback, .finalize): return true
    default: return false
    }
  }
}
