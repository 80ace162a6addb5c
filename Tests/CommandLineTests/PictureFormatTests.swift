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
        #expect(
            ending.errorLines.sorted()
                == [
                    "unlearn: warning: \(folder): HEIC is not read, so 2 pictures are left out, the first "
                        + "\(folder)/test/red/1.heic; convert to PNG or JPEG",
                    "unlearn: warning: \(folder): SVG is not read, so 1 picture is left out, the first "
                        + "\(folder)/test/blue/3.svg; convert to PNG or JPEG",
                ])
    }
}
