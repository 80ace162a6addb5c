import NeuralGraph
import TestSupport

/// Geometries drawn from wide ranges, each kind around one algorithm's domain and over its edges.
enum FuzzedConvolution: String, CaseIterable {
    /// Anything: strides, dilations, groups, padding that differs from side to side.
    case general
    /// 3x3 windows side by side, with maps and channels that seldom divide by tiles and panels.
    case threeByThree
    /// Maps of up to 4x4, batches around the size from which products by position are worth it.
    case tinyMaps
    /// One pixel windows, with strides and padding now and then.
    case pointwise
    /// As many groups as input channels, one or more outputs each.
    case depthwise
    /// Few input channels, large windows.
    case firstLayer

    /// Draws until the window fits and the naive reference is affordable.
    func draw(_ random: inout SeededRandom, products limit: Int = 4_000_000) -> ConvolutionCase {
        while true {
            let (operation, shape) = geometry(&random)
            let batch = Int.random(in: 1...33, using: &random)
            if let item = try? ConvolutionCase(operation, inputShape: shape, batch: batch, random: &random),
                item.products <= limit
            {
                return item
            }
        }
    }

    private func geometry(_ random: inout SeededRandom) -> (Convolution, TensorShape) {
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        func extent(_ range: ClosedRange<Int>) -> Size2D { Size2D(height: number(range), width: number(range)) }
        func padding(_ range: ClosedRange<Int>) -> Padding {
            Padding(top: number(range), left: number(range), bottom: number(range), right: number(range))
        }
        let hasBias = Bool.random(using: &random)
        switch self {
        case .general:
            let groups = random.pick([1, 1, 1, 2, 3, 5])
            let (inputs, outputs) = (groups * number(1...70 / groups), groups * number(1...70 / groups))
            let operation = Convolution(
                outputChannels: outputs, kernelSize: extent(1...5), stride: extent(1...3), padding: padding(0...3),
                dilation: extent(1...3), groups: groups, hasBias: hasBias)
            return (operation, [number(1...17), number(1...17), inputs])
        case .threeByThree:
            let operation = Convolution(
                outputChannels: number(1...70), kernelSize: 3, padding: padding(0...2), hasBias: hasBias)
            return (operation, [number(1...19), number(1...19), number(1...70)])
        case .tinyMaps:
            let operation = Convolution(
                outputChannels: number(1...70), kernelSize: random.pick([3, extent(1...5)]),
                stride: random.pick([1, extent(1...3)]), padding: padding(0...2),
                dilation: random.pick([1, extent(1...2)]),
                hasBias: hasBias)
            return (operation, [number(1...4), number(1...4), number(1...70)])
        case .pointwise:
            let operation = Convolution(
                outputChannels: number(1...70), kernelSize: 1, stride: random.pick([1, 1, extent(1...3)]),
                padding: random.pick([0, 0, 0, padding(0...1)]), hasBias: hasBias)
            return (operation, [number(1...15), number(1...15), number(1...70)])
        case .depthwise:
            let channels = number(1...70)
            let operation = Convolution(
                outputChannels: channels * random.pick([1, 1, 1, 2, 3]),
                kernelSize: random.pick([3, 3, extent(1...5)]),
                stride: random.pick([1, 2, extent(1...3)]), padding: random.pick([1, padding(0...3)]),
                dilation: random.pick([1, 1, extent(1...2)]), groups: channels, hasBias: hasBias)
            return (operation, [number(1...21), number(1...21), channels])
        case .firstLayer:
            let operation = Convolution(
                outputChannels: number(1...70), kernelSize: random.pick([3, 5, 7, extent(2...7)]),
                stride: random.pick([1, 2, extent(1...3)]), padding: random.pick([1, 3, padding(0...3)]),
                hasBias: hasBias)
            return (operation, [number(3...33), number(3...33), number(1...4)])
        }
    }
}
