"""Talks to the testbed with one of Python's HTTP libraries; ends with a complaint, or says that it is
content. Arguments: the library, and HOST:PORT."""

import sys

library, address = sys.argv[1], sys.argv[2]
host, port = address.split(":")
url = "http://" + address
LONG = b"0123456789" * 100_000


def pieces():
    for start in range(0, len(LONG), 65536):
        yield LONG[start : start + 65536]


def with_http_client():
    import http.client

    connection = http.client.HTTPConnection(host, int(port), timeout=30)

    def ask(method, target, **more):
        connection.request(method, target, **more)
        response = connection.getresponse()
        return response, response.read()

    connection.connect()
    ours = connection.sock
    for _ in range(3):
        response, body = ask("GET", "/plaintext")
        assert (response.status, body) == (200, b"Hello, World!"), body
    response, body = ask("HEAD", "/plaintext")
    assert (response.headers["content-length"], body) == ("13", b"")
    assert ask("POST", "/echo", body=LONG)[1] == LONG
    response, body = ask("POST", "/echo", body=pieces(), encode_chunked=True)
    assert body == LONG and response.headers["transfer-encoding"] == "chunked"
    assert ask("GET", "/chunked?n=3&ms=1")[1] == b"chunk 0\nchunk 1\nchunk 2\n"
    for status in (204, 304, 404, 503):
        assert ask("GET", f"/status?code={status}")[0].status == status
    assert ask("POST", "/noread", body=b"unread")[1] == b"noread\n"
    assert ask("GET", "/overlong")[1] == b"01234"
    assert connection.sock is ours, "one connection was enough"
    try:
        ask("GET", "/short")
        raise AssertionError("a short body was taken for a whole one")
    except http.client.IncompleteRead as error:
        assert error.partial == b"0123456789"
    connection.close()
    try:
        ask("GET", "/abort")
        raise AssertionError("half a body was taken for a whole one")
    except http.client.IncompleteRead:
        pass
    connection.close()
    response, body = ask("GET", "/error")
    assert response.status == 500 and response.will_close


def with_urllib():
    import urllib.error
    import urllib.request

    def ask(target, **more):
        return urllib.request.urlopen(urllib.request.Request(url + target, **more), timeout=30)

    assert ask("/plaintext").read() == b"Hello, World!"
    assert ask("/echo", data=LONG).read() == LONG
    assert ask("/bytes?n=1000000").read() == b"x" * 1_000_000
    response = ask("/setheader?value=a%20b")
    assert response.headers["x-set"] == "a b"
    for status in (400, 404, 500):
        try:
            ask(f"/status?code={status}")
            raise AssertionError(f"{status} is no error")
        except urllib.error.HTTPError as error:
            assert error.code == status


def with_requests():
    import requests

    session = requests.Session()
    session.trust_env = False

    def ask(method, target, **more):
        return session.request(method, url + target, timeout=30, **more)

    assert ask("GET", "/plaintext").text == "Hello, World!"
    assert ask("GET", "/json").json() == {"message": "Hello, World!"}
    assert ask("GET", "/headers", headers={"X-One": "1"}).json()["x-one"] == "1"
    assert ask("PUT", "/echo", data=LONG).content == LONG
    assert ask("POST", "/echo", data=pieces()).content == LONG
    assert ask("HEAD", "/plaintext").headers["content-length"] == "13"
    assert ask("DELETE", "/plaintext").headers["allow"] == "GET, HEAD"
    assert ask("GET", "/status", params={"code": 204}).status_code == 204
    lines = ask("GET", "/chunked?n=3&ms=1", stream=True).iter_lines()
    assert list(lines) == [b"chunk 0", b"chunk 1", b"chunk 2"]
    try:
        ask("GET", "/abort")
        raise AssertionError("half a body was taken for a whole one")
    except requests.exceptions.ChunkedEncodingError:
        pass


{"http.client": with_http_client, "urllib": with_urllib, "requests": with_requests}[library]()
print(library, "is content")
