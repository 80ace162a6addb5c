import NeuralGraph

extension SeededRandom {
    /// A whole number drawn evenly from `0..<bound` (Lemire, "Fast Random Integer Generation in an Interval",
    /// 2019). Written out, since the standard library does not promise to keep its own way.
    package mutating func integer(below bound: Int) -> Int {
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold { product = next().multipliedFullWidth(by: range) }
        }
        return Int(product.high)
    }

    /// Moves `count` elements, drawn without replacement, to the front of a list (Fisher and Yates; Durstenfeld,
    /// 1964). The first elements are the same for every larger `count`.
    package mutating func draw(_ count: Int, toFrontOf elements: inout [Int]) {
        for position in 0..<min(count, elements.count) {
            elements.swapAt(position, position + integer(below: elements.count - position))
        }
    }
}
