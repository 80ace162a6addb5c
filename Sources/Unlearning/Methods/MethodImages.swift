import ImageDatasets

/// The images of a data set that a method is given to forget classes: as many as it says that it needs, and no more.
public struct MethodImages: Sendable {
    /// Images of the classes that stay; nil if the method needs none.
    public let retain: ImageSubset?
    /// Images of the classes to forget; nil if the method needs none.
    public let forget: ImageSubset?

    /// Chooses images.
    /// - Parameters:
    ///   - method: says what it needs.
    ///   - images: what the original was trained on.
    ///   - classes: the classes to forget.
    ///   - earlier: classes that were forgotten before, which nothing is drawn from.
    ///   - samplesPerClass: images of each class; a method that needs all retain data gets all.
    ///   - seed: what is drawn.
    /// - Throws: `DatasetError` if the number is out of range, or a class has no image.
    public init(
        for method: any UnlearningMethod, from images: any ImageDataset, forgetting classes: Set<Int>,
        after earlier: Set<Int> = [], samplesPerClass: Int, seed: UInt64
    ) throws(DatasetError) {
        if method.requirements.contains(.allRetainData) {
            retain = try images.excluding(classes: classes.union(earlier))
        } else if method.requirements.contains(.retainData) {
            retain = try images.samples(perClass: samplesPerClass, excluding: classes.union(earlier), seed: seed)
        } else {
            retain = nil
        }
        if method.requirements.contains(.forgetData) {
            let others = Set(images.classNames.indices).subtracting(classes)
            forget = try images.samples(perClass: samplesPerClass, excluding: others, seed: seed)
        } else {
            forget = nil
        }
    }
}
