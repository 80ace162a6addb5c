import CNeuralKernels

/// A function of a set of numbers.
public enum ReductionKind: String, Sendable, Hashable, CaseIterable {
    /// Their mean.
    case mean
    /// Their sum.
    case sum
    /// Their maximum; the first of equal numbers gets the gradient.
    case maximum
}

/// A reduction along some axes, which disappear or stay with length 1.
package struct Reduction: GraphOperation {
    /// The function.
    package var reduction: ReductionKind
    /// The axes, each once; negative ones count from the end.
    package var axes: [Int]
    /// Whether the axes stay with length 1.
    package var keepsAxes: Bool

    /// Describes a reduction.
    package init(_ kind: ReductionKind, axes: [Int], keepsAxes: Bool) {
        reduction = kind
        self.axes = axes
        self.keepsAxes = keepsAxes
    }

    package var kind: String { "Reduction (\(reduction.rawValue))" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        var reduced: Set<Int> = []
        for axis in axes {
            guard try reduced.insert(input.axis(axis, node: node)).inserted else {
                throw ShapeError(node, "axis \(axis) of \(input) is given twice in \(axes)")
            }
        }
        return TensorShape(
            input.dimensions.enumerated().compactMap { axis, length in
                reduced.contains(axis) ? (keepsAxes ? 1 : nil) : length
            })
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let rank = request.inputs[0].rank
        return ReductionKernel(
            reduction, input: request.inputs[0], axes: Set(axes.map { $0 < 0 ? $0 + rank : $0 }),
            capacity: request.batchCapacity)
    }
}

/// The input is read in runs along its last axes, which are either all reduced or all kept; each run has its place in
/// the output.
private struct ReductionKernel: Kernel {
    private let kind: ReductionKind
    private let places: [Int32]
    private let run: Int
    private let reducesRun: Bool
    private let inputCount: Int
    private let outputCount: Int
    private let capacity: Int

    init(_ kind: ReductionKind, input: TensorShape, axes: Set<Int>, capacity: Int) {
        var outer = input.rank
        var run = 1
        let reducesRun = axes.contains(input.rank - 1)
        while outer > 0, axes.contains(outer - 1) == reducesRun {
            outer -= 1
            run *= input[outer]
        }
        var places = [0]
        for axis in 0..<outer {
            let length = input[axis]
            places = places.flatMap { place in
                axes.contains(axis)
                    ? [Int](repeating: place, count: length) : (0..<length).map { place * length + $0 }
            }
        }
        self.kind = kind
        self.places = places.map { Int32($0 * (reducesRun ? 1 : run)) }
        self.run = run
        self.reducesRun = reducesRun
        self.capacity = capacity
        inputCount = input.count
        outputCount = input.dimensions.enumerated().reduce(1) { axes.contains($1.offset) ? $0 : $0 * $1.element }
    }

    private var share: Float { kind == .mean ? Float(outputCount) / Float(inputCount) : 1 }

    /// Where each maximum was found, as the bits of a 32-bit number.
    var savedCount: Int { kind == .maximum ? capacity * outputCount : 0 }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch, floatsEach: inputCount) { examples in
            for example in examples {
                let x = pass.inputs[0] + example * inputCount
                let y = pass.output + example * outputCount
                if kind == .maximum {
                    maximum(x, y, pass.saved + example * outputCount)
                } else {
                    sum(x, y)
                }
            }
        }
    }

    private func sum(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
        y.update(repeating: 0, count: outputCount)
        for (index, place) in places.enumerated() {
            if reducesRun {
                y[Int(place)] += cnk_sum(x + index * run, run)
            } else {
                cnk_add_scaled(x + index * run, y + Int(place), run, 1)
            }
        }
        if kind == .mean { cnk_scale(y, outputCount, share) }
    }

    private func maximum(
        _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ choices: UnsafeMutablePointer<Float>
    ) {
        y.update(repeating: -.infinity, count: outputCount)
        choices.update(repeating: Float(bitPattern: 0), count: outputCount)
        for (index, place) in places.enumerated() {
            for offset in 0..<run {
                let source = index * run + offset
                let target = Int(place) + (reducesRun ? 0 : offset)
                // An undefined number wins, and stays.
                if x[source] > y[target] || x[source].isNaN {
                    y[target] = x[source]
                    choices[target] = Float(bitPattern: UInt32(source))
                }
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        pass.threads.forEachChunk(of: pass.batch, floatsEach: inputCount) { examples in
            for example in examples {
                let dy = pass.outputGradient + example * outputCount
                let target = dx.pointer + example * inputCount
                if !dx.accumulates { target.update(repeating: 0, count: inputCount) }
                if kind == .maximum {
                    let choices = pass.forward.saved + example * outputCount
                    for place in 0..<outputCount { target[Int(choices[place].bitPattern)] += dy[place] }
                } else {
                    spread(dy, to: target)
                }
            }
        }
    }

    private func spread(_ dy: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
        for (index, place) in places.enumerated() {
            if reducesRun {
                let value = share * dy[Int(place)]
                for offset in 0..<run { target[index * run + offset] += value }
            } else {
                cnk_add_scaled(dy + Int(place), target + index * run, run, share)
            }
        }
    }
}

extension GraphBuilder {
    /// Adds a mean, sum or maximum along some axes: `[h, w, c]` to `[c]` along the axes 0 and 1.
    /// - Parameters:
    ///   - kind: which function.
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - axes: each axis once; negative ones count from the end.
    ///   - keepsAxes: whether they stay with length 1.
    public mutating func reduction(
        _ kind: ReductionKind, _ input: Graph.Value, named name: String, axes: [Int], keepsAxes: Bool = false
    ) throws(ShapeError) -> Graph.Value {
        try add(Reduction(kind, axes: axes, keepsAxes: keepsAxes), named: name, input)
    }
}
