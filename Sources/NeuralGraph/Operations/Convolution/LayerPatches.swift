/// The vectors that a layer's weights multiply: windows of a convolution's input, or the vectors of a linear layer's.
///
/// A vector's elements are in the order of a row of the weight, `[channels / groups, kernel height, kernel width]` or
/// `[inputs]`, and padding is 0. With the rows of a group as a matrix W, the layer computes `W · vector + bias` at every
/// position.
package struct LayerPatches: Sendable {
    /// The node's name.
    package let name: String
    /// The weight's name in the state dictionary.
    package let weight: String
    /// What the layer reads.
    package let input: Graph.Value
    private let geometry: ConvolutionGeometry

    /// - Returns: nil unless the node is a convolution or a linear layer with a trained weight.
    package init?(_ node: Graph.Node) {
        guard node.inputs.count == 1, let input = node.inputs.first, let shape = node.inputShapes.first,
            node.parameters.contains(where: { $0.name == "weight" && $0.isTrained })
        else { return nil }
        if let convolution = node.operation as? Convolution {
            guard let found = try? convolution.geometry(for: node.inputShapes, node: node.name) else { return nil }
            geometry = found
        } else if let linear = node.operation as? Linear {
            geometry = .pointwise(
                positions: max(1, shape.positions), inputs: shape.channels, outputs: linear.outputs)
        } else {
            return nil
        }
        name = node.name
        weight = node.key("weight")
        self.input = input
    }

    /// Groups of channels, each with rows of the weight and vectors of its own.
    package var groups: Int { geometry.groups }
    /// The length of a vector, of a row of the weight.
    package var width: Int { geometry.patch }
    /// The rows of the weight of one group.
    package var outputs: Int { geometry.groupOutputs }
    /// Vectors of one example and group.
    package var positions: Int { geometry.outputPositions }
    /// Floats of one example's input.
    package var inputCount: Int { geometry.inputCount }

    /// Copies one vector.
    /// - Parameters:
    ///   - position: of the output, in row-major order, 0 to ``positions`` - 1.
    ///   - group: 0 to ``groups`` - 1.
    ///   - example: the layer's input of one example, channels last.
    ///   - target: ``width`` numbers.
    package func copy(
        position: Int, group: Int, of example: UnsafePointer<Float>, to target: UnsafeMutablePointer<Double>
    ) {
        let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.groupInputs)
        let (row, column) = position.quotientAndRemainder(dividingBy: columns.outputLength)
        let taps = rows.kernelSize * columns.kernelSize
        for y in 0..<rows.kernelSize {
            let sourceRow = rows.position(output: row, tap: y)
            for x in 0..<columns.kernelSize {
                let sourceColumn = columns.position(output: column, tap: x)
                let tap = y * columns.kernelSize + x
                guard (0..<rows.length).contains(sourceRow), (0..<columns.length).contains(sourceColumn) else {
                    for channel in 0..<channels { target[channel * taps + tap] = 0 }
                    continue
                }
                let source =
                    example + (sourceRow * columns.length + sourceColumn) * geometry.inputChannels + group * channels
                for channel in 0..<channels { target[channel * taps + tap] = Double(source[channel]) }
            }
        }
    }

    /// Computes the mean over positions of the vectors of all groups, one group after the other.
    /// - Parameter example: the layer's input of one example, channels last.
    /// - Returns: ``groups`` times ``width`` numbers.
    package func meanVector(of example: UnsafePointer<Float>) -> [Double] {
        let (rows, columns, channels) = (geometry.rows, geometry.columns, geometry.inputChannels)
        let taps = rows.kernelSize * columns.kernelSize
        // Channels lie side by side, so that the sums of each tap are a loop over neighbors.
        var sums = [Double](repeating: 0, count: taps * channels)
        sums.withUnsafeMutableBufferPointer { buffer in
            guard let sums = buffer.baseAddress else { return }
            for row in 0..<rows.outputLength {
                for y in 0..<rows.kernelSize {
                    let sourceRow = rows.position(output: row, tap: y)
                    guard (0..<rows.length).contains(sourceRow) else { continue }
                    for column in 0..<columns.outputLength {
                        for x in 0..<columns.kernelSize {
                            let sourceColumn = columns.position(output: column, tap: x)
                            guard (0..<columns.length).contains(sourceColumn) else { continue }
                            let source = example + (sourceRow * columns.length + sourceColumn) * channels
                            let target = sums + (y * columns.kernelSize + x) * channels
                            for channel in 0..<channels { target[channel] += Double(source[channel]) }
                        }
                    }
                }
            }
        }
        // Groups of channels are in order in the weight, too.
        let scale = 1 / Double(max(1, positions))
        return (0..<channels).flatMap { channel in (0..<taps).map { scale * sums[$0 * channels + channel] } }
    }
}

extension Graph {
    /// The layers whose inputs are vectors times weights of their own, in order.
    package var layerPatches: [LayerPatches] {
        let layers = nodes.compactMap(LayerPatches.init)
        // A weight that several layers share has no input space of its own.
        let uses = Dictionary(grouping: parameters.map(\.key)) { $0 }.mapValues(\.count)
        return layers.filter { uses[$0.weight] == 1 }
    }

    /// The layers that read the ends of a network's stages, from the first stage to the last that has any.
    ///
    /// Between a stage and its layer are only operations with one input, such as activation, normalization and pooling.
    /// - Parameter limit: the largest number of stages; see ``stages(limit:)``.
    package func layersAfterStages(limit: Int) -> [[LayerPatches]] {
        let layers = Dictionary(layerPatches.map { ($0.name, $0) }) { first, _ in first }
        let stages = stages(limit: limit)
        var stageOf: [String: Int] = [:]
        for (number, stage) in stages.enumerated() {
            guard let start = nodes.firstIndex(where: { $0.name == stage }) else { continue }
            var reached: Set<Int> = [start + 1]
            for (index, node) in nodes.enumerated().dropFirst(start + 1) {
                guard node.inputs.count == 1, let input = node.inputs.first, reached.contains(input.index) else {
                    continue
                }
                if layers[node.name] != nil {
                    // Of two stages without a layer between them, the later one counts.
                    stageOf[node.name] = number
                } else if !(node.operation is Convolution), !(node.operation is Linear) {
                    reached.insert(index + 1)
                }
            }
        }
        return stages.indices.map { number in
            nodes.compactMap { stageOf[$0.name] == number ? layers[$0.name] : nil }
        }.filter { !$0.isEmpty }
    }
}
