import base64
import json
import socket
import threading

import pytest

from testbed.agent import Agent, CommandTimeout
from testbed.jsonline import Gone, Refused


class FakeGuest(threading.Thread):
    """The guest's end of the port: answers each request by `answer(request)`, keeps what it was asked."""

    def __init__(self, connection: socket.socket, answer) -> None:
        super().__init__(daemon=True)
        self.connection, self.answer, self.asked = connection, answer, []

    def run(self) -> None:
        for line in self.connection.makefile("rb"):
            request = json.loads(line)
            self.asked.append(request)
            self.connection.sendall(json.dumps(self.answer(request)).encode() + b"\n")


@pytest.fixture
def talk():
    ours, theirs = socket.socketpair()

    def start(answer) -> tuple[Agent, FakeGuest]:
        guest = FakeGuest(theirs, answer)
        guest.start()
        return Agent(ours), guest

    yield start
    ours.close()
    theirs.close()


def answers(status: dict):
    def answer(request: dict) -> dict:
        if request["execute"] == "guest-sync":
            return {"return": request["arguments"]["id"]}
        return {"return": {"pid": 9} if request["execute"] == "guest-exec" else status}

    return answer


def test_a_command_s_code_and_output_come_back(talk):
    out = base64.b64encode(b"out\xff").decode()
    agent, guest = talk(answers({"exited": True, "exitcode": 3, "out-data": out}))
    assert agent.run(["/bin/x", "a b"], b"in", 5) == (3, b"out\xff", b"")
    asked = guest.asked[0]["arguments"]
    assert (asked["path"], asked["arg"]) == ("/bin/x", ["a b"])
    assert base64.b64decode(asked["input-data"]) == b"in"


def test_a_signal_is_a_negative_code(talk):
    agent, _ = talk(answers({"exited": True, "signal": 9}))
    assert agent.run(["/bin/x"], b"", 5)[0] == -9


def test_what_does_not_end_is_killed_in_the_guest(talk):
    agent, guest = talk(answers({"exited": False}))
    with pytest.raises(CommandTimeout, match="/bin/x"):
        agent.run(["/bin/x"], b"", 0.2)
    agent.ready(5)  # the fake has read everything by then
    assert any("kill -KILL 9" in " ".join(asked["arguments"].get("arg", [])) for asked in guest.asked)


def test_truncated_output_is_an_error(talk):
    agent, _ = talk(answers({"exited": True, "exitcode": 0, "out-truncated": True}))
    with pytest.raises(ValueError, match="collect"):
        agent.run(["/bin/x"], b"", 5)


def test_ready_passes_answers_to_earlier_questions_over(talk):
    agent, _ = talk(answers({}))
    agent.start(["/bin/x"])
    agent.ready(5)


def test_a_guest_that_is_silent_times_out():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        Agent(ours).ready(0.1)


def test_a_qemu_that_ended_is_gone():
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(Gone):
        Agent(ours).ready(5)


def test_an_error_names_the_command(talk):
    agent, _ = talk(lambda request: {"error": {"desc": "no such file"}})
    with pytest.raises(Refused, match="guest-exec: no such file"):
        agent.run(["/bin/x"], b"", 5)
