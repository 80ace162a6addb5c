/// Picks the algorithm for each convolution and pass when a plan is made.
enum ConvolutionPlanner {
    /// From this many output positions on a tile's 36 products are fewer than the live taps; with fewer channels than
    /// lanes of a vector its transforms are not worth it.
    static let winogradMap = 9
    static let winogradChannels = 16
    /// An input gradient's product has a column for each input channel, in whole vectors: for an image of
    /// 3 channels, 13 of 16 padded columns are wasted, whereas unrolling multiplies by whole windows.
    static let minimumGradientChannels = 16
    /// One product per position has one row per image: with few images it degrades to vectors.
    static let minimumImages = 12

    static func algorithm(
        for geometry: ConvolutionGeometry, pass: ConvolutionPass, batch: Int, algorithms: Algorithms
    ) -> any ConvolutionAlgorithm {
        guard algorithms == .fast else { return Im2ColConvolution(geometry: geometry) }
        if DepthwiseConvolution.supports(geometry) { return DepthwiseConvolution(geometry: geometry) }
        if WinogradConvolution.supports(geometry), geometry.outputPositions >= winogradMap,
            min(geometry.inputChannels, geometry.outputChannels) >= winogradChannels
        {
            return WinogradConvolution(geometry: geometry)
        }
        let isNarrow = pass == .inputGradient && geometry.inputChannels < minimumGradientChannels
        if BatchReduceConvolution.supports(geometry, pass) {
            // Every position of a 1x1 convolution is an image of its own.
            if geometry.isPointwise {
                return BatchReduceConvolution(geometry: geometry.asSinglePosition, imagesEach: geometry.outputPositions)
            }
            if batch >= minimumImages, !isNarrow { return BatchReduceConvolution(geometry: geometry) }
        }
        return Im2ColConvolution(geometry: geometry)
    }
}
