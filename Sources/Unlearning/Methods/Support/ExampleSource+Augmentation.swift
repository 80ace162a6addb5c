import ImageDatasets

extension ExampleSource {
    /// How the images are changed at random in training; nil for others, and without any change.
    var augmentation: Augmentation? {
        switch self {
        case let images as PreparedImages: images.augmentation
        case let subset as ExampleSubset: subset.source.augmentation
        default: nil
        }
    }

    /// The same images, changed at random in training; other examples are as they are.
    func augmented(by augmentation: Augmentation?) throws -> any ExampleSource {
        switch self {
        case let images as PreparedImages:
            try PreparedImages(images.dataset, preparation: images.preparation, augmentation: augmentation)
        case let subset as ExampleSubset:
            try ExampleSubset(subset.source.augmented(by: augmentation), indices: subset.indices)
        default: self
        }
    }
}
