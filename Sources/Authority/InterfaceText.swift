/// The `.varlink` files of the repository, as `GetInterfaceDescription` gives them out.
package enum InterfaceText {
    package static let teacher = text(PackageResources.org_lenscap_Teacher_varlink)
    package static let status = text(PackageResources.org_lenscap_Status_varlink)
    package static let audit = text(PackageResources.org_lenscap_Audit_varlink)

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
