import Foundation
import TestSupport
import Testing

@Suite("Formats of pictures on the command line", .tags(.commandLine))
struct PictureFormatTests {
    @Test("what is not read is warned of once for each format")
    func warning() throws {
        let materials = try PictureMaterials.shared.get()
        let copy = try materials.copy()
        let folder = copy.path("pictures")
        for name in ["red/1.heic", "red/2.HEIC", "blue/3.svg"] {
            try Data("something".utf8).write(to: URL(fileURLWithPath: "\(folder)/test/\(name)"))
        }
        let ending = try Program.run(["evaluate", materials.model, "--dataset", "folder:\(folder)"])
        #expect(ending.status == 0)
        func line(_ format: String, _ count: String, _ first: String) -> String {
            "unlearn: warning: \(folder): \(format) is not read, so \(count) left out, the first "
                + "\(folder)/test/\(first); convert to PNG or JPEG"
        }
        #expect(
            ending.errorLines.map(String.init).sorted()
                == [line("HEIC", "2 pictures are", "red/1.heic"), line("SVG", "1 picture is", "blue/3.svg")])
    }
}
