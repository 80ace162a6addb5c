import NeuralGraph

/// A map in a picture's size.
public enum ActivationMapImage {
    /// Enlarges or shrinks a map by bilinear interpolation, pixels being squares (PyTorch's `interpolate` with
    /// `align_corners=False`).
    /// - Parameters:
    ///   - map: `[height, width]`.
    ///   - height: rows of the result, at least 1.
    ///   - width: columns of the result, at least 1.
    /// - Throws: `ShapeError` if the map has not two axes or no pixel.
    public static func resized(_ map: Tensor, height: Int, width: Int) throws(ShapeError) -> Tensor {
        guard map.shape.rank == 2, map.count > 0, height > 0, width > 0 else {
            throw ShapeError("heat map", "\(map.shape) cannot be made \(height)x\(width); give [height, width]")
        }
        let rows = places(height, of: map.shape[0])
        let columns = places(width, of: map.shape[1])
        var elements: [Float] = []
        elements.reserveCapacity(height * width)
        for row in rows {
            for column in columns {
                func value(_ y: Int, _ x: Int) -> Double { Double(map[y * map.shape[1] + x]) }
                let upper =
                    value(row.below, column.below) * (1 - column.share)
                    + value(row.below, column.above) * column.share
                let lower =
                    value(row.above, column.below) * (1 - column.share)
                    + value(row.above, column.above) * column.share
                elements.append(Float(upper * (1 - row.share) + lower * row.share))
            }
        }
        return try Tensor(elements, shape: [height, width])
    }

    /// A map in 256 steps, 255 for its largest value; all 0 for a map without any, or with undefined numbers.
    public static func bytes(_ map: Tensor) -> [UInt8] {
        let largest = map.elements.max() ?? 0
        guard largest > 0, map.isFinite else { return [UInt8](repeating: 0, count: map.count) }
        return map.elements.map { UInt8(max(0, min(255, ($0 / largest * 255).rounded()))) }
    }

    /// Between which pixels, and how far on the way from one to the other, each new pixel's middle lies.
    private static func places(_ count: Int, of old: Int) -> [(below: Int, above: Int, share: Double)] {
        (0..<count).map { index in
            let place = (Double(index) + 0.5) * Double(old) / Double(count) - 0.5
            let clamped = min(max(place, 0), Double(old - 1))
            let below = min(Int(clamped), old - 1)
            return (below, min(below + 1, old - 1), clamped - Double(below))
        }
    }
}
