extension JSON {
  /// The members of a JSON object, in order, each of another name.
  public struct Object: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    /// Name and value.
    public struct Member: Equatable, Sendable {
      /// The name.
      public let name: String
      /// The value.
      public var value: JSON
    }

    /// The members in order.
    public private(set) var members: [Member] = []
    /// The places of the members by name, where they are more than `searched`.
    private var places: [String: Int] = [:]

    /// As many members are searched one after another as fast as by a table.
    private static let searched = 12

    /// An object without members.
    public init() {}

    /// An object from a literal, in its order.
    public init(dictionaryLiteral elements: (String, JSON)...) {
      for (name, value) in elements { self[name] = value }
    }

    /// The value of a name; setting a new one adds it at the end, setting nil removes it. Looking
    /// up, replacing and adding take the same time however many members there are.
    public subscript(name: String) -> JSON? {
      get { place(of: name).map { members[$0].value } }
      set {
        if let place = place(of: name) {
          if let newValue { members[place].value = newValue } else { remove(at: place) }
        } else if let newValue {
          add(name, newValue)
        }
      }
    }

    /// Adds a member at the end.
    ///
    /// - Returns: whether the name was free; the object stays as it is where it was not.
    mutating func addIfNew(_ name: String, _ value: JSON) -> Bool {
      guard place(of: name) == nil else { return false }
      add(name, value)
      return true
    }

    private func place(of name: String) -> Int? {
      members.count > Self.searched ? places[name] : members.firstIndex { $0.name == name }
    }

    private mutating func add(_ name: String, _ value: JSON) {
      members.append(Member(name: name, value: value))
      if members.count == Self.searched + 1 {
        index()
      } else if members.count > Self.searched {
        places[name] = members.count - 1
      }
    }

    private mutating func remove(at place: Int) {
      members.remove(at: place)
      if members.count > Self.searched { index() } else { places = [:] }
    }

    private mutating func index() {
      places = Dictionary(
        members.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether both have the same members, in any order.
    public static func == (a: Object, b: Object) -> Bool {
      a.members.count == b.members.count && a.members.allSatisfy { b[$0.name] == $0.value }
    }
  }
}
