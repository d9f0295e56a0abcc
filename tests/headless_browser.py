"""Headless Chromium for tests of HTML reports, controlled through a pipe with the DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = os.environ.get("CHARRNN_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
"""the installed browser; without one, tests that need a browser are skipped"""
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run", "about:blank")


@dataclass
class Tab:
    """A page in the browser, which executes commands and answers queries."""

    process: "subprocess.Popen[bytes]"
    commands: int
    """descriptor of a pipe to which commands are written"""
    answers: int
    """descriptor of a pipe from which answers and events are read"""
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    """events received so far"""
    _last: int = 0
    _pending: bytes = b""

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its answer."""
        self._last += 1
        command = {"id": self._last, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        for message in self._messages():
            if message.get("id") == self._last:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self.events.append(message)
        raise AssertionError("the browser has exited")

    def open(self, path: Path) -> None:
        """Open a file and wait until it is drawn."""
        self.events.clear()
        self.send("Page.navigate", url=path.absolute().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(next(self._messages()))

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript; return its plain value."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, *, code: int = 0) -> None:
        """Press a key."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def point(self, selector: str, *, click: bool = False) -> None:
        """Move the mouse to the middle of an element, and click there if requested."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.evaluate(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({element}.getBoundingClientRect())"
        )
        where = {"x": box[0], "y": box[1]}
        self.send("Input.dispatchMouseEvent", type="mouseMoved", **where)
        if click:
            for kind in ("mousePressed", "mouseReleased"):
                self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)

    def screenshot(self, path: Path) -> None:
        """Write a PNG of the page, for manual inspection."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def errors(self) -> list[str]:
        """Return the errors, warnings and policy violations of the page so far."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [json.dumps(event) for event in self.events if event.get("method") in kinds]

    def requests(self) -> list[str]:
        """Return the requested addresses."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" in self._pending:
                message, _, self._pending = self._pending.partition(b"\0")
                yield json.loads(message)
            read = os.read(self.answers, 1 << 16)
            if not read:
                return
            self._pending += read


@contextmanager
def tab(home: Path, *, width: int = 1200, height: int = 900) -> Iterator[Tab]:
    """Start a browser with its profile in `home`, yield a page of the given size, and close the browser."""
    assert BROWSER
    child_in, commands = os.pipe()
    answers, child_out = os.pipe()

    def wire() -> None:
        # The protocol uses descriptors 3 and 4: move the pipes away first, because one may have such a number.
        reads, writes = os.dup(child_in), os.dup(child_out)
        for end in (reads, writes):
            assert end > 4
        os.dup2(reads, 3)
        os.dup2(writes, 4)

    process = subprocess.Popen(
        [BROWSER, f"--user-data-dir={home}", *FLAGS],
        preexec_fn=wire,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(child_in)
    os.close(child_out)
    page = Tab(process=process, commands=commands, answers=answers)
    try:
        target = page.send("Target.createTarget", url="about:blank")["targetId"]
        page.session = page.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        yield page
    finally:
        process.kill()
        process.wait()
        os.close(commands)
        os.close(answers)
