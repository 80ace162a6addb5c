package import NeuralGraph

extension SeededRandom {
    /// Numbers from the normal distribution.
    package mutating func normals(_ count: Int, mean: Double = 0, deviation: Double = 1) -> [Float] {
        (0..<count).map { _ in Float(mean + deviation * normal()) }
    }

    /// Numbers that all differ by at least `gap`, in random order around 0: no maximum among them is nearly tied.
    package mutating func distinct(_ count: Int, gap: Double) -> [Float] {
        (0..<count).shuffled(using: &self).map { Float((Double($0) - Double(count) / 2) * gap) }
    }

    /// Numbers from the normal distribution that keep a distance from the places where a function has a kink.
    package mutating func normals(_ count: Int, deviation: Double = 1, awayFrom kinks: [Double]) -> [Float] {
        (0..<count).map { _ in
            while true {
                let value = deviation * normal()
                if kinks.allSatisfy({ abs($0 - value) > 1e-3 }) { return Float(value) }
            }
        }
    }

    /// One of some numbers.
    package mutating func pick<Element>(_ values: [Element]) -> Element {
        values[Int.random(in: values.indices, using: &self)]
    }
}
