/// Red, green and blue of a picture, seen upright: an orientation changes the steps, and no pixel is moved.
@unsafe package struct PixelView {
    static let channels = 3

    package let width: Int
    package let height: Int
    /// The top left pixel.
    package let start: UnsafePointer<UInt8>?
    /// From a pixel to the one at its right, in bytes.
    package let columnStep: Int
    /// From a pixel to the one below it, in bytes.
    package let rowStep: Int

    /// - Parameters:
    ///   - pixels: `[height, width, 3]` as stored.
    ///   - orientation: EXIF's, 1 to 8, as TIFF 6.0 defines it: where the stored first row and first column are seen.
    package init(_ pixels: UnsafeBufferPointer<UInt8>, width: Int, height: Int, orientation: Int) {
        let pixel = unsafe Self.channels
        let row = width * pixel
        let (lastColumn, lastRow) = ((width - 1) * pixel, (height - 1) * row)
        let (offset, columnStep, rowStep) =
            switch orientation {
            case 2: (lastColumn, -pixel, row)
            case 3: (lastColumn + lastRow, -pixel, -row)
            case 4: (lastRow, pixel, -row)
            case 5: (0, row, pixel)
            case 6: (lastRow, -row, pixel)
            case 7: (lastColumn + lastRow, -row, -pixel)
            case 8: (lastColumn, row, -pixel)
            default: (0, pixel, row)
            }
        let isTurned = (5...8).contains(orientation)
        unsafe self.width = isTurned ? height : width
        unsafe self.height = isTurned ? width : height
        unsafe self.columnStep = columnStep
        unsafe self.rowStep = rowStep
        unsafe start = unsafe pixels.baseAddress.map { unsafe $0 + offset }
    }
}
