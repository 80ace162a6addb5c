import ImageDatasets
import NeuralGraph
import TestSupport
import Testing

@Suite("Selections of images", .tags(.data))
struct SelectionTests {
    let images = CountingImages(count: 30)

    @Test("samples are drawn from every class but those left out")
    func samples() throws {
        let chosen = try images.samples(perClass: 4, excluding: [1], seed: 5)
        #expect(chosen.classCounts == [4, 0, 4])
        #expect(Set(chosen.indices).count == 8)
        #expect(chosen.indices == chosen.indices.sorted())
        #expect(try images.samples(perClass: 4, excluding: [1], seed: 5).indices == chosen.indices)
        #expect(try images.samples(perClass: 4, excluding: [1], seed: 6).indices != chosen.indices)
        #expect(try images.samples(perClass: 100).indices == Array(0..<30))
    }

    @Test("what is drawn from a class depends neither on the other classes nor on the number")
    func independence() throws {
        let all = Set(try images.samples(perClass: 3, seed: 1).indices)
        let some = Set(try images.samples(perClass: 3, excluding: [0, 2], seed: 1).indices)
        #expect(some.isSubset(of: all))
        #expect(all.isSubset(of: Set(try images.samples(perClass: 4, seed: 1).indices)))
    }

    @Test("every image is drawn about equally often")
    func fairness() throws {
        var drawn = [Int](repeating: 0, count: 30)
        for seed in 0..<3000 {
            for index in try images.samples(perClass: 3, seed: UInt64(seed)).indices { drawn[index] += 1 }
        }
        // Expected 900 with a deviation of 25.
        #expect(drawn.allSatisfy { (780...1020).contains($0) })
    }

    @Test("classes can be left out or kept, and selections nested")
    func classes() throws {
        #expect(try images.excluding(classes: [0]).classCounts == [0, 10, 10])
        #expect(try images.only(classes: [0, 2]).classCounts == [10, 0, 10])
        #expect(images.indices(ofClass: 2) == Array(stride(from: 2, to: 30, by: 3)))
        #expect(images.indices(ofClass: 7) == [])
        let nested = try images.only(classes: [1]).first(2)
        #expect(nested.indices == [1, 4])
        #expect(nested.base is CountingImages)
        #expect(try nested.pixels(at: 1) == [4, 4, 4, 4])
        #expect(try images.first(99).count == 30)
        #expect(nested.classNames == images.classNames)
    }

    @Test("what cannot be chosen is an error")
    func errors() throws {
        #expect(
            datasetError { _ = try images.samples(perClass: 1, excluding: [3]) }
                == .unknownClass(dataset: "counting", label: 3, classes: 3))
        #expect(datasetError { _ = try images.samples(perClass: 0) } != nil)
        #expect(datasetError { _ = try images.excluding(classes: [0, 1, 2]) } != nil)
        #expect(datasetError { _ = try images.only(classes: [-1]) } != nil)
        #expect(datasetError { _ = try images.first(0) } != nil)
        #expect(datasetError { _ = try images.pixels(at: 30) } != nil)
        #expect(
            datasetError { _ = try ImageSubset(images, indices: [0, 30]) }
                == .indexOutOfRange(name: "counting", index: 30, count: 30))
        let without = try images.only(classes: [0, 1])
        #expect(
            datasetError { _ = try without.samples(perClass: 1) }
                == .classWithoutImages(dataset: "counting", label: 2, name: "class 2"))
        #expect(try without.samples(perClass: 1, excluding: [2]).count == 2)
    }
}
