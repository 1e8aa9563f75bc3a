"""What simulators of outside parties share: a private socket that goes with its server, and planned faults."""

import stat
import threading
from pathlib import Path

import httpx
import pytest

from identity.simulating import Fault, Faults, Handler, UnixServer


class _Echo(Handler):
    def do_POST(self) -> None:
        self.send(200, self.body(4))


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "http.sock"


def test_a_socket_is_private_and_goes_with_its_server(socket: Path) -> None:
    server = UnixServer(str(socket), _Echo)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600

    server.server_close()
    assert not socket.exists()


def test_a_socket_left_behind_is_replaced_but_never_another_file(socket: Path, tmp_path: Path) -> None:
    left = UnixServer(str(socket), _Echo)
    left.socket.close()
    UnixServer(str(socket), _Echo).server_close()

    papers = tmp_path / "papers"
    papers.write_text("kept")
    with pytest.raises(OSError, match="in use"):
        UnixServer(str(papers), _Echo)
    assert papers.read_text() == "kept"


def test_a_body_is_read_up_to_its_bound(socket: Path) -> None:
    server = UnixServer(str(socket), _Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as client:
            assert client.post("http://simulator/", content=b"123456").content == b"1234"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_faults_are_met_in_order_and_forgotten_on_request() -> None:
    faults = Faults("down", "late")
    faults.control({"kind": "down", "times": 2})
    faults.control({"kind": "late", "seconds": 3})

    assert [faults.next() for _ in range(2)] == [Fault("down", 2.0)] * 2
    faults.control({"clear": True})
    assert faults.next() is None


@pytest.mark.parametrize("said", [{}, {"kind": "unknown"}, {"kind": "down", "times": "many"}])
def test_a_control_nobody_knows_is_refused(said: dict[str, str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Faults("down").control(said)
