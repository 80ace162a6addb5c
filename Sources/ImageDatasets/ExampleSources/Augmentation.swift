import NeuralGraph

/// A random change of training images: zero padding followed by a crop back to the size, then a mirror image.
public struct Augmentation: Sendable, Hashable {
    /// Rows and columns of zeros on each side before the crop: the image moves by up to this many pixels.
    package let padding: Int
    /// How likely left and right change places, from 0 to 1.
    package let horizontalFlipProbability: Double

    /// What networks for CIFAR are usually trained with: 4 pixels of padding, half of the images mirrored.
    public static let standard = Augmentation(unchecked: 4, 0.5)

    /// Creates an augmentation.
    /// - Throws: ``DatasetError`` if the padding is negative or beyond 65,536, or
    ///   the probability is not from 0 to 1.
    public init(padding: Int = 0, horizontalFlipProbability: Double = 0) throws(DatasetError) {
        guard (0...1 << 16).contains(padding) else {
            throw .invalidSetting(
                name: "augmentation padding", value: "\(padding)", remedy: "give 0 or a few pixels")
        }
        guard (0...1).contains(horizontalFlipProbability) else {
            throw .invalidSetting(
                name: "flip probability", value: "\(horizontalFlipProbability)", remedy: "give 0 to 1")
        }
        self.init(unchecked: padding, horizontalFlipProbability)
    }

    private init(unchecked padding: Int, _ horizontalFlipProbability: Double) {
        self.padding = padding
        self.horizontalFlipProbability = horizontalFlipProbability
    }

    /// The random change for a seed.
    package func placement(seed: UInt64) -> Placement {
        var random = SeededRandom(seed: seed, stream: "augmentation")
        // All three are always drawn, so that one setting does not shift what another one gets.
        let down = random.integer(below: 2 * padding + 1) - padding
        let right = random.integer(below: 2 * padding + 1) - padding
        let flips = random.uniform() < horizontalFlipProbability
        return Placement(down: down, right: right, isFlipped: flips)
    }

    /// How far an image moves, in pixels, and whether it is mirrored after that.
    package struct Placement: Hashable {
        package var down = 0
        package var right = 0
        package var isFlipped = false

        package init(down: Int = 0, right: Int = 0, isFlipped: Bool = false) {
            self.down = down
            self.right = right
            self.isFlipped = isFlipped
        }
    }
}
