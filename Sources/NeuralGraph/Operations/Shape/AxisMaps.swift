import CNeuralKernels

/// The kernel of operations that map each output axis to places of one input axis: slices, repetitions, borders.
///
/// The gradient of an input element is the sum over the places that read it.
struct AxisMapKernel: Kernel {
    /// Where each run of the output starts in the input; negative where it reads the constant.
    private let sources: [Int32]
    private let run: Int
    private let constant: Float
    private let inputCount: Int
    private let outputCount: Int

    /// - Parameters:
    ///   - maps: for each axis of the output, the place on the input's axis that each of its places reads; negative for
    ///     the constant.
    ///   - input: as many axes as the output has.
    init(_ maps: [[Int]], input: TensorShape, constant: Float = 0) {
        let strides = input.strides
        // The last axes that are read whole, and one before them that is read in one piece, make a run.
        var outer = maps.count
        var run = 1
        while outer > 0, maps[outer - 1] == Array(0..<input[outer - 1]) {
            outer -= 1
            run *= input[outer]
        }
        var start = 0
        if outer > 0, let first = maps[outer - 1].first, first >= 0,
            maps[outer - 1] == Array(first..<first + maps[outer - 1].count)
        {
            outer -= 1
            start = first * strides[outer]
            run *= maps[outer].count
        }
        var sources = [start]
        for axis in 0..<outer {
            sources = sources.flatMap { base in
                maps[axis].map { place in base < 0 || place < 0 ? -1 : base + place * strides[axis] }
            }
        }
        self.sources = sources.map(Int32.init)
        self.run = run
        self.constant = constant
        inputCount = input.count
        outputCount = sources.count * run
    }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch, floatsEach: outputCount) { examples in
            for example in examples {
                let source = pass.inputs[0] + example * inputCount
                var target = pass.output + example * outputCount
                for start in sources {
                    if start < 0 {
                        target.update(repeating: constant, count: run)
                    } else if run == 1 {
                        target.pointee = source[Int(start)]
                    } else {
                        target.update(from: source + Int(start), count: run)
                    }
                    target += run
                }
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        pass.threads.forEachChunk(of: pass.batch, floatsEach: max(inputCount, outputCount)) { examples in
            for example in examples {
                var source = pass.outputGradient + example * outputCount
                let target = dx.pointer + example * inputCount
                if !dx.accumulates { target.update(repeating: 0, count: inputCount) }
                for start in sources {
                    if start >= 0 {
                        if run == 1 {
                            target[Int(start)] += source.pointee
                        } else {
                            cnk_add_scaled(source, target + Int(start), run, 1)
                        }
                    }
                    source += run
                }
            }
        }
    }
}
