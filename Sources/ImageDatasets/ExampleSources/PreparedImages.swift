package import NeuralGraph

/// A data set's images as a network takes them, changed at random if a loader asks for it.
package struct PreparedImages: ExampleSource {
    /// The images.
    package let dataset: any ImageDataset
    /// How they become inputs.
    package let preparation: ImagePreparation
    /// How training changes them; nil leaves them as they are.
    package let augmentation: Augmentation?

    private let imageShape: TensorShape

    /// Prepares images.
    /// - Parameters:
    ///   - preparation: nil keeps the images' own shape and uses the data set's normalization.
    ///   - augmentation: applied to the padded image, in training only.
    /// - Throws: ``DatasetError`` if the images do not fit the preparation.
    package init(
        _ dataset: any ImageDataset, preparation: ImagePreparation? = nil, augmentation: Augmentation? = nil
    ) throws(DatasetError) {
        let preparation =
            if let preparation { preparation } else {
                try ImagePreparation(targetShape: dataset.imageShape, normalization: dataset.normalization)
            }
        try preparation.check(imageShape: dataset.imageShape, of: dataset.name)
        self.dataset = dataset
        self.preparation = preparation
        self.augmentation = augmentation
        imageShape = dataset.imageShape
    }

    /// The number of images.
    package var count: Int { dataset.count }

    /// The input's shape: `[height, width, channels]`.
    package var exampleShape: TensorShape { preparation.targetShape }

    /// Whether images are decoded when they are read.
    package var isDecodedOnRead: Bool { dataset.isDecodedOnRead }

    /// The class of one image.
    package func label(at index: Int) -> Int { dataset.label(at: index) }

    /// Writes one image's input, augmented if there are an augmentation and a seed.
    package func write(
        _ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>
    ) throws {
        let placement = augmentationSeed.flatMap { augmentation?.placement(seed: $0) }
        try unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: imageShape.count) { memory in
            unsafe memory.initialize(repeating: 0)
            var pixels = unsafe memory.mutableSpan
            try dataset.readPixels(at: index, into: &pixels)
            preparation.write(
                pixels.span, shape: imageShape, placement: placement ?? Augmentation.Placement(), into: &target)
        }
    }
}
