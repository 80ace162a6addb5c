/// Picks the algorithm for each convolution and pass when a plan is made.
enum ConvolutionPlanner {
    /// From this many output positions on a tile's 36 products are fewer than the live taps; with fewer channels than
    /// lanes of a vector its transforms are not worth it.
    static let winogradMap = 9
    static let winogradChannels = 16
    /// An input gradient's product has a column for each input channel, in whole vectors: of a gradient by an image of
    /// 3 channels 13 of 16 columns would be for nothing, where unrolling multiplies by whole windows.
    static let fewestGradientChannels = 16
    /// One product per position has one row per image: with few images it degrades to vectors.
    static let fewestImages = 12

    static func algorithm(
        for geometry: ConvolutionGeometry, pass: ConvolutionPass, batch: Int, precision: Precision
    ) -> any ConvolutionAlgorithm {
        guard precision == .fast else { return Im2ColConvolution(geometry: geometry) }
        if DepthwiseConvolution.supports(geometry) { return DepthwiseConvolution(geometry: geometry) }
        if WinogradConvolution.supports(geometry), geometry.outputPositions >= winogradMap,
            min(geometry.inputChannels, geometry.outputChannels) >= winogradChannels
        {
            return WinogradConvolution(geometry: geometry)
        }
        let isNarrow = pass == .inputGradient && geometry.inputChannels < fewestGradientChannels
        if PositionProducts.supports(geometry, pass) {
            // Every position of a 1x1 convolution is an image of its own.
            if geometry.isPointwise {
                return PositionProducts(geometry: geometry.asSinglePosition, imagesEach: geometry.outputPositions)
            }
            if batch >= fewestImages, !isNarrow { return PositionProducts(geometry: geometry) }
        }
        return Im2ColConvolution(geometry: geometry)
    }
}
