// The only place that reads a clock.

public import Consensus
import Glibc
public import Primitives

public enum Clock {
  /// Monotonic nanoseconds; does not run backwards and is not set.
  public static var monotonic: Instant { read(CLOCK_MONOTONIC) }
  /// Nanoseconds since 1970 by the system clock.
  public static var wall: Timestamp { read(CLOCK_REALTIME) }
  public static var now: Moment { Moment(monotonic: monotonic, wall: wall) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
