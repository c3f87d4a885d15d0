"""Talks to a box with the reference client of Varlink.

    reference_client.py RUN INTERFACES

RUN is the folder of the sockets, INTERFACES the one of the .varlink files.
"""

import os
import sys

try:
    import varlink
except ImportError:
    sys.exit("The reference client is missing: pip install varlink")

SERVICE = "org.varlink.service"
SOCKETS = {
    "teacher": "org.lenscap.Teacher",
    "status": "org.lenscap.Status",
    "audit": "org.lenscap.Audit",
}


def failure(call):
    """Name and parameters of the error that a call answers."""
    try:
        call()
    except varlink.VarlinkError as error:
        return error.error(), error.parameters()
    raise AssertionError("the call did not fail")


def expect(found, wanted):
    assert found == wanted, f"{found!r} is not {wanted!r}"


def main(run, interfaces):
    for name, interface in SOCKETS.items():
        address = f"unix:{os.path.join(run, name + '.sock')}"
        with varlink.Client.new_with_address(address) as client:
            with client.open(SERVICE) as service:
                info = service.GetInfo()
                expect(info["vendor"], "Lenscap")
                expect(info["product"], "lenscapd")
                expect(sorted(info["interfaces"]), sorted([SERVICE, interface]))
                text = service.GetInterfaceDescription(interface)["description"]
                with open(os.path.join(interfaces, interface + ".varlink"),
                          encoding="utf-8") as file:
                    expect(text, file.read())
                expect(
                    failure(lambda: service.GetInterfaceDescription("org.example.None"))[0],
                    SERVICE + ".InterfaceNotFound")

    with varlink.Client.new_with_address(f"unix:{run}/teacher.sock") as client:
        with client.open("org.lenscap.Teacher") as teacher:
            first = teacher.Challenge()["challenge"]
            second = teacher.Challenge()["challenge"]
            assert first != second and first.count(".") == 2
            state = teacher.Stop()["session"]["state"]
            expect(state, "idle")
            details = {"purpose": "reflection", "salt": "A" * 43}
            expect(
                failure(lambda: teacher.Start("no token", details)),
                ("org.lenscap.Teacher.NotPermitted",
                 {"reason": "malformed",
                  "message": "A token has three parts with a full stop between."}))
            expect(
                failure(lambda: teacher.Start(token="a.b.c", details=details))[1]["reason"],
                "not-canonical")
            for method in ("Aim", "Delete", "Revoke"):
                name = failure(lambda: getattr(teacher, method)("a.b.c"))[0]
                assert name in ("org.varlink.service.MethodNotImplemented",
                                "org.lenscap.Teacher.NotPermitted"), name

    with varlink.Client.new_with_address(f"unix:{run}/status.sock") as client:
        with client.open("org.lenscap.Status") as status:
            health = status.Status()["health"]
            expect(health["state"], "idle")
            expect([source["name"] for source in health["sources"]], ["desk", "front"])
            expect(health["backlog"]["recordings"], 0)
            replies = status.Monitor(_more=True)
            expect(next(replies)["health"]["state"], "idle")
    print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
