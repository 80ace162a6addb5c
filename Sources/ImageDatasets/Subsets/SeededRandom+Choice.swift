package import NeuralGraph

extension SeededRandom {
    /// An integer drawn uniformly from `0..<bound`.
    ///
    /// Source: Lemire, "Fast Random Integer Generation in an Interval" (2019). The standard library does not promise
    /// to keep its own algorithm, and results must not change.
    package mutating func integer(below bound: Int) -> Int {
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold { product = next().multipliedFullWidth(by: range) }
        }
        return Int(product.high)
    }

    /// Moves `count` elements, drawn without replacement, to the front of a list.
    ///
    /// A larger `count` draws the same elements first. Source: Fisher and Yates; Durstenfeld (1964).
    package mutating func draw(_ count: Int, toFrontOf elements: inout [Int]) {
        for position in 0..<min(count, elements.count) {
            elements.swapAt(position, position + integer(below: elements.count - position))
        }
    }
}
