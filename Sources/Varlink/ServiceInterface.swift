/// The interface that every Varlink service has (varlink.org, "Service").
enum ServiceInterface {
    static let name = "org.varlink.service"

    static let description = """
        # The Varlink Service Interface is provided by every varlink service. It
        # describes the service and the interfaces it implements.
        interface org.varlink.service

        # Get a list of all the interfaces a service provides and information
        # about the implementation.
        method GetInfo() -> (
          vendor: string,
          product: string,
          version: string,
          url: string,
          interfaces: []string
        )

        # Get the description of an interface that is implemented by this service.
        method GetInterfaceDescription(interface: string) -> (description: string)

        # The requested interface was not found.
        error InterfaceNotFound (interface: string)

        # The requested method was not found
        error MethodNotFound (method: string)

        # The interface defines the requested method, but the service does not
        # implement it.
        error MethodNotImplemented (method: string)

        # One of the passed parameters is invalid.
        error InvalidParameter (parameter: string)

        # Client is denied access
        error PermissionDenied ()

        # Method is expected to be called with 'more' set to true, but wasn't
        error ExpectedMore ()

        """

    struct Info: Codable {
        let vendor: String
        let product: String
        let version: String
        let url: String
        let interfaces: [String]
    }

    struct DescriptionRequest: Codable { let interface: String }
    struct Description: Codable { let description: String }

    struct InterfaceNotFound: Codable { let interface: String }
    struct MethodError: Codable { let method: String }
    struct InvalidParameter: Codable { let parameter: String }

    static func make(
        _ product: VarlinkProduct,
        _ interfaces: [VarlinkInterface]
    )
        -> VarlinkInterface
    {
        let info = Info(
            vendor: product.vendor,
            product: product.product,
            version: product.version,
            url: product.url,
            interfaces: [name] + interfaces.map(\.name)
        )
        var texts = [name: description]
        for interface in interfaces { texts[interface.name] = interface.description }
        return VarlinkInterface(
            description: description,
            methods: [
                VarlinkMethod("GetInfo") { $0.reply(info) },
                VarlinkMethod("GetInterfaceDescription") { [texts] call in
                    guard let request = call.parameters(as: DescriptionRequest.self) else {
                        return
                    }
                    guard let text = texts[request.interface] else {
                        return call.failInterfaceNotFound(request.interface)
                    }
                    call.reply(Description(description: text))
                },
            ]
        )
    }
}

/// Which handler a call belongs to.
struct VarlinkRouter {
    private let interfaces: [String: VarlinkInterface]

    init(_ product: VarlinkProduct, _ interfaces: [VarlinkInterface]) {
        let all = [ServiceInterface.make(product, interfaces)] + interfaces
        self.interfaces = Dictionary(all.map { ($0.name, $0) }) { _, _ in
            preconditionFailure("two interfaces of one name")
        }
    }

    func dispatch(_ call: VarlinkCall) {
        guard let interface = interfaces[call.interface] else {
            return call.failInterfaceNotFound(call.interface)
        }
        guard let method = interface.methods[call.method] else {
            let isDeclared = interface.declared.contains(call.method)
            return call.fail(
                ServiceInterface.name + (isDeclared ? ".MethodNotImplemented" : ".MethodNotFound"),
                ServiceInterface.MethodError(method: call.fullMethod)
            )
        }
        if method.replies == .onlyMore && !call.wantsMore {
            return call.fail(ServiceInterface.name + ".ExpectedMore")
        }
        if call.wantsUpgrade { return call.failInvalidParameter("upgrade") }
        method.handler(call)
    }
}
