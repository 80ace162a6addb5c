package import NeuralGraph

/// A data set without the images of some classes, whose other classes are numbered without gaps.
///
/// A model whose outputs for some classes were removed numbers the others so.
package struct RelabeledImages: ImageDataset {
    /// The whole data set.
    package var wholeDataset: any ImageDataset { base }

    private let base: any ImageDataset
    /// The images' positions in `base`.
    package let positions: [Int]
    private let newLabels: [Int]
    /// The names of the classes that are left.
    package let classNames: [String]

    /// Leaves classes out.
    /// - Parameter left: the classes of `base` to leave out.
    /// - Throws: ``DatasetError`` if no image is left.
    package init(_ base: any ImageDataset, leavingOut left: Set<Int>) throws(DatasetError) {
        self.base = base
        var numbers: [Int?] = []
        var next = 0
        for label in base.classNames.indices {
            numbers.append(left.contains(label) ? nil : next)
            if !left.contains(label) { next += 1 }
        }
        let all = (0..<base.count).compactMap { index in numbers[base.label(at: index)].map { (index, $0) } }
        if all.isEmpty { throw .empty(name: "\(base.name), the classes that are left") }
        positions = all.map(\.0)
        newLabels = all.map(\.1)
        classNames = base.classNames.enumerated().filter { !left.contains($0.offset) }.map(\.element)
    }

    package var name: String { base.name }
    package var count: Int { positions.count }
    package var imageShape: TensorShape { base.imageShape }
    package var normalization: Normalization { base.normalization }
    package var resizing: ImageResizing? { base.resizing }
    package var isDecodedOnRead: Bool { base.isDecodedOnRead }

    package func label(at index: Int) -> Int { newLabels[index] }

    package func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) throws {
        try base.readPixels(at: positions[index], into: &pixels)
    }
}
