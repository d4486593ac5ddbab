// An honest validator of agreement that lies about prices: five times the true ones.

import Replica

final class PriceLiar: Adversary {
  var priceFactor: Int64 { 500 }
}
