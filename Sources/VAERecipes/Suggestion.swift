/// The known name that somebody may have meant by an unknown one.
package enum Suggestion {
  /// A name that begins with what was written, one whose words begin with its letters, as those of
  /// `learning_rate` do with `lr`, or else the nearest, the first of equally near ones; nil where none is
  /// near: a third of the letters may be wrong, and at most three.
  ///
  /// - Parameters:
  ///   - wrong: what was written.
  ///   - names: what there is; of a path, its last piece counts as well where what was written is no
  ///     path.
  package static func nearest(to wrong: String, in names: [String]) -> String? {
    let letters = Array(wrong.drop { $0 == "-" }.prefix(80))
    guard !letters.isEmpty else { return nil }
    let forms = names.flatMap { name -> [(name: String, form: String)] in
      let whole = String(name.drop { $0 == "-" })
      guard !wrong.contains("."), let last = name.split(separator: ".").last.map(String.init) else {
        return [(name, whole)]
      }
      return [(name, whole), (name, last)]
    }
    if let begun = forms.first(where: { letters.count > 2 && $0.form.hasPrefix(String(letters)) }) {
      return begun.name
    }
    func initials(_ name: String) -> [Character] {
      name.split { $0 == "-" || $0 == "_" }.compactMap(\.first)
    }
    if let short = forms.first(where: { letters.count > 1 && initials($0.form) == letters }) {
      return short.name
    }
    var best: (name: String, distance: Int)?
    for (name, form) in forms {
      let distance = distance(letters, Array(form))
      if distance < best?.distance ?? (min(3, letters.count / 3) + 1) { best = (name, distance) }
    }
    return best?.name
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
