package import NeuralGraph

extension ImageDataset {
    /// Draws a number of images of every class, without replacement, in the order of the data set.
    ///
    /// What is drawn from one class depends on the seed alone, not on the classes that are left out; a larger number
    /// draws the same images and more.
    /// - Parameters:
    ///   - perClass: at least 1; a class that has fewer gives all it has.
    ///   - excluded: classes to leave out.
    /// - Throws: ``DatasetError`` if a number is out of range or a class that is not left out has no image at all.
    public func samples(
        perClass: Int, excluding excluded: some Sequence<Int> = [], seed: UInt64 = 0
    ) throws(DatasetError) -> ImageSubset {
        let excluded = Set(excluded)
        guard perClass >= 1 else {
            throw .invalidSetting(
                name: "samples per class", value: "\(perClass)", remedy: "give a number of at least 1")
        }
        try check(classes: excluded)
        var members = [[Int]](repeating: [], count: classNames.count)
        for index in 0..<count { members[label(at: index)].append(index) }
        var chosen: [Int] = []
        for label in members.indices where !excluded.contains(label) {
            guard !members[label].isEmpty else {
                throw .classWithoutImages(dataset: name, label: label, name: classNames[label])
            }
            var random = SeededRandom(seed: seed, stream: "samples of class \(label)")
            random.draw(perClass, toFrontOf: &members[label])
            chosen += members[label].prefix(perClass)
        }
        return try subset(chosen.sorted())
    }

    /// The images of all classes but some.
    /// - Throws: ``DatasetError`` if a class is unknown or no image is left.
    public func excluding(classes: some Sequence<Int>) throws(DatasetError) -> ImageSubset {
        let classes = Set(classes)
        try check(classes: classes)
        return try subset((0..<count).filter { !classes.contains(label(at: $0)) })
    }

    /// The images of some classes.
    /// - Throws: ``DatasetError`` if a class is unknown or there is no image of them.
    public func only(classes: some Sequence<Int>) throws(DatasetError) -> ImageSubset {
        let classes = Set(classes)
        try check(classes: classes)
        return try subset((0..<count).filter { classes.contains(label(at: $0)) })
    }

    /// The first images, or all if there are fewer.
    /// - Throws: ``DatasetError`` if the number is below 1 or there are no images.
    public func first(_ number: Int) throws(DatasetError) -> ImageSubset {
        guard number >= 1 else {
            throw .invalidSetting(
                name: "number of images", value: "\(number)", remedy: "give a number of at least 1")
        }
        return try subset(Array(0..<Swift.min(number, count)))
    }

    private func check(classes: Set<Int>) throws(DatasetError) {
        if let unknown = classes.sorted().first(where: { !classNames.indices.contains($0) }) {
            throw .unknownClass(dataset: name, label: unknown, classes: classNames.count)
        }
    }

    private func subset(_ indices: [Int]) throws(DatasetError) -> ImageSubset {
        if indices.isEmpty { throw .empty(name: "\(name), the classes chosen") }
        return try ImageSubset(self, indices: indices)
    }
}

extension SeededRandom {
    /// An integer drawn uniformly from `0..<bound`.
    ///
    /// Source: Lemire, "Fast Random Integer Generation in an Interval" (2019). The standard library does not promise
    /// to keep its own algorithm, and results must not change.
    package mutating func integer(below bound: Int) -> Int {
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold { product = next().multipliedFullWidth(by: range) }
        }
        return Int(product.high)
    }

    /// Moves `count` elements, drawn without replacement, to the front of a list.
    ///
    /// A larger `count` draws the same elements first. Source: Fisher and Yates; Durstenfeld (1964).
    package mutating func draw(_ count: Int, toFrontOf elements: inout [Int]) {
        for position in 0..<min(count, elements.count) {
            elements.swapAt(position, position + integer(below: elements.count - position))
        }
    }
}
