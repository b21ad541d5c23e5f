import Messages
import VAECore
import VAEFiles

extension TableColumns {
  /// As recipes hold them: a list of columns.
  public var json: JSON { .array(columns.map(\.json)) }

  /// Columns from a recipe; `path` says where they stand, for errors.
  init(_ json: JSON, path: String) throws(RecipeError) {
    guard case .array(let items) = json, (1...Self.limit).contains(items.count) else {
      throw RecipeError(
        .malformed, "\(path) is no list of 1 to \(Self.limit) columns, each an object")
    }
    var columns: [TableColumn] = []
    var names: Set<String> = []
    for (number, item) in items.enumerated() {
      let column = try TableColumn(item, path: "\(path)[\(number)]")
      guard names.insert(column.name).inserted else {
        throw RecipeError(
          .malformed, "\(path) has the column \(PlainText.quoted(column.name)) twice")
      }
      columns.append(column)
    }
    guard columns.reduce(0, { $0 + $1.elements }) <= Self.elementLimit else {
      throw RecipeError(
        .invalid, "\(path) are of rows of more than \(Self.elementLimit) numbers for a model")
    }
    self.init(columns)
  }
}

extension TableColumn {
  /// As recipes hold it; what has its default is left out.
  public var json: JSON {
    var members: JSON.Object = ["name": .text(name), "type": .text(kind.rawValue)]
    if isNumeric {
      members["centre"] = .number(centre)
      members["scale"] = .number(scale)
    }
    if !names.isEmpty { members["names"] = .array(names.map(JSON.text)) }
    if !points.isEmpty {
      members["points"] = .array(points.map(JSON.number))
      if !isContinuous { members["continuous"] = .bool(false) }
    }
    if let decimals { members["decimals"] = .integer(decimals) }
    if isConstant { members["constant"] = .bool(true) }
    return .object(members)
  }

  /// A column from a recipe; `path` says where it stands, for errors.
  init(_ json: JSON, path: String) throws(RecipeError) {
    func refusal(_ reason: Message) -> RecipeError { RecipeError(.malformed, "\(path)" + reason) }
    guard let object = json.object, let name = object["name"]?.text, !name.isEmpty,
      let kind = object["type"]?.text.flatMap(Kind.init(rawValue:))
    else {
      throw refusal(
        " is no column: an object with \"name\" and \"type\" ("
          + "\(Kind.allCases.map(\.rawValue).joined(separator: ", ")))")
    }
    let centre = object["centre"] == nil ? 0 : object["centre"]?.double ?? .nan
    let scale = object["scale"] == nil ? 1 : object["scale"]?.double ?? .nan
    guard centre.isFinite, scale.isFinite, (1e-30...1e30).contains(scale), abs(centre) <= 1e30
    else {
      throw refusal(".centre and .scale must be numbers, the scale above zero")
    }
    let names = try Self.list(object["names"], path: "\(path).names", "names", \.text)
    let isNamed = kind == .category || kind == .yesNo
    guard kind == .yesNo ? names.count == 2 : isNamed != names.isEmpty,
      names.count <= Self.categoryLimit
    else {
      throw refusal(
        ".names are \(names.count), but a category has 1 to \(Self.categoryLimit), yes-no 2, and a number none"
      )
    }
    if let misfit = ConditionSpace.misfit(names: names) { throw refusal(".names \(misfit)") }
    let points = try Self.list(object["points"], path: "\(path).points", "numbers", \.double)
    guard points.isEmpty || kind == .real || kind == .positive && points.allSatisfy({ $0 > 0 }),
      points.count <= Self.pointLimit, points.allSatisfy({ abs($0) <= 1e30 }),
      zip(points, points.dropFirst()).allSatisfy({ $0 < $1 })
    else {
      throw refusal(
        ".points must be at most \(Self.pointLimit) rising numbers of a real column, or above zero of a positive one"
      )
    }
    let decimals = object["decimals"]?.integer
    guard object["decimals"] == nil || decimals.map({ (0...12).contains($0) }) == true else {
      throw refusal(".decimals must be a whole number in 0…12")
    }
    func flag(_ name: String, default value: Bool) throws(RecipeError) -> Bool {
      guard let json = object[name] else { return value }
      guard case .bool(let value) = json else { throw refusal(".\(name) must be true or false") }
      return value
    }
    let isContinuous = try flag("continuous", default: true)
    let isConstant = try flag("constant", default: false)
    guard !isConstant || kind == .real && points.isEmpty else {
      throw refusal(".constant is for a real column without points")
    }
    self.init(
      name: name, kind: kind, centre: isNamed ? 0 : centre, scale: isNamed ? 1 : scale,
      names: names, points: points, isContinuous: isContinuous,
      decimals: isNamed ? nil : decimals, isConstant: isConstant)
  }

  /// The members of a list; none where there is no list.
  private static func list<Value>(
    _ json: JSON?, path: String, _ what: String, _ value: (JSON) -> Value?
  ) throws(RecipeError) -> [Value] {
    guard let json else { return [] }
    guard case .array(let items) = json, case let found = items.compactMap(value),
      found.count == items.count
    else { throw RecipeError(.malformed, "\(path) is no list of \(what)") }
    return found
  }
}
