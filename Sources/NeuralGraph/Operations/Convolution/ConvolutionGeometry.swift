/// The validated numbers of one convolution, used by every algorithm and pass.
///
/// In the engine an image is `[height, width, channels]`, and the weights are
/// `[groups][kernel height][kernel width][input channels / groups][output channels / groups]`, so that each group's
/// weights are one matrix `[patch, group outputs]`.
struct ConvolutionGeometry: Sendable, Hashable {
    let rows: SlidingWindow
    let columns: SlidingWindow
    let inputChannels: Int
    let outputChannels: Int
    let groups: Int

    /// Input channels that one group reads.
    var groupInputs: Int { inputChannels / groups }
    /// Output channels that one group writes.
    var groupOutputs: Int { outputChannels / groups }
    /// Inputs under one window of one group.
    var patch: Int { rows.kernelSize * columns.kernelSize * groupInputs }
    /// Floats of one example's input.
    var inputCount: Int { rows.length * columns.length * inputChannels }
    /// Positions of one example's output.
    var outputPositions: Int { rows.outputLength * columns.outputLength }
    /// Floats of one example's output.
    var outputCount: Int { outputPositions * outputChannels }
    /// Floats of all weights.
    var weightCount: Int { patch * outputChannels }
    /// Floats of one group's weights.
    var groupWeightCount: Int { patch * groupOutputs }
    /// Floats of the weights of one kernel row of one group.
    var kernelRowCount: Int { columns.kernelSize * groupInputs * groupOutputs }

    /// Whether the convolution is a matrix product over positions as they are.
    var isPointwise: Bool {
        rows.kernelSize == 1 && columns.kernelSize == 1 && rows.stride == 1 && columns.stride == 1
            && rows.outputLength == rows.length && columns.outputLength == columns.length
            && rows.paddingBefore == 0 && columns.paddingBefore == 0
    }

    /// A matrix product over a number of positions.
    static func pointwise(positions: Int, inputs: Int, outputs: Int) -> ConvolutionGeometry {
        ConvolutionGeometry(
            rows: .single, columns: .positions(positions), inputChannels: inputs, outputChannels: outputs, groups: 1)
    }

    /// A convolution that is the same matrix product, with one position.
    var asSinglePosition: ConvolutionGeometry {
        ConvolutionGeometry(
            rows: .single, columns: .single, inputChannels: inputChannels, outputChannels: outputChannels, groups: 1)
    }
}

/// The size of as few equal parts as there are of at most `most`, in whole steps. Parts of one size keep all threads busy.
func evenPart(of count: Int, most: Int, step: Int) -> Int {
    let parts = max(1, (count + most - 1) / most)
    return ((count + parts - 1) / parts + step - 1) / step * step
}
