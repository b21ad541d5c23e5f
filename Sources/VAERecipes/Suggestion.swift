/// The known name that somebody may have meant by an unknown one.
package enum Suggestion {
  /// The nearest of some names, the first of equally near ones; nil where none is near: a third of
  /// the letters may be wrong, and at most three.
  ///
  /// - Parameters:
  ///   - wrong: what was written.
  ///   - names: what there is; of a path, its last piece counts as well where what was written is no
  ///     path.
  package static func nearest(to wrong: String, in names: [String]) -> String? {
    let wrong = Array(wrong.prefix(80))
    guard !wrong.isEmpty else { return nil }
    var best: (name: String, distance: Int)?
    for name in names {
      let last = name.split(separator: ".").last.map(String.init) ?? name
      let forms = wrong.contains(".") ? [name] : [name, last]
      for form in forms {
        let distance = distance(wrong, Array(form))
        if distance < best?.distance ?? (min(3, wrong.count / 3) + 1) { best = (name, distance) }
      }
    }
    return best?.name
  }

  /// The option that somebody may have meant by an unknown one: one that it begins, one whose words begin
  /// with its letters, as those of `--learning-rate` do with `--lr`, or else the nearest.
  ///
  /// - Parameters:
  ///   - wrong: what was written, with its dashes.
  ///   - options: what there is, with their dashes.
  package static func option(meantBy wrong: String, in options: [String]) -> String? {
    let letters = wrong.drop { $0 == "-" }
    guard !letters.isEmpty else { return nil }
    func initials(_ option: String) -> String {
      String(option.split(separator: "-").compactMap(\.first))
    }
    return options.first { $0.hasPrefix(wrong) && letters.count > 1 }
      ?? options.first { letters.count > 1 && initials($0) == letters }
      ?? nearest(to: wrong, in: options)
  }

  /// The letters to be put in, left out, replaced or exchanged with their neighbour to make one word
  /// of the other (optimal string alignment).
  static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var (before, last) = ([Int](), Array(0...b.count))
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
          least = min(least, before[j - 1] + 1)
        }
        row.append(least)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}
