# SPDX-License-Identifier: GPL-2.0-or-later
"""A real browser, driven by the W3C WebDriver protocol: Debian's chromium without a window."""

import base64
import contextlib
import json
import re
import shutil
import struct
import subprocess
import tempfile
import urllib.error
import urllib.request
import zlib

from . import programs
from .wait import PATIENCE, wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver §11

ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--hide-scrollbars",
    "--force-color-profile=srgb", "--lang=en", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def why_no_browser():
    """Why no browser can be run here, or None."""
    return programs.why_missing("chromium", "chromedriver")


def squeezed(png):
    """The same picture in fewer bytes: browsers compress in a hurry."""
    kept, data, at = [], b"", 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            data += body
        else:
            kept.append((kind, body))
        at += length + 12
    kept.insert(-1, (b"IDAT", zlib.compress(zlib.decompress(data), 9)))
    chunks = [struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in kept]
    return png[:8] + b"".join(chunks)


class Browser:
    """One window.  What its pages log and ask for is kept: messages(), requests()."""

    def __init__(self):
        self.log = []

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="lanlet-browser-")
        self.driver = programs.Program(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"HOME": self.directory, "PATH": "/usr/bin:/bin", "TMPDIR": self.directory})
        options = {"binary": shutil.which("chromium"), "args": [*ARGUMENTS, f"--user-data-dir={self.directory}/profile"]}
        try:
            self.base = self.wait_for_driver()
            self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }}})["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(self, "session"):
            with contextlib.suppress(OSError, AssertionError):
                self.command("DELETE", "")
        self.driver.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def wait_for_driver(self):
        while not (port := re.search(r"started successfully on port (\d+)", self.driver.read_line())):
            pass
        return f"http://127.0.0.1:{port[1]}"

    # --- the protocol ---

    def call(self, method, path, body=None):
        data = None if method in ("GET", "DELETE") else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=2 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise AssertionError(f"{method} {path}: {value['error']}: {value['message']}") from None

    def command(self, method, path, body=None):
        return self.call(method, f"/session/{self.session}{path}", body)

    def devtools(self, command, **parameters):
        return self.command("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    # --- what people do ---

    def open(self, url):
        self.command("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What a script returns, as the body of a function."""
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector):
        return self.command("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.command("POST", f"/element/{self.find(selector)}/click")

    def type(self, selector, text):
        element = self.find(selector)
        self.command("POST", f"/element/{element}/clear")
        self.command("POST", f"/element/{element}/value", {"text": text})

    def press(self, *keys):
        """Keys one after the other, to what has the focus; WebDriver §17.4.2 has the codes of special ones."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.command("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def text(self, selector):
        """The text of an element; empty when there is no such element."""
        return self.run("const e = document.querySelector(arguments[0]); return e && e.checkVisibility() ? e.innerText : ''", selector)

    def wait_for(self, what, script, *arguments):
        """Until a script returns something true; that."""
        return wait_until(
            lambda: self.run(script, *arguments), lambda: f"{what}; the page has: {self.run('return document.body.innerText')}")

    def wait_for_text(self, selector, text):
        self.wait_for(f"{text!r} in {selector}", """
            const [selector, text] = arguments;
            return [...document.querySelectorAll(selector)].some((e) => e.checkVisibility() && e.innerText.includes(text));
        """, selector, text)

    # --- what it looks like ---

    def size(self, width, height, mobile=False):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def prefer(self, **media):
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path, most=4000):
        """All of the page, or its upper part, as PNG."""
        height = min(self.run("return document.documentElement.scrollHeight"), most)
        width = self.run("return document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        png = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        with open(path, "wb") as file:
            file.write(squeezed(base64.b64decode(png["data"])))

    # --- what it said and asked for ---

    def collect(self):
        self.log += [json.loads(entry["message"])["message"] for entry in self.command("POST", "/se/log", {"type": "performance"})]

    def requests(self):
        """The addresses that were asked for so far."""
        self.collect()
        return [entry["params"]["request"]["url"] for entry in self.log if entry["method"] == "Network.requestWillBeSent"]

    def messages(self):
        """
        What was written to the console since it was asked last.  Chromium ends requests whenever an address of the namespace changes; the
        page asks again.
        """
        messages = [entry["message"] for entry in self.command("POST", "/se/log", {"type": "browser"})]
        return [message for message in messages if "net::ERR_NETWORK_CHANGED" not in message]
