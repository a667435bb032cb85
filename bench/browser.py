"""A light client: one kept connection, cookies, sign-in and forms as a browser does them."""

import re
import socket
from collections.abc import Mapping
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode

Form = Mapping[str, str | list[str]]
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser:
    """Speaks http to a portal on this machine."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}
        self._token = ""
        self.connect()

    def connect(self) -> None:
        """Open the connection anew: the server closes one that is idle."""
        self._connection.close()
        self._connection.connect()
        # A request's head and body are two writes; the second must not wait for the first's acknowledgement.
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page; a form's CSRF token in it is kept."""
        status, _, text = self._send("GET", path, "")
        if found := _TOKEN.search(text):
            self._token = found[1]
        return status, text

    def post(self, path: str, form: Form) -> tuple[int, str]:
        """Send a form with the token of the page seen last; return status and where the answer leads."""
        body = urlencode({"csrfmiddlewaretoken": self._token, **form}, doseq=True)
        status, location, _ = self._send("POST", path, body)
        return status, location

    def sign_in(self, username: str, password: str) -> None:
        """Sign in. SystemExit: the portal refused."""
        self.get("/sign-in/")
        status, _ = self.post("/sign-in/", {"username": username, "password": password})
        if status not in {302, 303}:
            raise SystemExit(f"Signing in as {username} was answered with {status}.")

    def _send(self, method: str, path: str, body: str) -> tuple[int, str, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body or None, headers)
        response = self._connection.getresponse()
        text = response.read().decode(errors="replace")
        for line in response.headers.get_all("Set-Cookie", []):
            self._cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        return response.status, response.getheader("Location", ""), text
