// docs/openapi.yaml, and whether an answer is what it describes.

struct OpenAPI {
  let document: JSON

  init() throws { document = try PlainYAML.parse(Package.text("docs/openapi.yaml")) }

  /// What is wrong with an answer to `method` on `path` (a template such as /v1/blocks/{height}); empty if nothing is.
  func problems(_ method: String, _ path: String, _ answer: Answer) -> [String] {
    let operation = document["paths"][path][method]
    guard operation != .null else { return ["\(method) \(path) is not described"] }
    let response = resolve(operation["responses"][String(answer.status)])
    guard response != .null else {
      return ["\(method) \(path): status \(answer.status) is not described: \(answer.body)"]
    }
    let type = answer.headers["content-type"]?.split(separator: ";").first.map(String.init) ?? ""
    guard let media = response["content"].keys.first(where: { $0.split(separator: ";").first.map(String.init) == type })
    else { return ["\(method) \(path): content type \(type) is not described"] }
    guard type == "application/json" else { return [] }
    guard let json = JSON.parse(answer.body) else { return ["\(method) \(path): not JSON: \(answer.body)"] }
    return problems(json, resolve(response["content"][media]["schema"]), "\(method) \(path) \(answer.status)")
  }

  /// The value behind a reference, or the value itself; null if the reference leads nowhere.
  func resolve(_ value: JSON) -> JSON {
    guard value["$ref"] != .null else { return value }
    return value["$ref"].text.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] }
  }

  func problems(_ value: JSON, _ schema: JSON, _ place: String) -> [String] {
    let schema = resolve(schema)
    guard schema != .null else { return ["\(place): no schema"] }
    let choices = schema["oneOf"].list
    if !choices.isEmpty {
      let results = choices.map { problems(value, $0, place) }
      return results.contains([]) ? [] : results.first ?? []
    }
    let types = schema["type"].list.isEmpty ? [schema["type"].text] : schema["type"].list.map(\.text)
    guard types.contains(where: { Self.matches(value, $0) }) else {
      return ["\(place): expected \(types.joined(separator: " or ")), found \(value.rendered.prefix(100))"]
    }
    switch value {
    case .object(let members): return object(members, schema, place)
    case .array(let values):
      return values.enumerated().flatMap { problems($1, schema["items"], "\(place)[\($0)]") }
    case .string(let text):
      guard case .string(let pattern) = schema["pattern"], let regex = try? Regex(pattern) else { return [] }
      return text.contains(regex) ? [] : ["\(place): \"\(text.prefix(100))\" does not match \(pattern)"]
    default: return []
    }
  }

  private func object(_ members: [String: JSON], _ schema: JSON, _ place: String) -> [String] {
    let properties = schema["properties"]
    let missing = schema["required"].list.map(\.text).filter { members[$0] == nil }
    var found = missing.map { "\(place).\($0) is missing" }
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      let described = properties.keys.contains(key) ? properties[key] : schema["additionalProperties"]
      found += described == .null ? ["\(place).\(key) is not described"] : problems(value, described, "\(place).\(key)")
    }
    return found
  }

  private static func matches(_ value: JSON, _ type: String) -> Bool {
    switch (value, type) {
    case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"), (.array, "array"),
      (.object, "object"):
      true
    case (.number(let number), "integer"): number == number.rounded()
    default: false
    }
  }

  /// Every reference in the document.
  var references: [String] { Self.references(document) }

  private static func references(_ value: JSON) -> [String] {
    switch value {
    case .object(let members):
      (members["$ref"].map { [$0.text] } ?? []) + members.values.flatMap(references)
    case .array(let values): values.flatMap(references)
    default: []
    }
  }
}
