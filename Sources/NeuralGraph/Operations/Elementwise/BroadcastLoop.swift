import CNeuralKernels

/// One example of `y = a (kind) b`, where an operand's axis of length 1 is repeated along the other's.
///
/// The result is cut into runs along its last axes, in which an operand's numbers either lie side by side or are one
/// number: `[h, w, c]` and `[c]` make `h * w` runs of `c`, `[h, w, c]` and `[h, w, 1]` too.
struct BroadcastLoop: Sendable {
    /// One operand.
    struct Operand: Sendable {
        /// Its numbers.
        let count: Int
        /// Whether each of them is read once.
        let isWhole: Bool
        /// 1, or 0 where a run reads one number throughout.
        let step: Int
        /// Where each run starts.
        let offsets: [Int32]
    }

    /// Numbers of a result for which one worker needs working memory.
    static let rowCount = 2048

    let kind: Int32
    let first: Operand
    let second: Operand
    /// The result's numbers.
    let count: Int
    private let runCount: Int
    private let run: Int

    init(_ kind: BroadcastFunction, _ first: TensorShape, _ second: TensorShape, output: TensorShape) {
        struct Axis {
            var length: Int
            var steps: (Int, Int)
        }
        func steps(_ shape: TensorShape) -> [Int] {
            let padding = [Int](repeating: 0, count: output.rank - shape.rank)
            return padding + zip(shape.dimensions, shape.strides).map { $0 == 1 ? 0 : $1 }
        }
        var axes: [Axis] = []
        for (length, (a, b)) in zip(output.dimensions, zip(steps(first), steps(second))) where length > 1 {
            if let last = axes.last, last.steps.0 == length * a, last.steps.1 == length * b {
                axes[axes.count - 1] = Axis(length: last.length * length, steps: (a, b))
            } else {
                axes.append(Axis(length: length, steps: (a, b)))
            }
        }
        let inner = axes.popLast() ?? Axis(length: 1, steps: (1, 1))
        var offsets: [(Int, Int)] = [(0, 0)]
        for axis in axes {
            offsets = offsets.flatMap { start in
                (0..<axis.length).map { (start.0 + $0 * axis.steps.0, start.1 + $0 * axis.steps.1) }
            }
        }
        self.kind = kind.rawValue
        self.first = Operand(
            count: first.count, isWhole: first.count == output.count, step: inner.steps.0,
            offsets: offsets.map { Int32($0.0) })
        self.second = Operand(
            count: second.count, isWhole: second.count == output.count, step: inner.steps.1,
            offsets: offsets.map { Int32($0.1) })
        count = output.count
        runCount = offsets.count
        run = inner.length
    }

    /// Computes one example.
    func forward(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) {
        for index in 0..<runCount { cnk_arithmetic(operands(a, b, run: index, from: 0), y + index * run, run) }
    }

    /// The gradient by one operand of one example.
    /// - Parameters:
    ///   - target: the operand's gradient.
    ///   - accumulates: whether it is added to the target's content.
    ///   - row: working memory of ``rowCount`` floats.
    func gradient(
        bySecond: Bool, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
        into target: UnsafeMutablePointer<Float>, accumulates: Bool, row: UnsafeMutablePointer<Float>
    ) {
        let operand = bySecond ? second : first
        let side: Int32 = bySecond ? 1 : 0
        if operand.isWhole, !accumulates {
            for index in 0..<runCount {
                cnk_arithmetic_gradient(
                    operands(a, b, run: index, from: 0), side, dy + index * run,
                    target + Int(operand.offsets[index]), run)
            }
            return
        }
        if !accumulates { target.update(repeating: 0, count: operand.count) }
        for index in 0..<runCount {
            var start = 0
            while start < run {
                let count = min(Self.rowCount, run - start)
                cnk_arithmetic_gradient(
                    operands(a, b, run: index, from: start), side, dy + index * run + start, row, count)
                let place = target + Int(operand.offsets[index]) + start * operand.step
                if operand.step == 1 {
                    cnk_add_scaled(row, place, count, 1)
                } else {
                    place.pointee += cnk_sum(row, count)
                }
                start += count
            }
        }
    }

    @inline(__always)
    private func operands(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, run: Int, from start: Int
    ) -> cnk_operands {
        cnk_operands(
            kind: kind, a: a + Int(first.offsets[run]) + start * first.step, a_step: first.step,
            b: b + Int(second.offsets[run]) + start * second.step, b_step: second.step)
    }
}

/// The code of a function of two numbers.
struct BroadcastFunction: Sendable {
    let rawValue: Int32

    /// `a` above 0, `a b` elsewhere.
    static let prelu = BroadcastFunction(rawValue: Int32(CNK_RECTIFICATION))

    init(rawValue: Int32) { self.rawValue = rawValue }

    init(_ kind: ArithmeticKind) {
        switch kind {
        case .addition: rawValue = Int32(CNK_ADDITION)
        case .subtraction: rawValue = Int32(CNK_SUBTRACTION)
        case .multiplication: rawValue = Int32(CNK_MULTIPLICATION)
        case .division: rawValue = Int32(CNK_DIVISION)
        case .maximum: rawValue = Int32(CNK_MAXIMUM)
        case .minimum: rawValue = Int32(CNK_MINIMUM)
        case .power: rawValue = Int32(CNK_RAISING)
        }
    }
}
