import Unlearning

/// Pictures of several classes: each class has a wave pattern of its own in every channel; an example is the pattern
/// at a random place and contrast, under noise. The patterns follow from the class alone, the examples from the seed.
struct PatternImages: ImageDataset {
    let name = "patterns"
    let imageShape: TensorShape
    let classNames: [String]
    let normalization = Normalization(mean: [0.5], standardDeviation: [0.2])
    private let perClass: Int
    private let pixels: [UInt8]

    init(classes: Int, perClass: Int, shape: TensorShape, seed: UInt64) {
        imageShape = shape
        classNames = (0..<classes).map { "pattern \($0)" }
        self.perClass = perClass
        var random = SeededRandom(seed: seed, stream: "examples")
        var pixels: [UInt8] = []
        pixels.reserveCapacity(classes * perClass * shape.count)
        for index in 0..<classes * perClass {
            let waves = Waves(label: index % classes, channels: shape.channels)
            let (down, right) = (3 * random.uniform(), 3 * random.uniform())
            let contrast = 30 + 40 * random.uniform()
            for y in 0..<shape[0] {
                for x in 0..<shape[1] {
                    for channel in 0..<shape.channels {
                        let value = waves.value(Double(y) + down, Double(x) + right, channel)
                        let pixel = 128 + contrast * value + 25 * random.normal()
                        pixels.append(UInt8(min(255, max(0, pixel))))
                    }
                }
            }
        }
        self.pixels = pixels
    }

    var count: Int { classNames.count * perClass }

    func label(at index: Int) -> Int { index % classNames.count }

    func readPixels(at index: Int, into target: inout MutableSpan<UInt8>) {
        for position in target.indices { target[position] = pixels[index * imageShape.count + position] }
    }
}

/// A class's pattern.
private struct Waves {
    private var terms: [(Double, Double, Double)] = []

    init(label: Int, channels: Int) {
        var random = SeededRandom(seed: UInt64(label), stream: "pattern")
        for _ in 0..<channels {
            terms.append((2.4 * random.uniform() - 1.2, 2.4 * random.uniform() - 1.2, 6 * random.uniform()))
        }
    }

    func value(_ y: Double, _ x: Double, _ channel: Int) -> Double {
        let (down, right, phase) = terms[channel]
        let angle = down * y + right * x + phase
        // A triangle wave of period 2 pi.
        let turn = angle / 6.283185307179586
        return 4 * abs(turn - (turn + 0.5).rounded(.down)) - 1
    }
}

/// Points around one center a class, in a number of features.
func blobs(classes: Int, perClass: Int, features: Int, seed: UInt64) throws -> TensorExamples {
    var centers = SeededRandom(seed: 99, stream: "centres")
    let center = (0..<classes * features).map { _ in 4 * centers.normal() }
    var random = SeededRandom(seed: seed, stream: "points")
    let labels = (0..<classes * perClass).map { $0 % classes }
    let elements = labels.flatMap { label in
        (0..<features).map { Float(center[label * features + $0] + random.normal()) }
    }
    return try TensorExamples(Tensor(elements, shape: [labels.count, features]), labels: labels)
}
