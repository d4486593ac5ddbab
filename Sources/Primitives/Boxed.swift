/// An optional value behind one pointer. Large values that are set once and read often are kept so in structs that are
/// copied often: the copy costs one reference count instead of hundreds of bytes and a count for each array inside.
///
/// ```
/// struct Slot { @Boxed var proposal: Proposal? }
/// ```
@propertyWrapper @frozen public struct Boxed<Value: Sendable>: Sendable {
  @usableFromInline final class Box: Sendable {
    @usableFromInline let value: Value
    @inlinable init(_ value: Value) { self.value = value }
  }

  @usableFromInline var box: Box?

  @inlinable public init(wrappedValue: Value?) { box = wrappedValue.map(Box.init) }

  @inlinable public var wrappedValue: Value? {
    get { box?.value }
    set { box = newValue.map(Box.init) }
  }
}

/// As `Boxed`, for a value that is always there.
@propertyWrapper @frozen public struct Indirect<Value: Sendable>: Sendable {
  @usableFromInline final class Box: Sendable {
    @usableFromInline let value: Value
    @inlinable init(_ value: Value) { self.value = value }
  }

  @usableFromInline var box: Box

  @inlinable public init(wrappedValue: Value) { box = Box(wrappedValue) }

  @inlinable public var wrappedValue: Value {
    get { box.value }
    set { box = Box(newValue) }
  }
}
